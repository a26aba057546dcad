namespace Purser.Sandbox.Stripe.Billing;

/// <summary>
/// Invoices that might be: the change is really made, the invoice really drawn up, and then everything is taken back.
/// So a preview cannot differ from what it previews.
/// </summary>
static class Previews
{
    public static JsonObject Create(Call call)
    {
        var invoice = Draw(call);
        if (call.P.ContainsKey("discounts"))
        {
            Discounts.Put(invoice, Discounts.From(call.Tx, invoice, call.P["discounts"]));
        }
        if (call.P.Child("automatic_tax") is { } tax) invoice["automatic_tax"] = AutomaticTax.Of("invoice", tax);
        InvoiceDrafts.AddUp(invoice);
        var shown = invoice.Copy();
        call.Tx.Rollback();
        Dress(shown);
        return shown;
    }

    /// <summary>The invoice of a subscription's coming period, drawn up beside the operation that asks.</summary>
    public static JsonObject Next(Tx tx, JsonObject subscription, long boundary)
    {
        var scratch = new Tx(tx.Account, Cause.Time);
        try
        {
            var shown = NextInvoice(scratch, scratch.Edit(subscription), boundary).Copy();
            Dress(shown);
            return shown;
        }
        finally
        {
            scratch.Rollback();
        }
    }

    /// <summary>
    /// The invoice that a change to a subscription would make, or its next one; the call's operation is taken back.
    /// </summary>
    public static JsonObject OfChange(Call call, JsonObject subscription, JsonObject change)
    {
        try
        {
            var invoice = Changed(call, subscription, change);
            InvoiceDrafts.AddUp(invoice);
            return invoice.Copy();
        }
        finally
        {
            call.Tx.Rollback();
        }
    }

    static void Dress(JsonObject invoice)
    {
        invoice["id"] = Ids.New("upcoming_in");
        invoice["billing_reason"] = invoice.Text("billing_reason") is "subscription_cycle" or "manual" ? "upcoming"
            : invoice["billing_reason"]?.DeepClone();
        invoice["auto_advance"] = false;
        foreach (var line in invoice.Items("lines")) line["invoice"] = invoice.Id();
        invoice.ClearTimers();
    }

    static JsonObject Draw(Call call)
    {
        var details = call.P.Child("subscription_details") ?? [];
        var subscription = call.Referred("subscription", "subscription", "subscription");
        var customer = call.Referred("customer", "customer", "customer") ??
            (subscription is null ? null : call.Tx.Get(subscription.Text("customer")!));
        if (customer is null)
        {
            throw StripeError.Invalid("You must specify at least one of `customer`, `subscription` or `schedule` to preview an invoice.", "customer");
        }
        foreach (var extra in call.P.Items("invoice_items")) InvoiceItems.FromParams(call, customer, extra);
        if (subscription is not null) return Changed(call, subscription, details);
        if (details.ContainsKey("items")) return First(call, customer, details);
        return Pending(call, customer);
    }

    static JsonObject First(Call call, JsonObject customer, JsonObject details)
    {
        var subscription = SubscriptionStart.Build(call, customer, details);
        return SubscriptionStart.FirstInvoice(call, customer, subscription, details);
    }

    static JsonObject Pending(Call call, JsonObject customer)
    {
        var invoice = InvoiceDrafts.New(call.Tx, customer, null, "manual", customer.Text("currency")
            ?? call.P.Text("currency") ?? "usd");
        InvoiceDrafts.AddPending(call.Tx, invoice, null);
        if (!invoice.Items("lines").Any())
        {
            throw StripeError.Invalid($"No upcoming invoices for customer: {customer.Id()}",
                code: "invoice_upcoming_none", status: 404);
        }
        return invoice;
    }

    static JsonObject Changed(Call call, JsonObject subscription, JsonObject details)
    {
        var tx = call.Tx;
        tx.Edit(subscription);
        if (Subscriptions.IsOver(subscription) ||
            (details.Flag("cancel_at_period_end") && !details.ContainsKey("items")))
        {
            throw StripeError.Invalid($"No upcoming invoices for customer: {subscription.Text("customer")}",
                code: "invoice_upcoming_none", status: 404);
        }
        if (details.Flag("cancel_now"))
        {
            if (details.Text("proration_behavior") != "none")
            {
                Proration.Credit(tx, subscription, subscription.Items("items"), tx.TimeOf(subscription));
            }
            var last = InvoiceDrafts.New(tx, tx.Get(subscription.Text("customer")!), subscription,
                "subscription_update", subscription.Text("currency")!);
            InvoiceDrafts.AddPending(tx, last, subscription);
            return last;
        }
        var change = details.Copy();
        if (change.Child("billing_cycle_anchor")?.Text("type") == "timestamp") change.Remove("billing_cycle_anchor");
        var invoice = Changes.Apply(call, subscription, change);
        if (invoice is not null) return invoice;
        if (subscription.MaybeNumber("cancel_at") is { } at && at <= Items.Period(subscription).End)
        {
            throw StripeError.Invalid($"No upcoming invoices for customer: {subscription.Text("customer")}",
                code: "invoice_upcoming_none", status: 404);
        }
        return NextInvoice(tx, subscription, Items.Period(subscription).End);
    }

    static JsonObject NextInvoice(Tx tx, JsonObject subscription, long boundary)
    {
        Renewals.Roll(subscription);
        var invoice = InvoiceDrafts.New(tx, tx.Get(subscription.Text("customer")!), subscription, "subscription_cycle",
            subscription.Text("currency")!);
        Discounts.Inherit(tx, invoice, subscription, boundary);
        Renewals.Fill(tx, invoice, subscription, boundary);
        invoice["created"] = boundary;
        invoice["next_payment_attempt"] = boundary + 3_600;
        return invoice;
    }
}
