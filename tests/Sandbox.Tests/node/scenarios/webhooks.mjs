import assert from 'node:assert/strict';
import http from 'node:http';

export async function deliveries_are_signed_as_the_sdk_demands(t) {
  const hook = await t.receiver();
  assert.match(hook.endpoint.secret, /^whsec_/);
  await t.stripe.customers.create({ name: 'Äda' });
  await t.until('the delivery', () => hook.received.length === 1);
  const { body, headers } = hook.received[0];
  const event = t.stripe.webhooks.constructEvent(body, headers['stripe-signature'], hook.endpoint.secret);
  assert.equal(event.type, 'customer.created');
  assert.equal(event.data.object.name, 'Äda');
  assert.match(headers['stripe-signature'], /^t=\d+,v1=[0-9a-f]{64}$/);
  assert.equal(headers['content-type'], 'application/json; charset=utf-8');
  assert.match(headers['user-agent'], /^Stripe\/1\.0/);
  assert.throws(() => t.stripe.webhooks.constructEvent(body, headers['stripe-signature'], 'whsec_wrong'));
  assert.equal(event.pending_webhooks, 1);
  await t.until('it to be settled', async () => (await t.stripe.events.retrieve(event.id)).pending_webhooks === 0);
}

export async function the_secret_is_shown_once(t) {
  const hook = await t.receiver();
  const again = await t.stripe.webhookEndpoints.retrieve(hook.endpoint.id);
  assert.equal(again.secret, undefined);
  assert.deepEqual((await t.stripe.webhookEndpoints.list()).data.map((w) => w.secret), [undefined]);
}

export async function endpoints_hear_only_what_they_asked_for(t) {
  const hook = await t.receiver({ events: ['product.created'] });
  await t.stripe.customers.create({});
  await t.stripe.products.create({ name: 'A' });
  await t.until('the delivery', () => hook.received.length > 0);
  await t.stripe.webhookEndpoints.update(hook.endpoint.id, { enabled_events: ['customer.created'] });
  await t.stripe.products.create({ name: 'B' });
  await t.stripe.customers.create({});
  await t.until('the delivery', () => hook.received.length > 1);
  assert.deepEqual(hook.types(), ['product.created', 'customer.created']);
  await t.rejects(t.stripe.webhookEndpoints.update(hook.endpoint.id, { enabled_events: ['nothing.known'] }), { param: 'enabled_events' });
}

export async function a_disabled_or_deleted_endpoint_hears_nothing(t) {
  const hook = await t.receiver();
  await t.stripe.webhookEndpoints.update(hook.endpoint.id, { disabled: true });
  await t.stripe.customers.create({});
  await t.stripe.webhookEndpoints.update(hook.endpoint.id, { disabled: false });
  await t.stripe.products.create({ name: 'A' });
  await t.until('the delivery', () => hook.received.length > 0);
  assert.deepEqual(hook.types(), ['product.created']);
  assert.equal((await t.stripe.webhookEndpoints.del(hook.endpoint.id)).deleted, true);
  await t.rejects(t.stripe.webhookEndpoints.retrieve(hook.endpoint.id), { status: 404 });
}

export async function a_refused_delivery_is_tried_again_with_a_fresh_signature(t) {
  const hook = await t.receiver({ answer: (_, n) => (n < 3 ? 500 : 200) });
  await t.stripe.customers.create({});
  await t.until('three attempts', () => hook.received.length === 3, 30);
  assert.equal(new Set(hook.received.map((d) => d.event.id)).size, 1);
  assert.equal(new Set(hook.received.map((d) => d.headers['stripe-signature'])).size, 3);
  for (const d of hook.received) t.stripe.webhooks.constructEvent(d.body, d.headers['stripe-signature'], hook.endpoint.secret);
}

export async function retries_follow_the_clock_and_end_after_three_days(t) {
  const hook = await t.receiver({ answer: () => 302 });
  const customer = await t.stripe.customers.create({});
  await t.until('the first attempt', () => hook.received.length === 1);
  const event = (await t.stripe.events.list({ type: 'customer.created' })).data[0];
  for (let i = 0; i < 16; i++) {
    const before = hook.received.length;
    const now = (await t.control('clock', { now: customer.created + (i + 1) * 6 * 3600 })).now;
    assert.ok(now > customer.created);
    await t.control('webhooks/flush');
    if (hook.received.length === before) break;
  }
  assert.deepEqual(await t.control('webhooks/flush'), { delivered: 0, failed: 0 });
  assert.deepEqual((await t.stripe.events.list({ delivery_success: false })).data.map((e) => e.id), [event.id]);
}

export async function an_endpoint_that_hangs_keeps_nobody_else_waiting(t) {
  const hanging = http.createServer(() => {});
  await new Promise((resolve) => hanging.listen(0, '127.0.0.1', resolve));
  t.receivers.push(hanging);
  await t.stripe.webhookEndpoints.create({ url: `http://127.0.0.1:${hanging.address().port}/`, enabled_events: ['customer.created'] });
  for (let i = 0; i < 80; i++) await t.stripe.customers.create({});
  const hook = await t.receiver({ events: ['product.created'] });
  await t.stripe.products.create({ name: 'A' });
  await t.until('the delivery', () => hook.received.length === 1, 5);
}

export async function flushing_sends_what_waits_for_its_next_try(t) {
  let up = false;
  const hook = await t.receiver({ answer: () => (up ? 200 : 503) });
  for (let i = 0; i < 3; i++) await t.stripe.customers.create({ name: `c${i}` });
  await t.until('the failures', () => hook.received.length >= 3);
  up = true;
  await t.until('all to arrive', async () => {
    await t.control('webhooks/flush');
    return (await t.stripe.events.list({ delivery_success: false })).data.length === 0;
  });
}

export async function a_rolled_secret_signs_beside_the_old_one_for_a_day(t) {
  const hook = await t.receiver();
  const { secret } = await t.control(`webhook_endpoints/${hook.endpoint.id}/roll`);
  assert.notEqual(secret, hook.endpoint.secret);
  await t.stripe.customers.create({});
  await t.until('the delivery', () => hook.received.length === 1);
  const both = hook.received[0];
  assert.equal(both.headers['stripe-signature'].match(/v1=/g).length, 2);
  for (const s of [secret, hook.endpoint.secret]) t.stripe.webhooks.constructEvent(both.body, both.headers['stripe-signature'], s);
  await t.control('clock', { now: Math.floor(Date.now() / 1000) + 90000 });
  await t.stripe.customers.create({});
  await t.until('the next delivery', () => hook.received.length === 2);
  const one = hook.received[1];
  t.stripe.webhooks.constructEvent(one.body, one.headers['stripe-signature'], secret);
  assert.throws(() => t.stripe.webhooks.constructEvent(one.body, one.headers['stripe-signature'], hook.endpoint.secret));
}

export async function a_delivered_event_can_be_sent_again_by_hand(t) {
  const hook = await t.receiver();
  await t.stripe.customers.create({});
  await t.until('the delivery', () => hook.received.length === 1);
  const answer = await t.control('webhooks/resend', { event: hook.received[0].event.id, webhook_endpoint: hook.endpoint.id });
  assert.deepEqual(answer, { delivered: true });
  assert.equal(hook.received[1].event.id, hook.received[0].event.id);
}

export async function chaos_duplicates_shuffles_and_drops(t) {
  const hook = await t.receiver();
  await t.control('webhooks/chaos', { duplicate: 1 });
  await t.stripe.customers.create({});
  await t.until('both copies', () => hook.received.length === 2);
  assert.equal(hook.received[0].event.id, hook.received[1].event.id);
  await t.control('webhooks/chaos', { drop: 1 });
  await t.stripe.products.create({ name: 'lost' });
  await t.control('webhooks/chaos', { shuffle: 1 });
  await t.stripe.products.create({ name: 'late' });
  await t.until('the late one', () => hook.received.length === 3);
  assert.equal(hook.received[2].event.data.object.name, 'late');
  assert.equal((await t.stripe.events.list({ type: 'product.created', delivery_success: false })).data[0].data.object.name, 'lost');
  await t.rejects(t.control('webhooks/chaos', { drop: 2 }), {});
}

export async function an_endpoint_before_basil_gets_the_old_shapes(t) {
  const old = await t.receiver({ api_version: '2024-06-20', events: ['customer.subscription.created', 'invoice.paid', 'charge.succeeded'] });
  const now = await t.receiver({ events: ['customer.subscription.created', 'invoice.paid'] });
  const customer = await t.stripe.customers.create({ payment_method: 'pm_card_visa' });
  const [method] = (await t.stripe.customers.listPaymentMethods(customer.id)).data;
  const price = await t.stripe.prices.create({ currency: 'usd', unit_amount: 1000, recurring: { interval: 'month' }, product_data: { name: 'Pro' } });
  const subscription = await t.stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], default_payment_method: method.id });
  await t.until('the deliveries', () => old.received.length === 3 && now.received.length === 2);
  const paid = old.received.find((d) => d.event.type === 'invoice.paid').event;
  assert.equal(paid.api_version, '2024-06-20');
  const invoice = paid.data.object;
  assert.equal(invoice.subscription, subscription.id);
  assert.match(invoice.payment_intent, /^pi_/);
  assert.match(invoice.charge, /^ch_/);
  assert.equal(invoice.paid, true);
  assert.equal(invoice.parent, undefined);
  assert.equal(invoice.lines.data[0].price.id, price.id);
  assert.equal(invoice.lines.data[0].type, 'subscription');
  assert.equal(invoice.lines.data[0].proration, false);
  const created = old.received.find((d) => d.event.type === 'customer.subscription.created').event.data.object;
  assert.equal(created.current_period_end, subscription.items.data[0].current_period_end);
  assert.equal(created.items.data[0].current_period_end, undefined);
  const charge = old.received.find((d) => d.event.type === 'charge.succeeded').event.data.object;
  assert.equal(charge.invoice, invoice.id);
  const current = now.received.find((d) => d.event.type === 'invoice.paid').event;
  assert.equal(current.api_version, '2026-10-28.endive');
  assert.equal(current.data.object.parent.subscription_details.subscription, subscription.id);
  assert.equal(current.data.object.subscription, undefined);
}

export async function what_changed_is_told_in_the_shape_of_the_endpoint(t) {
  const old = await t.receiver({ api_version: '2024-06-20', events: ['customer.subscription.updated'] });
  const now = await t.receiver({ events: ['customer.subscription.updated'] });
  const customer = await t.stripe.customers.create({ payment_method: 'pm_card_visa' });
  const [method] = (await t.stripe.customers.listPaymentMethods(customer.id)).data;
  const price = await t.stripe.prices.create({ currency: 'usd', unit_amount: 1000, recurring: { interval: 'month' }, product_data: { name: 'Pro' } });
  const subscription = await t.stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], default_payment_method: method.id });
  const end = subscription.items.data[0].current_period_end;
  await t.control('clock', { now: end });
  await t.until('the deliveries', () => old.received.length === 1 && now.received.length === 1);
  assert.equal(old.received[0].event.data.previous_attributes.current_period_end, end);
  assert.equal(old.received[0].event.data.previous_attributes.items, undefined);
  assert.equal(now.received[0].event.data.previous_attributes.items.data[0].current_period_end, end);
  assert.equal(now.received[0].event.data.previous_attributes.current_period_end, undefined);
}

export async function events_say_which_request_caused_them(t) {
  const customer = await t.stripe.customers.create({}, { idempotencyKey: 'k1' });
  const [event] = (await t.stripe.events.list()).data;
  assert.deepEqual({ ...event.request }, { id: customer.lastResponse.requestId, idempotency_key: 'k1' });
  const byPattern = await t.stripe.events.list({ types: ['customer.created', 'product.created'] });
  assert.equal(byPattern.data.length, 1);
}

export async function an_endpoint_needs_a_real_url(t) {
  await t.rejects(t.stripe.webhookEndpoints.create({ url: 'nowhere', enabled_events: ['*'] }), { param: 'url', code: 'url_invalid' });
}
