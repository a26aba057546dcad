import assert from 'node:assert/strict';

const urls = { success_url: 'https://example.com/ok', cancel_url: 'https://example.com/cancel' };
const day = 86400;
const start = Date.UTC(2027, 0, 1, 10, 0, 0) / 1000;

const confirm = (t, id, fields = {}) => t.raw('POST', `/v1/payment_pages/${id}/confirm`, new URLSearchParams(fields).toString());

const sell = (t, lines, more = {}) => t.stripe.checkout.sessions.create({
  mode: 'payment', ...urls, ...more,
  line_items: lines.map((amount, i) => ({ quantity: 1, price_data: { currency: 'usd', unit_amount: amount, product_data: { name: `Pack ${i}` } } })),
});

async function subscriber(t, amount = 3000) {
  const clock = await t.stripe.testHelpers.testClocks.create({ frozen_time: start });
  const customer = await t.stripe.customers.create({ test_clock: clock.id });
  const method = await t.stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  const product = await t.stripe.products.create({ name: 'Pro' });
  const plan = (unit) => t.stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: unit, recurring: { interval: 'month' } });
  const price = await plan(amount);
  const subscribe = (more) => t.stripe.subscriptions.create({
    customer: customer.id, items: [{ price: price.id }], default_payment_method: method.id, ...more,
  });
  const totals = async (s) => (await t.stripe.invoices.list({ subscription: s.id, limit: 100 })).data.reverse().map((i) => i.total);
  return { clock, customer, plan, price, product, subscribe, totals };
}

export async function a_coupon_says_what_it_takes_off(t) {
  const half = await t.stripe.coupons.create({ id: 'HALF', percent_off: 50, duration: 'repeating', duration_in_months: 3, name: 'Half', metadata: { a: '1' } });
  assert.deepEqual([half.id, half.percent_off, half.amount_off, half.duration_in_months, half.valid, half.times_redeemed], ['HALF', 50, null, 3, true, 0]);
  await t.rejects(t.stripe.coupons.create({ id: 'HALF', percent_off: 5 }), { code: 'resource_already_exists', param: 'id' });
  await t.rejects(t.stripe.coupons.create({ duration: 'once' }), { status: 400, message: /percent_off, amount_off/ });
  await t.rejects(t.stripe.coupons.create({ percent_off: 101 }), { param: 'percent_off' });
  await t.rejects(t.stripe.coupons.create({ amount_off: 100 }), { param: 'currency' });
  await t.rejects(t.stripe.coupons.create({ percent_off: 10, duration: 'repeating' }), { param: 'duration_in_months' });
  assert.equal((await t.stripe.coupons.update('HALF', { name: 'Fifty' })).name, 'Fifty');
  assert.deepEqual((await t.stripe.coupons.list()).data.map((c) => c.id), ['HALF']);
  assert.equal((await t.stripe.coupons.del('HALF')).deleted, true);
  await t.rejects(t.stripe.coupons.retrieve('HALF'), { status: 404, message: "No such coupon: 'HALF'" });
  await t.rejects(sell(t, [1000], { discounts: [{ coupon: 'HALF' }] }), { code: 'resource_missing', param: 'discounts[0][coupon]' });
}

export async function a_promotion_code_is_a_coupon_with_limits_of_its_own(t) {
  const coupon = await t.stripe.coupons.create({ percent_off: 10, duration: 'once' });
  const make = (more) => t.stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id }, ...more });
  const code = await make({ code: 'LAUNCH', max_redemptions: 1, restrictions: { minimum_amount: 2000, minimum_amount_currency: 'usd' } });
  assert.deepEqual([code.active, code.code, code.promotion.coupon], [true, 'LAUNCH', coupon.id]);
  await t.rejects(make({ code: 'launch' }), { code: 'resource_already_exists', param: 'code' });
  assert.deepEqual((await t.stripe.promotionCodes.list({ code: 'Launch' })).data.map((c) => c.id), [code.id]);
  await t.rejects(sell(t, [1999], { discounts: [{ promotion_code: code.id }] }), { param: 'discounts[0][promotion_code]', message: /minimum amount/ });
  const session = await sell(t, [2000], { discounts: [{ promotion_code: code.id }] });
  assert.deepEqual([session.amount_total, session.discounts[0].promotion_code], [1800, code.id]);
  await confirm(t, session.id, { payment_method: 'pm_card_visa' });
  const used = await t.stripe.promotionCodes.retrieve(code.id, { expand: ['promotion.coupon'] });
  assert.deepEqual([used.active, used.times_redeemed, used.promotion.coupon.times_redeemed], [false, 1, 1]);
  await t.rejects(sell(t, [2000], { discounts: [{ promotion_code: code.id }] }), { code: 'coupon_expired' });
  const other = await t.stripe.customers.create({});
  const own = await make({ customer: other.id });
  await t.rejects(sell(t, [2000], { discounts: [{ promotion_code: own.id }] }), { message: /another customer/ });
}

export async function a_discount_comes_off_a_session_and_its_payment(t) {
  const coupon = await t.stripe.coupons.create({ percent_off: 25, duration: 'once' });
  const session = await sell(t, [1000, 999], { discounts: [{ coupon: coupon.id }], expand: ['line_items'] });
  assert.deepEqual([session.amount_subtotal, session.amount_total, session.total_details.amount_discount], [1999, 1499, 500]);
  assert.deepEqual(session.line_items.data.map((l) => [l.amount_subtotal, l.amount_discount, l.amount_total]), [[1000, 250, 750], [999, 250, 749]]);
  assert.equal(session.total_details.breakdown.discounts[0].discount.source.coupon, coupon.id);
  await confirm(t, session.id, { payment_method: 'pm_card_visa' });
  const done = await t.stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] });
  assert.equal(done.payment_intent.amount_received, 1499);
  await t.rejects(sell(t, [1000], { discounts: [{ coupon: coupon.id }], allow_promotion_codes: true }), { param: 'allow_promotion_codes' });
}

export async function a_fixed_amount_is_spread_over_the_lines_to_the_last_cent(t) {
  const coupon = await t.stripe.coupons.create({ amount_off: 1000, currency: 'usd', currency_options: { eur: { amount_off: 900 } }, duration: 'once' });
  const session = await sell(t, [999, 1001, 1333], { discounts: [{ coupon: coupon.id }], expand: ['line_items'] });
  assert.equal(session.amount_total, 2333);
  assert.equal(session.line_items.data.reduce((sum, l) => sum + l.amount_discount, 0), 1000);
  const small = await sell(t, [600], { discounts: [{ coupon: coupon.id }] });
  assert.equal(small.amount_total, 0);
  const franc = await t.stripe.prices.create({ currency: 'chf', unit_amount: 5000, product_data: { name: 'A' } });
  await t.rejects(t.stripe.checkout.sessions.create({ mode: 'payment', ...urls, line_items: [{ price: franc.id, quantity: 1 }], discounts: [{ coupon: coupon.id }] }),
    { param: 'discounts[0][coupon]' });
}

export async function a_coupon_may_apply_to_one_product_only(t) {
  const one = await t.stripe.prices.create({ currency: 'usd', unit_amount: 1000, product_data: { name: 'A' } });
  const two = await t.stripe.prices.create({ currency: 'usd', unit_amount: 1000, product_data: { name: 'B' } });
  const coupon = await t.stripe.coupons.create({ percent_off: 50, duration: 'once', applies_to: { products: [one.product] }, expand: ['applies_to'] });
  assert.deepEqual(coupon.applies_to.products, [one.product]);
  const session = await t.stripe.checkout.sessions.create({
    mode: 'payment', ...urls, line_items: [{ price: one.id, quantity: 1 }, { price: two.id, quantity: 1 }], discounts: [{ coupon: coupon.id }],
  });
  assert.equal(session.amount_total, 1500);
}

export async function what_costs_nothing_needs_no_card(t) {
  const coupon = await t.stripe.coupons.create({ percent_off: 100, duration: 'once' });
  const session = await sell(t, [1000], { discounts: [{ coupon: coupon.id }], invoice_creation: { enabled: true }, customer_email: 'ada@example.com' });
  const paid = await confirm(t, session.id);
  assert.equal(paid.status, 200, paid.text);
  const done = await t.stripe.checkout.sessions.retrieve(session.id, { expand: ['invoice'] });
  assert.deepEqual([done.status, done.payment_status, done.payment_intent, done.invoice.total, done.invoice.status],
    ['complete', 'no_payment_required', null, 0, 'paid']);
}

export async function a_repeating_discount_ends_after_its_months(t) {
  const w = await subscriber(t);
  const coupon = await t.stripe.coupons.create({ percent_off: 50, duration: 'repeating', duration_in_months: 2 });
  const subscription = await w.subscribe({ discounts: [{ coupon: coupon.id }], expand: ['discounts', 'latest_invoice'] });
  const [discount] = subscription.discounts;
  assert.deepEqual([discount.source.coupon, discount.subscription, discount.start, discount.end],
    [coupon.id, subscription.id, start, Date.UTC(2027, 2, 1, 10) / 1000]);
  const first = subscription.latest_invoice;
  assert.deepEqual([first.subtotal, first.total, first.amount_paid], [3000, 1500, 1500]);
  assert.deepEqual(first.total_discount_amounts, [{ amount: 1500, discount: discount.id }]);
  assert.deepEqual(first.lines.data[0].discount_amounts, [{ amount: 1500, discount: discount.id }]);
  const preview = await t.stripe.invoices.createPreview({ subscription: subscription.id });
  assert.equal(preview.total, 1500);
  await t.advance(w.clock.id, Date.UTC(2027, 1, 1, 12) / 1000);
  assert.equal((await t.stripe.invoices.createPreview({ subscription: subscription.id })).total, 3000);
  await t.advance(w.clock.id, Date.UTC(2027, 2, 1, 12) / 1000);
  assert.deepEqual(await w.totals(subscription), [1500, 1500, 3000]);
  assert.deepEqual((await t.stripe.subscriptions.retrieve(subscription.id)).discounts, []);
  assert.deepEqual(await t.types((e) => e.type.startsWith('customer.discount')), ['customer.discount.created', 'customer.discount.deleted']);
}

export async function a_discount_for_once_is_used_up_and_counts_in_what_unused_time_is_worth(t) {
  const w = await subscriber(t);
  const coupon = await t.stripe.coupons.create({ percent_off: 50, duration: 'once' });
  const subscription = await w.subscribe({ discounts: [{ coupon: coupon.id }] });
  assert.deepEqual([await w.totals(subscription), subscription.discounts], [[1500], []]);
  const item = subscription.items.data[0];
  const at = start + 10 * day;
  await t.advance(w.clock.id, at);
  const better = await w.plan(6000);
  const part = (amount) => Math.round((amount * (item.current_period_end - at)) / (item.current_period_end - item.current_period_start));
  const changed = await t.stripe.subscriptions.update(subscription.id, {
    items: [{ id: item.id, price: better.id }], proration_behavior: 'always_invoice', expand: ['latest_invoice'],
  });
  assert.deepEqual(changed.latest_invoice.lines.data.map((l) => l.amount), [-part(1500), part(6000)]);
  await t.advance(w.clock.id, item.current_period_end + 4000);
  assert.equal((await w.totals(subscription)).at(-1), 6000);
}

export async function a_discount_for_ever_lowers_prorations_too(t) {
  const w = await subscriber(t);
  const coupon = await t.stripe.coupons.create({ percent_off: 20, duration: 'forever' });
  const subscription = await w.subscribe({});
  const item = subscription.items.data[0];
  await t.stripe.subscriptions.update(subscription.id, { discounts: [{ coupon: coupon.id }] });
  const at = start + 10 * day;
  await t.advance(w.clock.id, at);
  const part = (amount) => Math.round((amount * (item.current_period_end - at)) / (item.current_period_end - item.current_period_start));
  const better = await w.plan(5000);
  const preview = await t.stripe.invoices.createPreview({
    subscription: subscription.id, subscription_details: { items: [{ id: item.id, price: better.id }], proration_behavior: 'always_invoice' },
  });
  assert.deepEqual(preview.lines.data.map((l) => l.amount), [-part(2400), part(4000)]);
  await t.stripe.subscriptions.deleteDiscount(subscription.id);
  assert.deepEqual((await t.stripe.subscriptions.retrieve(subscription.id)).discounts, []);
  await t.rejects(t.stripe.subscriptions.deleteDiscount(subscription.id), { status: 404, code: 'resource_missing' });
}

export async function a_subscription_through_checkout_keeps_its_discount(t) {
  const price = await t.stripe.prices.create({ currency: 'usd', unit_amount: 1000, recurring: { interval: 'month' }, product_data: { name: 'Pro' } });
  const coupon = await t.stripe.coupons.create({ amount_off: 300, currency: 'usd', duration: 'forever' });
  const session = await t.stripe.checkout.sessions.create({
    mode: 'subscription', ...urls, line_items: [{ price: price.id, quantity: 1 }], discounts: [{ coupon: coupon.id }],
  });
  assert.equal(session.amount_total, 700);
  await confirm(t, session.id, { payment_method: 'pm_card_visa' });
  const done = await t.stripe.checkout.sessions.retrieve(session.id, { expand: ['subscription.discounts', 'invoice'] });
  assert.deepEqual([done.invoice.subtotal, done.invoice.amount_paid, done.subscription.discounts[0].source.coupon], [1000, 700, coupon.id]);
  assert.equal((await t.stripe.coupons.retrieve(coupon.id)).times_redeemed, 1);
  const old = await t.client({ apiVersion: '2024-06-20' }).subscriptions.retrieve(done.subscription.id);
  assert.deepEqual([old.discount.coupon.id, old.discount.source], [coupon.id, undefined]);
  const older = await t.client({ apiVersion: '2024-06-20' }).subscriptions.create({
    customer: done.customer, items: [{ price: price.id }], coupon: coupon.id, default_payment_method: done.subscription.default_payment_method,
  });
  assert.equal(older.discount.coupon.amount_off, 300);
}

export async function an_invoice_can_have_a_discount_of_its_own(t) {
  const customer = await t.stripe.customers.create({});
  const coupon = await t.stripe.coupons.create({ percent_off: 10, duration: 'once' });
  await t.stripe.invoiceItems.create({ customer: customer.id, amount: 1000, currency: 'usd' });
  await t.stripe.invoiceItems.create({ customer: customer.id, amount: 500, currency: 'usd', discountable: false });
  const invoice = await t.stripe.invoices.create({
    customer: customer.id, pending_invoice_items_behavior: 'include', discounts: [{ coupon: coupon.id }],
  });
  assert.deepEqual([invoice.subtotal, invoice.total, invoice.amount_due], [1500, 1400, 1400]);
  await t.rejects(t.stripe.invoiceItems.create({ customer: customer.id, amount: 1, currency: 'usd', discounts: [{ coupon: coupon.id }] }), { param: 'discounts' });
}
