import assert from 'node:assert/strict';

const words = (text) => Math.ceil(Buffer.byteLength(text) / 4);
const create = (t, more = {}) => t.openai.responses.create({ model: 'gpt-4.1-mini', input: 'Hello', ...more });

export async function a_response_comes_with_its_exact_usage(t) {
  const response = await create(t, { instructions: 'Be brief.', metadata: { order: '7' } });
  assert.equal(response.status, 'completed');
  assert.equal(response.usage.input_tokens, 3 + 3 + 3 + 3 + 2);
  assert.equal(response.usage.output_tokens, words(response.output_text));
  assert.equal(response.instructions, 'Be brief.');
  assert.deepEqual(response.metadata, { order: '7' });
}

export async function input_may_be_items(t) {
  const response = await create(t, {
    input: [
      { role: 'user', content: [{ type: 'input_text', text: 'Hello' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Yes?', annotations: [] }] },
      { role: 'user', content: 'Bye.' },
    ],
    previous_response_id: 'resp_before',
  });
  assert.equal(response.usage.input_tokens, 3 + (3 + 2) + (3 + 1) + (3 + 1));
  assert.equal(response.previous_response_id, 'resp_before');
}

export async function events_come_in_order_and_numbered(t) {
  const whole = await create(t);
  const { events } = await t.collect(create(t, { stream: true }));
  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, index) => index));
  const types = events.map((event) => event.type);
  const deltas = types.filter((type) => type === 'response.output_text.delta');
  assert.equal(deltas.length, whole.usage.output_tokens);
  assert.deepEqual(types.filter((type) => type !== 'response.output_text.delta'), [
    'response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added',
    'response.output_text.done', 'response.content_part.done', 'response.output_item.done', 'response.completed',
  ]);
  const last = events.at(-1).response;
  assert.deepEqual(last.usage, whole.usage);
  assert.equal(last.output[0].content[0].text, whole.output_text);
}

export async function the_sdk_assembles_a_streamed_response(t) {
  const response = await t.openai.responses.stream({ model: 'gpt-4.1', input: 'Hello' }).finalResponse();
  assert.match(response.output_text, /\.$/);
}

export async function a_limit_leaves_the_response_incomplete(t) {
  const response = await create(t, { max_output_tokens: 16 });
  assert.equal(response.status, 'incomplete');
  assert.deepEqual(response.incomplete_details, { reason: 'max_output_tokens' });
  assert.equal(response.usage.output_tokens, 16);
  const { events } = await t.collect(create(t, { max_output_tokens: 16, stream: true }));
  assert.equal(events.at(-1).type, 'response.incomplete');
  const error = await t.fails(create(t, { max_output_tokens: 15 }));
  assert.equal(error.code, 'integer_below_min_value');
}

export async function reasoning_is_an_item_and_part_of_the_output(t) {
  const response = await create(t, { model: 'gpt-5', reasoning: { effort: 'high' } });
  assert.deepEqual(response.output.map((item) => item.type), ['reasoning', 'message']);
  assert.equal(response.usage.output_tokens_details.reasoning_tokens, 128);
  assert.equal(response.usage.output_tokens, 128 + 20);
  const { events } = await t.collect(create(t, { model: 'gpt-5', reasoning: { effort: 'high' }, stream: true }));
  assert.deepEqual(events.at(-1).response.usage, response.usage);
}

const tool = { type: 'function', name: 'look', strict: false, parameters: { type: 'object', properties: { at: { type: 'string' } } } };

export async function a_function_is_called_and_its_output_answered(t) {
  const first = await create(t, { tools: [tool] });
  const call = first.output[0];
  assert.equal(call.type, 'function_call');
  assert.deepEqual(JSON.parse(call.arguments), { at: 'sea' });
  assert.equal(first.usage.output_tokens, words('look') + words(call.arguments));
  const second = await create(t, {
    tools: [tool], input: [{ role: 'user', content: 'Hello' }, call, { type: 'function_call_output', call_id: call.call_id, output: 'seen' }],
  });
  assert.match(second.output_text, /\.$/);
}

export async function a_streamed_function_call_is_whole(t) {
  const { events } = await t.collect(create(t, { tools: [tool], stream: true }));
  const done = events.find((event) => event.type === 'response.function_call_arguments.done');
  const said = events.filter((event) => event.type === 'response.function_call_arguments.delta').map((event) => event.delta).join('');
  assert.equal(said, done.arguments);
  assert.equal(events.at(-1).response.usage.output_tokens, words('look') + words(said));
}

export async function a_search_of_the_web_is_an_item_of_its_own(t) {
  const response = await create(t, { tools: [{ type: 'web_search' }] });
  assert.deepEqual(response.output.map((item) => item.type), ['web_search_call', 'message']);
  const { events } = await t.collect(create(t, { tools: [{ type: 'web_search' }], stream: true }));
  const types = events.map((event) => event.type).filter((type) => type.includes('web_search'));
  assert.deepEqual(types, [
    'response.web_search_call.in_progress', 'response.web_search_call.searching', 'response.web_search_call.completed',
  ]);
  assert.equal((await t.served(2))[1].usage.web_searches, 1);
}

export async function structured_output_is_json(t) {
  const response = await create(t, {
    text: { format: { type: 'json_schema', name: 'x', schema: { type: 'object', properties: { n: { type: 'number' } } } } },
  });
  assert.deepEqual(JSON.parse(response.output_text), { n: 1 });
}

export async function an_error_event_breaks_off_the_stream(t) {
  await t.next('error-mid-stream=3');
  const { events, error } = await t.collect(create(t, { stream: true }));
  assert.equal(events.filter((event) => event.type === 'response.output_text.delta').length, 3);
  assert.match(error.message, /had an error/);
}
