import assert from 'node:assert/strict';

// Five credits for each token out.
const price = (usage) => 1 + usage.input_tokens + usage.output_tokens * 5;

export async function a_message_is_charged_by_its_usage(t) {
  const message = await t.message({ system: 'Be brief.' });
  assert.equal(message.stop_reason, 'end_turn');
  assert.deepEqual((await t.charged(1)).charges, [price(message.usage)]);
}

export async function a_streamed_message_is_put_together_and_charged_by_its_usage(t) {
  const message = await t.anthropic.messages.stream({
    model: 'claude-sonnet-5-5', max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }],
  }).finalMessage();
  assert.equal(message.usage.output_tokens, 20);
  assert.deepEqual((await t.charged(1)).charges, [price(message.usage)]);
}

export async function events_come_in_order_and_all_of_them(t) {
  const { events } = await t.collect(t.message({ stream: true }));
  assert.deepEqual([...new Set(events.map((event) => event.type))], [
    'message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop',
  ]);
}

export async function thinking_is_part_of_the_output(t) {
  const message = await t.message({ max_tokens: 1000, thinking: { type: 'enabled', budget_tokens: 500 } }).catch((error) => error);
  // Anthropic takes no budget below 1024 tokens.
  assert.equal(message.status, 400);
  const thought = await t.message({ model: 'claude-haiku-4-5', max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 } });
  assert.deepEqual(thought.content.map((block) => block.type), ['thinking', 'text']);
  assert.equal(thought.usage.output_tokens, 32 + 20);
  const streamed = await t.anthropic.messages.stream({
    model: 'claude-haiku-4-5', max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 }, messages: [{ role: 'user', content: 'Hello' }],
  }).finalMessage();
  assert.equal(typeof streamed.content[0].signature, 'string');
  const { charges } = await t.charged(3);
  assert.deepEqual(charges, [0, price(thought.usage), price(streamed.usage)]);
}

const tool = { name: 'look', input_schema: { type: 'object', properties: { at: { type: 'string' } } } };

export async function a_tool_is_used_and_its_result_answered(t) {
  const message = await t.message({ tools: [tool] });
  assert.equal(message.stop_reason, 'tool_use');
  const answered = await t.message({
    tools: [tool],
    messages: [
      { role: 'user', content: 'Hello' }, { role: 'assistant', content: message.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: message.content[0].id, content: 'seen' }] },
    ],
  });
  assert.equal(answered.stop_reason, 'end_turn');
  assert.deepEqual((await t.charged(2)).charges, [price(message.usage), price(answered.usage)]);
}

export async function a_streamed_tool_use_is_put_together(t) {
  const message = await t.anthropic.messages.stream({
    model: 'claude-sonnet-5-5', max_tokens: 100, tools: [tool], messages: [{ role: 'user', content: 'Hello' }],
  }).finalMessage();
  assert.deepEqual(message.content[0].input, { at: 'sea' });
  assert.deepEqual((await t.charged(1)).charges, [price(message.usage)]);
}

const instruction = (name, control) => [{ type: 'text', text: `A long instruction of ${name}. `.repeat(40), cache_control: control }];

export async function what_is_written_to_the_cache_for_minutes_and_read_from_it_has_its_own_prices(t) {
  const system = instruction('minutes', { type: 'ephemeral' });
  const [first, second] = [await t.message({ system }), await t.message({ system })];
  const written = first.usage.cache_creation_input_tokens;
  assert.ok(written > 200 && second.usage.cache_read_input_tokens === written);
  assert.deepEqual((await t.charged(2)).charges, [price(first.usage) + written * 1.25, price(second.usage) + written * 0.1]);
}

export async function what_is_written_to_the_cache_for_an_hour_costs_more(t) {
  const message = await t.message({ system: instruction('hours', { type: 'ephemeral', ttl: '1h' }) });
  const written = message.usage.cache_creation.ephemeral_1h_input_tokens;
  assert.ok(written > 200);
  assert.deepEqual((await t.charged(1)).charges, [price(message.usage) + written * 2]);
}

export async function a_streamed_write_to_the_cache_is_charged_once(t) {
  const message = await t.anthropic.messages.stream({
    model: 'claude-sonnet-5-5', max_tokens: 100, system: instruction('streams', { type: 'ephemeral' }), messages: [{ role: 'user', content: 'Hello' }],
  }).finalMessage();
  assert.deepEqual((await t.charged(1)).charges, [price(message.usage) + message.usage.cache_creation_input_tokens * 1.25]);
}

export async function a_search_of_the_web_has_a_price_of_its_own(t) {
  const message = await t.message({ tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 2 }] });
  assert.equal(message.usage.server_tool_use.web_search_requests, 1);
  assert.deepEqual((await t.charged(1)).charges, [price(message.usage) + 10]);
}

export async function pictures_in_prompts_are_charged(t) {
  const message = await t.message({
    messages: [{ role: 'user', content: [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } }, { type: 'text', text: 'Look' },
    ] }],
  });
  assert.equal(message.usage.input_tokens, 3 + 3 + 765 + 1);
  assert.deepEqual((await t.charged(1)).charges, [price(message.usage)]);
}

export async function tokens_are_counted_and_cost_nothing(t) {
  const ask = { model: 'claude-sonnet-5-5', system: 'Be brief.', messages: [{ role: 'user', content: 'Hello' }] };
  const count = await t.anthropic.messages.countTokens(ask);
  assert.equal(count.input_tokens, 3 + (3 + 3) + (3 + 2));
  const { charges, balance } = await t.charged(0);
  assert.deepEqual([charges, balance], [[], 1_000_000]);
}

export async function a_customer_without_a_credit_may_count(t) {
  const poor = await t.other({ credits: 0 });
  assert.equal((await poor.anthropic.messages.countTokens({ model: 'claude-sonnet-5-5', messages: [{ role: 'user', content: 'Hello' }] })).input_tokens, 8);
}

export async function the_beta_routes_of_the_sdk_work_alike(t) {
  const message = await t.anthropic.beta.messages.create({
    model: 'claude-sonnet-5-5', max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }], betas: ['context-1m-2025-08-07'],
  });
  const request = await t.lastRequest();
  assert.equal(request.path, '/anthropic/v1/messages');
  assert.equal(request.headers['anthropic-beta'], 'context-1m-2025-08-07');
  assert.deepEqual((await t.charged(1)).charges, [price(message.usage)]);
}
