import assert from 'node:assert/strict';

export async function a_customer_lives_from_creation_to_deletion(t) {
  const customer = await t.stripe.customers.create({
    name: 'Ada', email: 'ada@example.com', phone: '+1', address: { line1: 'Street 1', country: 'DE' }, payment_method: 'pm_card_visa',
  });
  assert.match(customer.id, /^cus_\w{14}$/);
  assert.equal(customer.livemode, false);
  assert.equal((await t.stripe.customers.listPaymentMethods(customer.id)).data[0].card.last4, '4242');
  const gone = await t.stripe.customers.del(customer.id);
  assert.deepEqual({ ...gone }, { id: customer.id, object: 'customer', deleted: true });
  const still = await t.stripe.customers.retrieve(customer.id);
  assert.equal(still.deleted, true);
  assert.equal((await t.stripe.customers.list()).data.length, 0);
  await t.rejects(t.stripe.customers.update(customer.id, { name: 'x' }), { status: 404, code: 'resource_missing' });
  await t.rejects(t.stripe.paymentIntents.create({ amount: 1000, currency: 'usd', customer: customer.id }), { status: 400, code: 'resource_missing' });
  assert.deepEqual(await t.types(), ['payment_method.attached', 'customer.created', 'customer.deleted']);
}

export async function a_wrong_email_is_refused(t) {
  await t.rejects(t.stripe.customers.create({ email: 'nowhere' }), { param: 'email', code: 'email_invalid' });
}

export async function a_default_payment_method_must_be_attached(t) {
  const customer = await t.stripe.customers.create({});
  const method = await t.stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
  await t.rejects(t.stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } }), {
    status: 400, param: 'invoice_settings[default_payment_method]',
  });
  await t.stripe.paymentMethods.attach(method.id, { customer: customer.id });
  const changed = await t.stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: method.id } });
  assert.equal(changed.invoice_settings.default_payment_method, method.id);
  const updated = (await t.stripe.events.list({ type: 'customer.updated' })).data[0];
  assert.deepEqual(updated.data.previous_attributes, { invoice_settings: { default_payment_method: null } });
  await t.stripe.paymentMethods.detach(method.id);
  assert.equal((await t.stripe.customers.retrieve(customer.id)).invoice_settings.default_payment_method, null);
}

export async function a_test_token_names_the_same_card_twice(t) {
  const customer = await t.stripe.customers.create({ payment_method: 'pm_card_visa', invoice_settings: { default_payment_method: 'pm_card_visa' } });
  const [method] = (await t.stripe.customers.listPaymentMethods(customer.id)).data;
  assert.equal(customer.invoice_settings.default_payment_method, method.id);
}

export async function lookup_keys_are_unique_and_can_move(t) {
  const product = await t.stripe.products.create({ name: 'Credits' });
  const one = await t.stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 1000, lookup_key: 'pack' });
  await t.rejects(t.stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 2000, lookup_key: 'pack' }), {
    status: 400, param: 'lookup_key', message: new RegExp(`^A price \\(\`${one.id}\`\\) already uses that lookup key`),
  });
  const two = await t.stripe.prices.create({
    product: product.id, currency: 'usd', unit_amount: 2000, lookup_key: 'pack', transfer_lookup_key: true,
  });
  const found = await t.stripe.prices.list({ lookup_keys: ['pack'] });
  assert.deepEqual(found.data.map((p) => p.id), [two.id]);
  assert.equal((await t.stripe.prices.retrieve(one.id)).lookup_key, null);
}

export async function prices_have_stripes_fields(t) {
  const price = await t.stripe.prices.create({
    currency: 'eur', unit_amount_decimal: '12.5', product_data: { name: 'Plan' }, recurring: { interval: 'month' }, expand: ['product'],
  });
  assert.equal(price.type, 'recurring');
  assert.equal(price.unit_amount, null);
  assert.equal(String(price.unit_amount_decimal), '12.5');
  assert.equal(price.product.name, 'Plan');
  assert.deepEqual({ ...price.recurring }, { interval: 'month', interval_count: 1, meter: null, trial_period_days: null, usage_type: 'licensed' });
  await t.rejects(t.stripe.prices.create({ currency: 'usd', product: 'prod_none', unit_amount: 1 }), {
    code: 'resource_missing', param: 'product', message: "No such product: 'prod_none'",
  });
}

export async function tiers_count_fractions_and_end_at_infinity(t) {
  const make = (tiers, mode = 'graduated') => t.stripe.prices.create({
    currency: 'usd', product_data: { name: 'Calls' }, recurring: { interval: 'month' }, billing_scheme: 'tiered', tiers_mode: mode, tiers, expand: ['tiers'],
  });
  const price = await make([{ up_to: 100, unit_amount_decimal: '0.5' }, { up_to: 'inf', unit_amount_decimal: '0.25', flat_amount: 100 }]);
  assert.deepEqual(price.tiers.map((x) => [x.up_to, String(x.unit_amount_decimal)]), [[100, '0.5'], [null, '0.25']]);
  const customer = await t.stripe.customers.create({});
  const preview = (id, quantity) => t.stripe.invoices.createPreview({ customer: customer.id, subscription_details: { items: [{ price: id, quantity }] } });
  assert.equal((await preview(price.id, 300)).total, 50 + 100 + 50);
  const volume = await make([{ up_to: 10, unit_amount: 9 }, { up_to: 'inf', unit_amount: 7 }], 'volume');
  assert.equal((await preview(volume.id, 11)).total, 77);
  await t.rejects(make([{ up_to: 100, unit_amount: 1 }]), { param: 'tiers' });
  await t.rejects(make([{ up_to: 100, unit_amount: 1 }, { up_to: 50, unit_amount: 1 }, { up_to: 'inf', unit_amount: 1 }]), { param: 'tiers' });
}

export async function a_price_must_be_a_price(t) {
  const make = (more) => t.stripe.prices.create({ currency: 'usd', product_data: { name: 'A' }, ...more });
  await t.rejects(make({ unit_amount_decimal: 'twelve' }), { param: 'unit_amount_decimal', message: 'Invalid decimal: twelve' });
  await t.rejects(make({ unit_amount: 1, recurring: { interval: 'month', interval_count: 37 } }), { param: 'recurring[interval_count]' });
  await t.rejects(make({ unit_amount: 1, transform_quantity: { divide_by: 0, round: 'up' } }), { param: 'transform_quantity[divide_by]' });
  const one = await make({ unit_amount: 1000 });
  await t.rejects(t.stripe.checkout.sessions.create({
    mode: 'payment', success_url: 'https://example.com/ok', currency: 'eur', line_items: [{ price: one.id, quantity: 1 }],
  }), { message: /only supports `usd`/ });
}

export async function a_product_with_prices_cannot_be_deleted(t) {
  const product = await t.stripe.products.create({ name: 'A', default_price_data: { currency: 'usd', unit_amount: 500 } });
  assert.match(product.default_price, /^price_/);
  await t.rejects(t.stripe.products.del(product.id), { status: 400 });
  const empty = await t.stripe.products.create({ id: 'gold', name: 'B' });
  assert.equal(empty.id, 'gold');
  assert.equal((await t.stripe.products.del('gold')).deleted, true);
}
