using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Billing;

/// <summary>
/// Changes to a running subscription: prices, quantities, trial, anchor. Some bill at once (another interval, a trial's
/// end, a new anchor), the rest waits for the next invoice unless asked otherwise.
/// </summary>
static class Changes
{
    const long PendingSeconds = 23 * 3_600;

    public static JsonObject UpdateCall(Call call)
    {
        var subscription = Subscriptions.Named(call);
        if (Subscriptions.IsOver(subscription))
        {
            throw StripeError.Invalid("A canceled subscription can only update its cancellation_details and metadata.");
        }
        Update(call, subscription, call.P);
        return subscription;
    }

    public static void Update(Call call, JsonObject subscription, JsonObject p)
    {
        var tx = call.Tx;
        tx.Edit(subscription);
        var was = subscription.Copy();
        TakePlain(tx, subscription, p);
        var invoice = Apply(call, subscription, p);
        Renew(tx, subscription);
        var behavior = p.Text("payment_behavior") ?? "allow_incomplete";
        if (invoice is not null) Charge(tx, subscription, was, invoice, behavior);
        tx.EmitUpdate("customer.subscription.updated", subscription);
    }

    static void Renew(Tx tx, JsonObject subscription)
    {
        if (subscription.Text("status") is "active" or "trialing" or "past_due" or "unpaid")
        {
            Renewals.Schedule(tx, subscription);
        }
    }

    static void TakePlain(Tx tx, JsonObject subscription, JsonObject p)
    {
        subscription.Take(p, "collection_method", "days_until_due", "description");
        Metadata.Merge(subscription, p);
        SubscriptionStart.TakeMethod(tx, tx.Get(subscription.Text("customer")!), subscription, p);
        SubscriptionStart.TakePaymentSettings(subscription, p);
        if (p.Child("trial_settings") is { } trial) subscription["trial_settings"] = trial.DeepClone();
        if (p.Child("cancellation_details") is { } details) Cancellation.TakeDetails(subscription, details);
        if (p.MaybeFlag("cancel_at_period_end") is { } atEnd) Cancellation.AtPeriodEnd(tx, subscription, atEnd);
        if (p.ContainsKey("cancel_at"))
        {
            var at = p.Text("cancel_at") is "min_period_end" or "max_period_end" ? Items.Period(subscription).End
                : p.MaybeNumber("cancel_at");
            if (at <= tx.TimeOf(subscription))
            {
                throw StripeError.Invalid("`cancel_at` must be a timestamp in the future.", "cancel_at");
            }
            Cancellation.At(tx, subscription, at);
            subscription["cancel_at_period_end"] = false;
        }
        if (p.Child("automatic_tax") is { } tax) subscription["automatic_tax"] = AutomaticTax.Of("subscription", tax);
        Pausing.TakeCollection(subscription, p);
        Discounts.Put(tx, subscription, p);
    }

    /// <summary>
    /// Changes items, trial and anchor, and makes the invoice that is due at once, still a draft; else null.
    /// </summary>
    public static JsonObject? Apply(Call call, JsonObject subscription, JsonObject p)
    {
        var tx = call.Tx;
        var now = tx.TimeOf(subscription);
        var at = p.MaybeNumber("proration_date") ?? now;
        var behavior = p.Text("proration_behavior") ?? "create_prorations";
        var (periodStart, periodEnd) = Items.Period(subscription);
        if (at < periodStart || at > periodEnd)
        {
            throw StripeError.Invalid("Cannot specify proration date outside of current subscription period",
                "proration_date");
        }
        var old = subscription.Items("items").Select(Json.Copy).ToList();
        var updated = p.ContainsKey("items") ? ItemChanges.Read(call, subscription, p)
            : [.. subscription.Items("items").Select(Json.Copy)];
        Items.CheckAlike(updated);
        var trialing = subscription.Text("status") == "trialing";
        var trialEnds = trialing && p.Text("trial_end") == "now";
        var intervalChanged = Items.Interval(old[0].Child("price")!) != Items.Interval(updated[0].Child("price")!);
        var freeToPaid = old.Sum(Items.Amount) == 0 && updated.Sum(Items.Amount) > 0 && !trialing;
        var anchorNow = p.Child("billing_cycle_anchor")?.Text("type") == "now";
        Items.Put(subscription, updated);

        if (p.MaybeNumber("trial_end") is { } end) return ExtendTrial(tx, subscription, old, end, behavior);
        foreach (var extra in p.Items("add_invoice_items"))
        {
            InvoiceItems.FromParams(call, tx.Get(subscription.Text("customer")!),
                extra)["_subscription"] = subscription.Id();
        }
        // During a trial nothing has been paid, so there is nothing to give back.
        if (trialing && !trialEnds && !anchorNow) return null;
        if (trialEnds || intervalChanged || freeToPaid || anchorNow)
        {
            return Restart(tx, subscription, old, at, trialing ? "none" : behavior);
        }
        if (!ItemChanges.Differ(old, updated) || behavior == "none") return null;

        var (gone, come) = ItemChanges.Split(old, updated);
        Proration.Credit(tx, subscription, gone, at);
        Proration.Debit(tx, subscription, come, at);
        return behavior == "always_invoice" ? Draft(tx, subscription, []) : null;
    }

    static JsonObject? ExtendTrial(Tx tx, JsonObject subscription, List<JsonObject> old, long end, string behavior)
    {
        var now = tx.TimeOf(subscription);
        if (end <= now)
        {
            throw StripeError.Invalid("Invalid timestamp: must be an integer Unix timestamp in the future.",
                "trial_end");
        }
        if (behavior != "none" && subscription.Text("status") == "active") Proration.Credit(tx, subscription, old, now);
        subscription["trial_start"] ??= now;
        subscription["trial_end"] = end;
        subscription["billing_cycle_anchor"] = end;
        subscription["status"] = "trialing";
        subscription["_trial_end_told"] = false;
        Items.SetPeriod(subscription, now, end);
        return behavior == "always_invoice" ? Draft(tx, subscription, []) : null;
    }

    /// <summary>
    /// A new period from now on: the unused part of the old is given back, the new one is billed whole.
    /// </summary>
    static JsonObject Restart(Tx tx, JsonObject subscription, List<JsonObject> old, long at, string behavior)
    {
        var now = tx.TimeOf(subscription);
        if (behavior != "none") Proration.Credit(tx, subscription, old, at);
        if (subscription.Text("status") == "trialing")
        {
            subscription["status"] = "active";
            subscription["trial_end"] = now;
            tx.Emit("customer.subscription.trial_will_end", subscription);
        }
        subscription["billing_cycle_anchor"] = now;
        var (interval, count) = Items.IntervalOf(subscription);
        Items.SetPeriod(subscription, now, Periods.Add(now, interval, count));
        return Draft(tx, subscription, subscription.Items("items"));
    }

    static JsonObject Draft(Tx tx, JsonObject subscription, IEnumerable<JsonObject> whole)
    {
        var invoice = InvoiceDrafts.New(tx, tx.Get(subscription.Text("customer")!), subscription,
            "subscription_update", subscription.Text("currency")!);
        InvoiceDrafts.AddPending(tx, invoice, subscription);
        foreach (var item in whole)
        {
            InvoiceDrafts.AddLine(invoice,
                Lines.ForItem(subscription, item, item.Number("current_period_start"),
                item.Number("current_period_end"), Items.Amount(item)));
        }
        InvoiceDrafts.AddUp(invoice);
        return invoice;
    }

    static void Charge(Tx tx, JsonObject subscription, JsonObject was, JsonObject invoice, string behavior)
    {
        InvoiceDrafts.Announce(tx, invoice, null);
        InvoiceDrafts.Finalize(tx, invoice);
        if (invoice.Text("status") != "open") return;
        var method = InvoicePayments.MethodFor(tx, invoice);
        if (method is null && behavior == "error_if_incomplete")
        {
            throw StripeError.Invalid("This customer has no attached payment source or default payment method.",
                code: "resource_missing");
        }
        if (behavior == "pending_if_incomplete") Keep(tx, subscription, was, invoice);
        var attempt = behavior == "default_incomplete" || method is null
            ? Attempt.NeedsAction
            : InvoicePayments.Collect(tx, invoice, method, Holder.Present);
        if (attempt is not (Attempt.Declined or Attempt.NeedsAction)) return;
        if (behavior == "error_if_incomplete") throw Subscriptions.PaymentRequired(tx, invoice, attempt);
        if (behavior == "default_incomplete" && subscription.Text("status") == "active")
        {
            subscription["status"] = "past_due";
        }
    }

    /// <summary>
    /// The change waits for its payment: the subscription shows what it was, and what it is to become.
    /// </summary>
    static void Keep(Tx tx, JsonObject subscription, JsonObject was, JsonObject invoice)
    {
        // The one that has waited before is replaced.
        DropPending(tx, subscription);
        var wanted = subscription.Copy();
        foreach (var name in (ReadOnlySpan<string>)["items", "billing_cycle_anchor", "trial_end", "status"])
        {
            subscription[name] = was[name]?.DeepClone();
        }
        subscription["pending_update"] = new JsonObject
        {
            ["billing_cycle_anchor"] = wanted.Number("billing_cycle_anchor") == was.Number("billing_cycle_anchor")
                ? null : wanted["billing_cycle_anchor"]?.DeepClone(),
            ["cancel_at_period_end"] = null,
            ["discount"] = null,
            ["discounts"] = null,
            ["expires_at"] = tx.TimeOf(subscription) + PendingSeconds,
            ["metadata"] = null,
            ["subscription_items"] = new JsonArray([.. wanted.Items("items").Select(Json.Visible)]),
            ["trial_end"] = null,
            ["trial_from_plan"] = null,
        };
        subscription["_update"] = wanted;
        subscription["_update_invoice"] = invoice.Id();
        invoice["auto_advance"] = false;
        subscription.SetTimer("drop_update", tx.TimeOf(subscription) + PendingSeconds);
        Renew(tx, subscription);
    }

    public static void ApplyPending(Tx tx, JsonObject subscription)
    {
        var wanted = subscription.Child("_update")!;
        foreach (var name in (ReadOnlySpan<string>)["items", "billing_cycle_anchor", "trial_end", "status"])
        {
            subscription[name] = wanted[name]?.DeepClone();
        }
        Forget(subscription);
        Renewals.Schedule(tx, subscription);
        tx.Later(() => tx.Emit("customer.subscription.pending_update_applied", subscription));
    }

    public static void DropPending(Tx tx, JsonObject subscription)
    {
        if (subscription.Text("_update_invoice") is not { } invoice) return;
        Forget(subscription);
        tx.Emit("customer.subscription.pending_update_expired", subscription);
        if (tx.Find(invoice) is { } open && open.Text("status") == "open") Invoices.Void(tx, open);
    }

    static void Forget(JsonObject subscription)
    {
        subscription["pending_update"] = null;
        subscription.Remove("_update");
        subscription.Remove("_update_invoice");
        subscription.ClearTimer("drop_update");
    }
}
