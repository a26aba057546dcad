-- Every catalog that was ever in force, as it was written. Charges name the number, so none of them ever goes or changes.
create table catalog_version (
  number  int         primary key check (number > 0),
  digest  bytea       not null unique check (length(digest) = 32),
  content text        not null,
  at      timestamptz not null
);

create trigger append_only before update or delete on catalog_version for each row execute function refuse_change();
create trigger append_only_whole before truncate on catalog_version for each statement execute function refuse_change();
