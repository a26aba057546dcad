namespace Purser.Sandbox.Stripe.Billing;

/// <summary>
/// Taxes that Stripe would compute. An account that is registered nowhere, as this one is, collects none, so what is
/// switched on comes to nothing.
/// </summary>
static class AutomaticTax
{
    /// <summary>The field of a kind of object, as a parameter or another object has it.</summary>
    public static JsonObject Of(string kind, JsonObject? given)
    {
        var tax = ApiSpec.Blank($"{kind}.AutomaticTax");
        if (given?.Flag("enabled") != true) return tax;
        tax["enabled"] = true;
        tax["liability"] = new JsonObject { ["type"] = "self" };
        if (tax.ContainsKey("provider")) tax["provider"] = "stripe";
        if (tax.ContainsKey("status")) tax["status"] = "complete";
        return tax;
    }
}
