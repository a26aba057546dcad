using Purser.Sandbox.Stripe.Customers;

namespace Purser.Sandbox.Stripe.Billing;

/// <summary>Invoices before they are owed: made, filled with lines, added up, and finalized.</summary>
static class InvoiceDrafts
{
    const long MinimumCharge = 50;
    const long DaysUntilDue = 30;

    public static JsonObject New(Tx tx, JsonObject customer, JsonObject? subscription, string reason, string currency)
    {
        var now = tx.TimeOf(customer);
        var invoice = ApiSpec.Blank("invoice");
        invoice["id"] = Ids.New("in");
        invoice["account_country"] = "US";
        invoice["account_name"] = "Purser sandbox";
        invoice["auto_advance"] = true;
        invoice["automatic_tax"] = AutomaticTax.Of("invoice", subscription?.Child("automatic_tax"));
        invoice["billing_reason"] = reason;
        invoice["collection_method"] = subscription?.Text("collection_method") ?? "charge_automatically";
        invoice["created"] = now;
        invoice["currency"] = currency;
        invoice["customer"] = customer.Id();
        invoice["customer_address"] = customer["address"]?.DeepClone();
        invoice["customer_email"] = customer.Text("email");
        invoice["customer_name"] = customer.Text("name");
        invoice["customer_phone"] = customer.Text("phone");
        invoice["customer_shipping"] = customer["shipping"]?.DeepClone();
        invoice["customer_tax_exempt"] = "none";
        invoice["customer_tax_ids"] = new JsonArray();
        invoice["hosted_invoice_url"] = null;
        invoice["invoice_pdf"] = null;
        invoice["issuer"] = new JsonObject { ["type"] = "self" };
        invoice["lines"] = Json.ListOf($"/v1/invoices/{invoice.Id()}/lines", []);
        invoice["metadata"] = new JsonObject();
        invoice["payment_settings"] = new JsonObject { ["default_mandate"] = null, ["payment_method_options"] = null,
            ["payment_method_types"] = null };
        invoice["period_start"] = now;
        invoice["period_end"] = now;
        invoice["starting_balance"] = customer.Number("balance");
        invoice["status"] = "draft";
        invoice["test_clock"] = customer.Text("test_clock");
        invoice["total_discount_amounts"] = new JsonArray();
        invoice["total_pretax_credit_amounts"] = new JsonArray();
        invoice["total_taxes"] = new JsonArray();
        if (subscription is not null) Belong(tx, invoice, subscription);
        return tx.Add(invoice);
    }

    static void Belong(Tx tx, JsonObject invoice, JsonObject subscription)
    {
        invoice["_subscription"] = subscription.Id();
        invoice["parent"] = new JsonObject
        {
            ["quote_details"] = null,
            ["subscription_details"] = new JsonObject
            {
                ["metadata"] = subscription["metadata"]?.DeepClone(),
                ["subscription"] = subscription.Id(),
            },
            ["type"] = "subscription_details",
        };
        tx.Edit(subscription)["latest_invoice"] = invoice.Id();
        Discounts.Inherit(tx, invoice, subscription, invoice.Number("created"));
    }

    public static void AddLine(JsonObject invoice, JsonObject line)
    {
        line["invoice"] = invoice.Id();
        ((JsonArray)invoice.Child("lines")!["data"]!).Add(line);
    }

    /// <summary>Takes what waits for the next invoice of this customer, or of this subscription.</summary>
    public static void AddPending(Tx tx, JsonObject invoice, JsonObject? subscription)
    {
        var waiting = tx.Referring("invoiceitem", "customer", invoice.Text("customer")!)
            .Where(i => i.Text("invoice") is null && i.Text("currency") == invoice.Text("currency"))
            .Where(i => i.Text("_subscription") is not { } of || of == subscription?.Id())
            .OrderBy(i => i.Number("date")).ThenBy(i => i.Number("_order")).ToList();
        foreach (var item in waiting)
        {
            tx.Edit(item)["invoice"] = invoice.Id();
            AddLine(invoice, Lines.ForInvoiceItem(item));
        }
    }

    public static void AddUp(JsonObject invoice)
    {
        var subtotal = invoice.Items("lines").Sum(l => l.Number("amount"));
        invoice.Child("lines")!["total_count"] = (long)invoice.Items("lines").Count();
        var total = subtotal - Discounts.TakeOff(invoice);
        invoice["subtotal"] = subtotal;
        invoice["subtotal_excluding_tax"] = subtotal;
        invoice["total"] = total;
        invoice["total_excluding_tax"] = total;
        var due = Due(invoice.Number("starting_balance"), total).Due;
        invoice["amount_due"] = due;
        invoice["amount_remaining"] = due;
    }

    static void SetDueDate(Tx tx, JsonObject invoice, long now)
    {
        var subscription = invoice.Text("_subscription") is { } id ? tx.Find(id) : null;
        invoice["due_date"] ??= now + (subscription?.MaybeNumber("days_until_due") ?? DaysUntilDue) * 86_400;
        invoice.SetTimer("overdue", invoice.Number("due_date"));
    }

    /// <summary>What is to be paid now, and what the customer's balance is after it.</summary>
    static (long Due, long Balance) Due(long balance, long total)
    {
        var owed = total + balance;
        if (owed <= 0) return (0, owed);
        // Less than can be charged waits on the balance for a larger invoice.
        if (owed < MinimumCharge) return (0, owed);
        return total < 0 ? (0, owed) : (owed, 0);
    }

    /// <summary>Puts a new draft into the world: added up, announced, and due to be finalized by itself.</summary>
    public static void Announce(Tx tx, JsonObject invoice, long? finalizesAt)
    {
        AddUp(invoice);
        if (invoice.Text("_subscription") is { } of) Discounts.UseUp(tx, invoice, tx.Get(of));
        invoice["automatically_finalizes_at"] = finalizesAt;
        if (finalizesAt is { } at)
        {
            invoice.SetTimer("finalize", at);
            if (invoice.Text("collection_method") == "charge_automatically") invoice["next_payment_attempt"] = at;
        }
        tx.Emit("invoice.created", invoice);
    }

    /// <summary>From a draft to something owed. Nothing to pay is paid at once.</summary>
    public static void Finalize(Tx tx, JsonObject invoice)
    {
        var customer = tx.Edit(invoice.Text("customer")!);
        tx.Edit(invoice).ClearTimer("finalize");
        invoice["starting_balance"] = customer.Number("balance");
        AddUp(invoice);
        var (_, after) = Due(customer.Number("balance"), invoice.Number("total"));
        if (after != customer.Number("balance"))
        {
            CustomerRoutes.AddBalance(tx, customer, after - customer.Number("balance"), invoice.Text("currency")!,
                "applied_to_invoice", invoice.Id());
        }
        invoice["ending_balance"] = after;
        Open(tx, invoice, customer);
        if (invoice.Number("amount_due") == 0) InvoicePayments.MarkPaid(tx, invoice, null);
        else InvoicePayments.Prepare(tx, invoice);
    }

    /// <summary>Gives an invoice its number and its pages: from here on its amounts stand.</summary>
    public static void Open(Tx tx, JsonObject invoice, JsonObject customer)
    {
        var now = tx.TimeOf(invoice);
        tx.Edit(customer)["currency"] ??= invoice.Text("currency");
        var sequence = customer.Number("next_invoice_sequence");
        customer["next_invoice_sequence"] = sequence + 1;
        invoice["number"] ??= $"{customer.Text("invoice_prefix")}-{sequence.ToString("0000", CultureInfo.InvariantCulture)}";
        invoice["automatically_finalizes_at"] = null;
        invoice["effective_at"] = now;
        invoice["status"] = "open";
        invoice.Under("status_transitions")["finalized_at"] = now;
        invoice["hosted_invoice_url"] = $"{tx.Account.BaseUrl}/invoice/{invoice.Id()}";
        invoice["invoice_pdf"] = $"{tx.Account.BaseUrl}/invoice/{invoice.Id()}/pdf";
        if (invoice.Text("collection_method") == "send_invoice") SetDueDate(tx, invoice, now);
        tx.Emit("invoice.finalized", invoice);
    }
}
