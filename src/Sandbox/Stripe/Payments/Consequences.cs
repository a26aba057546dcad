namespace Purser.Sandbox.Stripe.Payments;

/// <summary>An intent may belong to a checkout session or an invoice; what becomes of it goes on there.</summary>
static class Consequences
{
    public static void Of(Tx tx, JsonObject intent, Attempt attempt)
    {
        if (intent.Text("_session") is { } session && tx.Find(session) is { } found)
        {
            Checkout.Completion.PaymentMoved(tx, found, intent, attempt);
        }
        if (intent.Text("_invoice") is { } invoice && tx.Find(invoice) is { } bill)
        {
            Billing.InvoicePayments.PaymentMoved(tx, bill, intent, attempt);
        }
    }
}
