using Purser.Sandbox.Stripe.Billing;

namespace Purser.Sandbox.Stripe.Checkout;

/// <summary>Invoices for what was bought once, where the session asked for them: drawn up when it is paid.</summary>
static class OneTimeInvoices
{
    /// <summary>The paid invoice of a session; the intent is null where there was nothing to pay.</summary>
    public static void Make(Tx tx, JsonObject session, JsonObject? intent)
    {
        var customer = tx.Get((session.Text("customer") ?? session.Text("_customer"))!);
        var invoice = InvoiceDrafts.New(tx, customer, null, "manual", session.Text("currency")!);
        var data = session.Child("invoice_creation")!.Child("invoice_data")!;
        invoice.Take(data, "custom_fields", "description", "footer");
        invoice["metadata"] = Metadata.Of(data);
        invoice["automatic_tax"] = AutomaticTax.Of("invoice", session.Child("automatic_tax"));
        // The session has been paid as it stood: what the customer has on balance is for other invoices.
        invoice["starting_balance"] = 0L;
        foreach (var line in session.Items("_line_items"))
        {
            InvoiceDrafts.AddLine(invoice, Lines.ForInvoiceItem(Item(tx, customer, invoice, line)));
        }
        if (session.Text("_discount") is { } discount) Discounts.Put(invoice, [tx.Get(discount)]);
        InvoiceDrafts.Announce(tx, invoice, null);
        invoice["ending_balance"] = 0L;
        InvoiceDrafts.Open(tx, invoice, customer);
        if (intent is not null) InvoicePayments.Link(tx, invoice, intent);
        InvoicePayments.MarkPaid(tx, invoice, intent);
        session["invoice"] = invoice.Id();
    }

    static JsonObject Item(Tx tx, JsonObject customer, JsonObject invoice, JsonObject line)
    {
        var item = InvoiceItems.New(tx, customer, line.Number("amount_subtotal"), line.Text("currency")!);
        item["description"] = line.Text("description");
        item["invoice"] = invoice.Id();
        item["pricing"] = Lines.Pricing(line.Child("price")!);
        item["quantity"] = line.Number("quantity");
        item["quantity_decimal"] = line.Number("quantity").ToString(CultureInfo.InvariantCulture);
        return item;
    }
}
