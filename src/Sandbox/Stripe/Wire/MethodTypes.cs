namespace Purser.Sandbox.Stripe.Wire;

/// <summary>
/// The parameter payment_method_types, which endive took away: older versions may still send it, the current one is
/// told so.
/// </summary>
static class MethodTypes
{
    const string Name = "payment_method_types";

    public static JsonArray? Take(FormNode form, Route route, ApiVersion version)
    {
        var resource = string.Join('/', route.Segments.Skip(1).TakeWhile(s => s != "{id}"));
        if (route.Method != "POST" || resource is not ("payment_intents" or "setup_intents" or "checkout/sessions"))
        {
            return null;
        }
        if (!form.Parts.TryGetValue(Name, out var sent)) return null;
        if (version.BeforeEndive)
        {
            form.Parts.Remove(Name);
            return [.. sent.Parts.Values.Select(v => (JsonNode?)v.Value)];
        }
        // Checkout answers as to any unknown parameter.
        if (resource == "checkout/sessions") return null;
        throw StripeError.Invalid("The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types` or "
            + "`excluded_payment_method_types` instead.", Name, "payment_method_types_no_longer_supported");
    }
}
