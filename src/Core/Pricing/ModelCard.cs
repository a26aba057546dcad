namespace Purser.Core.Pricing;

/// <summary>The prices of one model in credits, for every time, every service and every length of prompt.</summary>
public sealed class ModelCard
{
    readonly PeriodCard[] periods;

    internal ModelCard(ModelRate rate, Rates rates)
    {
        Rate = rate;
        CreditsPerUsd = ((Fraction)(rate.Markup ?? rates.Markup) / rates.UsdPerCredit).Reduced();
        periods = [.. from period in rate.Periods orderby period.From select new PeriodCard(period, CreditsPerUsd)];
    }

    public ModelRate Rate { get; }

    /// <summary>What a customer pays for a dollar of its provider's prices, markup included.</summary>
    internal Fraction CreditsPerUsd { get; }

    public IReadOnlyList<PeriodCard> Periods => periods;

    /// <summary>Tokens that no answer exceeds, or no picture that the model makes; nothing where nobody knows.</summary>
    public long? MostOutput => Rate.MaxOutput ?? Rate.Context;

    /// <summary>Tokens that no picture in a prompt exceeds.</summary>
    public long MostImageTokens => Rate.MaxImageTokens ?? ImageTokens.MostOf(Rate.Provider);

    public PeriodCard At(DateTimeOffset now)
    {
        for (var i = periods.Length - 1; i > 0; i--)
            if (periods[i].From <= now) return periods[i];

        return periods[0];
    }

    /// <summary>Whether use counted like that has a price, in every service and length of prompt.</summary>
    public bool IsPriced(Meter meter, DateTimeOffset now) => At(now).Prices.Base[meter] is not null;

    internal Quotation.Refused? Add(PriceRequest.Model request, DateTimeOffset now, Tally tally)
    {
        if (At(now).At(now, request.ServiceTier) is not { } service) return NoSuchService(request.ServiceTier);
        if (Counts.Read(request.Usage, out var counts) is { } refused) return refused;

        var prices = service.For(counts.PromptTokens);
        if (Unpriced(counts, prices) is { } unpriced) return unpriced;
        if (request.Usage.Count == 0)
            return new(PricingRefusal.MissingQuantity, "usage", $"Say what was used of {Rate.FullName}.");

        // From here on there is a price.
        counts.AddTo(tally, prices);
        return null;
    }

    internal Quotation.Refused NoSuchService(string? tier) => new(
        PricingRefusal.UnknownServiceTier,
        "service_tier",
        $"{Rate.FullName} has no price for the service tier '{tier}'.");

    internal Quotation.Refused NoPrice(Meter meter) => new(
        PricingRefusal.UnknownQuantity, $"usage.{meter.UsageKey()}", $"{Rate.FullName} has no price for {meter.UsageKey()}.");

    Quotation.Refused? Unpriced(Counts counts, PriceTable prices)
    {
        for (var meter = default(Meter); meter <= Meters.Last; meter++)
            if (counts[meter] > 0 && prices[meter] is null) return NoPrice(meter);

        return null;
    }
}

/// <summary>The prices from an instant on: of every service, in and out of the hours with prices of their own.</summary>
public sealed class PeriodCard
{
    readonly (Window Window, TieredPrices Prices)[] windows;
    readonly (string Name, TieredPrices Prices)[] serviceTiers;

    internal PeriodCard(Period period, Fraction creditsPerUsd)
    {
        From = period.From;
        Prices = new(period.Prices, creditsPerUsd);
        windows = [.. from window in period.Windows select (window, Over(window.Prices))];
        serviceTiers = [.. from tier in period.ServiceTiers select (tier.Name, Over(tier.Prices))];

        TieredPrices Over(Prices over) =>
            new(new Prices(period.Prices.Usd.ReplacedBy(over.Usd)) { LongPrompts = over.LongPrompts }, creditsPerUsd);
    }

    public DateTimeOffset From { get; }

    public TieredPrices Prices { get; }

    public IReadOnlyList<(Window Window, TieredPrices Prices)> Windows => windows;

    /// <summary>Those beside the ordinary service.</summary>
    public IReadOnlyList<(string Name, TieredPrices Prices)> ServiceTiers => serviceTiers;

    /// <summary>The prices of a service at a time, or nothing where it has none.</summary>
    public TieredPrices? At(DateTimeOffset now, string? serviceTier)
    {
        foreach (var (name, prices) in serviceTiers)
            if (name == serviceTier) return prices;

        if (!ServiceTier.IsOrdinary(serviceTier)) return null;
        foreach (var (window, prices) in windows)
            if (window.Contains(now)) return prices;

        return Prices;
    }
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

        for (var meter = default(Meter); meter <= Meters.Last; meter++)
        {
            if (Quantities.OutOfRange(counts[meter]))
                return Quantities.Refuse($"usage.{meter.UsageKey()}", Quantities.Max);
            if (meter.IsPrompt()) counts.PromptTokens += counts[meter];
        }

        return null;
    }

    /// <summary>Counts nothing where there is no such meter.</summary>
    public void Add(Meter? meter, long count)
    {
        if (meter is { } known) byMeter[(int)known] += count;
    }

    public void AddTo(Tally tally, PriceTable prices)
    {
        for (var meter = default(Meter); meter <= Meters.Last; meter++)
            if (prices[meter] is { } price) tally.Add(meter.UsageKey(), Due(meter), price);
    }

    // A price per request is due for the one that is priced, whether the caller counted it or not.
    long Due(Meter meter) => meter == Meter.Requests ? Math.Max(this[meter], 1) : this[meter];
}
