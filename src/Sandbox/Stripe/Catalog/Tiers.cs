namespace Purser.Sandbox.Stripe.Catalog;

/// <summary>
/// Tiered prices: volume charges all units at the tier they reach, graduated charges each tier's share.
/// </summary>
static class Tiers
{
    public static long Amount(JsonObject price, long quantity) =>
        price.Text("tiers_mode") == "volume" ? Volume(price, quantity) : Graduated(price, quantity);

    static long Volume(JsonObject price, long quantity)
    {
        foreach (var tier in price.Items("_tiers"))
        {
            if (tier.MaybeNumber("up_to") is not { } end || quantity <= end)
            {
                return tier.Number("flat_amount") + tier.Number("unit_amount") * quantity;
            }
        }
        return 0;
    }

    static long Graduated(JsonObject price, long quantity)
    {
        long amount = 0;
        long from = 0;
        foreach (var tier in price.Items("_tiers"))
        {
            var to = tier.MaybeNumber("up_to") is { } end ? Math.Min(end, quantity) : quantity;
            if (to > from || (from == 0 && quantity == 0))
            {
                amount += tier.Number("flat_amount") + tier.Number("unit_amount") * (to - from);
            }
            if (to == quantity) break;
            from = to;
        }
        return amount;
    }
}
