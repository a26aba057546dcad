-- What administrators changed. The status is that of the answer, and there once it was given; all else never changes.
create table audit (
  id         uuid        primary key,
  at         timestamptz not null,
  actor      text        not null,
  method     text        not null,
  path       text        not null,
  status     int,
  note       text,
  request_id text        not null
);

create trigger append_only before delete or update of id, at, actor, method, path, request_id on audit
  for each row execute function refuse_change();
create trigger append_only_whole before truncate on audit for each statement execute function refuse_change();

-- Values that were changed while servers ran. started_with is what the environment said then: where it says something else
-- at a later start, that is a change too, and the newest.
create table switch (
  name         text        primary key,
  value        text        not null,
  started_with text,
  version      bigint      not null default 1,
  changed_at   timestamptz not null,
  changed_by   text        not null
);
