-- A subscription as Stripe last told it. Reads are numbered before they are made: what an older one found is not written
-- over what a newer one has.
create sequence stripe_read;

create table subscription (
  id               text        primary key,
  customer         text        not null references customer (id),
  livemode         boolean     not null,
  order_id         uuid,
  plan             text        not null,
  interval         smallint    not null,
  price            text        not null,
  item             text        not null,
  status           smallint    not null check (status between 0 and 8),
  period_start     timestamptz not null,
  period_end       timestamptz not null,
  cancel_at        timestamptz,
  ended_at         timestamptz,
  trial_end        timestamptz,
  past_due_since   timestamptz,
  pending_plan     text,
  pending_interval smallint,
  pending_at       timestamptz,
  read             bigint      not null,
  created_at       timestamptz not null,
  updated_at       timestamptz not null,
  foreign key (order_id, livemode) references orders (id, livemode)
);

create index subscription_of_customer on subscription (customer, livemode, created_at desc);

-- A year that was paid for at once: its credits come month by month.
create table paid_year (
  identity     text        primary key,
  subscription text        not null references subscription (id),
  order_id     uuid        not null,
  livemode     boolean     not null,
  starts_at    timestamptz not null,
  ends_at      timestamptz not null,
  paid_minor   bigint      not null check (paid_minor >= 0),
  currency     text        not null,
  months       int         not null default 0 check (months between 0 and 12),
  next_at      timestamptz,
  foreign key (order_id, livemode) references orders (id, livemode)
);

create index paid_year_due on paid_year (next_at) where next_at is not null;
