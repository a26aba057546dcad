namespace Purser.Core.Pricing;

/// <summary>Credits for every meter a model is priced in, those included whose price follows from another one.</summary>
public sealed class PriceTable
{
    readonly UnitPrice?[] byMeter = new UnitPrice?[Meters.All.Count];

    internal PriceTable(IReadOnlyDictionary<Meter, decimal> usd, Fraction creditsPerUsd)
    {
        foreach (var (meter, price) in usd.WithFallbacks())
            byMeter[(int)meter] = new UnitPrice(price * creditsPerUsd / meter.Per());
    }

    /// <summary>Every price, for as many units as the catalog prices together (<see cref="Meters.Per"/>).</summary>
    public IEnumerable<(Meter Meter, decimal Credits)> Listed =>
        from meter in Meters.All
        let price = this[meter]
        where price is not null
        select (meter, (price.Exact * meter.Per()).ToDecimal());

    internal UnitPrice? this[Meter meter] => byMeter[(int)meter];

    /// <summary>The dearest of the meters that have a price.</summary>
    internal Meter? Dearest(ReadOnlySpan<Meter> meters)
    {
        Meter? dearest = null;
        foreach (var meter in meters)
        {
            if (this[meter] is not { } price) continue;
            if (dearest is not { } before || price.IsAbove(this[before]!)) dearest = meter;
        }

        return dearest;
    }
}

/// <summary>A price table, and the tables that replace it when the prompt is long.</summary>
public sealed class TieredPrices
{
    readonly (long Above, PriceTable Prices)[] longPrompts;

    internal TieredPrices(Prices prices, Fraction creditsPerUsd)
    {
        Base = new(prices.Usd, creditsPerUsd);
        longPrompts =
        [
            .. from tier in prices.LongPrompts
               orderby tier.Above descending
               select (tier.Above, new PriceTable(prices.Usd.ReplacedBy(tier.Usd), creditsPerUsd)),
        ];
    }

    public PriceTable Base { get; }

    /// <summary>The longest prompts first.</summary>
    public IReadOnlyList<(long Above, PriceTable Prices)> LongPrompts => longPrompts;

    internal PriceTable For(long promptTokens)
    {
        foreach (var (above, prices) in longPrompts)
            if (promptTokens > above) return prices;

        return Base;
    }

    /// <summary>The tables that a prompt of at most so many tokens may be priced by.</summary>
    internal void AddReachable(long promptTokens, List<PriceTable> tables)
    {
        tables.Add(Base);
        foreach (var (above, prices) in longPrompts)
            if (promptTokens > above) tables.Add(prices);
    }
}

public static class MeterPrices
{
    /// <summary>
    /// Prices for some other time or prompt length, put over the ordinary ones. What is charged like input follows
    /// the new input price even where it is not named: an old cached price beside a doubled input price would be a guess
    /// in the customer's favour and at our expense.
    /// </summary>
    public static Dictionary<Meter, decimal> ReplacedBy(
        this IReadOnlyDictionary<Meter, decimal> usd, IReadOnlyDictionary<Meter, decimal> replacement)
    {
        var result = new Dictionary<Meter, decimal>(usd);
        foreach (var meter in Meters.All)
            if (Source(meter) is { } source && replacement.ContainsKey(source)) result.Remove(meter);

        foreach (var (meter, price) in replacement) result[meter] = price;
        return result;
    }

    /// <summary>Adds what follows safely from a known price, and nothing else: never free, never guessed cheap.</summary>
    public static Dictionary<Meter, decimal> WithFallbacks(this IReadOnlyDictionary<Meter, decimal> usd)
    {
        var result = new Dictionary<Meter, decimal>(usd);
        foreach (var meter in Meters.All)
        {
            if (usd.ContainsKey(meter) || Source(meter) is not { } source) continue;
            if (!usd.TryGetValue(source, out var price)) continue;

            result[meter] = Math.Max(price * Factor(meter), ShorterWrite(meter, result));
        }

        return result;
    }

    static Meter? Source(Meter meter) => meter switch
    {
        Meter.CachedInputTokens => Meter.InputTokens,
        Meter.CacheWriteTokens or Meter.CacheWrite1hTokens or Meter.CacheWrite12hTokens => Meter.InputTokens,
        Meter.CachedInputAudioTokens => Meter.InputAudioTokens,
        Meter.ReasoningTokens => Meter.OutputTokens,
        _ => null,
    };

    // What the providers that price cache writes at all ask for them, in terms of their input price.
    static decimal Factor(Meter meter) => meter switch
    {
        Meter.CacheWriteTokens => 1.25m,
        Meter.CacheWrite1hTokens => 2m,
        Meter.CacheWrite12hTokens => 2.5m,
        _ => 1m,
    };

    // Keeping something longer is nowhere cheaper than keeping it for a short time.
    static decimal ShorterWrite(Meter meter, Dictionary<Meter, decimal> usd) => meter switch
    {
        Meter.CacheWrite1hTokens => usd.GetValueOrDefault(Meter.CacheWriteTokens),
        Meter.CacheWrite12hTokens => usd.GetValueOrDefault(Meter.CacheWrite1hTokens),
        _ => 0,
    };
}
