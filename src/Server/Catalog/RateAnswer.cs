using Purser.Core.Pricing;

namespace Purser.Server.Catalog;

/// <summary>What an operation or a model costs, in credits. What providers charge us for it stays with us.</summary>
sealed record RateAnswer(string Id, string Kind, string Name)
{
    public string? Description { get; init; }
    public decimal? BaseFee { get; init; }
    public decimal? Minimum { get; init; }
    public IReadOnlyList<UnitAnswer>? Units { get; init; }

    public string? Provider { get; init; }
    public IReadOnlyList<string>? Aliases { get; init; }
    public long? Context { get; init; }
    public long? MaxOutput { get; init; }
    public IReadOnlyList<PriceAnswer>? Prices { get; init; }
    public IReadOnlyList<LongPromptAnswer>? LongPrompts { get; init; }
    public IReadOnlyList<WindowAnswer>? Windows { get; init; }
    public IReadOnlyList<ServiceTierAnswer>? ServiceTiers { get; init; }
    public IReadOnlyList<ChangeAnswer>? Changes { get; init; }
    public IReadOnlyList<string>? Fallbacks { get; init; }

    public static IEnumerable<RateAnswer> All(RateCard card, DateTimeOffset now) =>
        card.Operations.Select(operation => Of(operation.Rate))
            .Concat(card.Models.Select(model => Of(model, card.BaseFee, now)));

    static RateAnswer Of(OperationRate rate) => new($"operation/{rate.Code}", "operation", rate.Name)
    {
        Description = rate.Description,
        BaseFee = rate.BaseFee,
        Minimum = rate.Minimum,
        Units = [.. rate.Units.Select(UnitAnswer.Of)],
    };

    static RateAnswer Of(ModelCard model, decimal baseFee, DateTimeOffset now)
    {
        var period = model.At(now);
        return new($"model/{model.Rate.FullName}", "model", model.Rate.Name)
        {
            Provider = model.Rate.Provider,
            Aliases = model.Rate.Aliases,
            Context = model.Rate.Context,
            MaxOutput = model.Rate.MaxOutput,
            BaseFee = baseFee,
            Prices = PriceAnswer.Of(period.Prices.Base),
            LongPrompts = LongPromptAnswer.Of(period.Prices),
            Windows = WindowAnswer.Of(period),
            ServiceTiers = ServiceTierAnswer.Of(period),
            Fallbacks = model.Rate.Fallbacks,
            Changes = [.. from later in model.Periods where later.From > now select ChangeAnswer.Of(later)],
        };
    }
}

/// <param name="Credits">For as many units as <paramref name="Per"/> says.</param>
sealed record UnitAnswer(string Unit, decimal Per, decimal Credits)
{
    public decimal? Max { get; init; }
    public bool Optional { get; init; }
    public required IReadOnlyList<VolumeAnswer> Volume { get; init; }

    public static UnitAnswer Of(UnitRate rate) => new(rate.Unit, rate.Each, rate.Credits)
    {
        Max = rate.Max,
        Optional = rate.Optional,
        Volume = [.. rate.Volume.Select(step => new VolumeAnswer(step.Above, step.PercentOff))],
    };
}

sealed record VolumeAnswer(decimal Above, decimal Percent);

/// <param name="Credits">For as many units as <paramref name="Per"/> says.</param>
sealed record PriceAnswer(string Unit, int Per, decimal Credits)
{
    public static IReadOnlyList<PriceAnswer> Of(PriceTable prices) =>
        [.. prices.Listed.Select(price => new PriceAnswer(price.Meter.UsageKey(), price.Meter.Per(), price.Credits))];
}

sealed record LongPromptAnswer(long Above, IReadOnlyList<PriceAnswer> Prices)
{
    public static IReadOnlyList<LongPromptAnswer> Of(TieredPrices prices) =>
    [
        .. from tier in prices.LongPrompts
           orderby tier.Above
           select new LongPromptAnswer(tier.Above, PriceAnswer.Of(tier.Prices)),
    ];
}

/// <param name="Hours">In UTC.</param>
sealed record WindowAnswer(IReadOnlyList<string> Days, IReadOnlyList<string> Hours)
{
    public required IReadOnlyList<PriceAnswer> Prices { get; init; }
    public required IReadOnlyList<LongPromptAnswer> LongPrompts { get; init; }

    public static IReadOnlyList<WindowAnswer> Of(PeriodCard period) =>
    [
        .. from window in period.Windows
           let days = window.Window.Days.Select(ModelReader.DayName)
           let hours = window.Window.Hours.Select(hours => $"{Clock(hours.From)}-{Clock(hours.Until)}")
           select new WindowAnswer([.. days], [.. hours])
           {
               Prices = PriceAnswer.Of(window.Prices.Base),
               LongPrompts = LongPromptAnswer.Of(window.Prices),
           },
    ];

    static string Clock(TimeSpan time) => $"{(int)time.TotalHours:00}:{time.Minutes:00}";
}

/// <param name="Name">What a provider calls the service in its answers.</param>
sealed record ServiceTierAnswer(string Name, IReadOnlyList<PriceAnswer> Prices)
{
    public required IReadOnlyList<LongPromptAnswer> LongPrompts { get; init; }

    public static IReadOnlyList<ServiceTierAnswer> Of(PeriodCard period) =>
    [
        .. from tier in period.ServiceTiers
           select new ServiceTierAnswer(tier.Name, PriceAnswer.Of(tier.Prices.Base))
           {
               LongPrompts = LongPromptAnswer.Of(tier.Prices),
           },
    ];
}

sealed record ChangeAnswer(DateTimeOffset From, IReadOnlyList<PriceAnswer> Prices)
{
    public required IReadOnlyList<LongPromptAnswer> LongPrompts { get; init; }
    public required IReadOnlyList<WindowAnswer> Windows { get; init; }
    public required IReadOnlyList<ServiceTierAnswer> ServiceTiers { get; init; }

    public static ChangeAnswer Of(PeriodCard period) => new(period.From, PriceAnswer.Of(period.Prices.Base))
    {
        LongPrompts = LongPromptAnswer.Of(period.Prices),
        Windows = WindowAnswer.Of(period),
        ServiceTiers = ServiceTierAnswer.Of(period),
    };
}
