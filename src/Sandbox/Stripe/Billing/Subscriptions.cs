using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Billing;

/// <summary>Subscriptions: read and listed here, and what their invoices' fates make of them.</summary>
static class Subscriptions
{
    static readonly string[] Ended = ["canceled", "incomplete_expired"];

    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/subscriptions", SubscriptionStart.Create);
        routes.Add("GET", "/v1/subscriptions", List);
        routes.Add("GET", "/v1/subscriptions/search", call => call.SearchFor("subscription"));
        routes.Add("GET", "/v1/subscriptions/{id}", Named);
        routes.Add("POST", "/v1/subscriptions/{id}", Changes.UpdateCall);
        Cancellation.Map(routes);
        Pausing.Map(routes);
        ItemRoutes.Map(routes);
    }

    public static void Map(Control.TimerActions timers)
    {
        timers.Add("subscription", "expire", Expire);
        timers.Add("subscription", "cancel", (tx, s) => Cancellation.Now(tx, s, "cancellation_requested"));
        timers.Add("subscription", "renew", Renewals.Renew);
        timers.Add("subscription", "trial_will_end", Renewals.TrialWillEnd);
        timers.Add("subscription", "upcoming", Renewals.Upcoming);
        timers.Add("subscription", "resume", Pausing.ResumeCollection);
        timers.Add("subscription", "drop_update", Changes.DropPending);
    }

    public static JsonObject Named(Call call) => call.Named("subscription", "subscription");

    public static bool IsOver(JsonObject subscription) => Ended.Contains(subscription.Text("status"));

    static JsonObject List(Call call)
    {
        var status = call.P.Text("status");
        var price = call.P.Text("price") ?? call.P.Text("plan");
        var taxed = call.P.Child("automatic_tax")?.MaybeFlag("enabled");
        var clock = call.P.Text("test_clock");
        var customer = call.P.Text("customer");
        return call.List("subscription", "subscription", s =>
            (status switch
            {
                null => s.Text("status") != "canceled",
                "all" => true,
                "ended" => IsOver(s),
                _ => s.Text("status") == status,
            }) &&
            (taxed is null || s.Child("automatic_tax")!.Flag("enabled") == taxed) &&
            IsWithin(s, "current_period_start", call.P) && IsWithin(s, "current_period_end", call.P) &&
            (price is null || s.Items("items").Any(i => i.Child("price")!.Id() == price)) &&
            (clock is not null ? s.Text("test_clock") == clock : customer is not null || s.Text("test_clock") is null),
            "customer", "collection_method");
    }

    static bool IsWithin(JsonObject subscription, string name, JsonObject p) =>
        p[name] is not { } range || Listing.Within(range, subscription.Items("items").First().Number(name));

    /// <summary>An invoice is paid: what waited for it begins, what was late is well again.</summary>
    public static void InvoicePaid(Tx tx, JsonObject invoice, JsonObject? intent)
    {
        if (invoice.Text("_subscription") is not { } id || tx.Find(id) is not { } subscription || IsOver(subscription))
        {
            return;
        }
        tx.Edit(subscription);
        if (subscription.Text("_update_invoice") == invoice.Id()) Changes.ApplyPending(tx, subscription);
        switch (subscription.Text("status"))
        {
            case "incomplete":
                Activate(tx, subscription, intent);
                break;
            case "past_due" or "unpaid" when subscription.Text("latest_invoice") == invoice.Id() ||
                !OthersOpen(tx, subscription):
                subscription["status"] = "active";
                tx.EmitUpdate("customer.subscription.updated", subscription);
                break;
            case "paused" when subscription.Text("_resume_invoice") == invoice.Id():
                Pausing.Resumed(tx, subscription);
                break;
            default:
                break;
        }
        if (subscription.Text("_session") is not null) Checkout.Completion.InvoicePaid(tx, subscription, invoice);
    }

    static bool OthersOpen(Tx tx, JsonObject subscription) =>
        tx.Referring("invoice", "_subscription", subscription.Id()).Any(i => i.Text("status") == "open");

    static void Activate(Tx tx, JsonObject subscription, JsonObject? intent)
    {
        subscription["status"] = "active";
        subscription.ClearTimer("expire");
        var save = subscription.Child("payment_settings")?.Text("save_default_payment_method") == "on_subscription";
        if (save && intent?.Text("payment_method") is { } method) subscription["default_payment_method"] = method;
        Renewals.Schedule(tx, subscription);
        if (!subscription.Flag("_starting")) tx.EmitUpdate("customer.subscription.updated", subscription);
    }

    /// <summary>
    /// A delayed debit is submitted: Stripe gives the subscription at once and takes it back if the debit fails.
    /// </summary>
    public static void PaymentUnderWay(Tx tx, JsonObject invoice)
    {
        if (invoice.Text("_subscription") is not { } id || tx.Find(id) is not { } subscription) return;
        if (subscription.Text("status") == "incomplete") Activate(tx, tx.Edit(subscription), null);
    }

    public static void InvoiceVoided(Tx tx, JsonObject invoice)
    {
        if (invoice.Text("_subscription") is not { } id || tx.Find(id) is not { } subscription) return;
        if (subscription.Text("_update_invoice") == invoice.Id())
        {
            Changes.DropPending(tx, tx.Edit(subscription));
            return;
        }
        if (subscription.Text("status") == "incomplete" && invoice.Text("billing_reason") == "subscription_create")
        {
            Expire(tx, tx.Edit(subscription));
        }
        else if (subscription.Text("status") == "past_due" && !OthersOpen(tx, subscription))
        {
            tx.Edit(subscription)["status"] = "active";
            tx.EmitUpdate("customer.subscription.updated", subscription);
        }
    }

    /// <summary>Twenty-three hours have gone by without a first payment.</summary>
    static void Expire(Tx tx, JsonObject subscription)
    {
        if (subscription.Text("status") != "incomplete") return;
        var now = tx.TimeOf(subscription);
        subscription["status"] = "incomplete_expired";
        subscription["ended_at"] = now;
        subscription["canceled_at"] ??= now;
        subscription.ClearTimers();
        foreach (var invoice in tx.Referring("invoice", "_subscription", subscription.Id()).Where(i =>
            i.Text("status") == "open"))
        {
            Invoices.Void(tx, invoice);
        }
        tx.EmitUpdate("customer.subscription.updated", subscription);
    }

    /// <summary>The error of a payment that a caller wanted to succeed or else have nothing done.</summary>
    public static StripeError PaymentRequired(Tx tx, JsonObject invoice, Attempt attempt)
    {
        var intent = tx.Get(invoice.Text("_payment_intent")!);
        var message = attempt == Attempt.NeedsAction
            ? "Payment for this subscription requires additional user action before it can be completed successfully. Payment can be completed "
                + "using the PaymentIntent associated with `subscription.latest_invoice`."
            : intent.Child("last_payment_error")?.Text("message") ?? "Your card was declined.";
        return new(402, "card_error", message)
        {
            Code = attempt == Attempt.NeedsAction ? "subscription_payment_intent_requires_action"
                : intent.Child("last_payment_error")?.Text("code"),
            DeclineCode = intent.Child("last_payment_error")?.Text("decline_code"),
        };
    }
}
