create table customer (
  id         text        collate "C" primary key check (length(id) between 1 and 128),
  wallet_id  uuid        not null unique,
  name       text,
  email      text,
  metadata   text        not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- Keys that servers of the product use; only their hash is kept.
create table server_key (
  id         uuid        primary key,
  name       text        not null,
  hash       bytea       not null unique,
  created_at timestamptz not null,
  revoked_at timestamptz
);

-- One row for each recurring job: who holds it runs the job.
create table job (
  name     text primary key,
  last_run timestamptz
);
