namespace Purser.Core.Pricing;

/// <summary>How the sum of a quote becomes an amount.</summary>
public enum Rounding
{
    /// <summary>Up to the micro-credit.</summary>
    Exact,

    /// <summary>Up to the whole credit, once per charge.</summary>
    Ceil,
}

/// <summary>Everything a price depends on, as the catalog declares it. <see cref="RateCard"/> computes with it.</summary>
/// <param name="UsdPerCredit">What one credit is worth when providers' prices are turned into credits.</param>
/// <param name="Markup">Providers' prices are multiplied with it.</param>
/// <param name="BaseFee">Credits taken for every model call on top of its usage.</param>
/// <param name="MaxCharge">No single price may exceed it: a guard against absurd usage, not a budget.</param>
public sealed record Rates(decimal UsdPerCredit, Rounding Rounding, decimal Markup, decimal BaseFee, Credits MaxCharge)
{
    public IReadOnlyList<OperationRate> Operations { get; init; } = [];
    public IReadOnlyList<ModelRate> Models { get; init; } = [];
}

/// <summary>A priced action of the product: a base fee, plus so much for each of its units, at least the minimum.</summary>
public sealed record OperationRate(string Code, string Name, decimal BaseFee, decimal Minimum)
{
    public string Description { get; init; } = "";
    public IReadOnlyList<UnitRate> Units { get; init; } = [];
}

/// <param name="Credits">The price of <paramref name="Each"/> units; parts of them are charged in proportion.</param>
public sealed record UnitRate(string Unit, decimal Credits, decimal Each)
{
    public decimal? Max { get; init; }

    /// <summary>Whether a request may leave the unit out, which then counts as none.</summary>
    public bool Optional { get; init; }

    public IReadOnlyList<VolumeStep> Volume { get; init; } = [];
}

/// <summary>What lies above the threshold costs less; what lies below it does not, so more never costs less.</summary>
public sealed record VolumeStep(decimal Above, decimal PercentOff);

public sealed record ModelRate(string Provider, string Name)
{
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Tokens of prompt and answer together, where the provider says so.</summary>
    public long? Context { get; init; }

    /// <summary>Tokens of one answer, or of one picture that the model makes, where the provider limits them.</summary>
    public long? MaxOutput { get; init; }

    /// <summary>The most tokens that one picture in a prompt takes, where the catalog says so.</summary>
    public long? MaxImageTokens { get; init; }

    /// <summary>Models to ask instead while this one's provider fails, by their full names, the first choice first.</summary>
    public IReadOnlyList<string> Fallbacks { get; init; } = [];

    public decimal? Markup { get; init; }

    /// <summary>In order of time; the first has been in force for ever.</summary>
    public required IReadOnlyList<Period> Periods { get; init; }

    public string FullName => $"{Provider}/{Name}";
}

/// <summary>Prices from an instant until the next period's. Nothing of an earlier period is left in a later one.</summary>
public sealed record Period(DateTimeOffset From, Prices Prices)
{
    public IReadOnlyList<Window> Windows { get; init; } = [];
    public IReadOnlyList<ServiceTier> ServiceTiers { get; init; } = [];
}

/// <summary>What a faster or a more patient service costs: <c>priority</c>, <c>flex</c>.</summary>
public sealed record ServiceTier(string Name, Prices Prices)
{
    /// <summary>Whether a provider's word for the service of a call means the ordinary one.</summary>
    public static bool IsOrdinary(string? name) => name is null or "default" or "standard";
}

/// <summary>Hours of the week in UTC in which other prices apply.</summary>
public sealed record Window(IReadOnlyList<DayOfWeek> Days, IReadOnlyList<Hours> Hours, Prices Prices)
{
    public bool Contains(DateTimeOffset now) =>
        Days.Contains(now.UtcDateTime.DayOfWeek) && Hours.Any(hours => hours.Contain(now.UtcDateTime.TimeOfDay));
}

/// <summary>A part of one day; its end is not in it, and may be 24:00.</summary>
public readonly record struct Hours(TimeSpan From, TimeSpan Until)
{
    public bool Contain(TimeSpan time) => From <= time && time < Until;
}

/// <summary>USD for each meter, per million tokens or per one of the other units, before markup.</summary>
public sealed record Prices(IReadOnlyDictionary<Meter, decimal> Usd)
{
    public IReadOnlyList<LongPrompt> LongPrompts { get; init; } = [];
}

/// <summary>A prompt longer than <paramref name="Above"/> tokens has the whole request priced anew.</summary>
public sealed record LongPrompt(long Above, IReadOnlyDictionary<Meter, decimal> Usd);
