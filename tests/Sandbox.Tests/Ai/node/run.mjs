// Runs every exported function of a scenario file, each with a key of its own, and prints one line of JSON for each.
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import crypto from 'node:crypto';

const base = new URL(process.env.SANDBOX_URL).origin;
const scenarios = await import(new URL(process.argv[2], `file://${process.cwd()}/`));

class Account {
  constructor() {
    this.base = base;
    this.key = `sk-${crypto.randomBytes(12).toString('hex')}`;
    this.openai = this.openaiWith({});
    this.anthropic = this.anthropicWith({});
  }

  openaiWith(options) {
    return new OpenAI({ apiKey: this.key, baseURL: `${base}/openai/v1`, maxRetries: 0, ...options });
  }

  anthropicWith(options) {
    return new Anthropic({ apiKey: this.key, baseURL: `${base}/anthropic`, maxRetries: 0, ...options });
  }

  chat(more = {}, options) {
    return this.openai.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], ...more }, options);
  }

  message(more = {}, options) {
    return this.anthropic.messages.create({
      model: 'claude-sonnet-5-5', max_tokens: 1000, messages: [{ role: 'user', content: 'Hello' }], ...more,
    }, options);
  }

  async control(method, path, body) {
    const response = await fetch(`${base}/control/ai/${path}`, {
      method, body: body && JSON.stringify(body),
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' },
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`control ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  next(behave, count = 1) {
    return this.control('POST', 'next', { behave, count });
  }

  // What was recorded of the account's calls; a call that its caller left is recorded a little later.
  async served(count) {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const { data } = await this.control('GET', 'served');
      if (data.length >= count) return data;
      if (Date.now() > deadline) throw new Error(`only ${data.length} of ${count} calls were recorded`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async lastRequest() {
    return (await this.control('GET', 'requests?limit=1')).data[0];
  }

  async fails(promise) {
    let answer;
    try { answer = await promise; } catch (error) { return error; }
    throw new Error(`expected a failure, but it succeeded: ${JSON.stringify(answer)}`);
  }

  // All that a stream gives, and the error with which it broke off, if it did.
  async collect(stream) {
    const events = [];
    try {
      for await (const event of await stream) events.push(event);
    } catch (error) {
      return { events, error };
    }
    return { events };
  }
}

for (const [name, scenario] of Object.entries(scenarios)) {
  let line;
  try {
    await scenario(new Account());
    line = { name, ok: true };
  } catch (error) {
    line = { name, ok: false, error: error.stack ?? String(error) };
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
process.exit(0);
