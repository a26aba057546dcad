-- Every table begins its key with bucket, the top ten bits of the wallet's id: the column by which the same schema
-- is spread over several machines. No foreign keys on the way of a charge: each would read and lock one more row.

create table wallet (
  bucket        int         not null,
  id            uuid        not null,
  balance       bigint      not null default 0 check (balance >= 0),
  held          bigint      not null default 0 check (held >= 0),
  owed          bigint      not null default 0 check (owed >= 0),
  seq           bigint      not null default 0 check (seq >= 0),
  holds         bigint      not null default 0 check (holds >= 0),
  at            timestamptz not null default 'epoch',
  head          bytea       not null default '\x0000000000000000000000000000000000000000000000000000000000000000' check (length(head) = 32),
  lots_due      timestamptz,
  frozen_at     timestamptz,
  frozen_reason text,
  primary key (bucket, id),
  check (held <= balance)
) with (fillfactor = 75); -- a charge rewrites the row, and on the same page without touching the index

create table entry (
  bucket    int         not null,
  wallet_id uuid        not null,
  seq       bigint      not null check (seq > 0),
  kind      smallint    not null check (kind between 1 and 5),
  amount    bigint      not null,
  balance   bigint      not null check (balance >= 0),
  owed      bigint      not null check (owed >= 0),
  at        timestamptz not null,
  hash      bytea       not null check (length(hash) = 32),
  hold      bigint,
  shortfall bigint      check (shortfall > 0),
  lot       bigint,
  reason    text,
  reference text,
  quote     text,
  primary key (bucket, wallet_id, seq)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

-- A batch that did not lock its wallets first finds out by this, within its transaction, that one was changed meanwhile.
create function refuse_stale(written bigint, expected bigint) returns void language plpgsql as $$
begin
  if written <> expected then
    raise exception 'a wallet was changed meanwhile' using errcode = 'serialization_failure';
  end if;
end $$;

create trigger append_only before update or delete on entry for each row execute function refuse_change();
create trigger append_only_whole before truncate on entry for each statement execute function refuse_change();

-- What was asked, by the hash of wallet and key; for ever. A table of its own with one index, so that the planner
-- has no other way to look a key up.
create table command (
  bucket    int         not null,
  key       uuid        not null,
  request   uuid        not null,
  refusal   smallint,
  entry     bigint,
  hold      bigint,
  amount    bigint      not null,
  balance   bigint      not null,
  available bigint      not null,
  rest      bigint      not null,
  missing   bigint      not null,
  at        timestamptz not null,
  primary key (bucket, key)
);

create trigger append_only before update or delete on command for each row execute function refuse_change();
create trigger append_only_whole before truncate on command for each statement execute function refuse_change();

create table hold (
  bucket          int         not null,
  wallet_id       uuid        not null,
  number          bigint      not null check (number > 0),
  amount          bigint      not null check (amount >= 0),
  state           smallint    not null check (state between 1 and 4),
  captured        bigint      not null default 0 check (captured >= 0),
  expires_at      timestamptz not null,
  available_after bigint,
  subject         text,
  reason          text,
  reference       text,
  primary key (bucket, wallet_id, number)
) with (fillfactor = 80);

create index hold_due on hold (expires_at, bucket, wallet_id, number) where state = 1;

-- Terms are written once; remaining and reversed follow the entries. How far they have followed stands in projection.
create table lot (
  bucket        int         not null,
  wallet_id     uuid        not null,
  seq           bigint      not null,
  source        smallint    not null check (source between 1 and 5),
  priority      int         not null,
  expires_at    timestamptz,
  paid_minor    bigint,
  paid_currency text        check ((paid_minor is null) = (paid_currency is null)),
  amount        bigint      not null check (amount > 0),
  remaining     bigint      not null check (remaining between 0 and amount),
  reversed      bigint      not null default 0 check (reversed between 0 and amount),
  primary key (bucket, wallet_id, seq)
);

create index lot_due on lot (expires_at, bucket, wallet_id, seq) where remaining > 0 and expires_at is not null;

create table projection (
  bucket    int    not null,
  wallet_id uuid   not null,
  seq       bigint not null default 0,
  primary key (bucket, wallet_id)
) with (fillfactor = 75);
