import assert from 'node:assert/strict';

const words = (text) => Math.ceil(Buffer.byteLength(text) / 4);

export async function a_message_comes_with_its_exact_usage(t) {
  const message = await t.message({ system: 'Be brief.' });
  assert.equal(message.type, 'message');
  assert.equal(message.stop_reason, 'end_turn');
  assert.equal(message.usage.input_tokens, 3 + (3 + 3) + (3 + 2));
  assert.equal(message.usage.output_tokens, words(message.content[0].text));
  assert.equal(message.usage.service_tier, 'standard');
  assert.deepEqual(message.usage.cache_creation, { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 });
}

export async function events_come_in_order(t) {
  const whole = await t.message();
  const response = await fetch(`${t.base}/anthropic/v1/messages`, {
    method: 'POST', headers: { 'x-api-key': t.key, 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'claude-sonnet-5-5', max_tokens: 100, stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
  });
  const text = await response.text();
  const names = [...text.matchAll(/^event: (\w+)$/gm)].map((match) => match[1]);
  assert.deepEqual(names, [
    'message_start', 'content_block_start', 'ping', ...Array(20).fill('content_block_delta'), 'content_block_stop',
    'message_delta', 'message_stop',
  ]);
  const { events } = await t.collect(t.message({ stream: true }));
  assert.equal(events[0].message.usage.input_tokens, whole.usage.input_tokens);
  assert.equal(events[0].message.usage.output_tokens, 1);
  assert.equal(events.at(-2).usage.output_tokens, whole.usage.output_tokens);
}

export async function the_sdk_assembles_a_streamed_message(t) {
  const whole = await t.message();
  const message = await t.anthropic.messages.stream({
    model: 'claude-sonnet-5-5', max_tokens: 1000, messages: [{ role: 'user', content: 'Hello' }],
  }).finalMessage();
  assert.equal(message.content[0].text, whole.content[0].text);
  assert.equal(message.usage.output_tokens, whole.usage.output_tokens);
}

export async function the_limit_and_stop_sequences_end_a_message(t) {
  const short = await t.message({ max_tokens: 4 });
  assert.equal(short.stop_reason, 'max_tokens');
  assert.equal(short.usage.output_tokens, 4);
  const whole = await t.message();
  const word = whole.content[0].text.split(' ')[2];
  const stopped = await t.message({ stop_sequences: [word] });
  assert.equal(stopped.stop_reason, 'stop_sequence');
  assert.equal(stopped.stop_sequence, word);
  assert.ok(whole.content[0].text.startsWith(stopped.content[0].text));
}

export async function thinking_is_a_block_and_part_of_the_output(t) {
  const message = await t.message({ max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 } });
  assert.deepEqual(message.content.map((block) => block.type), ['thinking', 'text']);
  assert.equal(message.usage.output_tokens, 32 + 20);
  assert.equal(message.usage.output_tokens_details.thinking_tokens, 32);
  const streamed = await t.anthropic.messages.stream({
    model: 'claude-sonnet-5-5', max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 },
    messages: [{ role: 'user', content: 'Hello' }],
  }).finalMessage();
  assert.equal(streamed.content[0].thinking, message.content[0].thinking);
  assert.equal(typeof streamed.content[0].signature, 'string');
  assert.equal(streamed.usage.output_tokens, 52);
  const error = await t.fails(t.message({ max_tokens: 1500, thinking: { type: 'enabled', budget_tokens: 2000 } }));
  assert.match(error.message, /max_tokens/);
}

const tool = { name: 'look', input_schema: { type: 'object', properties: { at: { type: 'string' }, far: { type: 'boolean' } } } };

export async function a_tool_is_used_and_its_result_answered(t) {
  const message = await t.message({ tools: [tool] });
  assert.equal(message.stop_reason, 'tool_use');
  assert.deepEqual(message.content[0].input, { at: 'sea', far: true });
  assert.equal(message.usage.output_tokens, words('look') + words(JSON.stringify(message.content[0].input)));
  const streamed = await t.anthropic.messages.stream({
    model: 'claude-sonnet-5-5', max_tokens: 1000, tools: [tool], messages: [{ role: 'user', content: 'Hello' }],
  }).finalMessage();
  assert.deepEqual(streamed.content[0].input, message.content[0].input);
  assert.equal(streamed.usage.output_tokens, message.usage.output_tokens);
  const answered = await t.message({
    tools: [tool], messages: [
      { role: 'user', content: 'Hello' }, { role: 'assistant', content: message.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: message.content[0].id, content: 'seen' }] },
    ],
  });
  assert.equal(answered.stop_reason, 'end_turn');
}

export async function a_search_of_the_web_is_counted(t) {
  const ask = { tools: [{ type: 'web_search_20250305', name: 'web_search' }] };
  const message = await t.message(ask);
  assert.deepEqual(message.content.map((block) => block.type), ['server_tool_use', 'web_search_tool_result', 'text']);
  assert.equal(message.usage.server_tool_use.web_search_requests, 1);
  const { events } = await t.collect(t.message({ ...ask, stream: true }));
  const [start, delta] = [events[0].message.usage, events.at(-2).usage];
  assert.equal(delta.input_tokens, start.input_tokens + 100);
  assert.equal(delta.server_tool_use.web_search_requests, 1);
  assert.equal(delta.input_tokens, message.usage.input_tokens);
}

export async function images_count(t) {
  const message = await t.message({
    messages: [{ role: 'user', content: [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } }, { type: 'text', text: 'Look' },
    ] }],
  });
  assert.equal(message.usage.input_tokens, 3 + 3 + 765 + 1);
}

export async function tokens_are_counted_without_an_answer(t) {
  const ask = { model: 'claude-sonnet-5-5', system: 'Be brief.', messages: [{ role: 'user', content: 'Hello' }] };
  const count = await t.anthropic.messages.countTokens(ask);
  const message = await t.anthropic.messages.create({ ...ask, max_tokens: 10 });
  assert.equal(count.input_tokens, message.usage.input_tokens);
}

export async function a_marked_prefix_is_written_once_and_then_read(t) {
  const system = [{ type: 'text', text: 'A long instruction. '.repeat(40), cache_control: { type: 'ephemeral' } }];
  const first = await t.message({ system });
  const second = await t.message({ system });
  const prefix = 3 + 3 + 200;
  assert.equal(first.usage.cache_creation_input_tokens, prefix);
  assert.deepEqual(first.usage.cache_creation, { ephemeral_5m_input_tokens: prefix, ephemeral_1h_input_tokens: 0 });
  assert.equal(first.usage.input_tokens, 3 + 2);
  assert.equal(second.usage.cache_creation_input_tokens, 0);
  assert.equal(second.usage.cache_read_input_tokens, prefix);
  assert.equal(second.usage.input_tokens, 3 + 2);
}

export async function a_missing_version_is_refused(t) {
  const response = await fetch(`${t.base}/anthropic/v1/messages`, { method: 'POST', body: '{}', headers: { 'x-api-key': t.key } });
  assert.equal(response.status, 400);
  const body = await response.json();
  assert.equal(body.type, 'error');
  assert.match(body.error.message, /^anthropic-version/);
  assert.equal(body.request_id, response.headers.get('request-id'));
}

export async function required_fields_are_named(t) {
  assert.match((await t.fails(t.message({ max_tokens: undefined }))).message, /max_tokens: Field required/);
  assert.match((await t.fails(t.message({ messages: undefined }))).message, /messages: Field required/);
  const unknown = await t.fails(t.message({ model: 'gpt-4o' }));
  assert.equal(unknown.status, 404);
  assert.equal(unknown.error.error.type, 'not_found_error');
}

export async function models_are_listed_and_found(t) {
  const ids = [];
  for await (const model of t.anthropic.models.list()) ids.push(model.id);
  assert.ok(ids.includes('claude-sonnet-5-5'));
  assert.equal((await t.anthropic.models.retrieve('claude-haiku-4-5')).id, 'claude-haiku-4-5');
}
