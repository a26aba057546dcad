-- Keys for the gateway, by their hashes. What a key may spend, and whether it still may, stands in its budget.
create table virtual_key (
  id                  uuid        primary key,
  customer            text        not null references customer (id),
  hash                bytea       not null unique check (length(hash) = 32),
  name                text,
  models              text[],
  requests_per_minute int         check (requests_per_minute > 0),
  tokens_per_minute   bigint      check (tokens_per_minute > 0),
  created_at          timestamptz not null,
  revoked_at          timestamptz
);

create index virtual_key_of_customer on virtual_key (customer, id);

-- A customer's own keys at providers, sealed.
create table provider_key (
  customer   text        not null references customer (id),
  provider   text        not null,
  sealed     bytea       not null,
  created_at timestamptz not null,
  primary key (customer, provider)
);

-- One attempt at one provider, under the number of its hold; written with its settlement, in one transaction.
create table call (
  bucket           int         not null,
  wallet_id        uuid        not null,
  number           bigint      not null,
  key              uuid        not null,
  wire             smallint    not null,
  model            text        not null,
  stream           boolean     not null,
  own_key          boolean     not null,
  ending           smallint    not null,
  estimated        boolean     not null,
  held             bigint      not null check (held >= 0),
  charged          bigint      not null check (charged >= 0),
  shortfall        bigint      not null check (shortfall >= 0),
  entry            bigint,
  usage            text,
  service_tier     text,
  limited_to       bigint,
  fallback_of      bigint,
  provider_status  int,
  provider_request text,
  started_at       timestamptz not null,
  first_byte_ms    int,
  took_ms          int         not null,
  primary key (bucket, wallet_id, number)
);

create index call_of_key on call (bucket, wallet_id, key, number);

-- Sums of the calls, written with them.
create table call_day (
  bucket        int    not null,
  wallet_id     uuid   not null,
  day           date   not null,
  key           uuid   not null,
  model         text   not null,
  calls         bigint not null,
  prompt_tokens bigint not null,
  cached_tokens bigint not null,
  answer_tokens bigint not null,
  charged       bigint not null,
  primary key (bucket, wallet_id, day, key, model)
) with (fillfactor = 75);

-- Calls that have been under way for a while: how far they are, so that they can be settled without their server.
create table running_call (
  bucket          int         not null,
  wallet_id       uuid        not null,
  number          bigint      not null,
  key             uuid        not null,
  wire            smallint    not null,
  model           text        not null,
  stream          boolean     not null,
  own_key         boolean     not null,
  service_tier    text,
  usage           text,
  guessed_input   text        not null,
  produced_bytes  bigint      not null,
  started_at      timestamptz not null,
  beat            bigint      not null,
  primary key (bucket, wallet_id, number)
) with (fillfactor = 50);
