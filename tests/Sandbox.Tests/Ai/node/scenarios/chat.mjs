import assert from 'node:assert/strict';

const words = (text) => Math.ceil(Buffer.byteLength(text) / 4);

export async function a_short_answer_comes_with_its_exact_usage(t) {
  const answer = await t.chat();
  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.model, 'gpt-4o-mini-2024-07-18');
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.choices[0].message.role, 'assistant');
  assert.equal(answer.usage.prompt_tokens, 3 + 3 + 2);
  assert.equal(answer.usage.completion_tokens, words(answer.choices[0].message.content));
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.equal(answer.service_tier, 'default');
}

export async function the_same_prompt_gets_the_same_answer(t) {
  const [one, two] = [await t.chat(), await t.chat()];
  assert.equal(one.choices[0].message.content, two.choices[0].message.content);
  assert.notEqual(one.id, two.id);
}

export async function a_stream_without_include_usage_tells_no_usage(t) {
  const { events } = await t.collect(t.chat({ stream: true }));
  assert.ok(events.every((chunk) => !('usage' in chunk)));
  assert.ok(events.every((chunk) => chunk.choices.length === 1));
  assert.equal(events.at(-1).choices[0].finish_reason, 'stop');
}

export async function a_stream_with_include_usage_ends_with_a_chunk_of_usage(t) {
  const whole = await t.chat();
  const { events } = await t.collect(t.chat({ stream: true, stream_options: { include_usage: true } }));
  const last = events.pop();
  assert.deepEqual(last.choices, []);
  assert.deepEqual(last.usage, whole.usage);
  assert.ok(events.every((chunk) => chunk.usage === null));
  assert.equal(events.map((chunk) => chunk.choices[0].delta.content ?? '').join(''), whole.choices[0].message.content);
}

export async function chunks_are_obfuscated_unless_told_not_to(t) {
  const { events } = await t.collect(t.chat({ stream: true }));
  assert.ok(events.every((chunk) => typeof chunk.obfuscation === 'string'));
  const plain = await t.collect(t.chat({ stream: true, stream_options: { include_obfuscation: false } }));
  assert.ok(plain.events.every((chunk) => !('obfuscation' in chunk)));
}

export async function stream_options_need_a_stream(t) {
  const error = await t.fails(t.chat({ stream_options: { include_usage: true } }));
  assert.equal(error.status, 400);
  assert.equal(error.param, 'stream_options');
}

export async function a_limit_cuts_the_answer(t) {
  for (const name of ['max_tokens', 'max_completion_tokens']) {
    const answer = await t.chat({ [name]: 5 });
    assert.equal(answer.choices[0].finish_reason, 'length');
    assert.equal(answer.usage.completion_tokens, 5);
  }
  const { events } = await t.collect(t.chat({ max_tokens: 5, stream: true }));
  assert.equal(events.at(-1).choices[0].finish_reason, 'length');
  const error = await t.fails(t.chat({ max_tokens: 0 }));
  assert.equal(error.code, 'integer_below_min_value');
}

export async function reasoning_is_part_of_the_completion(t) {
  const answer = await t.chat({ model: 'gpt-5-mini' });
  assert.equal(answer.usage.completion_tokens_details.reasoning_tokens, 64);
  assert.equal(answer.usage.completion_tokens, 64 + words(answer.choices[0].message.content));
  const low = await t.chat({ model: 'gpt-5-mini', reasoning_effort: 'low' });
  assert.equal(low.usage.completion_tokens_details.reasoning_tokens, 32);
  const short = await t.chat({ model: 'o3', max_completion_tokens: 50 });
  assert.equal(short.usage.completion_tokens, 50);
  assert.equal(short.choices[0].message.content, '');
  assert.equal(short.choices[0].finish_reason, 'length');
}

export async function reasoning_models_refuse_max_tokens(t) {
  const error = await t.fails(t.chat({ model: 'o4-mini', max_tokens: 100 }));
  assert.equal(error.status, 400);
  assert.equal(error.code, 'unsupported_parameter');
  assert.equal(error.param, 'max_tokens');
}

export async function several_choices_differ_and_all_count(t) {
  const answer = await t.chat({ n: 3 });
  assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1, 2]);
  assert.equal(new Set(answer.choices.map((choice) => choice.message.content)).size, 3);
  assert.equal(answer.usage.completion_tokens, 60);
  const { events } = await t.collect(t.chat({ n: 3, stream: true, stream_options: { include_usage: true } }));
  assert.equal(events.at(-1).usage.completion_tokens, 60);
  const text = (index) => events.flatMap((chunk) => chunk.choices).filter((choice) => choice.index === index)
    .map((choice) => choice.delta.content ?? '').join('');
  answer.choices.forEach((choice, index) => assert.equal(text(index), choice.message.content));
}

export async function a_stop_sequence_ends_the_answer_before_it(t) {
  const whole = (await t.chat()).choices[0].message.content;
  const word = whole.split(' ')[3];
  const answer = await t.chat({ stop: ['never said', word] });
  assert.equal(answer.choices[0].message.content, whole.slice(0, whole.indexOf(word)));
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.usage.completion_tokens, words(answer.choices[0].message.content));
}

const weather = {
  type: 'function',
  function: {
    name: 'get_weather', description: 'Weather at a place',
    parameters: {
      type: 'object', properties: { place: { type: 'string' }, unit: { enum: ['celsius', 'fahrenheit'] } }, required: ['place'],
    },
  },
};

export async function a_tool_is_called_with_arguments_of_its_schema(t) {
  const answer = await t.chat({ tools: [weather] });
  const call = answer.choices[0].message.tool_calls[0];
  assert.equal(answer.choices[0].finish_reason, 'tool_calls');
  assert.equal(answer.choices[0].message.content, null);
  assert.equal(call.function.name, 'get_weather');
  assert.deepEqual(JSON.parse(call.function.arguments), { place: 'sea', unit: 'celsius' });
  assert.equal(answer.usage.completion_tokens, words('get_weather') + words(call.function.arguments));
  assert.equal(answer.usage.prompt_tokens, 8 + words(JSON.stringify(weather)));
}

export async function the_sdk_assembles_a_streamed_tool_call(t) {
  const stream = t.openai.chat.completions.stream({
    model: 'gpt-4o', messages: [{ role: 'user', content: 'Weather?' }], tools: [weather], stream_options: { include_usage: true },
  });
  const whole = await stream.finalChatCompletion();
  assert.deepEqual(JSON.parse(whole.choices[0].message.tool_calls[0].function.arguments), { place: 'sea', unit: 'celsius' });
  const { arguments: said } = whole.choices[0].message.tool_calls[0].function;
  assert.equal(whole.usage.completion_tokens, words('get_weather') + words(said));
}

export async function the_sdk_runs_tools_to_the_end(t) {
  let asked;
  const runner = t.openai.chat.completions.runTools({
    model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Weather?' }],
    tools: [{
      type: 'function',
      function: { ...weather.function, parse: JSON.parse, function: (input) => { asked = input; return 'fine'; } },
    }],
  });
  assert.match(await runner.finalContent(), /\.$/);
  assert.deepEqual(asked, { place: 'sea', unit: 'celsius' });
}

export async function structured_output_satisfies_the_schema(t) {
  const schema = {
    type: 'object', additionalProperties: false, required: ['title', 'chapters'],
    properties: {
      title: { type: 'string' }, pages: { type: 'integer', minimum: 10 }, done: { type: 'boolean' },
      chapters: { type: 'array', minItems: 2, items: { $ref: '#/$defs/chapter' } },
    },
    $defs: { chapter: { type: 'object', properties: { name: { type: ['string', 'null'] } } } },
  };
  const answer = await t.chat({ response_format: { type: 'json_schema', json_schema: { name: 'book', strict: true, schema } } });
  assert.deepEqual(JSON.parse(answer.choices[0].message.content),
    { title: 'sea', pages: 10, done: true, chapters: [{ name: 'sea' }, { name: 'sea' }] });
  const object = await t.chat({ response_format: { type: 'json_object' } });
  assert.equal(typeof JSON.parse(object.choices[0].message.content), 'object');
}

export async function images_in_prompts_count_by_their_detail(t) {
  const ask = (detail) => t.chat({
    messages: [{ role: 'user', content: [
      { type: 'text', text: 'What is this' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=', detail } },
    ] }],
  });
  const [high, low] = [await ask('high'), await ask('low')];
  assert.equal(high.usage.prompt_tokens, 6 + 3 + 765);
  assert.equal(low.usage.prompt_tokens, 6 + 3 + 85);
  assert.equal(high.usage.prompt_tokens_details.image_tokens, 765);
}

export async function the_tier_used_is_told_whatever_was_asked(t) {
  assert.equal((await t.chat({ service_tier: 'auto' })).service_tier, 'default');
  assert.equal((await t.chat({ service_tier: 'flex' })).service_tier, 'flex');
  assert.equal((await t.chat({ service_tier: 'fast' })).service_tier, 'priority');
  await t.next('service-tier=default');
  assert.equal((await t.chat({ service_tier: 'priority' })).service_tier, 'default');
}

export async function xai_and_google_count_thoughts_in_the_total_only(t) {
  const grok = (await t.chat({ model: 'grok-4' })).usage;
  assert.equal(grok.completion_tokens, 20);
  assert.equal(grok.completion_tokens_details.reasoning_tokens, 64);
  assert.equal(grok.total_tokens, 8 + 20 + 64);
  const gemini = (await t.chat({ model: 'gemini-2.5-flash' })).usage;
  assert.deepEqual(gemini, { prompt_tokens: 8, completion_tokens: 20, total_tokens: 8 + 20 + 64 });
}

export async function deepseek_tells_cache_hits_and_shows_its_thoughts(t) {
  await t.next('cached=5');
  const answer = await t.chat({ model: 'deepseek-v4-pro' });
  assert.equal(answer.usage.prompt_cache_hit_tokens, 5);
  assert.equal(answer.usage.prompt_cache_miss_tokens, 3);
  assert.equal(words(answer.choices[0].message.reasoning_content), 64);
  const { events } = await t.collect(t.chat({ model: 'deepseek-v4-pro', stream: true, stream_options: { include_usage: true } }));
  assert.equal(words(events.map((chunk) => chunk.choices[0]?.delta.reasoning_content ?? '').join('')), 64);
  assert.equal(events.at(-1).usage.completion_tokens, 84);
}

export async function groq_tells_usage_in_its_own_place_too(t) {
  const { events } = await t.collect(t.chat({ model: 'llama-3.3-70b-versatile', stream: true }));
  assert.equal(events.at(-1).x_groq.usage.completion_tokens, 20);
  assert.ok(events.every((chunk) => !('usage' in chunk)));
}

export async function mistral_reports_unasked_and_refuses_to_be_asked(t) {
  const { events } = await t.collect(t.chat({ model: 'mistral-large-2512', stream: true }));
  assert.equal(events.at(-1).choices[0].finish_reason, 'stop');
  assert.equal(events.at(-1).usage.completion_tokens, 20);
  const error = await t.fails(t.chat({ model: 'mistral-large-2512', stream: true, stream_options: { include_usage: true } }));
  assert.equal(error.status, 422);
}
