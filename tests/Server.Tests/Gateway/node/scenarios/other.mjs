import assert from 'node:assert/strict';

// Silence of so many milliseconds: 8,000 samples a second of one byte.
function wav(milliseconds) {
  const data = Buffer.alloc(milliseconds * 8);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0); head.writeUInt32LE(36 + data.length, 4); head.write('WAVEfmt ', 8); head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20); head.writeUInt16LE(1, 22); head.writeUInt32LE(8000, 24); head.writeUInt32LE(8000, 28);
  head.writeUInt16LE(1, 32); head.writeUInt16LE(8, 34); head.write('data', 36); head.writeUInt32LE(data.length, 40);
  return new File([head, data], 'talk.wav');
}

const transcribe = (t, milliseconds, more) => t.openai.audio.transcriptions.create({ file: wav(milliseconds), ...more });

export async function embeddings_are_charged_by_their_tokens(t) {
  const answer = await t.openai.embeddings.create({ model: 'text-embedding-3-small', input: ['Hello', 'Bye'] });
  assert.equal(answer.data[0].embedding.length, 1536);
  assert.deepEqual((await t.charged(1)).charges, [1 + 3]);
}

export async function a_transcript_in_json_is_charged_by_the_second(t) {
  const json = await transcribe(t, 2300, { model: 'whisper-1' });
  assert.deepEqual(json.usage, { type: 'duration', seconds: 3 });
  const verbose = await transcribe(t, 2300, { model: 'whisper-1', response_format: 'verbose_json', timestamp_granularities: ['word'] });
  assert.equal(verbose.words.length, 6);
  assert.deepEqual((await t.charged(2)).charges, [1 + 30, 1 + 30]);
}

export async function a_transcript_that_is_no_json_is_charged_by_the_second_all_the_same(t) {
  const text = await transcribe(t, 2300, { model: 'whisper-1', response_format: 'text' });
  assert.match(text, /^\w.*\.\n$/);
  const srt = await transcribe(t, 2300, { model: 'whisper-1', response_format: 'srt' });
  assert.match(srt, /^1\n00:00:00,000 --> 00:00:02,300\n/);
  const vtt = await transcribe(t, 2300, { model: 'whisper-1', response_format: 'vtt' });
  assert.match(vtt, /^WEBVTT\n\n/);
  assert.deepEqual((await t.charged(3)).charges, [1 + 30, 1 + 30, 1 + 30]);
}

export async function a_transcript_in_tokens_is_charged_by_the_token(t) {
  const answer = await transcribe(t, 1000, { model: 'gpt-4o-transcribe', prompt: 'Ahoy there' });
  const { audio_tokens: heard, text_tokens: read } = answer.usage.input_token_details;
  assert.deepEqual((await t.charged(1)).charges, [1 + read + heard * 3 + answer.usage.output_tokens * 2]);
}

export async function a_streamed_transcript_is_charged_by_the_token(t) {
  const { events } = await t.collect(transcribe(t, 3000, { model: 'gpt-4o-transcribe', stream: true }));
  const { usage, text } = events.pop();
  assert.equal(events.map((event) => event.delta).join(''), text);
  assert.deepEqual((await t.charged(1)).charges, [1 + usage.input_token_details.audio_tokens * 3 + usage.output_tokens * 2]);
}

export async function pictures_are_charged_by_the_token(t) {
  const answer = await t.openai.images.generate({ model: 'gpt-image-1', prompt: 'A sea', size: '1024x1536', quality: 'high', n: 2 });
  assert.equal(answer.data.length, 2);
  assert.deepEqual((await t.charged(1)).charges, [1 + 2 + 2 * 6240]);
}

export async function a_streamed_picture_is_charged_by_the_token(t) {
  const { events } = await t.collect(t.openai.images.generate({
    model: 'gpt-image-1', prompt: 'A sea', quality: 'low', stream: true, partial_images: 2,
  }));
  assert.deepEqual(events.map((event) => event.type),
    ['image_generation.partial_image', 'image_generation.partial_image', 'image_generation.completed']);
  const { data: [call] } = await t.charged(1);
  assert.deepEqual([call.state, call.charged], ['finished', 1 + 2 + 272 + 200]);
}

export async function pictures_by_the_piece_are_counted(t) {
  const links = await t.openai.images.generate({ model: 'dall-e-3', prompt: 'A sea', n: 2 });
  assert.equal(links.data.length, 2);
  await t.openai.images.generate({ model: 'dall-e-3', prompt: 'A sea', response_format: 'b64_json' });
  assert.deepEqual((await t.charged(2)).charges, [1 + 80, 1 + 40]);
}

export async function models_are_those_that_the_key_may_use(t) {
  const all = [];
  for await (const model of t.openai.models.list()) all.push(model.id);
  assert.ok(all.includes('gpt-4o-mini') && all.includes('whisper-1') && all.includes('gemini-2.5-flash'));
  assert.ok(!all.some((id) => id.startsWith('claude')));
  const few = await t.other({ key: { models: ['gpt-4o-mini', 'claude-haiku-4-5'] } });
  const [openai, anthropic] = [[], []];
  for await (const model of few.openai.models.list()) openai.push(model.id);
  for await (const model of few.anthropic.models.list()) anthropic.push(model.id);
  assert.deepEqual([openai, anthropic], [['gpt-4o-mini'], ['claude-haiku-4-5']]);
}

export async function a_model_is_found_by_its_names(t) {
  for (const name of ['gpt-4o-mini', 'openai/gpt-4o-mini', 'gpt-4o-mini-2024-07-18'])
    assert.equal((await t.openai.models.retrieve(name)).owned_by, 'openai');
  assert.equal((await t.anthropic.models.retrieve('claude-haiku-4-5')).display_name, 'claude-haiku-4-5');
  assert.equal((await t.fails(t.openai.models.retrieve('nothing'))).code, 'model_not_found');
  const few = await t.other({ key: { models: ['gpt-4o-mini'] } });
  assert.equal((await t.fails(few.openai.models.retrieve('gpt-5-mini'))).status, 404);
}

export async function a_customer_without_a_credit_may_list_models(t) {
  const poor = await t.other({ credits: 0 });
  assert.equal((await poor.openai.models.retrieve('gpt-4o-mini')).object, 'model');
}
