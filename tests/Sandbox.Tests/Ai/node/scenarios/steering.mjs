import assert from 'node:assert/strict';

const header = (behave) => ({ headers: { 'Sandbox-Behave': behave } });
const streamed = { stream: true, stream_options: { include_usage: true } };
const text = (events) => events.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
const claude = (events) => events.filter((event) => event.type === 'content_block_delta');

export async function a_behaviour_is_set_by_model_by_queue_or_by_header(t) {
  assert.equal((await t.chat({ model: 'gpt-4o-mini@tokens:7' })).usage.completion_tokens, 7);
  assert.equal((await t.chat({}, header('tokens=8'))).usage.completion_tokens, 8);
  await t.next('tokens=9', 2);
  assert.equal((await t.chat()).usage.completion_tokens, 9);
  assert.equal((await t.message()).usage.output_tokens, 9);
  assert.equal((await t.chat()).usage.completion_tokens, 20);
  await t.next('tokens=9, reasoning=4');
  assert.equal((await t.chat({ model: 'sandbox@tokens:7@cached:2' }, header('tokens=8'))).usage.completion_tokens, 12);
}

export async function a_behaviour_that_does_not_exist_is_refused(t) {
  const error = await t.fails(t.chat({}, header('tokens=8, nonsense=1')));
  assert.equal(error.status, 400);
  assert.match(error.message, /'nonsense=1': no such behaviour/);
  assert.match((await t.fails(t.next('slow=fast'))).message, /needs a time/);
}

export async function an_echo_repeats_what_was_asked(t) {
  const content = 'Ahoy, schöne See \u{1F30A}!';
  const messages = [{ role: 'system', content: 'x' }, { role: 'user', content }];
  const answer = await t.chat({ model: 'sandbox@echo', messages });
  assert.equal(answer.choices[0].message.content, content);
  assert.equal(answer.usage.completion_tokens, Math.ceil(Buffer.byteLength(content) / 4));
  const { events } = await t.collect(t.chat({ model: 'sandbox@echo', messages, ...streamed }));
  assert.equal(text(events), content);
  assert.deepEqual(events.at(-1).usage, answer.usage);
}

export async function chunks_are_as_many_as_asked(t) {
  const { events } = await t.collect(t.chat({ ...streamed, model: 'gpt-4o-mini@tokens:50@chunks:7' }));
  assert.equal(events.filter((chunk) => chunk.choices[0]?.delta.content).length, 7);
  assert.equal(events.at(-1).usage.completion_tokens, 50);
}

export async function chunks_and_the_first_byte_can_be_slow(t) {
  const began = performance.now();
  await t.chat({}, header('ttft=150ms'));
  assert.ok(performance.now() - began >= 145);
  const again = performance.now();
  await t.collect(t.chat({ stream: true }, header('tokens=5, slow=30ms')));
  assert.ok(performance.now() - again >= 145);
}

export async function errors_have_the_body_and_headers_of_openai(t) {
  for (const [behave, status, type, code] of [
    ['error=400', 400, 'invalid_request_error', null], ['error=401', 401, 'invalid_request_error', 'invalid_api_key'],
    ['error=404', 404, 'invalid_request_error', 'model_not_found'], ['error=429', 429, 'requests', 'rate_limit_exceeded'],
    ['error=insufficient_quota', 429, 'insufficient_quota', 'credit_balance_exhausted'],
    ['error=500', 500, 'server_error', null], ['error=503', 503, 'server_error', 'server_is_overloaded'],
  ]) {
    await t.next(behave);
    const error = await t.fails(t.chat());
    assert.equal(error.status, status);
    assert.deepEqual(Object.keys(error.error).sort(), ['code', 'message', 'param', 'type']);
    assert.equal(error.type, type);
    assert.equal(error.code, code);
    assert.match(error.requestID, /^req_/);
    assert.equal(error.headers.get('openai-organization'), 'org-sandbox');
    assert.equal(error.headers.get('x-ratelimit-limit-requests'), '30000');
  }
  assert.ok((await t.served(7)).every((call) => call.outcome === 'refused' && call.usage.input === 0));
}

export async function errors_have_the_body_and_headers_of_anthropic(t) {
  for (const [behave, status, type] of [
    ['error=400', 400, 'invalid_request_error'], ['error=401', 401, 'authentication_error'], ['error=404', 404, 'not_found_error'],
    ['error=429', 429, 'rate_limit_error'], ['error=500', 500, 'api_error'], ['error=529', 529, 'overloaded_error'],
    ['error=insufficient_quota', 400, 'invalid_request_error'],
  ]) {
    await t.next(behave);
    const error = await t.fails(t.message());
    assert.equal(error.status, status);
    assert.equal(error.error.type, 'error');
    assert.equal(error.error.error.type, type);
    assert.equal(error.error.request_id, error.requestID);
    assert.equal(error.headers.get('anthropic-ratelimit-requests-limit'), '4000');
    assert.match(error.headers.get('anthropic-ratelimit-tokens-reset'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  }
}

export async function a_rate_limit_says_when_to_come_back(t) {
  await t.next('error=429');
  assert.equal((await t.fails(t.chat())).headers.get('retry-after'), '1');
  await t.next('error=429, retry-after=7');
  assert.equal((await t.fails(t.message())).headers.get('retry-after'), '7');
}

export async function the_sdks_try_again_and_succeed(t) {
  await t.next('error=429, retry-after=0');
  await t.next('error=503');
  const answer = await t.openaiWith({ maxRetries: 2 }).chat.completions.create({
    model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }],
  });
  assert.equal(answer.choices[0].finish_reason, 'stop');
  await t.next('error=529');
  await t.anthropicWith({ maxRetries: 2 }).messages.create({
    model: 'claude-sonnet-5-5', max_tokens: 10, messages: [{ role: 'user', content: 'Hello' }],
  });
  const calls = await t.served(5);
  assert.deepEqual(calls.map((call) => call.status), [429, 503, 200, 529, 200]);
  assert.deepEqual(calls.map((call) => call.retry_count), ['0', '1', '2', '0', '1']);
}

export async function keys_can_be_wrong(t) {
  const openai = await t.fails(t.openaiWith({ apiKey: 'sk-invalid-key-of-tests' }).models.list());
  assert.equal(openai.status, 401);
  assert.match(openai.message, /Incorrect API key provided: sk-inval\*+ests/);
  const anthropic = await t.fails(t.anthropicWith({ apiKey: 'sk-invalid' }).models.list());
  assert.equal(anthropic.error.error.message, 'invalid x-api-key');
}

export async function an_error_in_mid_stream_breaks_off(t) {
  await t.next('error-mid-stream=5', 2);
  const chat = await t.collect(t.chat(streamed));
  assert.equal(chat.events.filter((chunk) => chunk.choices[0].delta.content).length, 5);
  assert.match(chat.error.message, /had an error/);
  const message = await t.collect(t.message({ stream: true }));
  assert.equal(claude(message.events).length, 5);
  assert.equal(message.error.error.error.type, 'overloaded_error');
  const calls = await t.served(2);
  assert.deepEqual(calls.map((call) => [call.outcome, call.usage.output]), [['failed', 5], ['failed', 5]]);
}

export async function a_stream_can_be_cut(t) {
  await t.next('cut=3', 2);
  const chat = await t.collect(t.chat(streamed));
  assert.equal(chat.events.filter((chunk) => chunk.choices[0].delta.content).length, 3);
  assert.ok(chat.error);
  const message = await t.collect(t.message({ stream: true }));
  assert.equal(claude(message.events).length, 3);
  assert.ok(message.error);
  const calls = await t.served(2);
  assert.deepEqual(calls.map((call) => [call.outcome, call.usage.output]), [['cut', 3], ['cut', 3]]);
}

export async function a_stream_can_end_early_as_if_nothing_were_wrong(t) {
  const { events, error } = await t.collect(t.chat(streamed, header('truncate=3')));
  assert.equal(error, undefined);
  assert.equal(text(events).length, 12);
  assert.ok(events.every((chunk) => chunk.usage === null && chunk.choices[0].finish_reason === null));
  assert.equal((await t.served(1))[0].outcome, 'cut');
}

export async function an_answer_that_is_no_stream_can_be_lost(t) {
  const error = await t.fails(t.chat({}, header('cut=0')));
  assert.equal(error.status, undefined);
  const [call] = await t.served(1);
  assert.deepEqual([call.outcome, call.status, call.usage.output], ['cut', 0, 20]);
}

export async function a_call_can_hang(t) {
  const before = await t.fails(t.openaiWith({ timeout: 200 }).chat.completions.create(
    { model: 'gpt-4o-mini', messages: [] }, header('timeout')));
  assert.match(before.constructor.name, /Timeout/);
  const abort = new AbortController();
  let chunks = 0;
  const stream = await t.chat({ stream: true }, { ...header('hang-after=3'), signal: abort.signal });
  const left = t.collect((async function* () {
    for await (const chunk of stream) { if (chunk.choices[0].delta.content && ++chunks === 3) setTimeout(() => abort.abort(), 100); yield chunk; }
  })());
  await left;
  assert.equal(chunks, 3);
  const calls = await t.served(2);
  assert.deepEqual(calls.map((call) => [call.outcome, call.usage.output]), [['hung', 0], ['hung', 3]]);
}

export async function usage_can_be_missing_null_or_zero(t) {
  for (const [behave, expected] of [['no-usage', undefined], ['usage-null', null]]) {
    assert.equal((await t.chat({}, header(behave))).usage, expected);
    assert.equal((await t.message({}, header(behave))).usage, expected);
    assert.equal((await t.openai.responses.create({ model: 'gpt-4o', input: 'Hello' }, header(behave))).usage, expected);
    const { events } = await t.collect(t.chat(streamed, header(behave)));
    assert.ok(events.every((chunk) => !chunk.usage));
  }
  const zero = (await t.chat({}, header('usage-zero'))).usage;
  assert.deepEqual([zero.prompt_tokens, zero.completion_tokens, zero.total_tokens], [0, 0, 0]);
  assert.ok((await t.served(9)).every((call) => call.usage.output === 20 && call.outcome === 'finished'));
}

export async function usage_can_come_in_other_places(t) {
  const every = (await t.collect(t.chat({ stream: true }, header('usage-every-chunk, tokens=4')))).events;
  assert.deepEqual(every.map((chunk) => chunk.usage.completion_tokens), [0, 1, 2, 3, 4, 4]);
  const last = (await t.collect(t.chat(streamed, header('usage-last-choice, tokens=4')))).events;
  assert.equal(last.at(-1).choices[0].finish_reason, 'stop');
  assert.equal(last.at(-1).usage.completion_tokens, 4);
  assert.ok(last.slice(0, -1).every((chunk) => !('usage' in chunk)));
}

export async function usage_can_be_odd(t) {
  const usage = (await t.chat({}, header('cached=1000, cache-write=50, audio-input=30, audio-output=40'))).usage;
  assert.equal(usage.prompt_tokens, 8 + 30);
  assert.equal(usage.prompt_tokens_details.cached_tokens, 1000);
  assert.equal(usage.prompt_tokens_details.cache_write_tokens, 50);
  assert.equal(usage.prompt_tokens_details.audio_tokens, 30);
  assert.equal(usage.completion_tokens, 20 + 40);
  assert.equal(usage.completion_tokens_details.audio_tokens, 40);
  const claude = (await t.message({}, header('cached=100, cache-write=20, cache-write-1h=30'))).usage;
  assert.equal(claude.input_tokens, 0);
  assert.equal(claude.cache_read_input_tokens, 100);
  assert.equal(claude.cache_creation_input_tokens, 50);
  assert.deepEqual(claude.cache_creation, { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 30 });
}

export async function unknown_models_are_404(t) {
  const error = await t.fails(t.chat({ model: 'gtp-4o' }));
  assert.equal(error.status, 404);
  assert.equal(error.code, 'model_not_found');
}

export async function requests_can_be_read_as_they_came(t) {
  await t.chat({ messages: [{ role: 'user', content: 'schön' }], user: 'someone' }, { headers: { 'Purser-Call-Id': 'call_7' } });
  const request = await t.lastRequest();
  assert.equal(request.path, '/openai/v1/chat/completions');
  assert.equal(request.headers.authorization, `Bearer ${t.key}`);
  assert.deepEqual(JSON.parse(request.body), { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'schön' }], user: 'someone' });
  const [call] = await t.served(1);
  assert.equal(call.purser_call_id, 'call_7');
  assert.equal(call.request_id, request.request_id);
}
