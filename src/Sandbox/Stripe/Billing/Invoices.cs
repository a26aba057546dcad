using Purser.Sandbox.Stripe.Customers;
using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Billing;

static class Invoices
{
    const long FinalizesAfterSeconds = 3_600;
    const long DaysUntilDueMax = 3_650;

    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/invoices", Create);
        routes.Add("GET", "/v1/invoices", List);
        routes.Add("GET", "/v1/invoices/search", call => call.SearchFor("invoice"));
        routes.Add("GET", "/v1/invoices/{id}", Named);
        routes.Add("POST", "/v1/invoices/{id}", Update);
        routes.Add("DELETE", "/v1/invoices/{id}", Delete);
        routes.Add("POST", "/v1/invoices/{id}/finalize", FinalizeCall);
        routes.Add("POST", "/v1/invoices/{id}/pay", Pay);
        routes.Add("POST", "/v1/invoices/{id}/send", Send);
        routes.Add("POST", "/v1/invoices/{id}/void", VoidCall);
        routes.Add("POST", "/v1/invoices/{id}/mark_uncollectible", MarkUncollectible);
        routes.Add("GET", "/v1/invoices/{id}/lines", call => call.Page(Named(call).Items("lines"), "line item"));
        routes.Add("POST", "/v1/invoices/create_preview", Previews.Create);
    }

    static JsonObject Named(Call call) => call.Named("invoice", "invoice");

    public static StripeError NotEditable() => StripeError.Invalid(
        "This invoice is no longer editable because it has already been finalized.", code: "invoice_not_editable");

    static JsonObject Create(Call call)
    {
        var customer = call.Required("customer", "customer", "customer");
        var subscription = call.Referred("subscription", "subscription", "subscription");
        var currency = call.P.Text("currency") ?? customer.Text("currency") ?? "usd";
        var invoice = InvoiceDrafts.New(call.Tx, customer, subscription, "manual", currency.ToLowerInvariant());
        Fill(call, invoice);
        invoice["metadata"] = Metadata.Of(call.P);
        invoice["auto_advance"] = call.P.Flag("auto_advance");
        if (call.P.Text("pending_invoice_items_behavior") == "include" || subscription is not null)
        {
            InvoiceDrafts.AddPending(call.Tx, invoice, subscription);
        }
        InvoiceDrafts.Announce(call.Tx, invoice, invoice.Flag("auto_advance") ? call.Tx.TimeOf(invoice)
            + FinalizesAfterSeconds : null);
        return invoice;
    }

    static void Fill(Call call, JsonObject invoice)
    {
        invoice.Take(call.P, "collection_method", "custom_fields", "description", "due_date", "footer", "number",
            "statement_descriptor");
        if (call.P.Child("payment_settings") is { } settings)
        {
            invoice["payment_settings"] = ApiSpec.Completed("invoice.PaymentSettings", settings);
        }
        if (call.P.Child("rendering") is { } rendering)
        {
            invoice["rendering"] = ApiSpec.Completed("invoice.Rendering", rendering);
        }
        if (call.P.Child("automatic_tax") is { } tax) invoice["automatic_tax"] = AutomaticTax.Of("invoice", tax);
        if (call.P.ContainsKey("discounts")) TakeDiscounts(call, invoice);
        if (call.P.MaybeNumber("days_until_due") is { } days)
        {
            if (days is < 0 or > DaysUntilDueMax) throw StripeError.Invalid("Invalid days_until_due", "days_until_due");
            invoice["due_date"] = call.Tx.TimeOf(invoice) + days * 86_400;
        }
        if (call.P.Text("default_payment_method") is { Length: > 0 } method)
        {
            if (call.Tx.Find("payment_method", method) is null)
            {
                throw StripeError.Missing("PaymentMethod", method, "default_payment_method", inPath: false);
            }
            invoice["default_payment_method"] = method;
        }
    }

    static void TakeDiscounts(Call call, JsonObject invoice)
    {
        var before = invoice.Texts("discounts").ToHashSet();
        var discounts = Discounts.From(call.Tx, invoice, call.P["discounts"]);
        Discounts.Put(invoice, discounts);
        foreach (var discount in discounts.Where(d => !before.Contains(d.Id()))) Discounts.Redeem(call.Tx, discount);
    }

    static JsonObject List(Call call)
    {
        var subscription = call.P.Text("subscription");
        var due = call.P["due_date"];
        var everywhere = call.P.Text("customer") is not null || subscription is not null;
        return call.List("invoice", "invoice", i =>
            (subscription is null || i.Text("_subscription") == subscription) &&
            (due is null || (i.MaybeNumber("due_date") is { } at && Listing.Within(due, at))) &&
            (everywhere || i.Text("test_clock") is null), "customer", "status", "collection_method");
    }

    static JsonObject Update(Call call)
    {
        var invoice = Named(call);
        if (invoice.Text("status") != "draft" &&
            call.P.Any(p => p.Key is not ("metadata" or "expand" or "auto_advance" or "default_payment_method")))
        {
            throw NotEditable();
        }
        call.Tx.Edit(invoice);
        Fill(call, invoice);
        if (invoice.Text("status") == "draft") InvoiceDrafts.AddUp(invoice);
        Metadata.Merge(invoice, call.P);
        if (call.P.MaybeFlag("auto_advance") is { } advance)
        {
            invoice["auto_advance"] = advance;
            if (invoice.Text("status") == "draft")
            {
                var at = call.Tx.TimeOf(invoice) + FinalizesAfterSeconds;
                invoice["automatically_finalizes_at"] = advance ? at : null;
                if (advance) invoice.SetTimer("finalize", at);
                else invoice.ClearTimer("finalize");
            }
        }
        call.Tx.EmitUpdate("invoice.updated", invoice);
        return invoice;
    }

    static JsonObject Delete(Call call)
    {
        var invoice = Named(call);
        if (invoice.Text("status") != "draft" || invoice.Text("_subscription") is not null)
        {
            throw StripeError.Invalid("You can only delete draft invoices.", code: "invoice_not_editable");
        }
        foreach (var item in call.Tx.Referring("invoiceitem", "invoice", invoice.Id()))
        {
            call.Tx.Edit(item)["invoice"] = null;
        }
        call.Tx.Emit("invoice.deleted", invoice);
        call.Tx.Remove(invoice.Id());
        return new() { ["id"] = invoice.Id(), ["object"] = "invoice", ["deleted"] = true };
    }

    static JsonObject FinalizeCall(Call call)
    {
        var invoice = Named(call);
        if (invoice.Text("status") != "draft")
        {
            throw StripeError.Invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.",
                code: "invoice_not_editable");
        }
        call.Tx.Edit(invoice);
        if (call.P.MaybeFlag("auto_advance") is { } advance) invoice["auto_advance"] = advance;
        InvoiceDrafts.Finalize(call.Tx, invoice);
        return invoice;
    }

    static JsonObject Pay(Call call)
    {
        var invoice = call.Tx.Edit(Named(call));
        var wasDraft = invoice.Text("status") == "draft";
        if (wasDraft) InvoiceDrafts.Finalize(call.Tx, invoice);
        if (invoice.Text("status") == "paid" && !wasDraft)
        {
            throw StripeError.Invalid("Invoice is already paid", code: "invoice_already_paid");
        }
        if (invoice.Text("status") == "void")
        {
            throw StripeError.Invalid("This invoice has been voided and can no longer be paid.");
        }
        if (invoice.Text("status") == "paid") return invoice;
        if (call.P.Flag("paid_out_of_band"))
        {
            invoice["_paid_out_of_band"] = true;
            InvoicePayments.Abandon(call.Tx, invoice);
            InvoicePayments.MarkPaid(call.Tx, invoice, null);
            return invoice;
        }
        var method = call.P.Text("payment_method") is { Length: > 0 } id
            ? PaymentMethods.Resolve(call.Tx, id, "payment_method")
            : InvoicePayments.MethodFor(call.Tx, invoice);
        if (method is null)
        {
            throw StripeError.Invalid("There is no `default_payment_method` set on this Customer or Invoice. Please set a "
                + "`default_payment_method`.", code: "resource_missing");
        }
        // A person who pays an invoice by hand need not be there: without off_session=false Stripe charges off session.
        var holder = call.P.MaybeFlag("off_session") == false ? Holder.Present : Holder.Reachable;
        var attempt = InvoicePayments.Collect(call.Tx, invoice, method, holder);
        var intent = call.Tx.Get(invoice.Text("_payment_intent")!);
        return attempt switch
        {
            Attempt.Declined => throw PaymentIntents.Declined(call.Tx, intent),
            Attempt.NeedsAction =>
                throw PaymentIntents.Declined(call.Tx, intent, "invoice_payment_intent_requires_action",
                "This payment requires additional user action before it can be completed successfully. Payment can be completed using the "
                + "PaymentIntent associated with the invoice."),
            _ => invoice,
        };
    }

    static JsonObject Send(Call call)
    {
        var invoice = call.Tx.Edit(Named(call));
        if (invoice.Text("status") == "draft") InvoiceDrafts.Finalize(call.Tx, invoice);
        call.Tx.Emit("invoice.sent", invoice);
        return invoice;
    }

    static JsonObject VoidCall(Call call)
    {
        var invoice = Named(call);
        if (invoice.Text("status") is not ("open" or "uncollectible"))
        {
            throw StripeError.Invalid("You can only pass in open or uncollectible invoices. This invoice isn't open.");
        }
        Void(call.Tx, invoice);
        return invoice;
    }

    public static void Void(Tx tx, JsonObject invoice)
    {
        tx.Edit(invoice);
        InvoicePayments.Abandon(tx, invoice);
        invoice["status"] = "void";
        invoice["auto_advance"] = false;
        invoice["next_payment_attempt"] = null;
        invoice.ClearTimers();
        invoice.Under("status_transitions")["voided_at"] = tx.TimeOf(invoice);
        tx.Emit("invoice.voided", invoice);
        Subscriptions.InvoiceVoided(tx, invoice);
    }

    static JsonObject MarkUncollectible(Call call)
    {
        var invoice = Named(call);
        if (invoice.Text("status") is not "open")
        {
            throw StripeError.Invalid("You can only mark open invoices as uncollectible.");
        }
        Uncollectible(call.Tx, invoice);
        return invoice;
    }

    public static void Uncollectible(Tx tx, JsonObject invoice)
    {
        tx.Edit(invoice);
        invoice["status"] = "uncollectible";
        invoice["auto_advance"] = false;
        invoice["next_payment_attempt"] = null;
        invoice.ClearTimers();
        invoice.Under("status_transitions")["marked_uncollectible_at"] = tx.TimeOf(invoice);
        tx.Emit("invoice.marked_uncollectible", invoice);
    }
}
