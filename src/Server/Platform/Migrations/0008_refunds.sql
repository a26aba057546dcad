-- Money that went back, or is on its way; asked for here or at Stripe's dashboard.
create table refund (
  id          uuid        primary key,
  order_id    uuid        not null,
  livemode    boolean     not null,
  stripe_id   text        unique,
  state       smallint    not null check (state between 1 and 3),
  minor       bigint      not null check (minor > 0),
  credits     bigint      not null check (credits >= 0),
  hold        bigint,
  spread      text,
  reason      text        not null,
  at_stripe   boolean     not null,
  failure     text,
  request_key uuid        unique,
  request     uuid,
  created_at  timestamptz not null,
  foreign key (order_id, livemode) references orders (id, livemode)
);

create index refund_of_order on refund (order_id, created_at);
create index refund_pending on refund (created_at) where state = 1;

-- Payments that a bank has questioned. What is at stake was computed when it was first heard of.
create table dispute (
  id         text        primary key,
  order_id   uuid        not null,
  livemode   boolean     not null,
  state      smallint    not null check (state between 1 and 3),
  minor      bigint      not null check (minor > 0),
  credits    bigint      not null check (credits >= 0),
  hold       bigint,
  spread     text,
  reason     text        not null,
  created_at timestamptz not null,
  foreign key (order_id, livemode) references orders (id, livemode)
);

create index dispute_of_order on dispute (order_id);
