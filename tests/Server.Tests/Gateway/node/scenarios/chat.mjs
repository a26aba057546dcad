import assert from 'node:assert/strict';

const weather = {
  type: 'function',
  function: { name: 'get_weather', parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] } },
};

// A credit for each call and each token in, two for each token out.
const price = (usage) => 1 + usage.prompt_tokens + usage.completion_tokens * 2;

export async function an_answer_is_charged_by_its_usage(t) {
  const answer = await t.chat();
  assert.equal(answer.choices[0].finish_reason, 'stop');
  const { charges, balance } = await t.charged(1);
  assert.deepEqual(charges, [price(answer.usage)]);
  assert.equal(balance, 1_000_000 - price(answer.usage));
}

export async function the_answer_names_its_call_and_what_it_cost(t) {
  const { data, response } = await t.chat().withResponse();
  const { data: calls } = await t.charged(1);
  assert.equal(response.headers.get('purser-call-id'), calls[0].id);
  assert.equal(response.headers.get('purser-charged'), String(price(data.usage)));
  assert.equal(response.headers.get('purser-model'), 'openai/gpt-4o-mini');
}

export async function a_stream_without_include_usage_tells_no_usage_and_is_charged_by_it(t) {
  const { events } = await t.collect(t.chat({ stream: true }));
  assert.ok(events.every((chunk) => !('usage' in chunk) && chunk.choices.length === 1));
  assert.equal(events.at(-1).choices[0].finish_reason, 'stop');
  assert.deepEqual((await t.charged(1)).charges, [49]);
}

export async function a_stream_with_include_usage_ends_with_it(t) {
  const { events } = await t.collect(t.chat({ stream: true, stream_options: { include_usage: true } }));
  const last = events.pop();
  assert.deepEqual(last.choices, []);
  assert.ok(events.every((chunk) => chunk.usage === null));
  assert.deepEqual((await t.charged(1)).charges, [price(last.usage)]);
}

export async function the_same_text_comes_whole_and_in_a_stream(t) {
  const whole = (await t.chat()).choices[0].message.content;
  const { events } = await t.collect(t.chat({ stream: true }));
  assert.equal(events.map((chunk) => chunk.choices[0].delta.content ?? '').join(''), whole);
}

export async function tools_are_run_to_the_end(t) {
  let asked;
  const runner = t.openai.chat.completions.runTools({
    model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Weather?' }],
    tools: [{ type: 'function', function: { ...weather.function, parse: JSON.parse, function: (input) => { asked = input; return 'fine'; } } }],
  });
  assert.match(await runner.finalContent(), /\.$/);
  assert.deepEqual(asked, { place: 'sea' });
  const { charges } = await t.charged(2);
  assert.equal(charges.reduce((a, b) => a + b), 2 + (await runner.totalUsage()).prompt_tokens + (await runner.totalUsage()).completion_tokens * 2);
}

export async function a_streamed_tool_call_is_put_together(t) {
  const whole = await t.openai.chat.completions.stream({
    model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Weather?' }], tools: [weather],
  }).finalChatCompletion();
  assert.deepEqual(JSON.parse(whole.choices[0].message.tool_calls[0].function.arguments), { place: 'sea' });
  assert.equal((await t.charged(1)).data[0].state, 'finished');
}

export async function pictures_in_prompts_are_charged(t) {
  const answer = await t.chat({
    messages: [{ role: 'user', content: [
      { type: 'text', text: 'What is this' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
    ] }],
  });
  assert.equal(answer.usage.prompt_tokens, 6 + 3 + 765);
  assert.deepEqual((await t.charged(1)).charges, [price(answer.usage)]);
}

export async function sound_in_prompts_and_answers_has_prices_of_its_own(t) {
  await t.next('audio-input=30, audio-output=40');
  const answer = await t.chat({
    model: 'gpt-audio', modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' },
    messages: [{ role: 'user', content: [
      { type: 'text', text: 'Hello' }, { type: 'input_audio', input_audio: { data: 'A'.repeat(40_000), format: 'wav' } },
    ] }],
  });
  const { audio_tokens: heard } = answer.usage.prompt_tokens_details;
  const { audio_tokens: said } = answer.usage.completion_tokens_details;
  const { charges } = await t.charged(1);
  assert.deepEqual(charges, [1 + (answer.usage.prompt_tokens - heard) + heard * 3 + (answer.usage.completion_tokens - said) * 2 + said * 4]);
}

export async function structured_output_is_parsed(t) {
  const schema = { type: 'object', properties: { pages: { type: 'integer', minimum: 10 } }, required: ['pages'], additionalProperties: false };
  const answer = await t.openai.chat.completions.parse({
    model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }],
    response_format: { type: 'json_schema', json_schema: { name: 'book', strict: true, schema } },
  });
  assert.deepEqual(JSON.parse(answer.choices[0].message.content), { pages: 10 });
  assert.deepEqual((await t.charged(1)).charges, [price(answer.usage)]);
}

export async function reasoning_is_charged_at_its_own_price(t) {
  const answer = await t.chat({ model: 'gpt-5-mini', reasoning_effort: 'high' });
  assert.equal(answer.usage.completion_tokens_details.reasoning_tokens, 128);
  assert.deepEqual((await t.charged(1)).charges, [1 + 8 + 20 * 2 + 128 * 3]);
}

export async function the_tier_that_was_used_is_charged_and_not_the_one_that_was_asked_for(t) {
  await t.chat({ model: 'gpt-5-mini', service_tier: 'flex', reasoning_effort: 'none' });
  await t.next('service-tier=default');
  await t.chat({ model: 'gpt-5-mini', service_tier: 'priority', reasoning_effort: 'none' });
  await t.next('service-tier=priority');
  await t.chat({ model: 'gpt-5-mini', reasoning_effort: 'none' });
  assert.deepEqual((await t.charged(3)).charges, [1 + 4 + 20, 1 + 8 + 40, 1 + 16 + 80]);
}

export async function several_answers_are_all_charged(t) {
  const answer = await t.chat({ n: 3 });
  assert.equal(answer.choices.length, 3);
  assert.deepEqual((await t.charged(1)).charges, [1 + 8 + 60 * 2]);
}

export async function members_that_nobody_here_knows_reach_the_provider(t) {
  await t.chat({ logit_bias: { 50256: -100 }, metadata: { order: 'schön \u{1F30A}' }, prediction: { type: 'content', content: 'Hello' } });
  const body = JSON.parse((await t.lastRequest()).body);
  assert.deepEqual(body, {
    model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], logit_bias: { 50256: -100 },
    metadata: { order: 'schön \u{1F30A}' }, prediction: { type: 'content', content: 'Hello' },
  });
}

export async function a_stream_that_is_left_is_charged_as_far_as_it_came(t) {
  const stream = await t.chat({ model: 'gpt-4o-mini@tokens:900@slow:100ms', stream: true });
  let pieces = 0;
  for await (const chunk of stream) if (chunk.choices[0].delta.content && ++pieces === 5) break;
  const { data: [call] } = await t.charged(1);
  assert.equal(call.state, 'caller_left');
  assert.ok(call.usage.output_tokens >= 5 && call.usage.output_tokens < 50, JSON.stringify(call.usage));
}
