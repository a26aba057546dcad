// Runs every exported function of a scenario file, each for a customer of its own, and prints one line of JSON for each.
import crypto from 'node:crypto';
import { createRequire } from 'node:module';

// The SDKs are installed once, beside the scenarios of the sandbox.
const sdk = createRequire(new URL('../../../Sandbox.Tests/Ai/node/package.json', import.meta.url));
const Anthropic = sdk('@anthropic-ai/sdk');
const OpenAI = sdk('openai');

const [purser, sandbox] = [process.env.PURSER_URL, process.env.SANDBOX_URL].map((url) => new URL(url).origin);
const scenarios = await import(new URL(process.argv[2], import.meta.url));

async function call(base, key, method, path, body) {
  const response = await fetch(`${base}${path}`, {
    method,
    body: body && JSON.stringify(body),
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
  });
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

const admin = (method, path, body) => call(purser, process.env.PURSER_ADMIN_KEY, method, path, body);
const provider = (method, path, body) => call(sandbox, process.env.SANDBOX_KEY, method, `/control/ai/${path}`, body);

// A customer with credits and a key, who knows nothing else of Purser.
class Caller {
  static async make({ credits = 1_000_000, key = {} } = {}) {
    const caller = new Caller();
    caller.customer = `node_${crypto.randomBytes(6).toString('hex')}`;
    await admin('PUT', `/v1/customers/${caller.customer}`, {});
    if (credits > 0) await admin('POST', `/v1/customers/${caller.customer}/grants`, { amount: credits, source: 'purchase' });
    caller.key = (await admin('POST', `/v1/customers/${caller.customer}/keys`, key)).key;
    caller.mark = (await provider('GET', 'served?limit=10000')).data.at(-1)?.id ?? 0;
    // What the SDKs send, tries again included.
    caller.sent = 0;
    const counted = (...request) => { caller.sent++; return fetch(...request); };
    caller.openai = new OpenAI({ apiKey: caller.key, baseURL: `${purser}/openai/v1`, fetch: counted });
    caller.anthropic = new Anthropic({ apiKey: caller.key, baseURL: `${purser}/anthropic`, fetch: counted });
    return caller;
  }

  other(options) {
    return Caller.make(options);
  }

  chat(more = {}, options) {
    return this.openai.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], ...more }, options);
  }

  respond(more = {}, options) {
    return this.openai.responses.create({ model: 'gpt-4.1-mini', input: 'Hello', ...more }, options);
  }

  message(more = {}, options) {
    return this.anthropic.messages.create({
      model: 'claude-sonnet-5-5', max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }], ...more,
    }, options);
  }

  // The next calls to the provider, whoever makes them.
  next(behave, count = 1) {
    return provider('POST', 'next', { behave, count });
  }

  async served() {
    return (await provider('GET', `served?after=${this.mark}`)).data;
  }

  // What was charged for each call, oldest first, once there are so many and nothing is held for them any more.
  async charged(count) {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const { data } = await admin('GET', `/v1/customers/${this.customer}/calls`);
      const { held, balance } = await admin('GET', `/v1/customers/${this.customer}/balance`);
      if (data.length >= count && held === 0) return { data: data.reverse(), balance, charges: data.map((one) => one.charged) };
      if (Date.now() > deadline) throw new Error(`${data.length} of ${count} calls are settled, ${held} credits are held`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async lastRequest() {
    return (await provider('GET', 'requests?limit=1')).data[0];
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
    await scenario(await Caller.make());
    line = { name };
  } catch (error) {
    line = { name, error: error.stack ?? String(error) };
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
process.exit(0);
