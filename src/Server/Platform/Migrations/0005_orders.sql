-- Money coming in. Every row says whether it is of Stripe's live or its test mode, and nothing joins the two.

-- One customer at Stripe for each of ours. The key is saved before the call that creates it, so that it is made once.
create table stripe_customer (
  customer   text        not null references customer (id),
  livemode   boolean     not null,
  stripe_id  text        unique,
  key        uuid        not null,
  created_at timestamptz not null,
  primary key (customer, livemode)
);

-- One purchase attempt, with a snapshot of what was offered: what the catalog says later does not touch it.
create table orders (
  id             uuid        primary key,
  customer       text        not null references customer (id),
  livemode       boolean     not null,
  kind           smallint    not null check (kind between 1 and 4),
  state          smallint    not null check (state between 1 and 7),
  offer          text        not null,
  terms          text        not null,
  money_minor    bigint      not null check (money_minor >= 0),
  currency       text        not null,
  credits        bigint      not null check (credits >= 0),
  request_key    uuid,
  request        uuid,
  success_url    text,
  cancel_url     text,
  session        text        unique,
  url            text,
  payment_intent text        unique,
  charge         text,
  invoice        text        unique,
  subscription   text,
  receipt_url    text,
  paid_minor     bigint      check (paid_minor >= 0),
  refunded_minor bigint      not null default 0 check (refunded_minor between 0 and coalesce(paid_minor, money_minor)),
  returned       bigint      not null default 0 check (returned >= 0),
  disputed       boolean     not null default false,
  expired        boolean     not null default false,
  failure        text,
  created_at     timestamptz not null,
  expires_at     timestamptz,
  paid_at        timestamptz,
  looked_at      timestamptz,
  -- What belongs to an order names it with its mode, so that nothing of one mode ever hangs on the other.
  unique (id, livemode)
);

create unique index orders_request on orders (customer, livemode, request_key) where request_key is not null;
-- A customer has one open session for an offer, and one automatic purchase under way.
create unique index orders_open on orders (customer, livemode, offer) where state = 1 and kind <= 2;
create unique index orders_recharge on orders (customer, livemode) where state = 1 and kind = 4;
create index orders_of_customer on orders (customer, created_at desc, id desc);
create index orders_waiting on orders (created_at) where state = 1;
create index orders_of_charge on orders (charge) where charge is not null;
create index orders_of_subscription on orders (subscription) where subscription is not null;

-- What an order brought, by the name of what was paid for at Stripe: a session, a line of an invoice, a month of a year.
-- The grant itself has the same name as its key in the ledger, in its own transaction: this row only remembers where.
create table order_grant (
  identity   text        primary key,
  order_id   uuid        not null,
  livemode   boolean     not null,
  lot        bigint      not null,
  credits    bigint      not null check (credits > 0),
  paid_minor bigint      not null check (paid_minor >= 0),
  created_at timestamptz not null,
  foreign key (order_id, livemode) references orders (id, livemode)
);

create index order_grant_of_order on order_grant (order_id);

-- Every price that was ever made at Stripe for something of the catalog: an old one still says what was sold for it.
create table stripe_price (
  id         text        primary key,
  livemode   boolean     not null,
  product    text        not null,
  kind       smallint    not null check (kind in (1, 2)),
  code       text        not null,
  interval   smallint    check ((interval is null) = (kind = 1)),
  currency   text        not null,
  minor      bigint      not null check (minor > 0),
  created_at timestamptz not null
);

create index stripe_price_of on stripe_price (livemode, kind, code, currency);
