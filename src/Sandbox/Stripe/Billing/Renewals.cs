namespace Purser.Sandbox.Stripe.Billing;

/// <summary>
/// The end of a period: the next one begins first, then its invoice is drafted, and an hour later collected.
/// </summary>
static class Renewals
{
    const long DraftSeconds = 3_600;
    const long Day = 86_400;
    const long UpcomingBefore = 7 * Day;
    const long TrialWillEndBefore = 3 * Day;

    /// <summary>Sets all timers of a running subscription from its periods.</summary>
    public static void Schedule(Tx tx, JsonObject subscription)
    {
        var now = tx.TimeOf(subscription);
        var (start, end) = Items.Period(subscription);
        subscription.SetTimer("renew", end);
        subscription.ClearTimer("upcoming");
        subscription.ClearTimer("trial_will_end");
        if (subscription.MaybeNumber("cancel_at") is null && end - start > UpcomingBefore && end - UpcomingBefore > now)
        {
            subscription.SetTimer("upcoming", end - UpcomingBefore);
        }
        if (subscription.Text("status") == "trialing" && !subscription.Flag("_trial_end_told"))
        {
            // A trial shorter than the notice is told of at once.
            subscription.SetTimer("trial_will_end",
                Math.Max(now, subscription.Number("trial_end") - TrialWillEndBefore));
        }
    }

    public static void TrialWillEnd(Tx tx, JsonObject subscription)
    {
        subscription["_trial_end_told"] = true;
        tx.Emit("customer.subscription.trial_will_end", subscription);
    }

    /// <summary>Some days before, the coming invoice is shown as it would be; it has no life of its own.</summary>
    public static void Upcoming(Tx tx, JsonObject subscription)
    {
        var (_, end) = Items.Period(subscription);
        tx.Emit("invoice.upcoming", Previews.Next(tx, subscription, end));
    }

    public static void Renew(Tx tx, JsonObject subscription)
    {
        if (Subscriptions.IsOver(subscription) || subscription.Text("status") == "paused") return;
        var (_, end) = Items.Period(subscription);
        if (subscription.Flag("cancel_at_period_end") || subscription.MaybeNumber("cancel_at") is { } at && at <= end)
        {
            Cancellation.Now(tx, subscription, "cancellation_requested");
            return;
        }
        if (subscription.Text("status") == "trialing" && EndsWithTrial(tx, subscription)) return;

        var customer = tx.Get(subscription.Text("customer")!);
        Roll(subscription);
        var invoice = InvoiceDrafts.New(tx, customer, subscription, "subscription_cycle",
            subscription.Text("currency")!);
        Fill(tx, invoice, subscription, end);
        Schedule(tx, subscription);
        tx.EmitUpdate("customer.subscription.updated", subscription);
        Announce(tx, subscription, invoice);
    }

    /// <summary>Without a way to pay, the end of a trial may be the end of the subscription, or a pause.</summary>
    static bool EndsWithTrial(Tx tx, JsonObject subscription)
    {
        var customer = tx.Get(subscription.Text("customer")!);
        var hasMethod = subscription.Text("default_payment_method") is not null ||
            customer.Child("invoice_settings")?.Text("default_payment_method") is not null;
        var missing = subscription.Child("trial_settings")?.Child("end_behavior")?.Text("missing_payment_method");
        if (!hasMethod && missing == "cancel")
        {
            Cancellation.Now(tx, subscription, "payment_failed");
            return true;
        }
        if (!hasMethod && missing == "pause")
        {
            Pausing.Pause(tx, subscription, "trial_end_without_payment_method");
            return true;
        }
        subscription["status"] = "active";
        return false;
    }

    /// <summary>The next period, counted from the anchor.</summary>
    public static void Roll(JsonObject subscription)
    {
        var (interval, count) = Items.IntervalOf(subscription);
        var (_, end) = Items.Period(subscription);
        Items.SetPeriod(subscription, end,
            Periods.NextBoundary(subscription.Number("billing_cycle_anchor"), interval, count, end));
    }

    /// <summary>The lines of a cycle's invoice: what waited, then the coming period.</summary>
    public static void Fill(Tx tx, JsonObject invoice, JsonObject subscription, long boundary)
    {
        var (start, end) = Items.Period(subscription);
        var (interval, count) = Items.IntervalOf(subscription);
        invoice["period_start"] = Math.Max(subscription.Number("start_date"),
            Periods.BoundaryBefore(subscription.Number("billing_cycle_anchor"), interval, count, boundary));
        invoice["period_end"] = boundary;
        InvoiceDrafts.AddPending(tx, invoice, subscription);
        foreach (var item in subscription.Items("items"))
        {
            InvoiceDrafts.AddLine(invoice, Lines.ForItem(subscription, item, start, end, Items.Amount(item)));
        }
        InvoiceDrafts.AddUp(invoice);
    }

    static void Announce(Tx tx, JsonObject subscription, JsonObject invoice)
    {
        var pause = subscription.Child("pause_collection")?.Text("behavior");
        if (pause is "keep_as_draft" || subscription.Text("status") == "unpaid")
        {
            invoice["auto_advance"] = false;
            InvoiceDrafts.Announce(tx, invoice, null);
            return;
        }
        if (pause is null)
        {
            InvoiceDrafts.Announce(tx, invoice, tx.TimeOf(invoice) + DraftSeconds);
            return;
        }
        // A paused collection still makes the invoice, so that its period is accounted for, and then lets go of it.
        InvoiceDrafts.Announce(tx, invoice, null);
        InvoiceDrafts.Finalize(tx, invoice);
        if (invoice.Text("status") != "open") return;
        if (pause == "void") Invoices.Void(tx, invoice);
        else Invoices.Uncollectible(tx, invoice);
    }
}
