using Purser.Sandbox.Stripe.Catalog;

namespace Purser.Sandbox.Stripe.Billing;

/// <summary>The lines of invoices: what was bought, for which time, at which price.</summary>
static class Lines
{
    /// <summary>A line for an item of a subscription over a period; its amount may be less than the price's.</summary>
    public static JsonObject ForItem(JsonObject subscription, JsonObject item, long start, long end, long amount,
        string? description = null)
    {
        var line = New(subscription.Text("currency")!, amount, description ?? Described(item), start, end);
        line["quantity"] = item["quantity"]?.DeepClone();
        line["quantity_decimal"] = item.MaybeNumber("quantity")?.ToString(CultureInfo.InvariantCulture);
        line["metadata"] = subscription["metadata"]?.DeepClone();
        line["pricing"] = Pricing(item.Child("price")!);
        line["subscription"] = subscription.Id();
        line["parent"] = new JsonObject
        {
            ["invoice_item_details"] = null,
            ["subscription_item_details"] = new JsonObject
            {
                ["invoice_item"] = null,
                ["proration"] = false,
                ["proration_details"] = new JsonObject { ["credited_items"] = null },
                ["subscription"] = subscription.Id(),
                ["subscription_item"] = item.Id(),
            },
            ["type"] = "subscription_item_details",
        };
        return line;
    }

    /// <summary>A line for an invoice item; prorations keep the subscription item they come from.</summary>
    public static JsonObject ForInvoiceItem(JsonObject item)
    {
        var period = item.Child("period")!;
        var line = New(item.Text("currency")!, item.Number("amount"), item.Text("description") ?? "",
            period.Number("start"), period.Number("end"));
        line["quantity"] = item["quantity"]?.DeepClone();
        line["quantity_decimal"] = item["quantity_decimal"]?.DeepClone();
        line["metadata"] = item["metadata"]?.DeepClone();
        line["pricing"] = item["pricing"]?.DeepClone();
        line["discountable"] = item.Flag("discountable");
        var details = item.Child("parent")?.Child("subscription_details");
        var fromItem = details?.Text("subscription_item");
        line["subscription"] = details?.Text("subscription");
        var common = new JsonObject
        {
            ["invoice_item"] = item.Id(),
            ["proration"] = item.Flag("proration"),
            ["proration_details"] = new JsonObject { ["credited_items"] = null },
            ["subscription"] = details?.Text("subscription"),
        };
        if (fromItem is not null) common["subscription_item"] = fromItem;
        line["parent"] = new JsonObject
        {
            ["invoice_item_details"] = fromItem is null ? common : null,
            ["subscription_item_details"] = fromItem is null ? null : common,
            ["type"] = fromItem is null ? "invoice_item_details" : "subscription_item_details",
        };
        return line;
    }

    static JsonObject New(string currency, long amount, string description, long start, long end)
    {
        var line = ApiSpec.Blank("line_item");
        line["id"] = Ids.New("il");
        line["amount"] = amount;
        line["currency"] = currency;
        line["description"] = description;
        line["discount_amounts"] = new JsonArray();
        line["discountable"] = true;
        line["period"] = new JsonObject { ["end"] = end, ["start"] = start };
        line["pretax_credit_amounts"] = new JsonArray();
        line["subtotal"] = amount;
        line["taxes"] = new JsonArray();
        return line;
    }

    public static JsonObject Pricing(JsonObject price) => new()
    {
        ["price_details"] = new JsonObject { ["price"] = price.Id(), ["product"] = price.Text("product") },
        ["type"] = "price_details",
        ["unit_amount_decimal"] = price.Text("unit_amount_decimal"),
    };

    static string Described(JsonObject item)
    {
        var price = item.Child("price")!;
        var recurring = price.Child("recurring");
        var each = Currencies.Shown(price.Number("unit_amount"), price.Text("currency")!);
        var every = recurring is null ? "" : recurring.Number("interval_count") == 1
            ? $" / {recurring.Text("interval")}"
            : $" every {recurring.Number("interval_count")} {recurring.Text("interval")}s";
        return $"{item.Number("quantity")} × {item.Text("_name")} (at {each}{every})";
    }
}
