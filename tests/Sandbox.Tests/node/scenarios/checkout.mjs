import assert from 'node:assert/strict';

const urls = { success_url: 'https://example.com/ok?session={CHECKOUT_SESSION_ID}', cancel_url: 'https://example.com/cancel' };

async function price(t, more = {}) {
  return t.stripe.prices.create({ currency: 'usd', unit_amount: 2000, product_data: { name: 'Credits' }, ...more });
}

const monthly = { recurring: { interval: 'month' } };

async function session(t, more = {}) {
  return t.stripe.checkout.sessions.create({ mode: 'payment', ...urls, line_items: [{ price: (await price(t)).id, quantity: 2 }], ...more });
}

// The undocumented call by which Stripe's command line pays a session.
const confirm = (t, id, fields) => t.raw('POST', `/v1/payment_pages/${id}/confirm`, new URLSearchParams(fields).toString());

export async function a_session_sells_and_is_paid_once(t) {
  const open = await session(t, {
    client_reference_id: 'order-1', metadata: { a: '1' }, payment_intent_data: { metadata: { b: '2' } }, expand: ['line_items'],
  });
  assert.match(open.id, /^cs_test_/);
  assert.deepEqual([open.status, open.payment_status, open.amount_total, open.currency, open.payment_intent], ['open', 'unpaid', 4000, 'usd', null]);
  assert.equal(open.line_items.data[0].quantity, 2);
  assert.match(open.url, /\/pay\/cs_test_/);
  const page = await t.raw('GET', `/v1/payment_pages/${open.id}`);
  assert.equal(page.json.amount_total, 4000);
  const paid = await confirm(t, open.id, { payment_method: 'pm_card_visa', expected_amount: '4000', email: 'ada@example.com' });
  assert.equal(paid.status, 200, paid.text);
  const done = await t.stripe.checkout.sessions.retrieve(open.id, { expand: ['payment_intent.latest_charge'] });
  assert.deepEqual([done.status, done.payment_status, done.url, done.customer_details.email], ['complete', 'paid', null, 'ada@example.com']);
  assert.deepEqual({ ...done.payment_intent.metadata }, { b: '2' });
  assert.equal(done.payment_intent.latest_charge.amount, 4000);
  assert.deepEqual((await t.types()).slice(2), ['payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded', 'checkout.session.completed']);
  const again = await confirm(t, open.id, { payment_method: 'pm_card_visa' });
  assert.equal(again.json.error.code, 'checkout_not_active_session');
  const found = await t.stripe.checkout.sessions.list({ payment_intent: done.payment_intent.id });
  assert.deepEqual(found.data.map((s) => s.id), [open.id]);
}

export async function a_declined_card_leaves_the_session_open_on_the_same_intent(t) {
  const open = await session(t);
  const declined = await confirm(t, open.id, { payment_method: 'pm_card_chargeDeclined' });
  assert.deepEqual([declined.status, declined.json.error.code, declined.json.error.type], [402, 'card_declined', 'card_error']);
  const still = await t.stripe.checkout.sessions.retrieve(open.id);
  assert.equal(still.status, 'open');
  await confirm(t, open.id, { payment_method: 'pm_card_visa' });
  const done = await t.stripe.checkout.sessions.retrieve(open.id);
  assert.deepEqual([done.payment_status, done.payment_intent], ['paid', still.payment_intent]);
  assert.deepEqual((await t.types()).slice(2), ['payment_intent.created', 'charge.failed', 'payment_intent.payment_failed', 'charge.succeeded',
    'payment_intent.succeeded', 'checkout.session.completed']);
}

export async function a_challenge_is_answered_and_completes_the_session(t) {
  const open = await session(t);
  const asked = await confirm(t, open.id, { payment_method: 'pm_card_threeDSecure2Required' });
  assert.equal(asked.json.payment_intent.status, 'requires_action');
  await t.control(`payments/${asked.json.payment_intent.id}/authenticate`, { success: true });
  assert.equal((await t.stripe.checkout.sessions.retrieve(open.id)).payment_status, 'paid');
}

export async function a_delayed_method_completes_unpaid_and_settles_either_way(t) {
  const more = { allowed_payment_method_types: ['card', 'sepa_debit'] };
  const euro = async () => session(t, { ...more, line_items: [{ price: (await price(t, { currency: 'eur' })).id, quantity: 1 }] });
  const good = await euro();
  await confirm(t, good.id, { payment_method: 'pm_sepaDebit' });
  assert.deepEqual([(await t.stripe.checkout.sessions.retrieve(good.id)).status, (await t.stripe.checkout.sessions.retrieve(good.id)).payment_status],
    ['complete', 'unpaid']);
  await t.control(`payments/${good.id}/settle`);
  assert.equal((await t.stripe.checkout.sessions.retrieve(good.id)).payment_status, 'paid');
  const bad = await euro();
  await confirm(t, bad.id, { payment_method: 'pm_sepaDebit_chargeDeclined' });
  await t.control(`payments/${bad.id}/settle`);
  assert.equal((await t.stripe.checkout.sessions.retrieve(bad.id)).payment_status, 'unpaid');
  assert.deepEqual(await t.types((e) => e.type.startsWith('checkout.')), ['checkout.session.completed', 'checkout.session.async_payment_succeeded',
    'checkout.session.completed', 'checkout.session.async_payment_failed']);
}

export async function sessions_expire_by_call_and_by_time(t) {
  const one = await session(t);
  const expired = await t.stripe.checkout.sessions.expire(one.id);
  assert.deepEqual([expired.status, expired.url], ['expired', null]);
  await t.rejects(t.stripe.checkout.sessions.expire(one.id), { status: 400, message: /can be expired/ });
  assert.equal((await confirm(t, one.id, { payment_method: 'pm_card_visa' })).status, 400);
  const two = await session(t);
  await t.control('clock', { now: two.expires_at + 1 });
  assert.equal((await t.stripe.checkout.sessions.retrieve(two.id)).status, 'expired');
  assert.deepEqual(await t.types((e) => e.type.startsWith('checkout.')), ['checkout.session.expired', 'checkout.session.expired']);
}

export async function what_a_session_may_not_be_is_refused(t) {
  const one = await price(t);
  const plan = await price(t, monthly);
  const make = (more) => t.stripe.checkout.sessions.create({ mode: 'payment', ...urls, line_items: [{ price: one.id, quantity: 1 }], ...more });
  await t.rejects(make({ mode: undefined }), { code: 'parameter_missing', param: 'mode' });
  await t.rejects(make({ success_url: undefined }), { code: 'parameter_missing', param: 'success_url' });
  await t.rejects(make({ line_items: [{ price: plan.id, quantity: 1 }] }), { message: /^You specified `payment` mode but passed a recurring price/ });
  await t.rejects(make({ mode: 'subscription' }), { message: /^You must provide at least one recurring price/ });
  await t.rejects(make({ line_items: [{ price: 'price_none', quantity: 1 }] }), { code: 'resource_missing', param: 'line_items[0][price]' });
  await t.rejects(make({ line_items: [{ price: one.id }] }), { param: 'line_items[0][quantity]' });
  await t.rejects(make({ customer: 'cus_none' }), { code: 'resource_missing', param: 'customer' });
  await t.rejects(make({ expires_at: Math.floor(Date.now() / 1000) + 60 }), { param: 'expires_at' });
  await t.rejects(make({ payment_method_types: ['card'] }), { code: 'parameter_unknown', param: 'payment_method_types' });
  const paid = await make({});
  await t.rejects(t.stripe.paymentIntents.cancel((await confirm(t, paid.id, { payment_method: 'pm_card_visa' })).json.payment_intent.id),
    { message: /created by a Checkout Session/ });
}

export async function a_subscription_begins_active_with_a_paid_invoice(t) {
  const plan = await price(t, monthly);
  const open = await session(t, {
    mode: 'subscription', line_items: [{ price: plan.id, quantity: 1 }], subscription_data: { metadata: { user: 'u1' } }, customer_email: 'ada@example.com',
  });
  const paid = await confirm(t, open.id, { payment_method: 'pm_card_visa' });
  assert.equal(paid.status, 200, paid.text);
  const done = await t.stripe.checkout.sessions.retrieve(open.id, { expand: ['subscription', 'invoice.payments', 'customer'] });
  assert.deepEqual([done.status, done.payment_status, done.mode], ['complete', 'paid', 'subscription']);
  assert.equal(done.customer.email, 'ada@example.com');
  assert.equal(done.subscription.status, 'active');
  assert.equal(done.subscription.metadata.user, 'u1');
  assert.match(done.subscription.default_payment_method, /^pm_/);
  assert.equal(done.invoice.billing_reason, 'subscription_create');
  assert.equal(done.invoice.parent.subscription_details.subscription, done.subscription.id);
  assert.equal(done.invoice.lines.data[0].pricing.price_details.price, plan.id);
  assert.match(done.invoice.payments.data[0].payment.payment_intent, /^pi_/);
  const created = (await t.stripe.events.list({ type: 'customer.subscription.created' })).data[0];
  assert.equal(created.data.object.status, 'active');
  const types = await t.types((e) => !/^(product|price)\./.test(e.type));
  assert.deepEqual(types, ['customer.created', 'payment_method.attached', 'customer.updated', 'customer.subscription.created', 'invoice.created',
    'invoice.finalized', 'payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded', 'invoice.paid', 'invoice.payment_succeeded',
    'checkout.session.completed', 'invoice_payment.paid']);
}

export async function a_subscription_with_a_trial_needs_no_payment(t) {
  const plan = await price(t, monthly);
  const open = await session(t, { mode: 'subscription', line_items: [{ price: plan.id, quantity: 1 }], subscription_data: { trial_period_days: 14 } });
  await confirm(t, open.id, { payment_method: 'pm_card_visa' });
  const done = await t.stripe.checkout.sessions.retrieve(open.id, { expand: ['subscription', 'invoice'] });
  assert.deepEqual([done.payment_status, done.subscription.status, done.invoice.amount_paid, done.invoice.status],
    ['no_payment_required', 'trialing', 0, 'paid']);
  assert.equal(done.subscription.trial_end - done.subscription.trial_start, 14 * 86400);
}

export async function a_card_for_a_trial_is_made_ready_first(t) {
  const plan = await price(t, monthly);
  const trial = () => session(t, { mode: 'subscription', line_items: [{ price: plan.id, quantity: 1 }], subscription_data: { trial_period_days: 14 } });
  const plain = await trial();
  await confirm(t, plain.id, { payment_method: 'pm_card_visa' });
  assert.deepEqual(await t.types((e) => /setup_intent|subscription|checkout/.test(e.type)), ['setup_intent.created', 'setup_intent.succeeded',
    'customer.subscription.created', 'checkout.session.completed']);
  const strict = await trial();
  const asked = await confirm(t, strict.id, { payment_method: 'pm_card_authenticationRequiredOnSetup' });
  assert.equal((await t.stripe.checkout.sessions.retrieve(strict.id)).status, 'open');
  await t.control(`payments/${asked.json.setup_intent}/authenticate`, { success: false });
  assert.equal((await t.stripe.checkout.sessions.retrieve(strict.id)).status, 'open');
  await confirm(t, strict.id, { payment_method: 'pm_card_authenticationRequiredOnSetup' });
  await t.control(`payments/${strict.id}/authenticate`, { success: true });
  const done = await t.stripe.checkout.sessions.retrieve(strict.id, { expand: ['subscription'] });
  assert.deepEqual([done.status, done.subscription.status], ['complete', 'trialing']);
  await t.control('clock', { now: done.subscription.trial_end + 4000 });
  assert.equal((await t.stripe.subscriptions.retrieve(done.subscription.id)).status, 'active');
}

export async function a_trial_may_begin_without_a_card(t) {
  const plan = await price(t, monthly);
  const open = await session(t, {
    mode: 'subscription', line_items: [{ price: plan.id, quantity: 1 }], payment_method_collection: 'if_required', customer_email: 'ada@example.com',
    subscription_data: { trial_period_days: 14, trial_settings: { end_behavior: { missing_payment_method: 'cancel' } } },
  });
  const started = await confirm(t, open.id, {});
  assert.equal(started.status, 200, started.text);
  const done = await t.stripe.checkout.sessions.retrieve(open.id, { expand: ['subscription'] });
  assert.deepEqual([done.payment_status, done.subscription.status, done.subscription.default_payment_method], ['no_payment_required', 'trialing', null]);
  await t.control('clock', { now: done.subscription.trial_end + 1 });
  assert.equal((await t.stripe.subscriptions.retrieve(done.subscription.id)).status, 'canceled');
  const paid = await session(t, { mode: 'subscription', line_items: [{ price: plan.id, quantity: 1 }], payment_method_collection: 'if_required' });
  assert.equal((await confirm(t, paid.id, {})).json.error.code, 'parameter_missing');
}

export async function what_is_bought_once_can_have_an_invoice(t) {
  const open = await session(t, {
    invoice_creation: { enabled: true, invoice_data: { description: 'Thank you', footer: 'Bye', metadata: { order: '7' } } }, customer_email: 'ada@example.com',
  });
  assert.deepEqual([open.customer_creation, open.invoice_creation.enabled, open.invoice], ['always', true, null]);
  await confirm(t, open.id, { payment_method: 'pm_card_visa' });
  const done = await t.stripe.checkout.sessions.retrieve(open.id, { expand: ['invoice.payments'] });
  const invoice = done.invoice;
  assert.deepEqual([invoice.status, invoice.billing_reason, invoice.amount_paid, invoice.description, invoice.metadata.order],
    ['paid', 'manual', 4000, 'Thank you', '7']);
  assert.deepEqual(invoice.lines.data.map((l) => [l.description, l.quantity, l.amount]), [['Credits', 2, 4000]]);
  assert.equal(invoice.payments.data[0].payment.payment_intent, done.payment_intent);
  assert.match(invoice.hosted_invoice_url, /\/invoice\/in_/);
  assert.deepEqual((await t.types((e) => /^(invoice|checkout|payment_intent)/.test(e.type))), ['payment_intent.created', 'payment_intent.succeeded',
    'invoice.created', 'invoice.finalized', 'invoice.paid', 'invoice.payment_succeeded', 'checkout.session.completed', 'invoice_payment.paid']);
  await t.rejects(session(t, { mode: 'subscription', line_items: [{ price: (await price(t, monthly)).id, quantity: 1 }], invoice_creation: { enabled: true } }),
    { param: 'invoice_creation' });
}

export async function automatic_tax_of_an_account_registered_nowhere_is_nothing(t) {
  const open = await session(t, { automatic_tax: { enabled: true } });
  assert.deepEqual([open.automatic_tax.enabled, open.automatic_tax.status, open.amount_total, open.total_details.amount_tax], [true, 'complete', 4000, 0]);
  const customer = await t.stripe.customers.create({});
  await t.rejects(session(t, { automatic_tax: { enabled: true }, customer: customer.id }), { code: 'customer_tax_location_invalid' });
  const saved = await session(t, { automatic_tax: { enabled: true }, customer: customer.id, customer_update: { address: 'auto', name: 'auto' } });
  const paid = await t.raw('POST', `/v1/payment_pages/${saved.id}/confirm`, new URLSearchParams({
    'payment_method_data[type]': 'card', 'payment_method_data[card][number]': '4242424242424242', 'payment_method_data[card][exp_month]': '12',
    'payment_method_data[card][exp_year]': '2034', 'payment_method_data[card][cvc]': '123', 'payment_method_data[billing_details][name]': 'Ada',
    'payment_method_data[billing_details][address][country]': 'DE',
  }).toString());
  assert.equal(paid.status, 200, paid.text);
  const kept = await t.stripe.customers.retrieve(customer.id);
  assert.deepEqual([kept.name, kept.address.country], ['Ada', 'DE']);
}

export async function what_only_changes_the_look_of_the_page_is_shown_again(t) {
  const open = await session(t, {
    custom_text: { submit: { message: 'No refunds on used credits' } }, tax_id_collection: { enabled: true }, phone_number_collection: { enabled: true },
    consent_collection: { terms_of_service: 'required' }, saved_payment_method_options: { payment_method_save: 'enabled' },
  });
  assert.deepEqual([open.custom_text.submit.message, open.saved_payment_method_options.payment_method_save], ['No refunds on used credits', 'enabled']);
  assert.deepEqual([open.tax_id_collection.enabled, open.phone_number_collection.enabled, open.consent_collection.terms_of_service], [true, true, 'required']);
  await t.rejects(session(t, { shipping_address_collection: { allowed_countries: ['DE'] } }), { param: 'shipping_address_collection' });
  await t.rejects(session(t, { custom_fields: [{ key: 'a', type: 'text', label: { type: 'custom', custom: 'A' } }] }), { param: 'custom_fields' });
}

export async function a_shop_can_ask_for_3d_secure(t) {
  const open = await session(t, { payment_method_options: { card: { request_three_d_secure: 'any' } } });
  const asked = await confirm(t, open.id, { payment_method: 'pm_card_visa' });
  assert.equal(asked.json.payment_intent.status, 'requires_action');
}

export async function a_declined_subscription_has_never_been(t) {
  const plan = await price(t, monthly);
  const open = await session(t, { mode: 'subscription', line_items: [{ price: plan.id, quantity: 1 }] });
  const declined = await confirm(t, open.id, { payment_method: 'pm_card_chargeCustomerFail' });
  assert.equal(declined.status, 402);
  assert.equal((await t.stripe.subscriptions.list({ status: 'all' })).data.length, 0);
  await confirm(t, open.id, { payment_method: 'pm_card_visa' });
  assert.equal((await t.stripe.subscriptions.list()).data.length, 1);
}

export async function a_challenged_subscription_is_incomplete_until_the_holder_answers(t) {
  const plan = await price(t, monthly);
  const open = await session(t, { mode: 'subscription', line_items: [{ price: plan.id, quantity: 1 }] });
  const asked = await confirm(t, open.id, { payment_method: 'pm_card_authenticationRequired' });
  const intent = asked.json.payment_intent;
  assert.equal(intent.status, 'requires_action');
  assert.equal((await t.stripe.subscriptions.list({ status: 'incomplete' })).data.length, 1);
  await t.control(`payments/${intent.id}/authenticate`, { success: true });
  const done = await t.stripe.checkout.sessions.retrieve(open.id, { expand: ['subscription'] });
  assert.deepEqual([done.status, done.payment_status, done.subscription.status], ['complete', 'paid', 'active']);
}

export async function a_setup_session_keeps_a_card_for_later(t) {
  const customer = await t.stripe.customers.create({});
  const open = await t.stripe.checkout.sessions.create({ mode: 'setup', customer: customer.id, currency: 'usd', ...urls });
  assert.match(open.setup_intent, /^seti_/);
  await confirm(t, open.id, { payment_method: 'pm_card_visa' });
  const done = await t.stripe.checkout.sessions.retrieve(open.id, { expand: ['setup_intent.payment_method'] });
  assert.deepEqual([done.status, done.payment_status, done.setup_intent.status, done.setup_intent.payment_method.customer],
    ['complete', 'no_payment_required', 'succeeded', customer.id]);
}
