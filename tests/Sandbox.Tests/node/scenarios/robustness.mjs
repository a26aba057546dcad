import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const spec = (name) => JSON.parse(readFileSync(new URL(`../../../../src/Sandbox/Stripe/Spec/${name}.json`, import.meta.url)));
const [api, more] = [spec('stripe-api'), spec('more-operations')];
const definitions = { ...api.$defs, ...more.$defs };
const operations = { ...api.operations, ...more.operations };

const strange = {
  integer: ['-9223372036854775808', '9223372036854775807', '99999999999', '-1', '0'],
  number: ['-1', '1e400', '99999999999999999999999999999'],
  decimal: ['abc', '-1', '99999999999'],
};

function resolve(schema) {
  while (schema.$ref) schema = definitions[schema.$ref.split('/').at(-1)];
  return schema;
}

// Every place of a call's parameters where a number goes, and of which kind.
function numbers(schema, path = '', depth = 0) {
  schema = resolve(schema);
  if (depth > 5) return [];
  const own = path ? [].concat(schema.type ?? []).map((t) => (schema.format === 'decimal' ? 'decimal' : t)).filter((t) => strange[t]).map((t) => [path, t]) : [];
  return [...own,
    ...(schema.anyOf ?? []).flatMap((option) => numbers(option, path, depth)),
    ...(schema.items ? numbers(schema.items, `${path}[0]`, depth + 1) : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => numbers(part, path ? `${path}[${name}]` : name, depth + 1))];
}

async function world(t) {
  const make = async (path, form) => (await t.raw('POST', `/v1/${path}`, form)).json;
  const first = async (path) => (await t.raw('GET', `/v1/${path}`)).json.data[0];
  const customer = await make('customers', 'payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa');
  const product = await make('products', 'name=A');
  const plan = await make('prices', `product=${product.id}&currency=usd&unit_amount=1000&recurring[interval]=month`);
  const price = await make('prices', `product=${product.id}&currency=usd&unit_amount=1000`);
  const subscription = await make('subscriptions', `customer=${customer.id}&items[0][price]=${plan.id}`);
  const paid = await make('payment_intents', 'amount=1000&currency=usd&payment_method=pm_card_createDispute&confirm=true');
  const session = `mode=payment&success_url=https://a.b&line_items[0][price]=${price.id}&line_items[0][quantity]=1`;
  const coupon = await make('coupons', 'percent_off=10&duration=forever');
  const ids = {
    customers: customer.id, products: product.id, prices: plan.id, subscriptions: subscription.id, subscription_items: subscription.items.data[0].id,
    payment_intents: (await make('payment_intents', 'amount=1000&currency=usd')).id, charges: paid.latest_charge, disputes: (await first('disputes')).id,
    setup_intents: (await make('setup_intents', '')).id, 'checkout/sessions': (await make('checkout/sessions', session)).id,
    invoices: (await make('invoices', `customer=${customer.id}`)).id, coupons: coupon.id,
    invoiceitems: (await make('invoiceitems', `customer=${customer.id}&amount=100&currency=usd`)).id,
    payment_methods: (await first(`customers/${customer.id}/payment_methods`)).id,
    'test_helpers/test_clocks': (await make('test_helpers/test_clocks', 'frozen_time=1800000000')).id,
  };
  // What a call needs besides, so that it gets as far as the number.
  const besides = {
    'POST /v1/prices': `product=${product.id}&currency=usd&unit_amount=100`, 'POST /v1/products': 'name=A', 'POST /v1/coupons': 'percent_off=10',
    'POST /v1/payment_intents': 'amount=1000&currency=usd', 'POST /v1/subscriptions': `customer=${customer.id}&items[0][price]=${plan.id}`,
    'POST /v1/checkout/sessions': session, 'POST /v1/invoices': `customer=${customer.id}`, 'POST /v1/refunds': `charge=${paid.latest_charge}`,
    'POST /v1/invoiceitems': `customer=${customer.id}&amount=100&currency=usd`, 'POST /v1/invoices/create_preview': `subscription=${subscription.id}`,
    'POST /v1/customers/{id}/balance_transactions': 'amount=100&currency=usd', 'POST /v1/payment_intents/{id}/confirm': 'payment_method=pm_card_visa',
    'POST /v1/promotion_codes': `promotion[type]=coupon&promotion[coupon]=${coupon.id}`,
    'POST /v1/payment_methods': 'type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2034',
    'POST /v1/subscription_items': `subscription=${subscription.id}&price_data[product]=${product.id}&price_data[currency]=usd&price_data[unit_amount]=1&price_data[recurring][interval]=month`,
  };
  return { ids, besides };
}

export async function no_number_is_too_strange_to_be_answered(t) {
  const failed = [];
  for (const operation of Object.keys(operations)) {
    const [method, path] = operation.split(' ');
    const { ids, besides } = await world(t);
    const kind = Object.keys(ids).filter((k) => path.startsWith(`/v1/${k}/`)).sort((a, b) => b.length - a.length)[0];
    for (const [name, type] of new Set(numbers(operations[operation].params))) {
      for (const value of strange[type]) {
        const rest = (besides[operation] ?? '').split('&').filter((part) => part && !part.startsWith(`${name}=`));
        const form = [...rest, `${encodeURIComponent(name)}=${encodeURIComponent(value)}`].join('&');
        const at = path.replace('{id}', ids[kind] ?? 'x').replace('{id}', 'x');
        const answer = method === 'POST' ? await t.raw(method, at, form) : await t.raw(method, `${at}?${form}`);
        if (answer.status >= 500) failed.push(`${operation} ${name}=${value}`);
      }
    }
  }
  assert.deepEqual(failed, []);
}
