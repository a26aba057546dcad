-- The ledger as people ask about it, in thousandths of a credit and by the product's own names. Nothing is stored here.

create function bucket_of(wallet uuid) returns int language sql immutable parallel safe as
  'select (get_byte(uuid_send(wallet), 0) << 2) | (get_byte(uuid_send(wallet), 1) >> 6)';

create view credit_balance as
select c.id as user_id,
  coalesce(w.balance, 0) * 0.001 as balance_millicredits,
  coalesce(w.held, 0) * 0.001 as held_millicredits,
  coalesce(w.owed, 0) * 0.001 as owed_millicredits,
  w.at as updated_at
from customer c
left join wallet w on w.bucket = bucket_of(c.wallet_id) and w.id = c.wallet_id;

create view credit_ledger as
select 'ent_' || replace(e.wallet_id::text, '-', '') || '_' || e.seq as id,
  c.id as user_id,
  e.seq,
  case e.kind
    when 1 then case l.source when 1 then 'purchase' when 2 then 'subscription' when 3 then 'promotion' when 4 then 'referral' else 'adjustment' end
    when 2 then 'deduction'
    when 3 then 'expiry'
    when 4 then 'refund'
    else 'adjustment'
  end as type,
  e.amount * 0.001 as amount_millicredits,
  e.balance * 0.001 as balance_after_millicredits,
  e.reason as description,
  e.reference as reference_id,
  e.at as created_at
from customer c
join entry e on e.bucket = bucket_of(c.wallet_id) and e.wallet_id = c.wallet_id
left join lot l on l.bucket = e.bucket and l.wallet_id = e.wallet_id and l.seq = e.seq;

-- Calls by what was written of them, and by the ledger alone what was charged without one.
create view usage_events as
select 'call_' || replace(k.wallet_id::text, '-', '') || '_' || k.number as id,
  c.id as user_id,
  k.model,
  (k.usage::json ->> 'input_tokens')::bigint as input_tokens,
  (k.usage::json ->> 'output_tokens')::bigint as output_tokens,
  k.charged * 0.001 as charged_millicredits,
  k.uncharged * 0.001 as uncharged_millicredits,
  k.cost * 0.000000000001 as cost_usd,
  coalesce(e.at, k.started_at) as created_at
from customer c
join call k on k.bucket = bucket_of(c.wallet_id) and k.wallet_id = c.wallet_id
left join entry e on e.bucket = k.bucket and e.wallet_id = k.wallet_id and e.seq = k.entry
union all
select 'ent_' || replace(e.wallet_id::text, '-', '') || '_' || e.seq,
  c.id,
  coalesce(e.quote::json ->> 'subject', 'amount'),
  null,
  null,
  e.amount * -0.001,
  coalesce(u.amount, 0) * 0.001,
  null,
  e.at
from customer c
join entry e on e.bucket = bucket_of(c.wallet_id) and e.wallet_id = c.wallet_id
left join uncharged u on u.bucket = e.bucket and u.wallet_id = e.wallet_id and u.seq = e.seq
where e.kind = 2
  and not exists (select from call k where k.bucket = e.bucket and k.wallet_id = e.wallet_id and k.number = e.hold);

-- What was earned, in double entry, in the smallest unit of each currency. What is paid for credits is owed to the customer
-- until they are used: of each lot so much is earned by a day as of its credits are gone by then. It follows from the
-- ledger, the orders and the calls, so it can be read for any day again and comes out the same.
create view journal as
with lost as (
  select d.wallet_id, d.seq, d.day, d.kind, l.paid_currency,
    div(l.paid_minor * 1000000::numeric * sum(d.amount) over lots, l.amount)
      - div(l.paid_minor * 1000000::numeric * (sum(d.amount) over lots - d.amount), l.amount) as millionths
  from lot_day d
  join lot l on l.bucket = d.bucket and l.wallet_id = d.wallet_id and l.seq = d.seq
  where l.paid_minor > 0
  window lots as (partition by d.bucket, d.wallet_id, d.seq order by d.day, d.kind)
), posting (kind, source, day, currency, amount, debited, credited) as (
  select 'purchase', 'ord_' || replace(id::text, '-', ''), (paid_at at time zone 'UTC')::date, currency,
    coalesce(paid_minor, money_minor)::numeric, 'cash', 'deferred_revenue'
  from orders where paid_at is not null
  union all
  -- Paid for elsewhere: the product said so when it granted them.
  select 'purchase', 'ent_' || replace(l.wallet_id::text, '-', '') || '_' || l.seq, (e.at at time zone 'UTC')::date, l.paid_currency,
    l.paid_minor::numeric, 'cash', 'deferred_revenue'
  from lot l
  join entry e on e.bucket = l.bucket and e.wallet_id = l.wallet_id and e.seq = l.seq
  where l.paid_minor > 0 and not exists (
    select from order_grant g
    join orders o on o.id = g.order_id
    join customer c on c.id = o.customer
    where c.wallet_id = l.wallet_id and g.lot = l.seq)
  union all
  select case kind when 2 then 'consumption' when 3 then 'expiry' when 4 then 'reversal' else 'adjustment' end,
    'ent_' || replace(wallet_id::text, '-', '') || '_' || seq, day, paid_currency, millionths * 0.000001, 'deferred_revenue',
    case kind when 2 then 'revenue' when 4 then 'refunds' else 'breakage' end
  from lost
  union all
  select 'refund', 'ref_' || replace(r.id::text, '-', ''), (r.created_at at time zone 'UTC')::date, o.currency, r.minor::numeric,
    'refunds', 'cash'
  from refund r
  join orders o on o.id = r.order_id
  where r.state = 2
  union all
  -- What went back without a refund, a lost dispute took.
  select 'dispute', 'ord_' || replace(o.id::text, '-', ''), (lost.at at time zone 'UTC')::date, o.currency,
    o.refunded_minor - coalesce(returned.minor, 0), 'refunds', 'cash'
  from orders o
  join lateral (select max(created_at) as at from dispute where order_id = o.id) lost on lost.at is not null
  left join lateral (select sum(minor) as minor from refund where order_id = o.id and state = 2) returned on true
  union all
  select 'cost', model, day, 'usd', sum(cost) * 0.0000000001, 'cogs', 'payable' from call_day group by model, day
)
select p.kind || ':' || p.source || ':' || p.day as transaction, p.kind, p.source, p.day, line.account, line.debit, line.credit, p.currency
from posting p
cross join lateral (values
  (p.debited, greatest(p.amount, 0), greatest(-p.amount, 0)),
  (p.credited, greatest(-p.amount, 0), greatest(p.amount, 0))) as line (account, debit, credit)
where p.amount <> 0;

-- What somebody should look at. Found again, it is the same alert until it is closed.
create table alert (
  id        uuid        primary key,
  kind      text        not null,
  subject   text        not null,
  detail    text        not null,
  at        timestamptz not null,
  last_at   timestamptz not null,
  closed_at timestamptz,
  closed_by text,
  check ((closed_at is null) = (closed_by is null))
);

create unique index alert_open on alert (kind, subject) where closed_at is null;
