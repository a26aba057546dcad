using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Billing;

/// <summary>
/// Two things called pause: pausing collection leaves the status alone and only lets invoices go; pausing the
/// subscription stops its periods.
/// </summary>
static class Pausing
{
    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/subscriptions/{id}/pause", PauseCall);
        routes.Add("POST", "/v1/subscriptions/{id}/resume", ResumeCall);
    }

    static JsonObject PauseCall(Call call)
    {
        var subscription = call.Tx.Edit(Subscriptions.Named(call));
        if (subscription.Child("billing_mode")?.Text("type") != "flexible")
        {
            throw StripeError.Invalid("Only subscriptions with `billing_mode[type]=flexible` can be paused.");
        }
        if (subscription.Text("status") is not ("active" or "trialing" or "past_due"))
        {
            throw StripeError.Invalid($"You cannot pause a subscription that has a status of {subscription.Text("status")}.");
        }
        var tx = call.Tx;
        if (call.P.Child("bill_for")?.Child("unused_time_from")?.Text("type") is "now" or "item_current_period_start")
        {
            Proration.Credit(tx, subscription, subscription.Items("items"), tx.TimeOf(subscription));
            if (call.P.Text("invoicing_behavior") == "invoice") BillNow(tx, subscription);
        }
        Pause(tx, subscription, "pause_requested");
        return subscription;
    }

    public static void Pause(Tx tx, JsonObject subscription, string why)
    {
        subscription["status"] = "paused";
        subscription["status_details"] = new JsonObject
        {
            ["paused"] = new JsonObject
            {
                ["subscription"] = new JsonObject { ["type"] = why },
                ["transitioned_at"] = tx.TimeOf(subscription),
                ["type"] = "subscription",
            },
        };
        subscription.ClearTimers();
        tx.Emit("customer.subscription.paused", subscription);
    }

    static JsonObject ResumeCall(Call call)
    {
        var tx = call.Tx;
        var subscription = tx.Edit(Subscriptions.Named(call));
        if (subscription.Text("status") != "paused")
        {
            throw StripeError.Invalid("You can only resume a paused subscription.", code: "subscription_not_paused");
        }
        var now = tx.TimeOf(subscription);
        var unchanged = call.P.Child("billing_cycle_anchor")?.Text("type") == "unchanged";
        var (_, end) = Items.Period(subscription);
        if (unchanged && now < end)
        {
            Resumed(tx, subscription);
            return subscription;
        }

        var (interval, count) = Items.IntervalOf(subscription);
        if (!unchanged) subscription["billing_cycle_anchor"] = now;
        Items.SetPeriod(subscription, now,
            Periods.NextBoundary(subscription.Number("billing_cycle_anchor"), interval, count, now));
        var invoice = InvoiceDrafts.New(tx, tx.Get(subscription.Text("customer")!), subscription,
            "subscription_update", subscription.Text("currency")!);
        var (start, until) = Items.Period(subscription);
        foreach (var item in subscription.Items("items"))
        {
            var full = until - Periods.BoundaryBefore(subscription.Number("billing_cycle_anchor"), interval, count,
                until);
            InvoiceDrafts.AddLine(invoice,
                Lines.ForItem(subscription, item, start, until,
                Proration.Part(Items.Amount(item), until - start, full)));
        }
        InvoiceDrafts.AddPending(tx, invoice, subscription);
        subscription["_resume_invoice"] = invoice.Id();
        InvoiceDrafts.Announce(tx, invoice, null);
        InvoiceDrafts.Finalize(tx, invoice);
        if (invoice.Text("status") == "open" && InvoicePayments.MethodFor(tx, invoice) is { } method)
        {
            InvoicePayments.Collect(tx, invoice, method, Holder.Reachable);
        }
        // By default it is the attempt that resumes; a caller may wait for the money instead.
        if (subscription.Text("status") == "paused" && call.P.Text("payment_behavior") != "resume_on_payment_success")
        {
            Resumed(tx, subscription);
        }
        return subscription;
    }

    public static void Resumed(Tx tx, JsonObject subscription)
    {
        tx.Edit(subscription)["status"] = "active";
        subscription.Remove("status_details");
        subscription.Remove("_resume_invoice");
        Renewals.Schedule(tx, subscription);
        tx.Emit("customer.subscription.resumed", subscription);
    }

    static void BillNow(Tx tx, JsonObject subscription)
    {
        var invoice = InvoiceDrafts.New(tx, tx.Get(subscription.Text("customer")!), subscription,
            "subscription_update", subscription.Text("currency")!);
        InvoiceDrafts.AddPending(tx, invoice, subscription);
        InvoiceDrafts.Announce(tx, invoice, null);
        InvoiceDrafts.Finalize(tx, invoice);
    }

    /// <summary>Takes the pause_collection parameter; an empty one ends the pause.</summary>
    public static void TakeCollection(JsonObject subscription, JsonObject p)
    {
        if (!p.ContainsKey("pause_collection")) return;
        subscription.ClearTimer("resume");
        if (p.Child("pause_collection") is not { } given)
        {
            subscription["pause_collection"] = null;
            return;
        }
        subscription["pause_collection"] = new JsonObject { ["behavior"] = given.Text("behavior"),
            ["resumes_at"] = given.MaybeNumber("resumes_at") };
        if (given.MaybeNumber("resumes_at") is { } at) subscription.SetTimer("resume", at);
    }

    public static void ResumeCollection(Tx tx, JsonObject subscription)
    {
        subscription["pause_collection"] = null;
        tx.EmitUpdate("customer.subscription.updated", subscription);
    }
}
