namespace Purser.Sandbox.Stripe.Wire;

/// <summary>
/// Parameters that Stripe takes and the sandbox does nothing with. They are refused: a caller that sends one must not
/// believe it had an effect.
/// </summary>
static class Unsupported
{
    static readonly HashSet<string> Names =
    [
        "after_expiration", "amount_to_confirm", "application_fee_amount", "application_fee_percent",
        "backdate_start_date", "billing_schedules", "billing_thresholds", "cash_balance", "confirmation_token",
        "current_trial", "custom_unit_amount", "customer_account", "default_source", "default_tax_rates", "from_invoice",
        "hooks", "managed_payments", "name_collection", "on_behalf_of", "optional_items", "origin",
        "pending_invoice_item_interval", "preview_mode", "refund_application_fee", "reverse_transfer", "schedule",
        "schedule_details", "shipping_address_collection", "shipping_cost", "shipping_options", "source", "tax_id_data",
        "tax_rates", "transfer_data",
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
            // A portal's configuration has a field of the same name, and it may be set.
            if (name == "adjustable_quantity" && path.StartsWith("line_items", StringComparison.Ordinal) &&
                value["enabled"].IsTrue())
            {
                throw StripeError.Invalid("The sandbox does not let customers change quantities.", at);
            }
            if (name == "discounts" && path.Length > 0) throw InnerDiscount(at);
            if (name == "recurring" && value["usage_type"]?.ToString() == "metered")
            {
                throw StripeError.Invalid("The sandbox does not support metered prices.", $"{at}[usage_type]");
            }
            if (value is JsonObject inner) Refuse(inner, at);
            if (value is JsonArray array) RefuseIn(array, at);
        }
    }

    public static StripeError InnerDiscount(string at) =>
        StripeError.Invalid("The sandbox takes discounts off a whole session, subscription or invoice only.", at);

    static void RefuseIn(JsonArray array, string at)
    {
        for (var i = 0; i < array.Count; i++)
        {
            if (array[i] is JsonObject element) Refuse(element, $"{at}[{i}]");
        }
    }

    static bool IsEmpty(JsonNode value) => value is JsonArray { Count: 0 } ||
        (value is JsonValue v && v.ToString().Length == 0);
}
