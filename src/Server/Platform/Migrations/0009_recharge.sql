-- What a customer lets Purser buy without being asked. Attempts are orders like any other.
create table auto_recharge (
  customer          text        not null references customer (id),
  livemode          boolean     not null,
  bucket            int         not null,
  wallet_id         uuid        not null,
  package           text        not null,
  currency          text        not null,
  threshold         bigint      not null check (threshold > 0),
  daily_max_orders  int         not null check (daily_max_orders > 0),
  monthly_max_minor bigint      not null check (monthly_max_minor > 0),
  enabled           boolean     not null,
  since             timestamptz not null,
  why_off           text,
  primary key (customer, livemode)
);

create index auto_recharge_on on auto_recharge (bucket, wallet_id) where enabled;
