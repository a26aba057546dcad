import assert from 'node:assert/strict';

const pay = (t, method, more = {}) => t.stripe.paymentIntents.create({
  amount: 1000, currency: 'usd', payment_method: method, confirm: true, ...more,
});

export async function a_good_card_pays(t) {
  const intent = await pay(t, 'pm_card_visa', { expand: ['latest_charge'] });
  assert.equal(intent.status, 'succeeded');
  assert.equal(intent.amount_received, 1000);
  const charge = intent.latest_charge;
  assert.deepEqual([charge.status, charge.paid, charge.captured, charge.amount_captured], ['succeeded', true, true, 1000]);
  assert.equal(charge.payment_method_details.card.last4, '4242');
  assert.match(charge.receipt_url, /^http/);
  assert.deepEqual(await t.types(), ['payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded']);
}

const declines = {
  pm_card_chargeDeclined: ['card_declined', 'generic_decline', 'Your card was declined.'],
  pm_card_chargeDeclinedInsufficientFunds: ['card_declined', 'insufficient_funds', 'Your card has insufficient funds.'],
  pm_card_visa_chargeDeclinedLostCard: ['card_declined', 'lost_card', 'Your card was declined.'],
  pm_card_visa_chargeDeclinedStolenCard: ['card_declined', 'stolen_card', 'Your card was declined.'],
  pm_card_chargeDeclinedExpiredCard: ['expired_card', undefined, 'Your card has expired.'],
  pm_card_chargeDeclinedIncorrectCvc: ['incorrect_cvc', undefined, "Your card's security code is incorrect."],
  pm_card_chargeDeclinedProcessingError: ['processing_error', undefined, 'An error occurred while processing your card. Try again in a little bit.'],
};

export async function every_declining_card_says_why(t) {
  for (const [method, [code, decline, message]] of Object.entries(declines)) {
    const error = await t.rejects(pay(t, method), { status: 402, type: 'StripeCardError', code, message });
    assert.equal(error.raw.decline_code, decline);
    assert.equal(error.payment_intent.status, 'requires_payment_method');
    assert.equal(error.payment_intent.last_payment_error.code, code);
    assert.match(error.charge, /^ch_/);
    assert.equal((await t.stripe.charges.retrieve(error.charge)).status, 'failed');
  }
}

export async function after_a_decline_the_same_intent_can_be_paid(t) {
  const error = await t.rejects(pay(t, 'pm_card_chargeDeclined'), { status: 402 });
  const intent = await t.stripe.paymentIntents.confirm(error.payment_intent.id, { payment_method: 'pm_card_visa' });
  assert.equal(intent.status, 'succeeded');
  assert.equal(intent.last_payment_error, null);
  assert.deepEqual(await t.types(), ['payment_intent.created', 'charge.failed', 'payment_intent.payment_failed', 'charge.succeeded',
    'payment_intent.succeeded']);
}

export async function declining_cards_cannot_be_attached_but_the_dunning_card_can(t) {
  const customer = await t.stripe.customers.create({});
  await t.rejects(t.stripe.paymentMethods.attach('pm_card_chargeDeclined', { customer: customer.id }), { status: 402, code: 'card_declined' });
  const method = await t.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: customer.id });
  await t.rejects(pay(t, method.id, { customer: customer.id, off_session: true }), { status: 402, code: 'card_declined' });
}

export async function entered_card_numbers_are_checked(t) {
  const enter = (card) => t.stripe.paymentMethods.create({ type: 'card', card: { exp_month: 12, exp_year: 2034, cvc: '123', ...card } });
  assert.equal((await enter({ number: '4242 4242 4242 4242' })).card.brand, 'visa');
  await t.rejects(enter({ number: '4242424242424241' }), { status: 402, code: 'incorrect_number' });
  await t.rejects(enter({ number: '4242424242424242', exp_month: 13 }), { code: 'invalid_expiry_month' });
  await t.rejects(enter({ number: '4242424242424242', exp_year: 2020 }), { code: 'invalid_expiry_year' });
  await t.rejects(enter({ number: '4242424242424242', cvc: '12' }), { code: 'invalid_cvc' });
}

export async function a_card_may_come_with_the_payment(t) {
  const card = (details) => ({ payment_method: undefined, payment_method_data: { type: 'card', card: details, allow_redisplay: 'always' } });
  const paid = await pay(t, undefined, { ...card({ token: 'tok_visa' }), expand: ['payment_method'] });
  assert.deepEqual([paid.status, paid.payment_method.card.last4, paid.payment_method.allow_redisplay], ['succeeded', '4242', 'always']);
  await t.rejects(pay(t, undefined, card({ number: '4000000000000002', exp_month: 12, exp_year: 2034, cvc: '123' })), { code: 'card_declined' });
}

export async function cards_have_countries_checks_and_risks(t) {
  const details = async (method) => (await pay(t, method, { expand: ['latest_charge'] })).latest_charge;
  assert.equal((await details('pm_card_de')).payment_method_details.card.country, 'DE');
  assert.equal((await details('pm_card_br')).payment_method_details.card.last4, '0002');
  assert.equal((await details('pm_card_cvcCheckFail')).payment_method_details.card.checks.cvc_check, 'fail');
  assert.equal((await details('pm_card_riskLevelElevated')).outcome.risk_level, 'elevated');
  const bad = await t.stripe.paymentMethods.create({
    type: 'card', card: { number: '4000000000000036', exp_month: 12, exp_year: 2034, cvc: '123' }, billing_details: { address: { line1: 'A', postal_code: '1' } },
  });
  assert.deepEqual({ ...(await details(bad.id)).payment_method_details.card.checks },
    { address_line1_check: 'pass', address_postal_code_check: 'fail', cvc_check: 'pass' });
  const blocked = await t.rejects(pay(t, 'pm_card_chargeDeclinedFraudulent'), { code: 'card_declined' });
  const outcome = (await t.stripe.charges.retrieve(blocked.charge)).outcome;
  assert.deepEqual([outcome.type, outcome.reason, outcome.risk_level], ['blocked', 'highest_risk_level', 'highest']);
}

export async function three_d_secure_asks_and_goes_on(t) {
  const intent = await pay(t, 'pm_card_threeDSecure2Required', { return_url: 'https://example.com/back' });
  assert.equal(intent.status, 'requires_action');
  assert.equal(intent.next_action.type, 'redirect_to_url');
  assert.equal(intent.next_action.redirect_to_url.return_url, 'https://example.com/back');
  await t.control(`payments/${intent.id}/authenticate`, { success: true });
  const paid = await t.stripe.paymentIntents.retrieve(intent.id, { expand: ['latest_charge'] });
  assert.equal(paid.status, 'succeeded');
  assert.equal(paid.latest_charge.payment_method_details.card.three_d_secure.result, 'authenticated');
}

export async function refused_authentication_needs_another_method(t) {
  const intent = await pay(t, 'pm_card_authenticationRequired');
  await t.control(`payments/${intent.id}/authenticate`, { success: false });
  const failed = await t.stripe.paymentIntents.retrieve(intent.id);
  assert.equal(failed.status, 'requires_payment_method');
  assert.equal(failed.last_payment_error.code, 'payment_intent_authentication_failure');
}

export async function authentication_may_end_in_a_decline(t) {
  const intent = await pay(t, 'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds');
  await t.control(`payments/${intent.id}/authenticate`, { success: true });
  const failed = await t.stripe.paymentIntents.retrieve(intent.id);
  assert.equal(failed.last_payment_error.decline_code, 'insufficient_funds');
}

export async function off_session_payments_cannot_ask_the_holder(t) {
  const customer = await t.stripe.customers.create({});
  const method = await t.stripe.paymentMethods.attach('pm_card_authenticationRequired', { customer: customer.id });
  const error = await t.rejects(pay(t, method.id, { customer: customer.id, off_session: true }), { status: 402, code: 'authentication_required' });
  assert.equal(error.payment_intent.status, 'requires_payment_method');
}

export async function a_card_set_up_for_off_session_pays_without_its_holder(t) {
  const customer = await t.stripe.customers.create({});
  const setup = await t.stripe.setupIntents.create({ customer: customer.id, payment_method: 'pm_card_authenticationRequiredOnSetup', confirm: true });
  assert.equal(setup.status, 'requires_action');
  await t.control(`payments/${setup.id}/authenticate`, { success: true });
  const done = await t.stripe.setupIntents.retrieve(setup.id);
  assert.equal(done.status, 'succeeded');
  const intent = await pay(t, done.payment_method, { customer: customer.id, off_session: true });
  assert.equal(intent.status, 'succeeded');
}

export async function a_payment_can_be_authorized_and_captured_in_part(t) {
  const intent = await pay(t, 'pm_card_visa', { capture_method: 'manual' });
  assert.deepEqual([intent.status, intent.amount_capturable], ['requires_capture', 1000]);
  await t.rejects(t.stripe.paymentIntents.capture(intent.id, { amount_to_capture: 1001 }), { code: 'amount_too_large' });
  const captured = await t.stripe.paymentIntents.capture(intent.id, { amount_to_capture: 700 });
  assert.deepEqual([captured.status, captured.amount_received], ['succeeded', 700]);
  await t.rejects(t.stripe.paymentIntents.capture(intent.id), { code: 'payment_intent_unexpected_state' });
}

export async function what_a_partial_capture_left_cannot_be_refunded(t) {
  const intent = await pay(t, 'pm_card_visa', { capture_method: 'manual' });
  await t.stripe.paymentIntents.capture(intent.id, { amount_to_capture: 700 });
  await t.rejects(t.stripe.refunds.create({ payment_intent: intent.id, amount: 701 }), { param: 'amount' });
  assert.equal((await t.stripe.refunds.create({ payment_intent: intent.id })).amount, 700);
}

export async function a_caller_can_ask_for_3d_secure_on_any_card(t) {
  const more = { payment_method_options: { card: { request_three_d_secure: 'any' } } };
  assert.equal((await pay(t, 'pm_card_visa', more)).status, 'requires_action');
  const customer = await t.stripe.customers.create({});
  const method = await t.stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  assert.equal((await pay(t, method.id, { ...more, customer: customer.id, off_session: true })).status, 'succeeded');
}

export async function a_method_of_another_customer_is_refused(t) {
  const [ada, bob] = [await t.stripe.customers.create({}), await t.stripe.customers.create({})];
  const method = await t.stripe.paymentMethods.attach('pm_card_visa', { customer: ada.id });
  await t.rejects(pay(t, method.id, { customer: bob.id }), { param: 'payment_method' });
  await t.rejects(t.stripe.setupIntents.create({ customer: bob.id, payment_method: method.id, confirm: true }), { param: 'payment_method' });
}

export async function intents_are_canceled_only_before_they_succeed(t) {
  const open = await t.stripe.paymentIntents.create({ amount: 1000, currency: 'usd' });
  const canceled = await t.stripe.paymentIntents.cancel(open.id, { cancellation_reason: 'abandoned' });
  assert.deepEqual([canceled.status, canceled.cancellation_reason], ['canceled', 'abandoned']);
  const paid = await pay(t, 'pm_card_visa');
  await t.rejects(t.stripe.paymentIntents.cancel(paid.id), { status: 400, code: 'payment_intent_unexpected_state' });
  await t.rejects(t.stripe.paymentIntents.confirm(paid.id), { code: 'payment_intent_unexpected_state', message: /already succeeded/ });
}

export async function amounts_have_limits(t) {
  await t.rejects(t.stripe.paymentIntents.create({ amount: 10, currency: 'usd' }), { code: 'amount_too_small', param: 'amount' });
  await t.rejects(t.stripe.paymentIntents.create({ amount: 100000000, currency: 'usd' }), { code: 'amount_too_large' });
  await t.rejects(t.stripe.paymentIntents.create({ amount: 0, currency: 'usd' }), { code: 'parameter_invalid_integer' });
  // Three decimals, the last of them 0; and two that no coin has any more.
  await t.rejects(t.stripe.paymentIntents.create({ amount: 10005, currency: 'kwd' }), { param: 'amount' });
  await t.rejects(t.stripe.paymentIntents.create({ amount: 10050, currency: 'isk' }), { param: 'amount' });
  assert.equal((await t.stripe.paymentIntents.create({ amount: 500, currency: 'jpy' })).amount, 500);
}

export async function the_parameter_that_endive_removed_is_refused_as_endive_does(t) {
  const answer = await t.raw('POST', '/v1/payment_intents', 'amount=1000&currency=usd&payment_method_types[]=card');
  assert.equal(answer.status, 400);
  assert.equal(answer.json.error.code, 'payment_method_types_no_longer_supported');
  const older = await t.raw('POST', '/v1/payment_intents', 'amount=1000&currency=usd&payment_method_types[]=card', { 'stripe-version': '2025-09-30.clover' });
  assert.equal(older.status, 200);
  assert.deepEqual(older.json.payment_method_types, ['card']);
}

export async function a_bank_debit_settles_later_either_way(t) {
  const good = await pay(t, 'pm_sepaDebit', { currency: 'eur' });
  assert.equal(good.status, 'processing');
  await t.control(`payments/${good.id}/settle`);
  assert.equal((await t.stripe.paymentIntents.retrieve(good.id)).status, 'succeeded');
  const bad = await pay(t, 'pm_sepaDebit_chargeDeclined', { currency: 'eur' });
  await t.control(`payments/${bad.id}/settle`);
  assert.equal((await t.stripe.paymentIntents.retrieve(bad.id)).status, 'requires_payment_method');
  assert.deepEqual(await t.types((e) => e.data.object.id === good.id || e.data.object.payment_intent === good.id),
    ['payment_intent.created', 'payment_intent.processing', 'charge.pending', 'charge.succeeded', 'payment_intent.succeeded']);
}

export async function refunds_add_up_and_stop_at_the_charge(t) {
  const intent = await pay(t, 'pm_card_visa');
  const part = await t.stripe.refunds.create({ payment_intent: intent.id, amount: 300, reason: 'requested_by_customer', metadata: { why: 'x' } });
  assert.deepEqual([part.status, part.amount, part.reason], ['succeeded', 300, 'requested_by_customer']);
  let charge = await t.stripe.charges.retrieve(intent.latest_charge);
  assert.deepEqual([charge.amount_refunded, charge.refunded], [300, false]);
  await t.rejects(t.stripe.refunds.create({ charge: charge.id, amount: 701 }), {
    status: 400, param: 'amount', message: 'Refund amount ($7.01) is greater than unrefunded amount on charge ($7.00)',
  });
  await t.stripe.refunds.create({ charge: charge.id });
  charge = await t.stripe.charges.retrieve(intent.latest_charge, { expand: ['refunds'] });
  assert.deepEqual([charge.amount_refunded, charge.refunded, charge.refunds.data.length], [1000, true, 2]);
  await t.rejects(t.stripe.refunds.create({ charge: charge.id }), {
    code: 'charge_already_refunded', message: `Charge ${charge.id} has already been refunded.`,
  });
  assert.deepEqual((await t.types()).slice(3, 7), ['refund.created', 'charge.refunded', 'refund.updated', 'charge.refund.updated']);
}

export async function a_pending_refund_arrives_later(t) {
  const intent = await pay(t, 'pm_card_pendingRefund');
  const refund = await t.stripe.refunds.create({ payment_intent: intent.id });
  assert.equal(refund.status, 'pending');
  await t.control(`payments/${intent.id}/settle`);
  assert.equal((await t.stripe.refunds.retrieve(refund.id)).status, 'succeeded');
}

export async function a_refund_can_fail_and_gives_the_amount_back(t) {
  const intent = await pay(t, 'pm_card_refundFail');
  const refund = await t.stripe.refunds.create({ payment_intent: intent.id });
  assert.equal(refund.status, 'succeeded');
  await t.control(`payments/${intent.id}/settle`);
  const failed = await t.stripe.refunds.retrieve(refund.id);
  assert.deepEqual([failed.status, failed.failure_reason], ['failed', 'expired_or_canceled_card']);
  const charge = await t.stripe.charges.retrieve(intent.latest_charge);
  assert.deepEqual([charge.amount_refunded, charge.refunded], [0, false]);
  assert.ok((await t.types()).includes('refund.failed'));
}

export async function a_dispute_takes_the_money_and_evidence_wins_it_back(t) {
  const intent = await pay(t, 'pm_card_createDispute');
  const [dispute] = (await t.stripe.disputes.list({ payment_intent: intent.id })).data;
  assert.deepEqual([dispute.status, dispute.reason, dispute.balance_transactions[0].net], ['needs_response', 'fraudulent', -2500]);
  assert.equal((await t.stripe.charges.retrieve(intent.latest_charge)).disputed, true);
  await t.rejects(t.stripe.refunds.create({ payment_intent: intent.id }), { code: 'charge_disputed' });
  const answered = await t.stripe.disputes.update(dispute.id, { evidence: { uncategorized_text: 'winning_evidence' } });
  assert.equal(answered.status, 'under_review');
  await t.until('the verdict', async () => (await t.stripe.disputes.retrieve(dispute.id)).status === 'won');
  assert.deepEqual(await t.types((e) => e.type.startsWith('charge.dispute')), ['charge.dispute.created', 'charge.dispute.funds_withdrawn',
    'charge.dispute.updated', 'charge.dispute.closed', 'charge.dispute.funds_reinstated']);
}

export async function a_dispute_is_lost_by_evidence_or_by_giving_in(t) {
  const first = await pay(t, 'pm_card_createDispute');
  const [one] = (await t.stripe.disputes.list({ payment_intent: first.id })).data;
  await t.stripe.disputes.update(one.id, { evidence: { uncategorized_text: 'losing_evidence' }, submit: false });
  assert.equal((await t.stripe.disputes.retrieve(one.id)).status, 'needs_response');
  await t.stripe.disputes.update(one.id, { submit: true });
  await t.until('the verdict', async () => (await t.stripe.disputes.retrieve(one.id)).status === 'lost');
  const second = await pay(t, 'pm_card_createDisputeProductNotReceived');
  const [two] = (await t.stripe.disputes.list({ payment_intent: second.id })).data;
  assert.equal(two.reason, 'product_not_received');
  assert.equal((await t.stripe.disputes.close(two.id)).status, 'lost');
}

export async function an_inquiry_takes_nothing_until_it_escalates(t) {
  const intent = await pay(t, 'pm_card_createDisputeInquiry');
  const [inquiry] = (await t.stripe.disputes.list({ payment_intent: intent.id })).data;
  assert.deepEqual([inquiry.status, inquiry.balance_transactions.length, inquiry.is_charge_refundable], ['warning_needs_response', 0, true]);
  await t.stripe.disputes.update(inquiry.id, { evidence: { uncategorized_text: 'escalate_inquiry_evidence' } });
  await t.until('the escalation', async () => (await t.stripe.disputes.retrieve(inquiry.id)).status === 'needs_response');
  assert.equal((await t.stripe.disputes.retrieve(inquiry.id)).balance_transactions.length, 1);
  const other = await pay(t, 'pm_card_createDisputeInquiry');
  const [closed] = (await t.stripe.disputes.list({ payment_intent: other.id })).data;
  assert.equal((await t.stripe.disputes.close(closed.id)).status, 'warning_closed');
}

export async function evidence_may_be_long_and_ends_with_its_submission(t) {
  const intent = await pay(t, 'pm_card_createDispute');
  const [dispute] = (await t.stripe.disputes.list({ payment_intent: intent.id })).data;
  const drafted = await t.stripe.disputes.update(dispute.id, { evidence: { product_description: 'x'.repeat(20000) }, submit: false });
  assert.deepEqual([drafted.status, drafted.evidence_details.has_evidence, drafted.evidence_details.submission_count], ['needs_response', true, 0]);
  await t.stripe.disputes.update(dispute.id, { submit: true });
  await t.rejects(t.stripe.disputes.update(dispute.id, { evidence: { uncategorized_text: 'winning_evidence' } }), { status: 400 });
  assert.equal((await t.stripe.disputes.update(dispute.id, { metadata: { order: '8' } })).metadata.order, '8');
}

export async function an_inquiry_ends_when_the_charge_is_refunded(t) {
  const intent = await pay(t, 'pm_card_createDisputeInquiry');
  await t.stripe.refunds.create({ payment_intent: intent.id });
  assert.equal((await t.stripe.disputes.list({ payment_intent: intent.id })).data[0].status, 'warning_closed');
}

export async function one_charge_can_have_several_disputes(t) {
  const intent = await pay(t, 'pm_card_createMultipleDisputes');
  const disputes = (await t.stripe.disputes.list({ payment_intent: intent.id })).data;
  assert.equal(disputes.length, 2);
  assert.equal(disputes[0].amount + disputes[1].amount, 1000);
}
