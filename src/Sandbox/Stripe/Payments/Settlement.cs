using Purser.Sandbox.Stripe.Customers;

namespace Purser.Sandbox.Stripe.Payments;

/// <summary>
/// What banks decide later: delayed debits, refunds on their way, disputes. On a timer, or at once when told.
/// </summary>
static class Settlement
{
    public static void Map(Control.TimerActions timers)
    {
        timers.Add("payment_intent", "settle", (tx, intent) => SettleIntent(tx, intent, null));
        timers.Add("refund", "settle", (tx, refund) => Refunds.Finish(tx, refund, null));
        timers.Add("dispute", "decide", Disputes.Decide);
    }

    /// <summary>Settles what is open on a payment. Success is the payment method's own fate unless given.</summary>
    public static JsonObject Settle(Tx tx, string id, bool? success)
    {
        var intent = tx.Find(id);
        if (intent?.Kind() == "checkout.session")
        {
            intent = tx.Find(intent.Text("payment_intent") ?? intent.Text("_payment_intent") ?? "");
        }
        if (intent?.Kind() != "payment_intent") throw StripeError.Missing("payment_intent", id, "intent", inPath: true);
        if (intent.Text("status") == "processing") return SettleIntent(tx, intent, success);

        var open = tx.Referring("refund", "payment_intent", intent.Id()).Where(r =>
            r.TimerAt("settle") is not null).ToList();
        if (open.Count == 0)
        {
            throw StripeError.Invalid($"Nothing of this payment is still to settle: it has a status of {intent.Text("status")}.",
                code: "payment_intent_unexpected_state");
        }
        foreach (var refund in open)
        {
            tx.Edit(refund).ClearTimer("settle");
            Refunds.Finish(tx, refund, success);
        }
        return intent;
    }

    static JsonObject SettleIntent(Tx tx, JsonObject intent, bool? success)
    {
        var paid = success ?? BankDebits.Pays(tx.Get(tx.Get(intent.Text("latest_charge")!).Text("payment_method")!));
        Charging.Settle(tx, intent, paid);
        Consequences.Of(tx, intent, paid ? Attempt.Succeeded : Attempt.Declined);
        return intent;
    }
}
