-- What Stripe told us, as it came. Applying it fetches the object it is about; the text is kept for people to read.
create table webhook_event (
  id              text        primary key,
  type            text        not null,
  object          text,
  livemode        boolean     not null,
  api_version     text,
  created         timestamptz not null,
  received_at     timestamptz not null,
  body            bytea       not null,
  state           smallint    not null check (state between 1 and 5),
  attempts        int         not null default 0,
  next_attempt_at timestamptz,
  error           text,
  finished_at     timestamptz,
  check ((next_attempt_at is null) = (state in (2, 3, 5)))
) with (fillfactor = 80);

-- What is still to be applied, and what a person asks for.
create index webhook_event_due on webhook_event (next_attempt_at) where next_attempt_at is not null;
create index webhook_event_by_state on webhook_event (state, received_at desc, id desc);
create index webhook_event_by_time on webhook_event (received_at desc, id desc);
