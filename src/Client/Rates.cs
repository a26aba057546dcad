namespace Purser.Client;

/// <summary>Prices of models and operations.</summary>
public sealed class Rates
{
    readonly Transport transport;

    internal Rates(Transport transport) => this.transport = transport;

    /// <summary>All prices that are in force, and those that are announced.</summary>
    /// <param name="cancellationToken">Gives up at once.</param>
    public IAsyncEnumerable<Rate> ListAsync(CancellationToken cancellationToken = default) => transport.List(
        "v1/rates", Paging.Largest, Wire.Default.PageRate, rate => rate.Id, cancellationToken);
}

/// <summary>The price of an operation or of a model, in credits.</summary>
public sealed record Rate
{
    /// <summary><c>operation/code</c> or <c>model/provider/model</c>.</summary>
    public required string Id { get; init; }

    /// <summary>What it is: <c>operation</c> or <c>model</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>An operation's name for people to read, or a model's own.</summary>
    public string? Name { get; init; }

    /// <summary>What an operation does, for people to read.</summary>
    public string? Description { get; init; }

    /// <summary>Credits that each one costs before anything is counted.</summary>
    public decimal BaseFee { get; init; }

    /// <summary>The least that one of an operation costs.</summary>
    public decimal Minimum { get; init; }

    /// <summary>What the units of an operation cost.</summary>
    public IReadOnlyList<UnitRate> Units { get => field ?? []; init; }

    /// <summary>Whose model it is.</summary>
    public string? Provider { get; init; }

    /// <summary>Other names of a model.</summary>
    public IReadOnlyList<string> Aliases { get => field ?? []; init; }

    /// <summary>Tokens of a model's prompt and answer together, where they are limited.</summary>
    public long? Context { get; init; }

    /// <summary>Tokens of a model's answer, or of one picture that it makes, where they are limited.</summary>
    public long? MaxOutput { get; init; }

    /// <summary>What a model's usage costs.</summary>
    public IReadOnlyList<UsageRate> Prices { get => field ?? []; init; }

    /// <summary>What all of a request costs when its prompt is long.</summary>
    public IReadOnlyList<LongPromptRate> LongPrompts { get => field ?? []; init; }

    /// <summary>Hours of the week with prices of their own.</summary>
    public IReadOnlyList<RateWindow> Windows { get => field ?? []; init; }

    /// <summary>What other services of the provider cost.</summary>
    public IReadOnlyList<ServiceTierRate> ServiceTiers { get => field ?? []; init; }

    /// <summary>Models that are asked instead while the provider fails.</summary>
    public IReadOnlyList<string> Fallbacks { get => field ?? []; init; }

    /// <summary>Prices that will come into force.</summary>
    public IReadOnlyList<RateChange> Changes { get => field ?? []; init; }
}

/// <summary>What a unit of an operation costs.</summary>
/// <param name="Unit">What is counted: <c>words</c>.</param>
/// <param name="Per">How many of it the price is for.</param>
/// <param name="Credits">The price of that many.</param>
public sealed record UnitRate(string Unit, decimal Per, decimal Credits)
{
    /// <summary>The most of it in one request.</summary>
    public decimal? Max { get; init; }

    /// <summary>Whether a request may leave it out, which counts as none.</summary>
    public bool Optional { get; init; }

    /// <summary>What costs less in large quantities.</summary>
    public IReadOnlyList<VolumeDiscount> Volume { get => field ?? []; init; }
}

/// <summary>What lies above a quantity costs less; what lies below it does not.</summary>
/// <param name="Above">The quantity.</param>
/// <param name="Percent">How much less.</param>
public sealed record VolumeDiscount(decimal Above, decimal Percent);

/// <summary>What a count of a model's usage costs.</summary>
/// <param name="Unit">What is counted: <c>output_tokens</c>.</param>
/// <param name="Per">How many of it the price is for.</param>
/// <param name="Credits">The price of that many.</param>
public sealed record UsageRate(string Unit, int Per, decimal Credits);

/// <summary>A prompt longer than so many tokens has the whole request priced by these.</summary>
/// <param name="Above">The tokens.</param>
/// <param name="Prices">The prices.</param>
public sealed record LongPromptRate(long Above, IReadOnlyList<UsageRate> Prices);

/// <summary>Hours of the week in which other prices apply.</summary>
/// <param name="Days">Days of the week.</param>
/// <param name="Hours">Parts of such a day in UTC: <c>08:00-20:00</c>.</param>
/// <param name="Prices">The prices.</param>
/// <param name="LongPrompts">What all of a request costs then when its prompt is long.</param>
public sealed record RateWindow(
    IReadOnlyList<string> Days,
    IReadOnlyList<string> Hours,
    IReadOnlyList<UsageRate> Prices,
    IReadOnlyList<LongPromptRate> LongPrompts);

/// <summary>A service of the provider with prices of its own.</summary>
/// <param name="Name">What the provider calls it: <c>priority</c>.</param>
/// <param name="Prices">The prices.</param>
/// <param name="LongPrompts">What all of a request costs then when its prompt is long.</param>
public sealed record ServiceTierRate(
    string Name, IReadOnlyList<UsageRate> Prices, IReadOnlyList<LongPromptRate> LongPrompts);

/// <summary>Prices that will come into force, in place of all that are now.</summary>
/// <param name="From">When.</param>
/// <param name="Prices">The prices.</param>
/// <param name="LongPrompts">What all of a request costs when its prompt is long.</param>
/// <param name="Windows">Hours of the week with prices of their own.</param>
public sealed record RateChange(
    DateTimeOffset From,
    IReadOnlyList<UsageRate> Prices,
    IReadOnlyList<LongPromptRate> LongPrompts,
    IReadOnlyList<RateWindow> Windows)
{
    /// <summary>What other services of the provider cost.</summary>
    public IReadOnlyList<ServiceTierRate> ServiceTiers { get => field ?? []; init; }
}
