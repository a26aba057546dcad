namespace Purser.Core.Pricing;

/// <summary>The prices of one model in credits, for every time and every length of prompt.</summary>
public sealed class ModelCard
{
    internal ModelCard(ModelRate rate, Rates rates)
    {
        Rate = rate;
        var creditsPerUsd = ((Fraction)(rate.Markup ?? rates.Markup) / rates.UsdPerCredit).Reduced();
        Periods = [.. from period in rate.Periods orderby period.From select new PeriodCard(period, creditsPerUsd)];
    }

    public ModelRate Rate { get; }

    public IReadOnlyList<PeriodCard> Periods { get; }

    public PeriodCard At(DateTimeOffset now) => Periods.LastOrDefault(period => period.From <= now) ?? Periods[0];

    internal Quotation.Refused? Add(IReadOnlyDictionary<string, long> usage, DateTimeOffset now, Tally tally)
    {
        if (Counts.Read(usage, out var counts) is { } refused) return refused;

        var prices = At(now).At(now).For(counts.PromptTokens);
        if (Unpriced(counts, prices) is { } unpriced) return unpriced;
        if (usage.Count == 0)
            return new(PricingRefusal.MissingQuantity, "usage", $"Say what was used of {Rate.FullName}.");

        // From here on there is a price.
        foreach (var meter in Meters.All)
            if (prices[meter] is { } price) tally.Add(meter.UsageKey(), Due(meter, counts), price);

        return null;
    }

    // A price per request is due for the one that is priced, whether the caller counted it or not.
    static long Due(Meter meter, Counts counts) =>
        meter == Meter.Requests ? Math.Max(counts[meter], 1) : counts[meter];

    Quotation.Refused? Unpriced(Counts counts, PriceTable prices)
    {
        foreach (var meter in Meters.All)
        {
            if (counts[meter] == 0 || prices[meter] is not null) continue;
            return new(
                PricingRefusal.UnknownQuantity,
                $"usage.{meter.UsageKey()}",
                $"{Rate.FullName} has no price for {meter.UsageKey()}.");
        }

        return null;
    }
}

/// <summary>The prices from an instant on, outside and inside the hours that have prices of their own.</summary>
public sealed class PeriodCard
{
    internal PeriodCard(Period period, Fraction creditsPerUsd)
    {
        From = period.From;
        Prices = new(period.Prices, creditsPerUsd);
        Windows = [.. from window in period.Windows select (window, new TieredPrices(Over(period, window), creditsPerUsd))];
    }

    public DateTimeOffset From { get; }

    public TieredPrices Prices { get; }

    public IReadOnlyList<(Window Window, TieredPrices Prices)> Windows { get; }

    public TieredPrices At(DateTimeOffset now)
    {
        foreach (var (window, prices) in Windows)
            if (window.Contains(now)) return prices;

        return Prices;
    }

    static Prices Over(Period period, Window window) =>
        new(period.Prices.Usd.ReplacedBy(window.Prices.Usd)) { LongPrompts = window.Prices.LongPrompts };
}

/// <summary>Usage by meter, once every key of it is known and every count is one.</summary>
sealed class Counts
{
    readonly long[] byMeter = new long[Meters.All.Count];

    public long PromptTokens { get; private set; }

    public long this[Meter meter] => byMeter[(int)meter];

    public static Quotation.Refused? Read(IReadOnlyDictionary<string, long> usage, out Counts counts)
    {
        counts = new();
        foreach (var (key, count) in usage)
        {
            if (!Meters.TryParseUsage(key, out var meter))
                return new(PricingRefusal.UnknownQuantity, $"usage.{key}", $"Usage is not counted in '{key}'.");

            counts.byMeter[(int)meter] = count;
        }

        foreach (var meter in Meters.All)
        {
            if (Quantities.OutOfRange(counts[meter]))
                return Quantities.Refuse($"usage.{meter.UsageKey()}", Quantities.Max);
            if (meter.IsPrompt()) counts.PromptTokens += counts[meter];
        }

        return null;
    }
}
