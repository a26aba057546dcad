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

export async function a_product_with_prices_cannot_be_deleted(t) {
  const product = await t.stripe.products.create({ name: 'A', default_price_data: { currency: 'usd', unit_amount: 500 } });
  assert.match(product.default_price, /^price_/);
  await t.rejects(t.stripe.products.del(product.id), { status: 400 });
  const empty = await t.stripe.products.create({ id: 'gold', name: 'B' });
  assert.equal(empty.id, 'gold');
  assert.equal((await t.stripe.products.del('gold')).deleted, true);
}
