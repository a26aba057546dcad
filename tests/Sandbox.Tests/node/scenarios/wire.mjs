import assert from 'node:assert/strict';
import http from 'node:http';

export async function a_missing_key_is_refused_with_401(t) {
  const answer = await t.raw('GET', '/v1/customers', undefined, { authorization: '' });
  assert.equal(answer.status, 401);
  assert.match(answer.json.error.message, /^You did not provide an API key/);
  assert.equal(answer.json.error.type, 'invalid_request_error');
}

export async function a_live_key_is_refused(t) {
  const answer = await t.raw('GET', '/v1/customers', undefined, { authorization: 'Bearer sk_live_abcdefghijklmnop' });
  assert.equal(answer.status, 401);
  assert.equal(answer.json.error.message, 'Invalid API Key provided: sk_live_************mnop'.replace('************', '*'.repeat(12)));
}

export async function a_publishable_key_is_refused(t) {
  const answer = await t.raw('GET', '/v1/customers', undefined, { authorization: 'Bearer pk_test_abcdefghijklmnop' });
  assert.equal(answer.status, 403);
  assert.equal(answer.json.error.code, 'secret_key_required');
}

export async function the_key_may_come_as_basic_user_name(t) {
  const basic = Buffer.from(`${t.key}:`).toString('base64');
  const answer = await t.raw('GET', '/v1/customers', undefined, { authorization: `Basic ${basic}` });
  assert.equal(answer.status, 200);
}

export async function an_unknown_url_is_stripes_404(t) {
  const answer = await t.raw('GET', '/v1/nonsense');
  assert.equal(answer.status, 404);
  assert.match(answer.json.error.message, /^Unrecognized request URL \(GET: \/v1\/nonsense\)/);
}

export async function every_answer_has_a_request_id_and_the_version(t) {
  const customer = await t.stripe.customers.create({ name: 'Ada' });
  assert.match(customer.lastResponse.requestId, /^req_\w{14}$/);
  assert.equal(customer.lastResponse.apiVersion, '2026-10-28.endive');
}

export async function an_unknown_version_is_refused(t) {
  const answer = await t.raw('GET', '/v1/customers', undefined, { 'stripe-version': '2031-01-01.zinnia' });
  assert.equal(answer.status, 400);
  assert.match(answer.json.error.message, /^Invalid Stripe API version: 2031-01-01.zinnia/);
}

export async function unknown_parameters_are_named(t) {
  await t.rejects(t.stripe.customers.create({ nonsense: 'x' }), {
    status: 400, code: 'parameter_unknown', param: 'nonsense', message: 'Received unknown parameter: nonsense',
    type: 'StripeInvalidRequestError',
  });
  await t.rejects(t.stripe.customers.create({ invoice_settings: { a: 1, b: 2 } }), {
    message: 'Received unknown parameters: invoice_settings[a], invoice_settings[b]',
  });
}

export async function missing_parameters_are_named(t) {
  await t.rejects(t.stripe.products.create({}), {
    status: 400, code: 'parameter_missing', param: 'name', message: 'Missing required param: name.',
  });
  await t.rejects(t.stripe.paymentIntents.create({ currency: 'usd' }), { code: 'parameter_missing', param: 'amount' });
}

export async function wrong_kinds_of_value_are_named(t) {
  await t.rejects(t.stripe.paymentIntents.create({ amount: 'ten', currency: 'usd' }), {
    code: 'parameter_invalid_integer', param: 'amount', message: 'Invalid integer: ten',
  });
  await t.rejects(t.stripe.paymentIntents.create({ amount: 1000, currency: 'usd', confirm: 'perhaps' }), {
    param: 'confirm', message: 'Invalid boolean: perhaps',
  });
  await t.rejects(t.stripe.customers.create({ tax_exempt: 'maybe' }), {
    param: 'tax_exempt', message: 'Invalid tax_exempt: must be one of exempt, none, or reverse',
  });
  await t.rejects(t.stripe.customers.create({ address: 'here' }), { param: 'address', message: 'Invalid object' });
  await t.rejects(t.stripe.paymentIntents.create({ amount: 1000, currency: 'usd', customer: '' }), {
    code: 'parameter_invalid_empty', param: 'customer', message: /^You passed an empty string for 'customer'/,
  });
  await t.rejects(t.stripe.paymentIntents.create({ amount: 1000, currency: 'abc' }), { param: 'currency', message: /^Invalid currency: abc/ });
}

export async function what_is_not_there_is_404_in_the_path_and_400_in_a_parameter(t) {
  await t.rejects(t.stripe.customers.retrieve('cus_none'), {
    status: 404, code: 'resource_missing', param: 'id', message: "No such customer: 'cus_none'",
  });
  await t.rejects(t.stripe.paymentIntents.create({ amount: 1000, currency: 'usd', customer: 'cus_none' }), {
    status: 400, code: 'resource_missing', param: 'customer', message: "No such customer: 'cus_none'",
  });
}

export async function errors_carry_documentation_and_log_addresses(t) {
  const answer = await t.raw('POST', '/v1/products', '');
  assert.equal(answer.json.error.doc_url, 'https://stripe.com/docs/error-codes/parameter-missing');
  assert.match(answer.json.error.request_log_url, /^https:\/\/dashboard\.stripe\.com\/test\/logs\/req_/);
  assert.ok(answer.headers.get('request-id'));
}

export async function brackets_nest_and_both_kinds_of_array_are_understood(t) {
  const one = await t.raw('POST', '/v1/products', 'name=A&images[]=https%3A%2F%2Fa.test%2F1&images[]=https%3A%2F%2Fa.test%2F2');
  assert.deepEqual(one.json.images, ['https://a.test/1', 'https://a.test/2']);
  const two = await t.raw('POST', '/v1/products', 'name=A&images%5B1%5D=b&images%5B0%5D=a&metadata%5Bx+y%5D=1%202');
  assert.deepEqual(two.json.images, ['a', 'b']);
  assert.deepEqual(two.json.metadata, { 'x y': '1 2' });
  const product = await t.stripe.products.create({ name: 'P' });
  const tiers = 'tiers[][up_to]=10&tiers[][unit_amount]=5&tiers[][up_to]=inf&tiers[][unit_amount]=3';
  const price = await t.raw('POST', '/v1/prices',
    `currency=usd&product=${product.id}&billing_scheme=tiered&tiers_mode=graduated&${tiers}&expand[]=tiers`);
  assert.deepEqual(price.json.tiers.map((x) => [x.up_to, x.unit_amount]), [[10, 5], [null, 3]]);
}

export async function an_empty_value_unsets(t) {
  const customer = await t.stripe.customers.create({ name: 'Ada', description: 'first', metadata: { a: '1', b: '2' } });
  const changed = await t.stripe.customers.update(customer.id, { description: '', metadata: { a: '' } });
  assert.equal(changed.description, null);
  assert.deepEqual(changed.metadata, { b: '2' });
  const cleared = await t.stripe.customers.update(customer.id, { metadata: '' });
  assert.deepEqual(cleared.metadata, {});
}

export async function metadata_merges_and_has_limits(t) {
  const customer = await t.stripe.customers.create({ metadata: { a: '1' } });
  const merged = await t.stripe.customers.update(customer.id, { metadata: { b: '2' } });
  assert.deepEqual(merged.metadata, { a: '1', b: '2' });
  await t.rejects(t.stripe.customers.create({ metadata: { ['k'.repeat(41)]: 'v' } }), { status: 400, message: /up to 40 characters/ });
  await t.rejects(t.stripe.customers.create({ metadata: { k: 'v'.repeat(501) } }), { param: 'metadata[k]', message: /up to 500 characters/ });
  await t.rejects(t.stripe.customers.create({ metadata: { 'a[b]': '1' } }), { status: 400, message: /square brackets/ });
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v']));
  await t.rejects(t.stripe.customers.create({ metadata: many }), { status: 400, param: 'metadata' });
}

export async function the_same_idempotency_key_replays_the_first_answer(t) {
  const first = await t.stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'one' });
  const again = await t.stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'one' });
  assert.equal(again.id, first.id);
  assert.equal(again.lastResponse.headers['idempotent-replayed'], 'true');
  assert.equal(first.lastResponse.headers['idempotent-replayed'], undefined);
  assert.equal((await t.stripe.customers.list()).data.length, 1);
}

export async function an_idempotency_key_with_other_parameters_is_refused(t) {
  await t.stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'one' });
  await t.rejects(t.stripe.customers.create({ name: 'Bob' }, { idempotencyKey: 'one' }), {
    status: 400, type: 'StripeIdempotencyError',
    message: /^Keys for idempotent requests can only be used with the same parameters they were first used with\. Try using a key other than 'one'/,
  });
}

export async function an_idempotency_key_of_a_running_request_is_refused_with_409(t) {
  await t.control('faults', { kind: 'timeout', count: 1 });
  const body = 'name=Ada';
  const hanging = http.request(`${t.base}/v1/customers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${t.key}`, 'idempotency-key': 'busy', 'content-type': 'application/x-www-form-urlencoded' },
  });
  hanging.on('error', () => {});
  hanging.end(body);
  await t.until('the request to hang', async () => (await t.raw('GET', '/control/faults')).json.queued === 0);
  const refused = await t.raw('POST', '/v1/products', 'name=x', { 'idempotency-key': 'busy' });
  hanging.destroy();
  assert.equal(refused.status, 409);
  assert.equal(refused.json.error.code, 'idempotency_key_in_use');
  assert.equal(refused.json.error.type, 'invalid_request_error');
}

export async function refused_parameters_do_not_use_up_an_idempotency_key(t) {
  await t.rejects(t.stripe.customers.create({ nonsense: 1 }, { idempotencyKey: 'one' }), { status: 400 });
  const customer = await t.stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'one' });
  assert.ok(customer.id);
}

export async function what_a_handler_refuses_does_not_use_up_an_idempotency_key(t) {
  const pay = (amount, currency) => t.stripe.paymentIntents.create({ amount, currency }, { idempotencyKey: 'one' });
  await t.rejects(pay(1, 'usd'), { status: 400, code: 'amount_too_small' });
  await t.rejects(pay(1000, 'xyz'), { status: 400 });
  await t.rejects(t.stripe.customers.update('cus_gone', { name: 'Ada' }, { idempotencyKey: 'two' }), { status: 404 });
  assert.ok((await pay(1000, 'usd')).id);
  assert.ok((await t.stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'two' })).id);
}

export async function an_idempotency_key_knows_its_parameters_in_any_order_and_encoding(t) {
  const send = (body) => t.raw('POST', '/v1/customers', body, { 'idempotency-key': 'one' });
  const first = await send('name=Ada+L&metadata[a]=1&metadata[b]=2');
  const again = await send('metadata%5Bb%5D=2&metadata%5Ba%5D=1&name=Ada%20L');
  assert.equal(again.json.id, first.json.id);
  assert.equal((await send('name=Ada+L&metadata[a]=2&metadata[b]=1')).status, 400);
}

export async function a_declined_card_is_remembered_by_its_idempotency_key(t) {
  const buy = () => t.stripe.paymentIntents.create(
    { amount: 1000, currency: 'usd', payment_method: 'pm_card_chargeDeclined', confirm: true }, { idempotencyKey: 'declined' });
  const first = await t.rejects(buy(), { status: 402 });
  const again = await t.rejects(buy(), { status: 402 });
  assert.equal(again.payment_intent.id, first.payment_intent.id);
  assert.equal(again.headers['idempotent-replayed'], 'true');
}

export async function lists_page_in_both_directions(t) {
  const ids = [];
  for (let i = 0; i < 5; i++) ids.unshift((await t.stripe.customers.create({ name: `c${i}` })).id);
  const first = await t.stripe.customers.list({ limit: 2 });
  assert.deepEqual(first.data.map((c) => c.id), ids.slice(0, 2));
  assert.equal(first.has_more, true);
  assert.equal(first.url, '/v1/customers');
  const second = await t.stripe.customers.list({ limit: 2, starting_after: ids[1] });
  assert.deepEqual(second.data.map((c) => c.id), ids.slice(2, 4));
  const last = await t.stripe.customers.list({ limit: 2, starting_after: ids[3] });
  assert.deepEqual([last.data.length, last.has_more], [1, false]);
  const back = await t.stripe.customers.list({ limit: 2, ending_before: ids[3] });
  assert.deepEqual(back.data.map((c) => c.id), ids.slice(1, 3));
  assert.equal(back.has_more, true);
  const all = await t.stripe.customers.list({ limit: 2 }).autoPagingToArray({ limit: 100 });
  assert.deepEqual(all.map((c) => c.id), ids);
  const upwards = await t.stripe.customers.list({ limit: 2, ending_before: ids[4] }).autoPagingToArray({ limit: 100 });
  assert.deepEqual(upwards.map((c) => c.id), ids.slice(0, 4).reverse());
  await t.rejects(t.stripe.customers.list({ limit: 101 }), {
    param: 'limit', message: "This value must be less than or equal to 100 (it currently is '101').",
  });
  await t.rejects(t.stripe.customers.list({ starting_after: 'cus_none' }), { code: 'resource_missing', param: 'starting_after' });
  await t.rejects(t.stripe.customers.list({ starting_after: ids[0], ending_before: ids[1] }), { status: 400 });
}

export async function ids_expand_deeply_and_in_lists(t) {
  const customer = await t.stripe.customers.create({ name: 'Ada' });
  const intent = await t.stripe.paymentIntents.create({
    amount: 1000, currency: 'usd', customer: customer.id, payment_method: 'pm_card_visa', confirm: true,
    expand: ['customer', 'latest_charge.balance_transaction'],
  });
  assert.equal(intent.customer.name, 'Ada');
  assert.equal(intent.latest_charge.balance_transaction.fee, 59);
  const list = await t.stripe.charges.list({ expand: ['data.payment_intent.customer', 'data.refunds'] });
  assert.equal(list.data[0].payment_intent.customer.id, customer.id);
  assert.deepEqual(list.data[0].refunds.data, []);
  await t.rejects(t.stripe.customers.retrieve(customer.id, { expand: ['email'] }), { status: 400, message: /^This property cannot be expanded/ });
  await t.rejects(t.stripe.charges.list({ expand: ['data.a.b.c.d'] }), { message: /^You cannot expand more than 4 levels of a property/ });
}

export async function customers_are_found_by_metadata(t) {
  await t.stripe.customers.create({ name: 'Ada', email: 'ada@example.com', metadata: { user: 'u-1' } });
  await t.stripe.customers.create({ name: 'Bob', metadata: { user: 'u-2' } });
  const found = await t.stripe.customers.search({ query: "metadata['user']:'u-1' AND email:'ada@example.com'" });
  assert.deepEqual(found.data.map((c) => c.name), ['Ada']);
  assert.equal(found.object, 'search_result');
  await t.rejects(t.stripe.customers.search({ query: 'what?' }), { status: 400, param: 'query' });
  const either = await t.stripe.customers.search({ query: "metadata['user']:'u-1' OR name:'Bob'", limit: 1 }).autoPagingToArray({ limit: 10 });
  assert.deepEqual(either.map((c) => c.name), ['Bob', 'Ada']);
  await t.rejects(t.stripe.customers.search({ query: "name:'Ada' OR name:'Bob' AND email:'x'" }), { param: 'query' });
  await t.rejects(t.stripe.customers.search({ query: "balance:'0'" }), { message: /^Field `balance` is an unsupported search field for resource `customers`/ });
  await t.rejects(t.stripe.customers.search({ query: "name:'Ada'", limit: 101 }), { param: 'limit' });
  assert.deepEqual((await t.stripe.customers.search({ query: "-email:null AND created>0" })).data.map((c) => c.name), ['Ada']);
}

export async function faults_come_in_stripes_own_form(t) {
  await t.control('faults', { kind: 'rate_limit', count: 1 });
  const limited = await t.rejects(t.stripe.customers.create({ name: 'Ada' }), { status: 429 });
  assert.equal(limited.headers['stripe-rate-limited-reason'], 'global-rate');
  await t.control('faults', { kind: 'error_500_no_retry', count: 1 });
  const failed = await t.rejects(t.client({ maxNetworkRetries: 2 }).customers.create({ name: 'Ada' }), { status: 500, type: 'StripeAPIError' });
  assert.equal(failed.headers['stripe-should-retry'], 'false');
  await t.control('faults', { kind: 'lock_timeout_should_retry', count: 1 });
  const customer = await t.client({ maxNetworkRetries: 2 }).customers.create({ name: 'Ada' });
  assert.equal((await t.stripe.customers.list()).data.length, 1);
  assert.ok(customer.id);
}

export async function controls_say_what_they_do_not_understand(t) {
  const refused = async (path, body, param) => {
    const answer = await t.raw('POST', `/control/${path}`, JSON.stringify(body), { 'content-type': 'application/json' });
    assert.deepEqual([answer.status, answer.json.error.param], [400, param], answer.text);
  };
  await refused('faults', { kind: 'earthquake' }, 'kind');
  await refused('faults', { kind: 'rate_limit', count: 'two' }, 'count');
  await refused('clock', {}, 'now');
  await refused('clock', { now: 1 }, 'now');
  await refused('clock', { now: 999999999999999 }, 'now');
  await refused('webhooks/chaos', { drop: 2 }, 'drop');
  await refused('dunning', { retries: ['soon'] }, 'retries');
  await refused('dunning', { final: 'explode' }, 'final');
}

export async function a_lost_answer_is_replayed_to_the_retry(t) {
  await t.control('faults', { kind: 'drop_after_commit', count: 1 });
  const customer = await t.client({ maxNetworkRetries: 2 }).customers.create({ name: 'Ada' });
  assert.equal(customer.lastResponse.headers['idempotent-replayed'], 'true');
  assert.equal((await t.stripe.customers.list()).data.length, 1);
}

export async function accounts_of_two_keys_share_nothing(t) {
  const customer = await t.stripe.customers.create({ name: 'Ada' });
  const other = await t.raw('GET', `/v1/customers/${customer.id}`, undefined, { authorization: 'Bearer sk_test_somebody_else_entirely' });
  assert.equal(other.status, 404);
}

export async function a_version_before_basil_sees_the_old_shapes(t) {
  const intent = await t.stripe.paymentIntents.create({ amount: 1000, currency: 'usd', payment_method: 'pm_card_visa', confirm: true });
  assert.ok(!('invoice' in intent));
  const old = await t.client({ apiVersion: '2024-06-20' }).paymentIntents.retrieve(intent.id);
  assert.equal(old.invoice, null);
  assert.equal(old.lastResponse.apiVersion, '2024-06-20');
}

export async function a_field_that_only_an_older_version_has_expands_there(t) {
  const customer = await t.stripe.customers.create({ payment_method: 'pm_card_visa' });
  const [method] = (await t.stripe.customers.listPaymentMethods(customer.id)).data;
  const price = await t.stripe.prices.create({ currency: 'usd', unit_amount: 1000, recurring: { interval: 'month' }, product_data: { name: 'Pro' } });
  const subscription = await t.stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], default_payment_method: method.id });
  const old = t.client({ apiVersion: '2023-10-16' });
  const invoice = await old.invoices.retrieve(subscription.latest_invoice, { expand: ['payment_intent.latest_charge', 'subscription'] });
  assert.deepEqual([invoice.payment_intent.latest_charge.status, invoice.subscription.id], ['succeeded', subscription.id]);
  const list = await old.invoices.list({ expand: ['data.payment_intent'] });
  assert.equal(list.data[0].payment_intent.status, 'succeeded');
  await t.rejects(t.stripe.invoices.retrieve(subscription.latest_invoice, { expand: ['payment_intent'] }), { message: /^This property cannot be expanded/ });
}

export async function words_that_later_versions_renamed_are_understood_from_older_ones(t) {
  const old = t.client({ apiVersion: '2025-09-30.clover' });
  const sell = (client, more) => client.checkout.sessions.create({
    mode: 'payment', success_url: 'https://example.com/ok', ...more,
    line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: 'A' } } }],
  });
  const session = await sell(old, { ui_mode: 'hosted', payment_method_types: ['card'] });
  assert.equal(session.ui_mode, 'hosted');
  assert.equal((await t.stripe.checkout.sessions.retrieve(session.id)).ui_mode, 'hosted_page');
  await t.rejects(sell(t.stripe, { ui_mode: 'hosted' }), { param: 'ui_mode' });
  const customer = await t.stripe.customers.create({ payment_method: 'pm_card_visa' });
  const [method] = (await t.stripe.customers.listPaymentMethods(customer.id)).data;
  const price = await t.stripe.prices.create({ currency: 'usd', unit_amount: 1000, recurring: { interval: 'month' }, product_data: { name: 'Pro' } });
  const subscription = await t.stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], default_payment_method: method.id });
  assert.equal((await old.subscriptions.update(subscription.id, { billing_cycle_anchor: 'now' })).status, 'active');
  await t.rejects(t.stripe.subscriptions.update(subscription.id, { billing_cycle_anchor: 'now' }), { param: 'billing_cycle_anchor' });
}

export async function what_the_sandbox_cannot_do_is_refused_and_not_ignored(t) {
  const customer = await t.stripe.customers.create({});
  await t.rejects(t.stripe.paymentIntents.create({ amount: 1000, currency: 'usd', application_fee_amount: 1 }), { param: 'application_fee_amount' });
  await t.rejects(t.stripe.prices.create({ currency: 'usd', product_data: { name: 'A' }, custom_unit_amount: { enabled: true } }), { param: 'custom_unit_amount' });
  await t.rejects(t.stripe.subscriptions.create({ customer: customer.id, items: [{ price: 'price_x', discounts: [{ coupon: 'half' }] }] }), {
    param: 'items[0][discounts]',
  });
}
