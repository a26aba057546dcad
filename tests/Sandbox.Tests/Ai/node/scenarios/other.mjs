import assert from 'node:assert/strict';

const words = (text) => Math.ceil(Buffer.byteLength(text) / 4);

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

export async function embeddings_are_floats_of_length_one(t) {
  const answer = await t.openai.embeddings.create({ model: 'text-embedding-3-small', input: ['Hello', 'Bye'], encoding_format: 'float' });
  assert.equal(answer.data.length, 2);
  assert.equal(answer.data[0].embedding.length, 1536);
  const length = Math.hypot(...answer.data[0].embedding);
  assert.ok(Math.abs(length - 1) < 1e-4, `${length}`);
  assert.deepEqual(answer.usage, { prompt_tokens: 3, total_tokens: 3 });
}

export async function embeddings_as_base64_are_the_same_floats(t) {
  const ask = (format) => t.openai.embeddings.create({ model: 'text-embedding-3-large', input: 'Hello', dimensions: 8, encoding_format: format });
  const [floats, decoded] = [await ask('float'), await ask(undefined)];
  assert.equal(floats.data[0].embedding.length, 8);
  floats.data[0].embedding.forEach((value, i) => assert.ok(Math.abs(value - decoded.data[0].embedding[i]) < 1e-6));
  const raw = await ask('base64');
  assert.equal(typeof raw.data[0].embedding, 'string');
}

export async function embeddings_of_tokens_count_the_tokens(t) {
  const answer = await t.openai.embeddings.create({ model: 'text-embedding-3-small', input: [[1, 2, 3], [4]] });
  assert.equal(answer.usage.prompt_tokens, 4);
  assert.equal(answer.data.length, 2);
}

export async function whisper_counts_seconds(t) {
  const json = await transcribe(t, 2300, { model: 'whisper-1' });
  assert.deepEqual(json.usage, { type: 'duration', seconds: 3 });
  const verbose = await transcribe(t, 2300, { model: 'whisper-1', response_format: 'verbose_json' });
  assert.equal(verbose.duration, 2.3);
  assert.equal(verbose.text, json.text);
  assert.equal(verbose.segments[0].end, 2.3);
  const timed = await transcribe(t, 2300, {
    model: 'whisper-1', response_format: 'verbose_json', timestamp_granularities: ['word'],
  });
  assert.equal(timed.words.length, 6);
  assert.equal((await t.served(3))[0].usage.seconds, 2.3);
}

export async function whisper_writes_plain_text_and_subtitles(t) {
  const text = await transcribe(t, 2000, { model: 'whisper-1', response_format: 'text' });
  assert.match(text, /^\w.*\.\n$/);
  const srt = await transcribe(t, 2000, { model: 'whisper-1', response_format: 'srt' });
  assert.match(srt, /^1\n00:00:00,000 --> 00:00:02,000\n/);
  const vtt = await transcribe(t, 2000, { model: 'whisper-1', response_format: 'vtt' });
  assert.match(vtt, /^WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n/);
}

export async function gpt_transcription_counts_tokens(t) {
  const answer = await transcribe(t, 1000, { model: 'gpt-4o-transcribe', prompt: 'Ahoy there' });
  assert.deepEqual(answer.usage, {
    type: 'tokens', input_tokens: 13, input_token_details: { text_tokens: 3, audio_tokens: 10 },
    output_tokens: words(answer.text), total_tokens: 13 + words(answer.text),
  });
  const error = await t.fails(transcribe(t, 1000, { model: 'gpt-4o-transcribe', response_format: 'srt' }));
  assert.equal(error.param, 'response_format');
}

export async function gpt_transcription_streams(t) {
  const { events } = await t.collect(transcribe(t, 3000, { model: 'gpt-4o-mini-transcribe', stream: true }));
  const done = events.pop();
  assert.equal(done.type, 'transcript.text.done');
  assert.equal(done.usage.output_tokens, events.length);
  assert.equal(events.map((event) => event.delta).join(''), done.text);
}

export async function groqs_whisper_tells_no_usage(t) {
  const answer = await transcribe(t, 1000, { model: 'whisper-large-v3' });
  assert.ok(!('usage' in answer));
  assert.match(answer.x_groq.id, /^req_/);
}

export async function gpt_images_count_tokens_by_size_and_quality(t) {
  const answer = await t.openai.images.generate({ model: 'gpt-image-1', prompt: 'A sea', size: '1024x1536', quality: 'high', n: 2 });
  assert.equal(answer.data.length, 2);
  assert.ok(Buffer.from(answer.data[0].b64_json, 'base64').subarray(1, 4).equals(Buffer.from('PNG')));
  assert.equal(answer.usage.input_tokens, 2);
  assert.equal(answer.usage.output_tokens, 2 * 6240);
  assert.equal(answer.usage.total_tokens, 2 + 2 * 6240);
}

export async function gpt_images_stream_and_tell_usage_at_the_end(t) {
  const { events } = await t.collect(t.openai.images.generate({
    model: 'gpt-image-1', prompt: 'A sea', quality: 'low', stream: true, partial_images: 2,
  }));
  assert.deepEqual(events.map((event) => event.type),
    ['image_generation.partial_image', 'image_generation.partial_image', 'image_generation.completed']);
  assert.equal(events.at(-1).usage.output_tokens, 272 + 200);
}

export async function dall_e_gives_an_address_or_the_picture_and_no_usage(t) {
  const answer = await t.openai.images.generate({ model: 'dall-e-3', prompt: 'A sea' });
  assert.ok(!('usage' in answer));
  const picture = await fetch(answer.data[0].url);
  assert.equal(picture.headers.get('content-type'), 'image/png');
  const inline = await t.openai.images.generate({ model: 'dall-e-3', prompt: 'A sea', response_format: 'b64_json' });
  assert.equal(typeof inline.data[0].b64_json, 'string');
}

export async function models_are_listed_and_found(t) {
  const ids = [];
  for await (const model of t.openai.models.list()) ids.push(model.id);
  assert.ok(ids.includes('gpt-4o-mini'));
  assert.equal((await t.openai.models.retrieve('openai/gpt-oss-120b')).id, 'openai/gpt-oss-120b');
  assert.equal((await t.fails(t.openai.models.retrieve('nothing'))).code, 'model_not_found');
}
