namespace Purser.Sandbox.Stripe.Catalog;

/// <summary>
/// Tiered prices: volume charges all units at the tier they reach, graduated charges each tier's share. Rounded once,
/// to the minor unit.
/// </summary>
static class Tiers
{
    public static long Amount(JsonObject price, long quantity)
    {
        var exact = price.Text("tiers_mode") == "volume" ? Volume(price, quantity) : Graduated(price, quantity);
        return (long)decimal.Round(exact, MidpointRounding.AwayFromZero);
    }

    static decimal Volume(JsonObject price, long quantity)
    {
        foreach (var tier in price.Items("_tiers"))
        {
            if (tier.MaybeNumber("up_to") is not { } end || quantity <= end)
            {
                return Exact(tier, "flat_amount_decimal") + Exact(tier, "unit_amount_decimal") * quantity;
            }
        }
        return 0;
    }

    static decimal Graduated(JsonObject price, long quantity)
    {
        decimal amount = 0;
        long from = 0;
        foreach (var tier in price.Items("_tiers"))
        {
            var to = tier.MaybeNumber("up_to") is { } end ? Math.Min(end, quantity) : quantity;
            if (to > from || (from == 0 && quantity == 0))
            {
                amount += Exact(tier, "flat_amount_decimal") + Exact(tier, "unit_amount_decimal") * (to - from);
            }
            if (to == quantity) break;
            from = to;
        }
        return amount;
    }

    static decimal Exact(JsonObject tier, string name) =>
        decimal.Parse(tier.Text(name) ?? "0", CultureInfo.InvariantCulture);
}
