namespace Purser.Sandbox.Stripe.Billing;

/// <summary>The end of a subscription, now or later, and taking the end back.</summary>
static class Cancellation
{
    public static void Map(Routes routes) => routes.Add("DELETE", "/v1/subscriptions/{id}", CancelCall);

    static JsonObject CancelCall(Call call)
    {
        var subscription = Subscriptions.Named(call);
        if (subscription.Text("status") is "canceled" or "incomplete_expired")
        {
            throw StripeError.Missing("subscription", call.Id, "id", inPath: true);
        }
        var tx = call.Tx;
        tx.Edit(subscription);
        if (call.P.Child("cancellation_details") is { } details) TakeDetails(subscription, details);
        if (call.P.Flag("prorate") && subscription.Text("status") is ("active" or "past_due"))
        {
            Proration.Credit(tx, subscription, subscription.Items("items"), tx.TimeOf(subscription));
        }
        if (call.P.Flag("invoice_now"))
        {
            var invoice = InvoiceDrafts.New(tx, tx.Get(subscription.Text("customer")!), subscription,
                "subscription_update", subscription.Text("currency")!);
            InvoiceDrafts.AddPending(tx, invoice, subscription);
            if (invoice.Items("lines").Any())
            {
                InvoiceDrafts.Announce(tx, invoice, null);
                InvoiceDrafts.Finalize(tx, invoice);
            }
            else
            {
                tx.Remove(invoice.Id());
            }
        }
        Now(tx, subscription, "cancellation_requested");
        return subscription;
    }

    public static void TakeDetails(JsonObject subscription, JsonObject given) =>
        subscription.Under("cancellation_details").Take(given, "comment", "feedback", "feedback_option");

    public static void Now(Tx tx, JsonObject subscription, string reason)
    {
        tx.Edit(subscription);
        var now = tx.TimeOf(subscription);
        var expired = subscription.Text("status") == "incomplete";
        subscription["status"] = expired ? "incomplete_expired" : "canceled";
        subscription["canceled_at"] ??= now;
        subscription["ended_at"] = now;
        subscription["pause_collection"] = null;
        Changes.DropPending(tx, subscription);
        subscription.Under("cancellation_details")["reason"] ??= reason;
        subscription.ClearTimers();
        StopCollecting(tx, subscription, voidOpen: expired);
        tx.Emit("customer.subscription.deleted", subscription);
    }

    /// <summary>What is open stays owed but is not asked for any more; drafts go no further.</summary>
    static void StopCollecting(Tx tx, JsonObject subscription, bool voidOpen)
    {
        foreach (var invoice in tx.Referring("invoice", "_subscription", subscription.Id()))
        {
            if (invoice.Text("status") is not ("open" or "draft")) continue;
            tx.Edit(invoice);
            invoice["auto_advance"] = false;
            invoice["next_payment_attempt"] = null;
            invoice["automatically_finalizes_at"] = null;
            invoice.ClearTimers();
            if (voidOpen && invoice.Text("status") == "open") Invoices.Void(tx, invoice);
        }
    }

    /// <summary>
    /// To end with the period. Flexible billing shows a date and no flag, classic both; readers have to take either.
    /// </summary>
    public static void AtPeriodEnd(Tx tx, JsonObject subscription, bool wanted)
    {
        if (!wanted)
        {
            subscription["cancel_at_period_end"] = false;
            At(tx, subscription, null);
            return;
        }
        At(tx, subscription, Items.Period(subscription).End);
        subscription["cancel_at_period_end"] = subscription.Child("billing_mode")?.Text("type") == "classic";
    }

    public static void At(Tx tx, JsonObject subscription, long? at)
    {
        subscription["cancel_at"] = at;
        subscription["canceled_at"] = at is null ? null : tx.TimeOf(subscription);
        subscription.Under("cancellation_details")["reason"] = at is null ? null : "cancellation_requested";
        if (at is { } moment) subscription.SetTimer("cancel", moment);
        else subscription.ClearTimer("cancel");
    }
}
