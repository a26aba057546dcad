import assert from 'node:assert/strict';

const named = (error) => error.constructor.name;

export async function without_credit_a_call_is_asked_once_and_not_made(t) {
  const poor = await t.other({ credits: 5 });
  const chat = await poor.fails(poor.chat({ max_tokens: 20 }));
  assert.deepEqual([chat.status, chat.code, chat.type], [402, 'insufficient_credits', 'insufficient_quota']);
  assert.match(chat.message, /Required: \d+.*, Available: 5/);
  assert.equal(chat.headers.get('x-should-retry'), 'false');
  const response = await poor.fails(poor.respond({ max_output_tokens: 20, stream: true }));
  assert.equal(response.status, 402);
  const message = await poor.fails(poor.message());
  assert.deepEqual([message.status, message.error.error.type], [402, 'billing_error']);
  assert.match(message.message, /Available: 5/);
  assert.equal(poor.sent, 3);
  assert.deepEqual(await poor.served(), []);
  assert.deepEqual((await poor.charged(0)).data, []);
}

export async function a_budget_that_is_used_up_is_asked_once(t) {
  const tight = await t.other({ key: { budget: { amount: 5, period: 'day' } } });
  const error = await tight.fails(tight.chat({ max_tokens: 20 }));
  assert.deepEqual([error.status, error.code], [402, 'budget_exceeded']);
  assert.equal((await tight.fails(tight.message())).error.error.type, 'billing_error');
  assert.equal(tight.sent, 2);
}

export async function a_key_that_is_not_known_is_an_authentication_error(t) {
  const stranger = await t.other();
  stranger.openai.apiKey = stranger.anthropic.apiKey = `pvk_${'0'.repeat(48)}`;
  const chat = await t.fails(stranger.chat());
  assert.deepEqual([named(chat), chat.status, chat.code], ['AuthenticationError', 401, 'invalid_api_key']);
  const message = await t.fails(stranger.message());
  assert.deepEqual([named(message), message.error.error.type], ['AuthenticationError', 'authentication_error']);
  assert.equal(named(await t.fails(stranger.openai.models.list())), 'AuthenticationError');
  assert.equal(named(await t.fails(stranger.anthropic.models.list())), 'AuthenticationError');
  assert.equal(stranger.sent, 4);
}

export async function a_model_that_the_key_may_not_use_is_a_permission_error(t) {
  const few = await t.other({ key: { models: ['gpt-4o-mini', 'claude-haiku-4-5'] } });
  const chat = await t.fails(few.chat({ model: 'gpt-5-mini' }));
  assert.deepEqual([named(chat), chat.code, chat.param], ['PermissionDeniedError', 'model_not_allowed', 'model']);
  assert.equal(named(await t.fails(few.message())), 'PermissionDeniedError');
  assert.equal(few.sent, 2);
}

export async function a_model_without_a_price_is_not_found(t) {
  const chat = await t.fails(t.chat({ model: 'gpt-9' }));
  assert.deepEqual([named(chat), chat.code], ['NotFoundError', 'model_not_found']);
  const message = await t.fails(t.message({ model: 'gpt-4o-mini' }));
  assert.deepEqual([named(message), message.error.error.type], ['NotFoundError', 'not_found_error']);
  assert.match(message.message, /\/openai\/v1/);
  assert.deepEqual(await t.served(), []);
}

export async function what_the_provider_does_not_like_is_a_bad_request_in_its_words(t) {
  await t.next('error=400', 2);
  const chat = await t.fails(t.chat());
  assert.deepEqual([named(chat), chat.type, chat.message], ['BadRequestError', 'invalid_request_error', '400 The sandbox was asked to refuse this request.']);
  const message = await t.fails(t.message());
  assert.deepEqual([named(message), message.error.error.type], ['BadRequestError', 'invalid_request_error']);
  assert.equal(t.sent, 2);
}

export async function a_rate_limit_of_the_provider_is_tried_again_when_it_says_so(t) {
  await t.next('error=429, retry-after=0');
  await t.next('error=429, retry-after=1');
  const began = performance.now();
  assert.equal((await t.chat()).choices[0].finish_reason, 'stop');
  assert.ok(performance.now() - began >= 1000);
  await t.next('error=429, retry-after=0');
  assert.equal((await t.message()).stop_reason, 'end_turn');
  assert.equal(t.sent, 5);
  const { data } = await t.charged(5);
  assert.deepEqual(data.map((call) => [call.state, call.charged]), [
    ['provider_refused', 0], ['provider_refused', 0], ['finished', 49], ['provider_refused', 0], ['finished', 109],
  ]);
}

export async function a_rate_limit_of_the_provider_that_stays_is_a_rate_limit_error(t) {
  await t.next('error=429, retry-after=0', 6);
  const chat = await t.fails(t.chat());
  assert.deepEqual([named(chat), chat.code, chat.headers.get('retry-after')], ['RateLimitError', 'rate_limit_exceeded', '0']);
  const message = await t.fails(t.message());
  assert.deepEqual([named(message), message.error.error.type], ['RateLimitError', 'rate_limit_error']);
  assert.equal(t.sent, 6);
}

export async function a_rate_limit_of_the_key_is_told_in_the_headers_that_each_sdk_reads(t) {
  const slow = await t.other({ key: { requests_per_minute: 5, tokens_per_minute: 100_000 } });
  const chat = (await slow.chat().withResponse()).response.headers;
  assert.deepEqual([chat.get('x-ratelimit-limit-requests'), chat.get('x-ratelimit-remaining-requests')], ['5', '4']);
  assert.equal(chat.get('x-ratelimit-limit-tokens'), '100000');
  assert.match(chat.get('x-ratelimit-reset-requests'), /^\d+ms$/);
  const message = (await slow.message().withResponse()).response.headers;
  assert.deepEqual([message.get('anthropic-ratelimit-requests-limit'), message.get('anthropic-ratelimit-requests-remaining')], ['5', '3']);
  assert.match(message.get('anthropic-ratelimit-requests-reset'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
}

export async function a_rate_limit_of_the_key_says_when_to_come_back(t) {
  const slow = await t.other({ key: { requests_per_minute: 1 } });
  slow.openai.maxRetries = slow.anthropic.maxRetries = 0;
  await slow.chat();
  const chat = await t.fails(slow.chat());
  assert.deepEqual([named(chat), chat.code, chat.headers.get('retry-after')], ['RateLimitError', 'rate_limit_exceeded', '60']);
  const message = await t.fails(slow.message());
  assert.deepEqual([named(message), message.error.error.type], ['RateLimitError', 'rate_limit_error']);
  assert.equal((await slow.served()).length, 1);
}

export async function an_error_of_the_provider_is_tried_again_by_the_gateway_and_then_by_the_sdk(t) {
  await t.next('error=500', 3);
  assert.equal((await t.chat()).choices[0].finish_reason, 'stop');
  assert.equal(t.sent, 2);
  assert.deepEqual((await t.served()).map((call) => call.status), [500, 500, 500, 200]);
  const { data } = await t.charged(2);
  assert.deepEqual(data.map((call) => [call.state, call.charged]), [['provider_refused', 0], ['finished', 49]]);
}

export async function an_error_of_the_provider_that_stays_is_a_server_error(t) {
  await t.next('error=500', 12);
  assert.equal(named(await t.fails(t.chat())), 'InternalServerError');
  const message = await t.fails(t.message());
  assert.deepEqual([named(message), message.error.error.type], ['InternalServerError', 'api_error']);
  assert.equal(t.sent, 6);
}

export async function an_error_in_mid_stream_breaks_off(t) {
  await t.next('error-mid-stream=5', 2);
  const chat = await t.collect(t.chat({ stream: true }));
  assert.equal(chat.events.filter((chunk) => chunk.choices[0].delta.content).length, 5);
  assert.match(chat.error.message, /had an error/);
  const message = await t.collect(t.message({ stream: true }));
  assert.equal(message.events.filter((event) => event.type === 'content_block_delta').length, 5);
  assert.equal(message.error.error.error.type, 'overloaded_error');
}

export async function a_stream_that_the_provider_cuts_is_an_error_and_not_an_end(t) {
  await t.next('cut=3', 2);
  await t.next('truncate=3', 2);
  for (let i = 0; i < 2; i++) {
    const chat = await t.collect(t.chat({ stream: true }));
    assert.equal(chat.events.filter((chunk) => chunk.choices[0].delta.content).length, 3);
    assert.match(chat.error.message, /broke off/);
    const message = await t.collect(t.message({ stream: true }));
    assert.match(message.error.message, /broke off/);
  }
}

export async function a_body_that_is_not_understood_names_what_is_wrong(t) {
  const chat = await t.fails(t.chat({ max_tokens: 'ten' }));
  assert.deepEqual([named(chat), chat.type, chat.param], ['BadRequestError', 'invalid_request_error', 'max_tokens']);
  const message = await t.fails(t.message({ max_tokens: 'ten' }));
  assert.deepEqual([named(message), message.error.error.type], ['BadRequestError', 'invalid_request_error']);
  assert.match(message.message, /max_tokens/);
}

export async function every_error_has_the_id_of_its_request(t) {
  const chat = await t.fails(t.chat({ model: 'gpt-9' }));
  assert.match(chat.requestID, /^req_/);
  const message = await t.fails(t.message({ model: 'claude-9' }));
  assert.equal(message.requestID, message.error.request_id);
  assert.match(message.requestID, /^req_/);
}
