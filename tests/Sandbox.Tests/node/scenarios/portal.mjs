import assert from 'node:assert/strict';

export async function a_portal_session_has_an_address_and_a_configuration(t) {
  const customer = await t.stripe.customers.create({});
  const price = await t.stripe.prices.create({ currency: 'usd', unit_amount: 100, recurring: { interval: 'month' }, product_data: { name: 'Pro' } });
  const configuration = await t.stripe.billingPortal.configurations.create({
    features: {
      subscription_cancel: { enabled: true, mode: 'immediately' },
      subscription_update: { enabled: true, default_allowed_updates: ['price'], products: [{ product: price.product, prices: [price.id] }] },
    },
    default_return_url: 'https://example.com/account',
  });
  const session = await t.stripe.billingPortal.sessions.create({ customer: customer.id, configuration: configuration.id, expand: ['configuration'] });
  assert.match(session.id, /^bps_/);
  assert.match(session.url, /\/portal\/bps_/);
  assert.equal(session.return_url, 'https://example.com/account');
  assert.equal(session.configuration.features.subscription_cancel.mode, 'immediately');
  const changed = await t.stripe.billingPortal.configurations.update(configuration.id, { active: false });
  assert.equal(changed.active, false);
  await t.rejects(t.stripe.billingPortal.sessions.create({ customer: customer.id, configuration: configuration.id }), { param: 'configuration' });
}

export async function a_flow_leads_to_one_thing_and_must_be_allowed(t) {
  const customer = await t.stripe.customers.create({});
  const session = await t.stripe.billingPortal.sessions.create({ customer: customer.id, flow_data: { type: 'payment_method_update' } });
  assert.equal(session.flow.type, 'payment_method_update');
  assert.equal((await t.stripe.billingPortal.configurations.list({ is_default: true })).data.length, 1);
  await t.rejects(t.stripe.billingPortal.sessions.create({
    customer: customer.id, flow_data: { type: 'subscription_update', subscription_update: { subscription: 'sub_none' } },
  }), { param: 'flow_data[type]' });
  await t.rejects(t.stripe.billingPortal.sessions.create({}), { code: 'parameter_missing', param: 'customer' });
}

export async function a_customers_balance_is_credit_for_later_invoices(t) {
  const customer = await t.stripe.customers.create({});
  const entry = await t.stripe.customers.createBalanceTransaction(customer.id, { amount: -500, currency: 'usd', description: 'goodwill' });
  assert.deepEqual([entry.ending_balance, entry.type], [-500, 'adjustment']);
  assert.equal((await t.stripe.customers.retrieve(customer.id)).balance, -500);
}
