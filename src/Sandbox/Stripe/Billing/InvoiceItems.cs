using Purser.Sandbox.Stripe.Catalog;

namespace Purser.Sandbox.Stripe.Billing;

static class InvoiceItems
{
    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/invoiceitems", Create);
        routes.Add("GET", "/v1/invoiceitems", List);
        routes.Add("GET", "/v1/invoiceitems/{id}", call => call.Named("invoiceitem", "invoiceitem"));
        routes.Add("POST", "/v1/invoiceitems/{id}", Update);
        routes.Add("DELETE", "/v1/invoiceitems/{id}", Delete);
    }

    public static JsonObject New(Tx tx, JsonObject customer, long amount, string currency)
    {
        var item = ApiSpec.Blank("invoiceitem");
        var now = tx.TimeOf(customer);
        item["id"] = Ids.New("ii");
        item["amount"] = amount;
        item["currency"] = currency;
        item["customer"] = customer.Id();
        item["date"] = now;
        item["discountable"] = true;
        item["discounts"] = new JsonArray();
        item["metadata"] = new JsonObject();
        item["period"] = new JsonObject { ["end"] = now, ["start"] = now };
        item["quantity"] = 1L;
        item["quantity_decimal"] = "1";
        item["tax_rates"] = new JsonArray();
        item["test_clock"] = customer.Text("test_clock");
        item["_order"] = (long)tx.All("invoiceitem").Count();
        return tx.Add(item);
    }

    static JsonObject Create(Call call)
    {
        var customer = call.Required("customer", "customer", "customer");
        if (call.P.Items("discounts").Any()) throw Unsupported.InnerDiscount("discounts");
        var item = FromParams(call, customer, call.P);
        if (call.Referred("invoice", "invoice", "invoice") is { } invoice)
        {
            if (invoice.Text("status") != "draft") throw Invoices.NotEditable();
            item["invoice"] = invoice.Id();
            InvoiceDrafts.AddLine(call.Tx.Edit(invoice), Lines.ForInvoiceItem(item));
            InvoiceDrafts.AddUp(invoice);
            call.Tx.EmitUpdate("invoice.updated", invoice);
        }
        call.Tx.Emit("invoiceitem.created", item);
        return item;
    }

    /// <summary>An item as its parameters describe it; previews and add_invoice_items bring the same.</summary>
    public static JsonObject FromParams(Call call, JsonObject customer, JsonObject p)
    {
        var quantity = Items.Quantity(p, "quantity");
        var id = p.Child("pricing")?.Text("price") ?? p.Text("price");
        var price = p.Child("price_data") is { } data ? Prices.Create(call, data, "price_data", active: false)
            : id is null ? null : call.Tx.Find("price", id)
                ?? throw StripeError.Missing("price", id, "pricing[price]", inPath: false);
        if (price?.Child("recurring") is not null)
        {
            throw StripeError.Invalid("The price specified is set to `type=recurring` but this field only accepts prices with "
                + "`type=one_time`.", "pricing[price]");
        }
        var amount = price is not null ? Prices.Amount(price, quantity)
            : p.MaybeNumber("amount") ?? (p.Text("unit_amount_decimal") is { } each
                ? (long)decimal.Round(decimal.Parse(each, CultureInfo.InvariantCulture) * quantity,
                    MidpointRounding.AwayFromZero)
                : throw StripeError.MissingParam("amount"));
        var currency = price?.Text("currency") ?? p.Text("currency") ?? customer.Text("currency") ?? "usd";
        var item = New(call.Tx, customer, amount, Currencies.Checked(currency, "currency"));
        item.Take(p, "description", "discountable");
        if (p["period"] is JsonObject { Count: > 0 } period && period.ContainsKey("start") &&
            period["start"] is JsonValue)
        {
            item["period"] = period.DeepClone();
        }
        item["metadata"] = Metadata.Of(p);
        item["quantity"] = quantity;
        item["quantity_decimal"] = quantity.ToString(CultureInfo.InvariantCulture);
        item["pricing"] = price is null
            ? new JsonObject { ["type"] = "price_details",
                ["unit_amount_decimal"] = (amount / Math.Max(1, quantity)).ToString(CultureInfo.InvariantCulture) }
            : Lines.Pricing(price);
        item["description"] ??= price is null ? null : call.Tx.Find(price.Text("product")!)?.Text("name");
        if (p.Text("subscription") is { } subscription)
        {
            if (call.Tx.Find("subscription", subscription) is null)
            {
                throw StripeError.Missing("subscription", subscription, "subscription", inPath: false);
            }
            item["_subscription"] = subscription;
            item["parent"] = new JsonObject
            {
                ["subscription_details"] = new JsonObject { ["subscription"] = subscription },
                ["type"] = "subscription_details",
            };
        }
        return item;
    }

    static JsonObject List(Call call)
    {
        var pending = call.P.MaybeFlag("pending");
        return call.List("invoiceitem", "invoiceitem", i => pending is null || pending == (i.Text("invoice") is null),
            "customer", "invoice");
    }

    static JsonObject Open(Call call)
    {
        var item = call.Named("invoiceitem", "invoiceitem");
        return item.Text("invoice") is { } on && call.Tx.Get(on).Text("status") != "draft"
            ? throw Invoices.NotEditable() : item;
    }

    static JsonObject Update(Call call)
    {
        if (call.P.Items("discounts").Any()) throw Unsupported.InnerDiscount("discounts");
        var item = call.Tx.Edit(Open(call));
        var priced = call.P.ContainsKey("price_data") || call.P.ContainsKey("pricing");
        if (priced || call.P.ContainsKey("quantity") || call.P.ContainsKey("unit_amount_decimal")) Reprice(call, item);
        item.Take(call.P, "amount", "description", "discountable");
        if (call.P.Child("period") is { } period) item["period"] = period.DeepClone();
        Metadata.Merge(item, call.P);
        if (item.Text("invoice") is { } on)
        {
            var invoice = call.Tx.Edit(on);
            var line = Lines.ForInvoiceItem(item);
            var old = LineOf(invoice, item);
            line["id"] = old.Id();
            line["invoice"] = invoice.Id();
            old.ReplaceWith(line);
            InvoiceDrafts.AddUp(invoice);
            call.Tx.EmitUpdate("invoice.updated", invoice);
        }
        return item;
    }

    /// <summary>Another price or quantity, drawn up as if the item were new.</summary>
    static void Reprice(Call call, JsonObject item)
    {
        var p = call.P.Copy();
        p["currency"] = item.Text("currency");
        p["quantity"] ??= item["quantity"]?.DeepClone();
        if (!p.ContainsKey("price_data") && !p.ContainsKey("pricing"))
        {
            var price = item.Child("pricing")?.Child("price_details")?.Text("price");
            if (price is not null) p["pricing"] = new JsonObject { ["price"] = price };
            else p["unit_amount_decimal"] ??= item.Child("pricing")!["unit_amount_decimal"]?.DeepClone();
        }
        var drawn = FromParams(call, call.Tx.Get(item.Text("customer")!), p);
        foreach (var name in (ReadOnlySpan<string>)["amount", "pricing", "quantity", "quantity_decimal"])
        {
            item[name] = drawn[name]?.DeepClone();
        }
        call.Tx.Remove(drawn.Id());
    }

    static JsonObject LineOf(JsonObject invoice, JsonObject item) => invoice.Items("lines").First(l =>
        (l.Child("parent")?.Child("invoice_item_details") ?? l.Child("parent")?.Child("subscription_item_details"))
            ?.Text("invoice_item") == item.Id());

    static JsonObject Delete(Call call)
    {
        var item = Open(call);
        if (item.Text("invoice") is { } on)
        {
            var invoice = call.Tx.Edit(on);
            ((JsonArray)invoice.Child("lines")!["data"]!).Remove(LineOf(invoice, item));
            InvoiceDrafts.AddUp(invoice);
            call.Tx.EmitUpdate("invoice.updated", invoice);
        }
        call.Tx.Emit("invoiceitem.deleted", item);
        call.Tx.Remove(item.Id());
        return new() { ["id"] = item.Id(), ["object"] = "invoiceitem", ["deleted"] = true };
    }
}
