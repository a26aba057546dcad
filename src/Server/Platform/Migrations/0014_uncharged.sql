-- Usage that was priced while charging was switched off. The entry of that number took nothing and holds the quote.
create table uncharged (
  bucket    int         not null,
  wallet_id uuid        not null,
  seq       bigint      not null,
  amount    bigint      not null check (amount > 0),
  state     smallint    not null check (state between 1 and 4),
  attempts  int         not null default 0,
  charge    bigint,
  reason    text,
  at        timestamptz not null,
  ended_at  timestamptz,
  primary key (bucket, wallet_id, seq),
  check ((charge is not null) = (state = 3)),
  check ((ended_at is not null) = (state >= 3))
) with (fillfactor = 80);

create index uncharged_open on uncharged (at, bucket, wallet_id, seq) where state <= 2;

alter table hold add column uncharged boolean not null default false;

-- What a call would have been charged, where charging was off; and what its provider charges for it, in trillionths of a dollar.
alter table call
  add column uncharged bigint not null default 0 check (uncharged >= 0),
  add column cost      bigint not null default 0 check (cost >= 0);

alter table call_day add column cost numeric not null default 0;

create index call_day_by_day on call_day (day);
