namespace Purser.Sandbox.Stripe.Wire;

/// <summary>
/// Parameters that Stripe takes and the sandbox does nothing with. They are refused: a caller that sends one must not
/// believe it had an effect.
/// </summary>
static class Unsupported
{
    static readonly HashSet<string> Names =
    [
        "application_fee_amount", "application_fee_percent", "backdate_start_date", "billing_schedules",
        "billing_thresholds", "cash_balance", "confirmation_token", "customer_account", "default_source",
        "default_tax_rates", "on_behalf_of", "optional_items", "pending_invoice_item_interval", "schedule",
        "schedule_details", "shipping_options", "source", "tax_id_data", "tax_rates", "transfer_data",
    ];

    public static void Refuse(JsonObject parameters, string path = "")
    {
        foreach (var (name, value) in parameters)
        {
            var at = path.Length == 0 ? name : $"{path}[{name}]";
            // Metadata may be called anything.
            if (name == "metadata" || value is null || IsEmpty(value)) continue;
            if (Names.Contains(name)) throw StripeError.Invalid($"The sandbox does not support the parameter {at}.",
                at);
            if (name == "automatic_tax" && value["enabled"].IsTrue())
            {
                throw StripeError.Invalid("The sandbox does not compute taxes.", at);
            }
            if (name == "discounts") RefuseDiscount((value as JsonArray)?.OfType<JsonObject>().FirstOrDefault(), at);
            if (name == "recurring" && value["usage_type"]?.ToString() == "metered")
            {
                throw StripeError.Invalid("The sandbox does not support metered prices.", $"{at}[usage_type]");
            }
            if (value is JsonObject inner) Refuse(inner, at);
            if (value is JsonArray array) RefuseIn(array, at);
        }
    }

    static void RefuseIn(JsonArray array, string at)
    {
        for (var i = 0; i < array.Count; i++)
        {
            if (array[i] is JsonObject element) Refuse(element, $"{at}[{i}]");
        }
    }

    // Coupons cannot be made here, so none is ever found.
    static void RefuseDiscount(JsonObject? discount, string at)
    {
        var name = discount?.Select(p => p.Key).FirstOrDefault();
        if (discount is null || name is null) return;
        var what = name == "promotion_code" ? "promotion code" : name;
        throw StripeError.Missing(what, discount.Text(name) ?? "", $"{at}[0][{name}]", inPath: false);
    }

    static bool IsEmpty(JsonNode value) => value is JsonArray { Count: 0 } ||
        (value is JsonValue v && v.ToString().Length == 0);
}
