namespace Purser.Sandbox.Stripe.Wire;

/// <summary>
/// How an object looks from outside at a version of the API. Objects are kept in the current shape; older versions get
/// back the fields and words that later ones took away.
/// </summary>
static class Rendering
{
    public static JsonObject Show(Tx tx, JsonObject stored, ApiVersion version) => At(tx, stored.Visible(), version);

    /// <summary>The same for an object that has already been copied, lists included.</summary>
    public static JsonObject At(Tx tx, JsonObject shown, ApiVersion version)
    {
        if (version.BeforeDahlia) RenameUiMode(shown);
        if (version.BeforeBasil) BeforeBasil(tx, shown);
        if (version.BeforeClover) DiscountsIn(tx, shown);
        return shown;
    }

    static void RenameUiMode(JsonObject shown)
    {
        foreach (var element in Elements(shown)) RenameUiMode(element);
        if (shown.Text("object") != "checkout.session") return;
        var older = OlderParameters.UiModes.FirstOrDefault(m => m.Value == shown.Text("ui_mode")).Key;
        if (older is not null) shown["ui_mode"] = older;
    }

    static List<JsonObject> Elements(JsonObject shown) =>
        shown.Text("object") is "list" or "search_result" ? [.. shown.Items("data")] : [];

    // Clover moved the coupon of a discount under its source; before, the whole coupon stood in the discount.
    static void DiscountsIn(Tx tx, JsonNode? node)
    {
        if (node is JsonArray array)
        {
            foreach (var element in array) DiscountsIn(tx, element);
        }
        // What an event shows is of its own version, whoever asks.
        if (node is not JsonObject o || o.Text("object") == "event") return;
        foreach (var (_, value) in o.ToList()) DiscountsIn(tx, value);
        if (o.Text("object") != "discount" || !o.Remove("source", out var source)) return;
        o["coupon"] = source?["coupon"] is JsonValue id ? tx.Find(id.GetValue<string>())?.Visible() : null;
    }

    static void BeforeBasil(Tx tx, JsonObject shown)
    {
        foreach (var element in Elements(shown)) BeforeBasil(tx, element);
        switch (shown.Text("object"))
        {
            case "invoice":
                Invoice(tx, shown);
                break;
            case "subscription":
                Subscription(tx, shown);
                break;
            case "payment_intent":
                shown["invoice"] = InvoiceOf(tx, shown.Id());
                break;
            case "charge":
                shown["invoice"] = shown.Text("payment_intent") is { } intent ? InvoiceOf(tx, intent) : null;
                break;
            default:
                break;
        }
    }

    static string? InvoiceOf(Tx tx, string intent) =>
        tx.Referring("invoice_payment", "_payment_intent", intent).FirstOrDefault()?.Text("invoice");

    static void Invoice(Tx tx, JsonObject invoice)
    {
        var stored = tx.Find(invoice.Id());
        var intent = stored?.Text("_payment_intent");
        invoice["subscription"] = invoice.Child("parent")?.Child("subscription_details")?.Text("subscription");
        invoice["subscription_details"] = invoice.Child("parent")?.Child("subscription_details") is { } details
            ? new JsonObject { ["metadata"] = details["metadata"]?.DeepClone() }
            : null;
        invoice["payment_intent"] = intent;
        invoice["charge"] = intent is null ? null : tx.Find(intent)?.Text("latest_charge");
        invoice["paid"] = invoice.Text("status") == "paid";
        invoice["paid_out_of_band"] = stored?.Flag("_paid_out_of_band") ?? false;
        invoice["discount"] = FirstDiscount(tx, invoice);
        invoice["quote"] = null;
        invoice["tax"] = null;
        invoice["total_tax_amounts"] = new JsonArray();
        invoice["application_fee_amount"] = null;
        invoice["transfer_data"] = null;
        foreach (var name in (ReadOnlySpan<string>)["parent", "total_taxes", "amount_overpaid"]) invoice.Remove(name);
        foreach (var line in invoice.Items("lines").ToList()) Line(tx, line);
    }

    static JsonObject? FirstDiscount(Tx tx, JsonObject shown) =>
        shown.Texts("discounts").FirstOrDefault() is { } id ? tx.Find(id)?.Visible() : null;

    static void Line(Tx tx, JsonObject line)
    {
        var parent = line.Child("parent");
        var details = parent?.Child("subscription_item_details") ?? parent?.Child("invoice_item_details");
        var price = line.Child("pricing")?.Child("price_details")?.Text("price");
        line["type"] = parent?.Text("type") == "subscription_item_details" ? "subscription" : "invoiceitem";
        line["subscription"] = details?.Text("subscription");
        line["subscription_item"] = details?.Text("subscription_item");
        line["invoice_item"] = details?.Text("invoice_item");
        line["proration"] = details?.Flag("proration") ?? false;
        line["price"] = price is not null && tx.Find(price) is { } found ? found.Visible() : null;
        line["plan"] = price is not null && tx.Find(price) is { } same && same.Child("recurring") is not null
            ? Catalog.Prices.PlanOf(same)
            : null;
        line["tax_amounts"] = new JsonArray();
        foreach (var name in (ReadOnlySpan<string>)["parent", "pricing", "taxes", "subtotal", "quantity_decimal"])
        {
            line.Remove(name);
        }
    }

    static void Subscription(Tx tx, JsonObject subscription)
    {
        var items = subscription.Items("items").ToList();
        subscription["current_period_start"] = items.FirstOrDefault()?["current_period_start"]?.DeepClone();
        subscription["current_period_end"] = items.FirstOrDefault()?["current_period_end"]?.DeepClone();
        subscription["discount"] = FirstDiscount(tx, subscription);
        foreach (var item in items)
        {
            item.Remove("current_period_start");
            item.Remove("current_period_end");
        }
        // Without the item's price there is nothing that classic clients call the plan.
        subscription["plan"] = items.Count == 1 ? items[0]["plan"]?.DeepClone() : null;
        subscription["quantity"] = items.Count == 1 ? items[0]["quantity"]?.DeepClone() : null;
    }
}
