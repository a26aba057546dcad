-- What one key of a customer may spend of the wallet. Whatever changes a budget changes its wallet's row too, so that
-- a batch that finds the wallet unchanged knows the same of its budgets.
create table budget (
  bucket       int      not null,
  wallet_id    uuid     not null,
  id           uuid     not null,
  period       smallint not null check (period between 1 and 3),
  amount       bigint   check (amount >= 0),
  period_start date     not null,
  used         bigint   not null default 0 check (used >= 0),
  held         bigint   not null default 0 check (held >= 0),
  closed_at    timestamptz,
  primary key (bucket, wallet_id, id),
  check (used + held <= amount)
) with (fillfactor = 75);

alter table hold
  add column budget        uuid,
  add column budget_period date,
  add check ((budget is null) = (budget_period is null));
