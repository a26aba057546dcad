// Runs every exported function of a scenario file, each with an account of its own, and prints one line of JSON for each.
import Stripe from 'stripe';
import http from 'node:http';
import crypto from 'node:crypto';

const base = new URL(process.env.SANDBOX_URL);
const scenarios = await import(new URL(process.argv[2], `file://${process.cwd()}/`));

export function client(key, options = {}) {
  return new Stripe(key, {
    host: base.hostname, port: Number(base.port), protocol: 'http', telemetry: false, maxNetworkRetries: 0, ...options,
  });
}

class Account {
  constructor() {
    this.base = base.origin;
    this.key = `sk_test_${crypto.randomBytes(12).toString('hex')}`;
    this.stripe = client(this.key);
    this.receivers = [];
  }

  client(options) {
    return client(this.key, options);
  }

  async raw(method, path, body, headers = {}) {
    const response = await fetch(base.origin + path, {
      method, body, redirect: 'manual',
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }), ...headers,
      },
    });
    const text = await response.text();
    let json;
    try { json = JSON.parse(text); } catch { json = undefined; }
    return { status: response.status, headers: response.headers, text, json };
  }

  async control(path, body = {}) {
    const answer = await this.raw('POST', `/control/${path}`, JSON.stringify(body), { 'content-type': 'application/json' });
    if (answer.status !== 200) throw new Error(`control ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  async rejects(promise, expected) {
    let error;
    try { await promise; } catch (e) { error = e; }
    if (!error) throw new Error('expected a refusal, but it succeeded');
    for (const [name, value] of Object.entries(expected)) {
      const own = { status: error.statusCode, message: error.message, type: error.type };
      const actual = name in own ? own[name] : error.raw?.[name] ?? error[name];
      const same = value instanceof RegExp ? value.test(actual) : actual === value;
      if (!same) throw new Error(`${name} is ${actual}, not ${value} (${error.message})`);
    }
    return error;
  }

  // A webhook endpoint of the account, and what has arrived there. The answer is a function of the event.
  async receiver({ events = ['*'], answer = () => 200, ...more } = {}) {
    const received = [];
    const server = http.createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const delivery = { body, headers: request.headers, event: JSON.parse(body) };
        received.push(delivery);
        response.statusCode = answer(delivery, received.length);
        response.end();
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.receivers.push(server);
    const url = `http://127.0.0.1:${server.address().port}/hook`;
    const endpoint = await this.stripe.webhookEndpoints.create({ url, enabled_events: events, ...more });
    return { endpoint, received, types: () => received.map((d) => d.event.type) };
  }

  // Asks again until the answer is there; the thing itself is awaited, never a length of time.
  async until(what, look, seconds = 20) {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  async advance(clock, frozenTime) {
    await this.stripe.testHelpers.testClocks.advance(clock, { frozen_time: frozenTime });
    return this.until('the clock', async () => {
      const now = await this.stripe.testHelpers.testClocks.retrieve(clock);
      return now.status === 'ready' && now;
    });
  }

  async types(filter = () => true) {
    const events = await this.stripe.events.list({ limit: 100 });
    return events.data.filter(filter).reverse().map((e) => e.type);
  }
}

for (const [name, scenario] of Object.entries(scenarios)) {
  const account = new Account();
  let line;
  try {
    await scenario(account);
    line = { name, ok: true };
  } catch (error) {
    line = { name, ok: false, error: error.stack ?? String(error) };
  }
  for (const server of account.receivers) { server.closeAllConnections(); server.close(); }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
process.exit(0);
