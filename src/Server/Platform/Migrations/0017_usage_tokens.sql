-- A call's tokens are counted apart by what they cost. Here they are all of the prompt and all of the answer, as the summary has them.
create or replace view usage_events as
select 'call_' || replace(k.wallet_id::text, '-', '') || '_' || k.number as id,
  c.id as user_id,
  k.model,
  (select sum(value::bigint) from json_each_text(k.usage::json) where key in (
    'input_tokens', 'cached_input_tokens', 'cache_write_tokens', 'cache_write_1h_tokens', 'cache_write_12h_tokens',
    'input_audio_tokens', 'cached_input_audio_tokens', 'input_image_tokens'))::bigint as input_tokens,
  (select sum(value::bigint) from json_each_text(k.usage::json) where key in (
    'output_tokens', 'reasoning_tokens', 'output_audio_tokens', 'output_image_tokens'))::bigint as output_tokens,
  k.charged * 0.001 as charged_millicredits,
  k.uncharged * 0.001 as uncharged_millicredits,
  k.cost * 0.000000000001 as cost_usd,
  coalesce(e.at, k.started_at) as created_at
from customer c
join call k on k.bucket = bucket_of(c.wallet_id) and k.wallet_id = c.wallet_id
left join entry e on e.bucket = k.bucket and e.wallet_id = k.wallet_id and e.seq = k.entry
union all
select 'ent_' || replace(e.wallet_id::text, '-', '') || '_' || e.seq,
  c.id,
  coalesce(e.quote::json ->> 'subject', 'amount'),
  null,
  null,
  e.amount * -0.001,
  coalesce(u.amount, 0) * 0.001,
  null,
  e.at
from customer c
join entry e on e.bucket = bucket_of(c.wallet_id) and e.wallet_id = c.wallet_id
left join uncharged u on u.bucket = e.bucket and u.wallet_id = e.wallet_id and u.seq = e.seq
where e.kind = 2
  and not exists (select from call k where k.bucket = e.bucket and k.wallet_id = e.wallet_id and k.number = e.hold);
