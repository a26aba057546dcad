-- From where the credits were taken whose time an order's invoice gave back.
alter table orders add column given_back text;

-- What a subscription's periods are counted from. It is told anew whenever Stripe is asked; until then any beginning will do.
alter table subscription add column anchor timestamptz;
update subscription set anchor = period_start;
alter table subscription alter column anchor set not null;

-- Months that were paid for at once, by a year or by a change within one: their credits come as each begins.
create table paid_months (
  identity     text        primary key,
  subscription text        not null references subscription (id),
  order_id     uuid        not null,
  livemode     boolean     not null,
  currency     text        not null,
  -- Months are counted from the anchor. The next one's number, how many are left, what they bring together and cost.
  anchor       timestamptz not null,
  month        int         not null,
  months_left  int         not null check (months_left >= 0),
  coming       bigint      not null check (coming >= 0),
  minor_left   bigint      not null check (minor_left >= 0),
  -- Credits that would have come, and whose money went back before.
  forgone      bigint      not null default 0 check (forgone >= 0),
  next_at      timestamptz,
  foreign key (order_id, livemode) references orders (id, livemode)
);

create index paid_months_due on paid_months (next_at, identity) where next_at is not null;
create index paid_months_of_order on paid_months (order_id);
create index paid_months_of_subscription on paid_months (subscription);

-- A year said how many of its twelve months were dealt with, and each month brought what the catalog said then. What is
-- left of it brings what its last month brought. A year that ended early counted one more than it granted. Of one whose
-- money went back nothing more comes.
insert into paid_months (identity, subscription, order_id, livemode, currency, anchor, month, months_left, coming, minor_left, next_at)
select identity, subscription, order_id, livemode, currency,
  case when whole then starts_at else ends_at end, case when whole then done else done - 12 end, 12 - done,
  case when refunded then 0 else (12 - done) * monthly end,
  case when refunded then 0 else paid_minor - paid_minor * done / 12 end,
  case when not refunded then next_at end
from (
  select y.*,
    y.months - case when y.next_at is null and y.months > 0
      and not exists (select from order_grant g where g.identity = y.identity || ':m' || (y.months - 1)) then 1 else 0 end as done,
    (y.starts_at at time zone 'UTC' + interval '1 year') at time zone 'UTC' = y.ends_at as whole,
    o.refunded_minor > 0 and o.refunded_minor >= coalesce(o.paid_minor, o.money_minor) as refunded,
    coalesce(
      (select g.credits from order_grant g where starts_with(g.identity, y.identity || ':m') order by g.lot desc limit 1),
      nullif(o.credits, 0),
      (select g.credits from order_grant g join orders s on s.id = g.order_id
       where s.subscription = y.subscription and starts_with(g.identity, 'grant:') order by g.lot desc limit 1),
      0) as monthly
  from paid_year y join orders o on o.id = y.order_id
) year;

drop table paid_year;

-- Credits may be taken from months to come as well as from lots, which comes first where it is written down.
update refund set spread = 'coming:0' || case when spread = '' then '' else ',' || spread end where spread is not null;
update dispute set spread = 'coming:0' || case when spread = '' then '' else ',' || spread end where spread is not null;

-- Goes up whenever a dispute is decided, or frozen anew: what is done in the ledger each time has a name of its own. Only a
-- lost one has taken credits; what is at stake in an open one is found out when it is lost.
alter table dispute add column round int not null default 0;
update dispute set credits = 0, spread = null where state <> 3;

-- Before this there is nothing to buy for a customer, whatever the balance.
alter table auto_recharge add column next_at timestamptz;
update auto_recharge set next_at = since;
alter table auto_recharge alter column next_at set not null;

drop index auto_recharge_on;
create index auto_recharge_due on auto_recharge (next_at) where enabled;
