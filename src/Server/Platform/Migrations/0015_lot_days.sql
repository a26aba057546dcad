-- What each lot lost, by day of UTC and by which kind of entry. It follows the entries together with the lots, and is as
-- far as they are.
create table lot_day (
  bucket    int      not null,
  wallet_id uuid     not null,
  seq       bigint   not null,
  day       date     not null,
  kind      smallint not null check (kind between 2 and 5),
  amount    bigint   not null,
  primary key (bucket, wallet_id, seq, day, kind)
) with (fillfactor = 75);

create index lot_day_by_day on lot_day (day, kind);

-- The lots follow from the beginning once more, so that the days before this are there too.
update projection set seq = 0;
update lot set remaining = amount;
