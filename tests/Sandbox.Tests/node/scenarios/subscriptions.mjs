import assert from 'node:assert/strict';

const day = 86400;
const start = Date.UTC(2027, 0, 31, 10, 0, 0) / 1000;

async function world(t, { card = 'pm_card_visa', amount = 1000, interval = 'month', ...more } = {}) {
  const clock = await t.stripe.testHelpers.testClocks.create({ frozen_time: start });
  const customer = await t.stripe.customers.create({ test_clock: clock.id, email: 'ada@example.com' });
  const method = card ? await t.stripe.paymentMethods.attach(card, { customer: customer.id }) : undefined;
  if (method) await t.stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
  const product = await t.stripe.products.create({ name: 'Pro' });
  const plan = (unit, every = interval, extra = {}) => t.stripe.prices.create({
    product: product.id, currency: 'usd', unit_amount: unit, recurring: { interval: every }, ...extra,
  });
  const price = await plan(amount);
  const subscribe = (extra = {}) => t.stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], ...more, ...extra });
  return { clock, customer, method, price, plan, subscribe };
}

const invoices = async (t, subscription) => (await t.stripe.invoices.list({ subscription: subscription.id, limit: 100 })).data.reverse();

export async function a_subscription_is_paid_at_once_and_renews_on_the_anchor(t) {
  const w = await world(t);
  const subscription = await w.subscribe({ metadata: { user: 'u1' } });
  assert.deepEqual([subscription.status, subscription.billing_mode.type], ['active', 'flexible']);
  assert.equal('current_period_end' in subscription, false);
  const item = subscription.items.data[0];
  assert.deepEqual([item.current_period_start, item.current_period_end], [start, Date.UTC(2027, 1, 28, 10) / 1000]);
  await t.advance(w.clock.id, item.current_period_end + 60);
  const drafted = await t.stripe.invoices.retrieve((await t.stripe.subscriptions.retrieve(subscription.id)).latest_invoice);
  assert.deepEqual([drafted.status, drafted.billing_reason, drafted.auto_advance], ['draft', 'subscription_cycle', true]);
  await t.advance(w.clock.id, item.current_period_end + 3700);
  const paid = await t.stripe.invoices.retrieve(drafted.id, { expand: ['payments.data.payment.payment_intent'] });
  assert.deepEqual([paid.status, paid.amount_paid, paid.attempt_count], ['paid', 1000, 1]);
  assert.equal(paid.payments.data[0].payment.payment_intent.status, 'succeeded');
  const line = paid.lines.data[0];
  // The 31st comes back after February.
  assert.deepEqual([line.period.start, line.period.end], [item.current_period_end, Date.UTC(2027, 2, 31, 10) / 1000]);
  assert.equal(line.parent.subscription_item_details.subscription, subscription.id);
  assert.equal(paid.parent.subscription_details.metadata.user, 'u1');
  const types = await t.types((e) => e.created >= item.current_period_end);
  assert.deepEqual(types.filter((x) => !x.startsWith('test_helpers')), ['customer.subscription.updated', 'invoice.created', 'invoice.finalized',
    'payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded', 'invoice.paid', 'invoice.payment_succeeded', 'invoice_payment.paid']);
  const rolled = (await t.stripe.events.list({ type: 'customer.subscription.updated' })).data[0];
  assert.equal(rolled.data.previous_attributes.items.data[0].current_period_end, item.current_period_end);
  const upcoming = (await t.stripe.events.list({ type: 'invoice.upcoming' })).data[0];
  assert.equal(upcoming.data.object.amount_due, 1000);
  const viaIntent = await t.stripe.invoicePayments.list({
    payment: { type: 'payment_intent', payment_intent: paid.payments.data[0].payment.payment_intent.id },
  });
  assert.equal(viaIntent.data[0].invoice, paid.id);
}

export async function a_trial_tells_of_its_end_and_then_is_paid(t) {
  const w = await world(t);
  const subscription = await w.subscribe({ trial_period_days: 7 });
  assert.deepEqual([subscription.status, subscription.trial_end], ['trialing', start + 7 * day]);
  // A change in between does not make Stripe forget to tell.
  await t.stripe.subscriptions.update(subscription.id, { metadata: { a: '1' } });
  const [first] = await invoices(t, subscription);
  assert.deepEqual([first.amount_due, first.status], [0, 'paid']);
  await t.advance(w.clock.id, start + 4 * day + 1);
  assert.equal((await t.stripe.events.list({ type: 'customer.subscription.trial_will_end' })).data[0].created, start + 4 * day);
  await t.advance(w.clock.id, start + 7 * day + 4000);
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'active');
  const [, second] = await invoices(t, subscription);
  assert.deepEqual([second.status, second.amount_paid], ['paid', 1000]);
  const turned = (await t.stripe.events.list({ type: 'customer.subscription.updated' })).data
    .find((e) => e.data.previous_attributes.status === 'trialing');
  assert.equal(turned.data.object.status, 'active');
}

export async function a_trial_without_a_card_cancels_or_pauses_when_told(t) {
  const w = await world(t, { card: null });
  const canceled = await w.subscribe({ trial_period_days: 3, trial_settings: { end_behavior: { missing_payment_method: 'cancel' } } });
  const paused = await w.subscribe({ trial_period_days: 3, trial_settings: { end_behavior: { missing_payment_method: 'pause' } } });
  assert.match(canceled.pending_setup_intent, /^seti_/);
  await t.advance(w.clock.id, start + 3 * day + 1);
  assert.equal((await t.stripe.subscriptions.retrieve(canceled.id)).status, 'canceled');
  assert.equal((await t.stripe.subscriptions.retrieve(paused.id)).status, 'paused');
}

export async function prorations_are_exact_to_the_second(t) {
  const w = await world(t);
  const subscription = await w.subscribe();
  const item = subscription.items.data[0];
  const better = await w.plan(2500);
  const at = start + 10 * day + 12345;
  await t.advance(w.clock.id, at);
  const part = (amount) => Math.round((amount * (item.current_period_end - at)) / (item.current_period_end - item.current_period_start));
  const change = { items: [{ id: item.id, price: better.id }], proration_behavior: 'always_invoice' };
  const preview = await t.stripe.invoices.createPreview({ subscription: subscription.id, subscription_details: change });
  assert.deepEqual(preview.lines.data.map((l) => l.amount), [-part(1000), part(2500)]);
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).items.data[0].price.id, w.price.id);
  const changed = await t.stripe.subscriptions.update(subscription.id, { ...change, expand: ['latest_invoice'] });
  const invoice = changed.latest_invoice;
  assert.deepEqual(invoice.lines.data.map((l) => l.amount), [-part(1000), part(2500)]);
  assert.deepEqual([invoice.billing_reason, invoice.status, invoice.amount_paid], ['subscription_update', 'paid', preview.amount_due]);
  for (const line of invoice.lines.data) {
    assert.equal(line.parent.subscription_item_details.proration, true);
    assert.deepEqual({ ...line.period }, { start: at, end: item.current_period_end });
  }
  assert.match(invoice.lines.data[0].description, /^Unused time on Pro after 10 Feb 2027$/);
  const event = (await t.stripe.events.list({ type: 'customer.subscription.updated' })).data[0];
  assert.equal(event.data.previous_attributes.items.data[0].price.id, w.price.id);
}

export async function a_downgrade_waits_for_the_next_invoice_as_credit(t) {
  const w = await world(t, { amount: 3000 });
  const subscription = await w.subscribe();
  const item = subscription.items.data[0];
  const smaller = await w.plan(1000);
  const at = start + 14 * day;
  await t.advance(w.clock.id, at);
  await t.stripe.subscriptions.update(subscription.id, { items: [{ id: item.id, price: smaller.id }] });
  const pending = await t.stripe.invoiceItems.list({ customer: w.customer.id, pending: true });
  assert.equal(pending.data.length, 2);
  const preview = await t.stripe.invoices.createPreview({ subscription: subscription.id });
  await t.advance(w.clock.id, item.current_period_end + 3700);
  const renewed = (await invoices(t, subscription)).at(-1);
  assert.deepEqual(renewed.lines.data.map((l) => l.amount), [-1500, 500, 1000]);
  assert.equal(renewed.total, 0);
  assert.equal(preview.total, renewed.total);
}

export async function no_proration_charges_nothing_until_the_period_ends(t) {
  const w = await world(t);
  const subscription = await w.subscribe();
  const bigger = await w.plan(5000);
  await t.stripe.subscriptions.update(subscription.id, {
    items: [{ id: subscription.items.data[0].id, price: bigger.id }], proration_behavior: 'none',
  });
  assert.equal((await t.stripe.invoiceItems.list({ customer: w.customer.id })).data.length, 0);
  assert.equal((await invoices(t, subscription)).length, 1);
}

export async function another_interval_bills_at_once_and_moves_the_anchor(t) {
  const w = await world(t);
  const subscription = await w.subscribe();
  const yearly = await w.plan(10000, 'year');
  const at = start + 14 * day;
  await t.advance(w.clock.id, at);
  const changed = await t.stripe.subscriptions.update(subscription.id, {
    items: [{ id: subscription.items.data[0].id, price: yearly.id }], expand: ['latest_invoice'],
  });
  assert.deepEqual(changed.latest_invoice.lines.data.map((l) => l.amount), [-500, 10000]);
  assert.deepEqual([changed.latest_invoice.status, changed.billing_cycle_anchor], ['paid', at]);
  assert.equal(changed.items.data[0].current_period_end, Date.UTC(2028, 1, 14, 10) / 1000);
}

export async function quantities_prorate_too_and_items_without_id_are_added(t) {
  const w = await world(t);
  const subscription = await w.subscribe();
  await t.advance(w.clock.id, start + 14 * day);
  const item = await t.stripe.subscriptionItems.update(subscription.items.data[0].id, { quantity: 3, proration_behavior: 'always_invoice' });
  assert.equal(item.quantity, 3);
  assert.equal((await invoices(t, subscription)).at(-1).total, 1000);
  const extra = await w.plan(400);
  const two = await t.stripe.subscriptions.update(subscription.id, { items: [{ price: extra.id }] });
  assert.equal(two.items.data.length, 2);
  await t.rejects(t.stripe.subscriptions.update(subscription.id, { items: [{ price: extra.id }] }), { message: /same plan/ });
}

export async function cancellation_shows_as_each_billing_mode_shows_it(t) {
  const w = await world(t);
  const flexible = await w.subscribe();
  const end = flexible.items.data[0].current_period_end;
  const later = await t.stripe.subscriptions.update(flexible.id, { cancel_at_period_end: true });
  assert.deepEqual([later.cancel_at_period_end, later.cancel_at, later.status, later.cancellation_details.reason],
    [false, end, 'active', 'cancellation_requested']);
  const classic = await w.subscribe({ billing_mode: { type: 'classic' } });
  const flagged = await t.stripe.subscriptions.update(classic.id, { cancel_at_period_end: true });
  assert.deepEqual([flagged.cancel_at_period_end, flagged.cancel_at], [true, end]);
  const undone = await t.stripe.subscriptions.update(classic.id, { cancel_at_period_end: false });
  assert.deepEqual([undone.cancel_at_period_end, undone.cancel_at, undone.canceled_at], [false, null, null]);
  await t.advance(w.clock.id, end + 1);
  const gone = await t.stripe.subscriptions.retrieve(flexible.id);
  assert.deepEqual([gone.status, gone.ended_at], ['canceled', end]);
  assert.equal((await invoices(t, flexible)).length, 1);
  assert.equal((await t.stripe.subscriptions.retrieve(classic.id)).status, 'active');
}

export async function cancelling_now_ends_it_and_prorates_only_when_asked(t) {
  const w = await world(t);
  const plain = await w.subscribe();
  const ended = await t.stripe.subscriptions.cancel(plain.id);
  assert.deepEqual([ended.status, ended.cancellation_details.reason], ['canceled', 'cancellation_requested']);
  const prorated = await w.subscribe();
  await t.advance(w.clock.id, start + 14 * day);
  await t.stripe.subscriptions.cancel(prorated.id, { prorate: true, invoice_now: true });
  const credit = (await invoices(t, prorated)).at(-1);
  assert.deepEqual([credit.total, credit.amount_due, credit.status], [-500, 0, 'paid']);
  assert.equal((await t.stripe.customers.retrieve(w.customer.id)).balance, -500);
  await t.rejects(t.stripe.subscriptions.cancel(plain.id), { status: 404, code: 'resource_missing' });
  const again = await w.subscribe({ expand: ['latest_invoice'] });
  assert.deepEqual([again.latest_invoice.starting_balance, again.latest_invoice.amount_due, again.latest_invoice.ending_balance], [-500, 500, 0]);
}

export async function a_first_payment_that_fails_leaves_it_incomplete_until_paid(t) {
  const w = await world(t, { card: 'pm_card_chargeCustomerFail' });
  const subscription = await w.subscribe({ expand: ['latest_invoice.payments'] });
  assert.equal(subscription.status, 'incomplete');
  assert.equal(subscription.latest_invoice.status, 'open');
  const paid = await t.stripe.invoices.pay(subscription.latest_invoice.id, { payment_method: 'pm_card_visa' });
  assert.equal(paid.status, 'paid');
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'active');
  await t.rejects(t.stripe.invoices.pay(paid.id), { message: 'Invoice is already paid' });
}

export async function an_incomplete_subscription_expires_after_23_hours(t) {
  const w = await world(t, { card: 'pm_card_chargeCustomerFail' });
  const subscription = await w.subscribe();
  await t.advance(w.clock.id, start + 23 * 3600 + 1);
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'incomplete_expired');
  assert.equal((await invoices(t, subscription))[0].status, 'void');
}

export async function payment_behavior_decides_what_a_failure_means(t) {
  const w = await world(t, { card: 'pm_card_chargeCustomerFail' });
  await t.rejects(w.subscribe({ payment_behavior: 'error_if_incomplete' }), { status: 402, code: 'card_declined' });
  assert.equal((await t.stripe.subscriptions.list({ customer: w.customer.id, status: 'all' })).data.length, 0);
  const waiting = await w.subscribe({ payment_behavior: 'default_incomplete', expand: ['latest_invoice.confirmation_secret'] });
  assert.equal(waiting.status, 'incomplete');
  assert.match(waiting.latest_invoice.confirmation_secret.client_secret, /^pi_\w+_secret_/);
  const intent = waiting.latest_invoice.confirmation_secret.client_secret.split('_secret_')[0];
  await t.stripe.paymentIntents.confirm(intent, { payment_method: 'pm_card_visa' });
  assert.equal((await t.stripe.subscriptions.retrieve(waiting.id)).status, 'active');
}

export async function a_pending_update_waits_for_its_payment(t) {
  const w = await world(t);
  const subscription = await w.subscribe();
  const better = await w.plan(9000);
  const failing = await t.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: w.customer.id });
  await t.stripe.subscriptions.update(subscription.id, { default_payment_method: failing.id });
  await t.advance(w.clock.id, start + day);
  const kept = await t.stripe.subscriptions.update(subscription.id, {
    items: [{ id: subscription.items.data[0].id, price: better.id }], payment_behavior: 'pending_if_incomplete', proration_behavior: 'always_invoice',
  });
  assert.equal(kept.items.data[0].price.id, w.price.id);
  assert.equal(kept.pending_update.subscription_items[0].price.id, better.id);
  await t.stripe.invoices.pay(kept.latest_invoice, { payment_method: 'pm_card_visa' });
  const applied = await t.stripe.subscriptions.retrieve(subscription.id);
  assert.deepEqual([applied.items.data[0].price.id, applied.pending_update], [better.id, null]);
  assert.ok((await t.types()).includes('customer.subscription.pending_update_applied'));
}

export async function a_pending_update_is_replaced_by_another_and_ends_with_its_subscription(t) {
  const w = await world(t);
  const subscription = await w.subscribe();
  const failing = await t.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: w.customer.id });
  await t.stripe.subscriptions.update(subscription.id, { default_payment_method: failing.id });
  await t.advance(w.clock.id, start + day);
  const change = async (amount) => (await t.stripe.subscriptions.update(subscription.id, {
    items: [{ id: subscription.items.data[0].id, price: (await w.plan(amount)).id }],
    payment_behavior: 'pending_if_incomplete', proration_behavior: 'always_invoice',
  })).latest_invoice;
  const status = async (invoice) => (await t.stripe.invoices.retrieve(invoice)).status;
  const first = await change(9000);
  const second = await change(8000);
  assert.deepEqual([await status(first), await status(second)], ['void', 'open']);
  assert.ok((await t.stripe.subscriptions.retrieve(subscription.id)).pending_update);
  await t.stripe.invoices.voidInvoice(second);
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).pending_update, null);
  const third = await change(7000);
  await t.stripe.subscriptions.cancel(subscription.id);
  assert.equal(await status(third), 'void');
  await t.rejects(t.stripe.invoices.pay(third, { payment_method: 'pm_card_visa' }), { status: 400 });
}

async function dunned(t, final) {
  await t.control('dunning', { retries: [3, 5], final });
  const w = await world(t);
  const subscription = await w.subscribe();
  const failing = await t.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: w.customer.id });
  await t.stripe.customers.update(w.customer.id, { invoice_settings: { default_payment_method: failing.id } });
  const end = subscription.items.data[0].current_period_end;
  await t.advance(w.clock.id, end + 3700);
  const late = await t.stripe.subscriptions.retrieve(subscription.id);
  assert.equal(late.status, 'past_due');
  const invoice = await t.stripe.invoices.retrieve(late.latest_invoice);
  assert.deepEqual([invoice.status, invoice.attempt_count, invoice.next_payment_attempt], ['open', 1, end + 3600 + 3 * day]);
  assert.equal((await t.stripe.customers.retrieve(w.customer.id)).delinquent, true);
  return { w, subscription, invoice, end };
}

export async function paying_in_vain_by_hand_does_not_hasten_dunning(t) {
  const { subscription, invoice } = await dunned(t, 'cancel');
  for (let i = 0; i < 4; i += 1) await t.rejects(t.stripe.invoices.pay(invoice.id), { status: 402 });
  const tried = await t.stripe.invoices.retrieve(invoice.id);
  assert.deepEqual([tried.status, tried.attempt_count, tried.next_payment_attempt], ['open', 5, invoice.next_payment_attempt]);
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'past_due');
}

export async function dunning_ends_in_cancellation(t) {
  const { w, subscription, invoice, end } = await dunned(t, 'cancel');
  await t.advance(w.clock.id, end + 3600 + 3 * day + 60);
  assert.equal((await t.stripe.invoices.retrieve(invoice.id)).attempt_count, 2);
  await t.advance(w.clock.id, end + 3600 + 8 * day + 60);
  const gone = await t.stripe.subscriptions.retrieve(subscription.id);
  assert.deepEqual([gone.status, gone.cancellation_details.reason], ['canceled', 'payment_failed']);
  const last = await t.stripe.invoices.retrieve(invoice.id);
  assert.deepEqual([last.status, last.attempt_count, last.next_payment_attempt], ['open', 3, null]);
  assert.equal((await t.types((e) => e.type === 'invoice.payment_failed')).length, 3);
  assert.ok((await t.types()).includes('customer.subscription.deleted'));
}

export async function dunning_ends_unpaid_and_later_invoices_stay_drafts(t) {
  const { w, subscription, end } = await dunned(t, 'unpaid');
  await t.advance(w.clock.id, end + 9 * day);
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'unpaid');
  const next = (await t.stripe.subscriptions.retrieve(subscription.id)).items.data[0].current_period_end;
  await t.advance(w.clock.id, next + 4000);
  const latest = (await invoices(t, subscription)).at(-1);
  assert.deepEqual([latest.status, latest.auto_advance], ['draft', false]);
}

export async function dunning_may_leave_it_past_due_and_payment_heals_it(t) {
  const { w, subscription, invoice, end } = await dunned(t, 'past_due');
  await t.advance(w.clock.id, end + 9 * day);
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'past_due');
  await t.stripe.invoices.pay(invoice.id, { payment_method: 'pm_card_visa' });
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'active');
  assert.equal((await t.stripe.customers.retrieve(w.customer.id)).delinquent, false);
}

export async function dunning_may_pause_the_subscription(t) {
  const { w, subscription, end } = await dunned(t, 'pause');
  await t.advance(w.clock.id, end + 9 * day);
  const paused = await t.stripe.subscriptions.retrieve(subscription.id);
  assert.deepEqual([paused.status, paused.status_details.paused.subscription.type], ['paused', 'final_payment_failure']);
  assert.ok((await t.types()).includes('customer.subscription.paused'));
}

export async function an_invoice_of_no_subscription_is_tried_again_too(t) {
  await t.control('dunning', { retries: [3] });
  const w = await world(t, { card: 'pm_card_chargeCustomerFail' });
  await t.stripe.invoiceItems.create({ customer: w.customer.id, amount: 500, currency: 'usd' });
  const { id } = await t.stripe.invoices.create({ customer: w.customer.id, pending_invoice_items_behavior: 'include', auto_advance: true });
  await t.advance(w.clock.id, start + 3700);
  const failed = await t.stripe.invoices.retrieve(id);
  assert.deepEqual([failed.status, failed.attempt_count, failed.next_payment_attempt], ['open', 1, start + 3600 + 3 * day]);
  await t.advance(w.clock.id, start + 4 * day);
  const ended = await t.stripe.invoices.retrieve(id);
  assert.deepEqual([ended.status, ended.attempt_count, ended.next_payment_attempt, ended.auto_advance], ['open', 2, null, false]);
}

export async function an_invoice_that_was_sent_can_only_be_late(t) {
  const w = await world(t);
  const subscription = await w.subscribe({ collection_method: 'send_invoice', days_until_due: 7 });
  await t.advance(w.clock.id, start + 3700);
  const [invoice] = await invoices(t, subscription);
  assert.deepEqual([invoice.status, invoice.due_date, invoice.attempt_count], ['open', start + 3600 + 7 * day, 0]);
  await t.advance(w.clock.id, start + 8 * day);
  assert.ok((await t.types()).includes('invoice.overdue'));
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'past_due');
  await t.stripe.invoices.pay(invoice.id);
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'active');
}

export async function items_that_cannot_be_sold_are_refused(t) {
  const w = await world(t);
  const make = (items) => t.stripe.subscriptions.create({ customer: w.customer.id, items });
  await t.rejects(make([{ price: w.price.id, quantity: -1 }]), { param: 'items[0][quantity]', message: /greater than or equal to 0/ });
  await t.rejects(make([{ price: w.price.id }, { price: w.price.id }]), { message: /same plan/ });
  await t.stripe.products.update(w.price.product, { active: false });
  await t.rejects(make([{ price: w.price.id }]), { param: 'items[0][price]', message: /marked as inactive/ });
}

export async function a_pending_update_that_is_not_paid_is_dropped(t) {
  const w = await world(t);
  const subscription = await w.subscribe();
  const failing = await t.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: w.customer.id });
  await t.stripe.subscriptions.update(subscription.id, { default_payment_method: failing.id });
  const better = await w.plan(9000);
  const at = start + day;
  await t.advance(w.clock.id, at);
  const kept = await t.stripe.subscriptions.update(subscription.id, {
    items: [{ id: subscription.items.data[0].id, price: better.id }], payment_behavior: 'pending_if_incomplete', proration_behavior: 'always_invoice',
  });
  assert.equal(kept.pending_update.expires_at, at + 23 * 3600);
  await t.advance(w.clock.id, at + 23 * 3600 + 1);
  const dropped = await t.stripe.subscriptions.retrieve(subscription.id);
  assert.deepEqual([dropped.pending_update, dropped.status, dropped.items.data[0].price.id], [null, 'active', w.price.id]);
  assert.equal((await t.stripe.invoices.retrieve(kept.latest_invoice)).status, 'void');
  assert.ok((await t.types()).includes('customer.subscription.pending_update_expired'));
}

export async function a_retry_with_a_better_card_succeeds(t) {
  const { w, subscription, end } = await dunned(t, 'cancel');
  const good = await t.stripe.paymentMethods.attach('pm_card_visa', { customer: w.customer.id });
  await t.stripe.customers.update(w.customer.id, { invoice_settings: { default_payment_method: good.id } });
  await t.advance(w.clock.id, end + 3600 + 3 * day + 60);
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'active');
}

export async function a_renewal_that_needs_its_holder_asks_for_them(t) {
  const w = await world(t);
  const subscription = await w.subscribe();
  const strict = await t.stripe.paymentMethods.attach('pm_card_authenticationRequired', { customer: w.customer.id });
  await t.stripe.customers.update(w.customer.id, { invoice_settings: { default_payment_method: strict.id } });
  await t.advance(w.clock.id, subscription.items.data[0].current_period_end + 3700);
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'past_due');
  assert.ok((await t.types()).includes('invoice.payment_action_required'));
  const invoice = (await invoices(t, subscription)).at(-1);
  const payments = await t.stripe.invoicePayments.list({ invoice: invoice.id });
  await t.control(`payments/${payments.data[0].payment.payment_intent}/authenticate`, { success: true });
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).status, 'active');
}

export async function paused_collection_keeps_voids_or_writes_off(t) {
  const w = await world(t);
  const expected = { keep_as_draft: 'draft', void: 'void', mark_uncollectible: 'uncollectible' };
  const subscriptions = {};
  for (const behavior of Object.keys(expected)) {
    subscriptions[behavior] = await w.subscribe();
    const paused = await t.stripe.subscriptions.update(subscriptions[behavior].id, { pause_collection: { behavior } });
    assert.deepEqual([paused.status, paused.pause_collection.behavior], ['active', behavior]);
  }
  const end = subscriptions.void.items.data[0].current_period_end;
  await t.advance(w.clock.id, end + 4000);
  for (const [behavior, status] of Object.entries(expected)) {
    assert.equal((await invoices(t, subscriptions[behavior])).at(-1).status, status, behavior);
  }
  const resumed = await t.stripe.subscriptions.update(subscriptions.void.id, { pause_collection: '' });
  assert.equal(resumed.pause_collection, null);
}

export async function a_paused_subscription_has_no_periods_until_it_resumes(t) {
  const w = await world(t);
  const subscription = await w.subscribe();
  const paused = await t.stripe.subscriptions.pause(subscription.id, {});
  assert.deepEqual([paused.status, paused.status_details.paused.subscription.type], ['paused', 'pause_requested']);
  await t.advance(w.clock.id, start + 40 * day);
  assert.equal((await invoices(t, subscription)).length, 1);
  const resumed = await t.stripe.subscriptions.resume(subscription.id, { billing_cycle_anchor: { type: 'now' }, expand: ['latest_invoice'] });
  assert.deepEqual([resumed.status, resumed.latest_invoice.amount_paid, resumed.items.data[0].current_period_start], ['active', 1000, start + 40 * day]);
  const classic = await w.subscribe({ billing_mode: { type: 'classic' } });
  await t.rejects(t.stripe.subscriptions.pause(classic.id, {}), { status: 400 });
  assert.deepEqual(await t.types((e) => /paused|resumed/.test(e.type)), ['customer.subscription.paused', 'customer.subscription.resumed']);
}

export async function invoices_go_from_draft_to_paid_and_void_by_hand(t) {
  const w = await world(t);
  await t.stripe.invoiceItems.create({ customer: w.customer.id, amount: 700, currency: 'usd', description: 'Extra' });
  const draft = await t.stripe.invoices.create({ customer: w.customer.id, pending_invoice_items_behavior: 'include' });
  assert.deepEqual([draft.status, draft.total, draft.lines.data[0].description], ['draft', 700, 'Extra']);
  const open = await t.stripe.invoices.finalizeInvoice(draft.id);
  assert.equal(open.status, 'open');
  assert.match(open.number, /^[A-Z0-9]{8}-0001$/);
  const paid = await t.stripe.invoices.pay(open.id);
  assert.equal(paid.status, 'paid');
  const item = await t.stripe.invoiceItems.create({ customer: w.customer.id, amount: 900, currency: 'usd' });
  const second = await t.stripe.invoices.create({ customer: w.customer.id, pending_invoice_items_behavior: 'include' });
  await t.stripe.invoices.finalizeInvoice(second.id);
  await t.rejects(t.stripe.invoiceItems.del(item.id), { code: 'invoice_not_editable' });
  assert.equal((await t.stripe.invoices.voidInvoice(second.id)).status, 'void');
  await t.rejects(t.stripe.invoices.markUncollectible(second.id), { status: 400 });
}

export async function lists_narrow_down_by_every_filter_they_take(t) {
  const w = await world(t);
  const one = await w.subscribe();
  const two = await w.subscribe({ collection_method: 'send_invoice', days_until_due: 7, automatic_tax: { enabled: true } });
  await t.advance(w.clock.id, start + 3700);
  const ids = async (promise) => (await promise).data.map((o) => o.subscription ?? o.parent?.subscription_details.subscription ?? o.id).sort();
  const of = { customer: w.customer.id };
  assert.deepEqual(await ids(t.stripe.invoices.list({ subscription: one.id, collection_method: 'send_invoice' })), []);
  assert.deepEqual(await ids(t.stripe.invoices.list({ ...of, due_date: { gt: start } })), [two.id]);
  assert.deepEqual(await ids(t.stripe.invoices.list({ subscription: one.id, created: { gt: start } })), []);
  assert.deepEqual(await ids(t.stripe.subscriptions.list({ ...of, automatic_tax: { enabled: true } })), [two.id]);
  assert.deepEqual(await ids(t.stripe.subscriptions.list({ ...of, current_period_end: { lte: start } })), []);
  assert.deepEqual(await ids(t.stripe.subscriptions.list({ ...of, plan: w.price.id, collection_method: 'charge_automatically' })), [one.id]);
  assert.equal((await t.stripe.invoicePayments.list({ invoice: one.latest_invoice, status: 'open' })).data.length, 0);
}

export async function a_draft_follows_what_is_changed_on_it(t) {
  const customer = await t.stripe.customers.create({});
  const draft = await t.stripe.invoices.create({ customer: customer.id });
  const item = await t.stripe.invoiceItems.create({ customer: customer.id, invoice: draft.id, amount: 700, currency: 'usd', description: 'Extra' });
  const total = async () => (await t.stripe.invoices.retrieve(draft.id)).total;
  assert.equal(await total(), 700);
  await t.stripe.invoiceItems.update(item.id, { amount: 800, description: 'More' });
  assert.deepEqual([await total(), (await t.stripe.invoices.retrieve(draft.id)).lines.data[0].description], [800, 'More']);
  const price = await t.stripe.prices.create({ currency: 'usd', unit_amount: 300, product_data: { name: 'A' } });
  await t.stripe.invoiceItems.update(item.id, { pricing: { price: price.id }, quantity: 3 });
  assert.equal(await total(), 900);
  await t.stripe.invoiceItems.update(item.id, { quantity: 2 });
  assert.equal(await total(), 600);
  const changed = await t.stripe.invoices.update(draft.id, { automatic_tax: { enabled: true }, number: 'OWN-1', custom_fields: [{ name: 'PO', value: '9' }] });
  assert.deepEqual([changed.automatic_tax.enabled, changed.number, changed.custom_fields[0].value], [true, 'OWN-1', '9']);
  await t.rejects(t.stripe.invoices.update(draft.id, { shipping_cost: { shipping_rate: 'x' } }), { message: /does not support the parameter shipping_cost/ });
  await t.stripe.invoiceItems.del(item.id);
  assert.deepEqual([await total(), (await t.stripe.invoices.retrieve(draft.id)).lines.total_count], [0, 0]);
}

export async function a_preview_of_a_new_subscription_leaves_nothing_behind(t) {
  const w = await world(t);
  const preview = await t.stripe.invoices.createPreview({ customer: w.customer.id, subscription_details: { items: [{ price: w.price.id, quantity: 2 }] } });
  assert.deepEqual([preview.amount_due, preview.status], [2000, 'draft']);
  assert.match(preview.id, /^upcoming_in_/);
  assert.equal((await t.stripe.subscriptions.list({ customer: w.customer.id, status: 'all' })).data.length, 0);
  assert.equal((await t.stripe.invoices.list({ customer: w.customer.id })).data.length, 0);
}

export async function test_clocks_only_go_forward_and_take_their_objects_with_them(t) {
  const w = await world(t);
  const subscription = await w.subscribe();
  assert.equal((await t.stripe.subscriptions.list()).data.length, 0);
  assert.equal((await t.stripe.subscriptions.list({ customer: w.customer.id })).data.length, 1);
  await t.rejects(t.stripe.testHelpers.testClocks.advance(w.clock.id, { frozen_time: start - 1 }), { param: 'frozen_time' });
  await t.rejects(t.stripe.testHelpers.testClocks.advance(w.clock.id, { frozen_time: start + 100 * day }), { message: /two intervals/ });
  await t.stripe.testHelpers.testClocks.del(w.clock.id);
  await t.rejects(t.stripe.subscriptions.retrieve(subscription.id), { status: 404 });
  await t.rejects(t.stripe.customers.retrieve(w.customer.id), { status: 404 });
  const forgotten = await world(t);
  await t.control('clock', { now: forgotten.clock.deletes_after + 1 });
  await t.rejects(t.stripe.testHelpers.testClocks.retrieve(forgotten.clock.id), { status: 404 });
}

export async function an_anchor_in_the_future_bills_the_part_before_it(t) {
  const w = await world(t, { amount: 2800 });
  const anchor = Date.UTC(2027, 1, 14, 10) / 1000;
  const subscription = await w.subscribe({ billing_cycle_anchor: anchor, expand: ['latest_invoice'] });
  assert.equal(subscription.items.data[0].current_period_end, anchor);
  assert.equal(subscription.latest_invoice.amount_due, Math.round((2800 * 14) / 31));
}

export async function the_accounts_own_clock_renews_subscriptions_too(t) {
  const customer = await t.stripe.customers.create({ payment_method: 'pm_card_visa' });
  const [method] = (await t.stripe.customers.listPaymentMethods(customer.id)).data;
  const price = await t.stripe.prices.create({ currency: 'usd', unit_amount: 1000, recurring: { interval: 'month' }, product_data: { name: 'Pro' } });
  const subscription = await t.stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], default_payment_method: method.id });
  await t.control('clock', { now: subscription.items.data[0].current_period_end + 3700 });
  const all = await invoices(t, subscription);
  assert.deepEqual(all.map((i) => [i.status, i.billing_reason]), [['paid', 'subscription_create'], ['paid', 'subscription_cycle']]);
  assert.equal(all[1].created, subscription.items.data[0].current_period_end);
}

export async function ending_a_trial_or_moving_the_anchor_bills_at_once(t) {
  const w = await world(t);
  const trial = await w.subscribe({ trial_period_days: 10 });
  await t.advance(w.clock.id, start + day);
  const ended = await t.stripe.subscriptions.update(trial.id, { trial_end: 'now', expand: ['latest_invoice'] });
  assert.deepEqual([ended.status, ended.latest_invoice.amount_paid, ended.billing_cycle_anchor], ['active', 1000, start + day]);
  assert.equal((await t.stripe.events.list({ type: 'customer.subscription.trial_will_end' })).data.length, 1);
  const running = await w.subscribe();
  await t.advance(w.clock.id, start + 11 * day);
  const moved = await t.stripe.subscriptions.update(running.id, { billing_cycle_anchor: { type: 'now' }, expand: ['latest_invoice'] });
  assert.equal(moved.billing_cycle_anchor, start + 11 * day);
  assert.equal(moved.latest_invoice.lines.data.length, 2);
  assert.equal(moved.latest_invoice.lines.data[1].amount, 1000);
}

export async function an_interval_of_years_begun_on_leap_day_comes_back_to_it(t) {
  const leap = Date.UTC(2028, 1, 29, 10) / 1000;
  const clock = await t.stripe.testHelpers.testClocks.create({ frozen_time: leap });
  const customer = await t.stripe.customers.create({ test_clock: clock.id });
  const method = await t.stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  const price = await t.stripe.prices.create({ currency: 'usd', unit_amount: 9900, recurring: { interval: 'year' }, product_data: { name: 'Pro' } });
  const subscription = await t.stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], default_payment_method: method.id });
  assert.equal(subscription.items.data[0].current_period_end, Date.UTC(2029, 1, 28, 10) / 1000);
  await t.advance(clock.id, Date.UTC(2029, 2, 1, 10) / 1000);
  assert.equal((await t.stripe.subscriptions.retrieve(subscription.id)).items.data[0].current_period_end, Date.UTC(2030, 1, 28, 10) / 1000);
  assert.equal((await invoices(t, subscription))[0].amount_paid, 9900);
}
