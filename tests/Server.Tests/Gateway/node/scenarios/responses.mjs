import assert from 'node:assert/strict';

const price = (usage) => 1 + usage.input_tokens + usage.output_tokens * 2;

export async function a_response_is_charged_by_its_usage(t) {
  const response = await t.respond({ instructions: 'Be brief.', metadata: { order: '7' } });
  assert.equal(response.status, 'completed');
  assert.deepEqual((await t.charged(1)).charges, [price(response.usage)]);
}

export async function a_streamed_response_is_put_together_and_charged_by_its_usage(t) {
  const response = await t.openai.responses.stream({ model: 'gpt-4.1-mini', input: 'Hello' }).finalResponse();
  assert.match(response.output_text, /\.$/);
  assert.deepEqual((await t.charged(1)).charges, [price(response.usage)]);
}

export async function events_come_in_order_and_all_of_them(t) {
  const { events } = await t.collect(t.respond({ stream: true }));
  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, index) => index));
  assert.equal(events.at(-1).type, 'response.completed');
}

export async function an_incomplete_response_is_charged(t) {
  const response = await t.respond({ max_output_tokens: 16 });
  assert.equal(response.status, 'incomplete');
  const { events } = await t.collect(t.respond({ max_output_tokens: 16, stream: true }));
  assert.equal(events.at(-1).type, 'response.incomplete');
  assert.deepEqual((await t.charged(2)).charges, [1 + 8 + 32, 1 + 8 + 32]);
}

export async function reasoning_is_charged_at_its_own_price(t) {
  const response = await t.respond({ model: 'gpt-5-mini', reasoning: { effort: 'high' } });
  assert.deepEqual(response.output.map((item) => item.type), ['reasoning', 'message']);
  assert.deepEqual((await t.charged(1)).charges, [1 + 8 + 20 * 2 + 128 * 3]);
}

export async function a_function_is_called_and_its_output_answered(t) {
  const tools = [{ type: 'function', name: 'look', strict: false, parameters: { type: 'object', properties: { at: { type: 'string' } } } }];
  const first = await t.respond({ tools });
  const call = first.output[0];
  assert.deepEqual(JSON.parse(call.arguments), { at: 'sea' });
  const second = await t.respond({
    tools, input: [{ role: 'user', content: 'Hello' }, call, { type: 'function_call_output', call_id: call.call_id, output: 'seen' }],
  });
  assert.match(second.output_text, /\.$/);
  assert.deepEqual((await t.charged(2)).charges, [price(first.usage), price(second.usage)]);
}

export async function a_search_of_the_web_has_a_price_of_its_own(t) {
  const response = await t.respond({ model: 'gpt-5-mini', tools: [{ type: 'web_search' }], max_tool_calls: 2, reasoning: { effort: 'none' } });
  assert.deepEqual(response.output.map((item) => item.type), ['web_search_call', 'message']);
  assert.deepEqual((await t.charged(1)).charges, [price(response.usage) + 10]);
}

export async function a_tool_that_nobody_meters_is_refused(t) {
  const error = await t.fails(t.respond({ tools: [{ type: 'code_interpreter', container: { type: 'auto' } }] }));
  assert.deepEqual([error.status, error.param], [400, 'tools']);
  assert.equal(t.sent, 1);
  assert.deepEqual(await t.served(), []);
}

export async function pictures_in_the_input_are_charged(t) {
  const response = await t.respond({
    input: [{ role: 'user', content: [
      { type: 'input_text', text: 'What is this' }, { type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'auto' },
    ] }],
  });
  assert.ok(response.usage.input_tokens > 765);
  assert.deepEqual((await t.charged(1)).charges, [price(response.usage)]);
}

export async function structured_output_is_parsed(t) {
  const schema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'], additionalProperties: false };
  const response = await t.openai.responses.parse({
    model: 'gpt-4.1-mini', input: 'Hello', text: { format: { type: 'json_schema', name: 'x', strict: true, schema } },
  });
  assert.deepEqual(JSON.parse(response.output_text), { n: 1 });
  assert.deepEqual((await t.charged(1)).charges, [price(response.usage)]);
}

export async function a_background_response_is_refused(t) {
  const error = await t.fails(t.respond({ background: true }));
  assert.deepEqual([error.status, error.param], [400, 'background']);
}

export async function an_error_within_the_stream_reaches_the_caller(t) {
  await t.next('error-mid-stream=3');
  const { events, error } = await t.collect(t.respond({ stream: true }));
  assert.equal(events.filter((event) => event.type === 'response.output_text.delta').length, 3);
  assert.match(error.message, /had an error/);
  assert.equal((await t.charged(1)).data[0].state, 'provider_failed');
}
