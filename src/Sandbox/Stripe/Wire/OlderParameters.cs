namespace Purser.Sandbox.Stripe.Wire;

/// <summary>
/// Parameters that later versions renamed or took away: an older version may still send them, the current one is told
/// so.
/// </summary>
static class OlderParameters
{
    const string Types = "payment_method_types";

    /// <summary>What dahlia renamed, by the older name.</summary>
    public static readonly IReadOnlyDictionary<string, string> UiModes = new Dictionary<string, string>
    {
        ["hosted"] = "hosted_page",
        ["embedded"] = "embedded_page",
        ["custom"] = "elements",
    };

    /// <summary>
    /// Puts the form into the current shape. What has no place in it any more, payment_method_types, is the answer.
    /// </summary>
    public static JsonArray? Take(FormNode form, Route route, ApiVersion version)
    {
        if (route.Method != "POST") return null;
        var resource = string.Join('/', route.Segments.Skip(1).TakeWhile(s => s != "{id}"));
        if (version.BeforeBasil && resource == "subscriptions") DiscountOf(form);
        if (version.BeforeDahlia && resource == "checkout/sessions") RenameUiMode(form);
        if (version.BeforeEndive && resource == "subscriptions" && route.Segments.Length > 2) NestAnchor(form);
        return resource is "payment_intents" or "setup_intents" or "checkout/sessions"
            ? MethodTypes(form, resource, version)
            : null;
    }

    static void DiscountOf(FormNode form)
    {
        foreach (var name in (ReadOnlySpan<string>)["coupon", "promotion_code"])
        {
            if (form.Parts.Remove(name, out var sent)) form.Part("discounts").Part("0").Part(name).Value = sent.Value;
        }
    }

    static void RenameUiMode(FormNode form)
    {
        if (form.Parts.TryGetValue("ui_mode", out var sent) && UiModes.TryGetValue(sent.Value ?? "", out var renamed))
        {
            sent.Value = renamed;
        }
    }

    // Endive made a word of an update into an object with a type.
    static void NestAnchor(FormNode form)
    {
        if (!form.Parts.TryGetValue("billing_cycle_anchor", out var sent) || !sent.IsText) return;
        sent.Part("type").Value = sent.Value;
    }

    static JsonArray? MethodTypes(FormNode form, string resource, ApiVersion version)
    {
        if (!form.Parts.TryGetValue(Types, out var sent)) return null;
        if (version.BeforeEndive)
        {
            form.Parts.Remove(Types);
            return [.. sent.Parts.Values.Select(v => (JsonNode?)v.Value)];
        }
        // Checkout answers as to any unknown parameter.
        if (resource == "checkout/sessions") return null;
        throw StripeError.Invalid("The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types` or "
            + "`excluded_payment_method_types` instead.", Types, "payment_method_types_no_longer_supported");
    }
}
