-- What was answered to requests with an Idempotency-Key that no other row remembers. The answer is sealed with a key made
-- of the caller's own keys, so that this table alone says nothing: some answers hold secrets.
create table answered_request (
  key     uuid        primary key,
  request uuid        not null,
  status  int,
  answer  bytea,
  at      timestamptz not null,
  check ((status is null) = (answer is null))
);
