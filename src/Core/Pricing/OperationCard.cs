namespace Purser.Core.Pricing;

/// <summary>The price of one operation: base fee, units with their volume discounts, minimum.</summary>
public sealed class OperationCard
{
    readonly UnitPrice baseFee;
    readonly UnitPrice minimum;
    readonly Dictionary<string, UnitCard> units;

    internal OperationCard(OperationRate rate)
    {
        Rate = rate;
        baseFee = new(rate.BaseFee);
        minimum = new(rate.Minimum);
        units = rate.Units.ToDictionary(unit => unit.Unit, unit => new UnitCard(unit));
    }

    public OperationRate Rate { get; }

    internal Quotation.Refused? Add(IReadOnlyDictionary<string, decimal> quantities, Tally tally)
    {
        if (Unknown(quantities) is { } unknown) return unknown;
        if (OutOfRange(quantities) is { } outOfRange) return outOfRange;
        if (Missing(quantities) is { } missing) return missing;

        // From here on there is a price.
        tally.Add("base_fee", 1, baseFee);
        foreach (var unit in Rate.Units)
            if (quantities.TryGetValue(unit.Unit, out var quantity)) units[unit.Unit].Add(quantity, tally);

        tally.RaiseTo(minimum);
        return null;
    }

    // None of something unpriced costs nothing, and clients that count everything send it.
    Quotation.Refused? Unknown(IReadOnlyDictionary<string, decimal> quantities)
    {
        foreach (var (unit, quantity) in quantities)
        {
            if (quantity == 0 || units.ContainsKey(unit)) continue;
            return new(
                PricingRefusal.UnknownQuantity,
                $"quantities.{unit}",
                units.Count == 0
                    ? $"'{Rate.Code}' has a flat price and takes no quantities."
                    : $"'{Rate.Code}' is not priced by '{unit}', but by {string.Join(", ", units.Keys)}.");
        }

        return null;
    }

    Quotation.Refused? OutOfRange(IReadOnlyDictionary<string, decimal> quantities)
    {
        foreach (var (unit, quantity) in quantities)
        {
            var max = units.TryGetValue(unit, out var card) ? card.Max : Quantities.Max;
            if (Quantities.OutOfRange(quantity) || quantity > max)
                return Quantities.Refuse($"quantities.{unit}", max);
        }

        return null;
    }

    Quotation.Refused? Missing(IReadOnlyDictionary<string, decimal> quantities)
    {
        foreach (var unit in Rate.Units)
        {
            if (unit.Optional || quantities.ContainsKey(unit.Unit)) continue;
            return new(
                PricingRefusal.MissingQuantity,
                $"quantities.{unit.Unit}",
                $"'{Rate.Code}' is priced by {unit.Unit}: say how many.");
        }

        return null;
    }
}

/// <summary>What one unit of an operation costs, in bands of volume.</summary>
sealed class UnitCard
{
    readonly UnitRate rate;
    readonly List<(decimal Above, string Item, UnitPrice Price)> bands = [];

    public UnitCard(UnitRate rate)
    {
        this.rate = rate;
        var price = (Fraction)rate.Credits / rate.Each;
        bands.Add((0, rate.Unit, new(price)));
        foreach (var step in rate.Volume.OrderBy(step => step.Above))
        {
            var discounted = price * (100 - step.PercentOff) / 100m;
            var item = FormattableString.Invariant($"{rate.Unit} above {step.Above:0.######}");
            bands.Add((step.Above, item, new(discounted)));
        }
    }

    public decimal Max => rate.Max ?? Quantities.Max;

    public void Add(decimal quantity, Tally tally)
    {
        for (var band = 0; band < bands.Count && quantity > bands[band].Above; band++)
        {
            var (above, item, price) = bands[band];
            var end = band + 1 < bands.Count ? Math.Min(quantity, bands[band + 1].Above) : quantity;
            tally.Add(item, end - above, price);
        }
    }
}

static class Quantities
{
    /// <summary>More of anything than a trillion is a mistake of the caller's, and would strain the arithmetic.</summary>
    public const decimal Max = 1_000_000_000_000;

    public static bool OutOfRange(decimal quantity) => quantity is < 0 or > Max;

    public static Quotation.Refused Refuse(string param, decimal max) => new(
        PricingRefusal.QuantityOutOfRange,
        param,
        FormattableString.Invariant($"{param} must be between 0 and {max:0.######}."));
}
