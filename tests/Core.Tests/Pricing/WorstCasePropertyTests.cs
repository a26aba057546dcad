using Purser.Core.Catalog;
using Purser.Core.Pricing;

namespace Purser.Core.Tests.Pricing;

/// <summary>What holds for the worst case of every call, whatever the catalog says.</summary>
public sealed class WorstCasePropertyTests
{
    static readonly Meter[] Text =
    [
        Meter.InputTokens, Meter.CachedInputTokens, Meter.CacheWriteTokens, Meter.CacheWrite1hTokens, Meter.CacheWrite12hTokens,
    ];

    static readonly Meter[] Audio = [Meter.InputAudioTokens, Meter.CachedInputAudioTokens];
    static readonly Meter[] Output = [Meter.OutputTokens, Meter.ReasoningTokens, Meter.OutputImageTokens];

    // Midnight is within the hours that have prices of their own, and noon is not.
    static readonly DateTimeOffset Midnight = Given.Noon.AddHours(-12);

    [Fact]
    public void No_usage_within_the_bound_costs_more_than_the_worst_case() => Draws.ForAll(draws =>
    {
        var card = Card(draws);
        var (bound, now) = (Bound(draws, card), draws.OneOf(Given.Noon, Midnight));
        var worst = card.WorstCase(card.Models[0], bound, now).Amount();

        return Enumerable.Range(0, 4).All(_ => card.Price(Usage(draws, card, bound), now).Amount() <= worst);
    });

    [Fact]
    public void The_lines_of_a_worst_case_add_up_to_it() => Draws.ForAll(draws =>
    {
        var card = Card(draws);
        var (bound, now) = (Bound(draws, card), draws.OneOf(Given.Noon, Midnight));
        var quote = card.WorstCase(card.Models[0], bound, now).Quote();

        return quote.Lines.Sum(line => line.Amount) == quote.Amount.ToDecimal()
            && quote.Lines.All(line => line.Amount > 0);
    });

    [Fact]
    public void A_larger_bound_never_comes_to_less() => Draws.ForAll(draws =>
    {
        var card = Card(draws);
        var (bound, now) = (Bound(draws, card), draws.OneOf(Given.Noon, Midnight));
        var larger = bound with
        {
            TextTokens = bound.TextTokens + draws.UpTo(100_000),
            ImageTokens = bound.ImageTokens + draws.UpTo(100_000),
            OutputTokens = bound.OutputTokens + draws.UpTo(100_000),
            CacheWrites = CacheWrites.HalfDay,
            ServiceTiers = [.. bound.ServiceTiers, null],
        };

        return card.WorstCase(card.Models[0], bound, now).Amount() <= card.WorstCase(card.Models[0], larger, now).Amount();
    });

    [Fact]
    public void The_longest_answer_for_an_amount_is_the_last_that_it_pays_for() => Draws.ForAll(draws =>
    {
        var card = Card(draws);
        var (bound, now) = (Bound(draws, card), draws.OneOf(Given.Noon, Midnight));
        var all = card.WorstCase(card.Models[0], bound, now).Quote().Amount;
        var amount = new Credits(draws.UpTo(all.Micros + 10));

        return card.MostOutput(card.Models[0], bound, amount, now) == ByTrying(card, bound, amount, now);
    });

    [Fact]
    public void A_larger_amount_never_pays_for_a_shorter_answer() => Draws.ForAll(draws =>
    {
        var card = Card(draws);
        var (bound, now) = (Bound(draws, card), draws.OneOf(Given.Noon, Midnight));
        var all = card.WorstCase(card.Models[0], bound, now).Quote().Amount;
        var less = new Credits(draws.UpTo(all.Micros));
        var more = new Credits(less.Micros + draws.UpTo(all.Micros));

        return (card.MostOutput(card.Models[0], bound, less, now) ?? -1)
            <= (card.MostOutput(card.Models[0], bound, more, now) ?? -1);
    });

    // Looked for by halves, which is right because a longer answer never costs less.
    static long? ByTrying(RateCard card, CallBound bound, Credits amount, DateTimeOffset now)
    {
        long pays = -1, tooMuch = bound.OutputTokens + 1;
        while (pays + 1 < tooMuch)
        {
            var tokens = (pays + tooMuch) / 2;
            if (card.WorstCase(card.Models[0], bound with { OutputTokens = tokens }, now).Quote().Amount <= amount) pays = tokens;
            else tooMuch = tokens;
        }

        return pays < 0 ? null : pays;
    }

    static RateCard Card(Draws draws)
    {
        var everything = Prices(draws, [.. Meters.All.Where(meter => meter is not (Meter.CachedInputTokens
            or Meter.CacheWriteTokens or Meter.CacheWrite1hTokens or Meter.ReasoningTokens) || draws.Either())]);
        var tiers = new[] { "flex", "priority" }.Where(_ => draws.Either()).Select(name => new ServiceTier(name, Over(draws)));
        var period = new Period(DateTimeOffset.MinValue, everything with { LongPrompts = LongPrompts(draws) });
        var model = new ModelRate("acme", "large")
        {
            MaxOutput = 1 + draws.UpTo(10_000),
            Periods =
            [
                draws.Either()
                    ? period with { ServiceTiers = [.. tiers] }
                    : period with { Windows = [new(Enum.GetValues<DayOfWeek>(), [new(TimeSpan.Zero, TimeSpan.FromHours(6))], Over(draws))] },
            ],
        };
        var rates = new Rates(draws.OneOf(0.001m, 0.003m, 0.01m), draws.OneOf(Rounding.Exact, Rounding.Ceil), 1.2m, draws.UpTo(2), Credits.Max)
        {
            Models = [model],
        };
        // An hour in the cache is checked to cost no less than minutes; everything else here is as a catalog may have it.
        Assert.DoesNotContain(OfferFaults.In(new Offer("Shop", rates)), fault => !fault.Path.EndsWith("cache_write_1h", StringComparison.Ordinal));
        return new(1, rates);
    }

    static Prices Over(Draws draws) => Prices(draws, [Meter.InputTokens, Meter.OutputTokens, Meter.InputImageTokens]) with
    {
        LongPrompts = LongPrompts(draws),
    };

    static LongPrompt[] LongPrompts(Draws draws) =>
    [
        new(50_000, Prices(draws, [Meter.InputTokens, draws.OneOf(Meter.OutputTokens, Meter.CachedInputTokens)]).Usd),
        new(200_000, Prices(draws, [draws.OneOf(Meter.InputTokens, Meter.OutputTokens, Meter.OutputAudioTokens)]).Usd),
    ];

    static Prices Prices(Draws draws, Meter[] meters) =>
        new(meters.Distinct().ToDictionary(meter => meter, meter => meter.Per() == 1 ? draws.Decimal() / 1000 : draws.Decimal()));

    static CallBound Bound(Draws draws, RateCard card)
    {
        string?[] tiers = [null, .. card.Models[0].At(Given.Noon).ServiceTiers.Select(tier => tier.Name)];
        return new()
        {
            TextTokens = draws.UpTo(300_000),
            AudioTokens = draws.OneOf(0, draws.UpTo(100_000)),
            ImageTokens = draws.OneOf(0, draws.UpTo(100_000)),
            CacheWrites = draws.OneOf(Enum.GetValues<CacheWrites>()),
            OutputTokens = draws.UpTo(100_000),
            AudioOut = draws.Either(),
            Pictures = draws.OneOf(0, draws.UpTo(5)),
            Seconds = draws.OneOf(0, draws.UpTo(1000)),
            WebSearches = draws.OneOf(0, draws.UpTo(10)),
            ServiceTiers = draws.OneOf([null], tiers, [tiers[^1]]),
        };
    }

    static PriceRequest.Model Usage(Draws draws, RateCard card, CallBound bound)
    {
        var usage = new Dictionary<string, long>();
        var text = Text[..(2 + (int)bound.CacheWrites)];
        Spend(bound.TextTokens, text);
        Spend(bound.AudioTokens, [.. Audio, .. text]);
        Spend(bound.ImageTokens, [Meter.InputImageTokens, .. text]);
        var pictures = bound.Pictures * card.Models[0].Rate.MaxOutput!.Value;
        Spend(bound.OutputTokens, bound.AudioOut ? [.. Output, Meter.OutputAudioTokens] : Output);
        Spend(pictures, Output);
        Spend(bound.Pictures, [Meter.Images]);
        Spend(bound.Seconds, [Meter.Seconds]);
        Spend(bound.WebSearches, [Meter.WebSearches]);
        return new("large", usage) { ServiceTier = draws.OneOf([.. bound.ServiceTiers]) };

        // Some of it, and some of that in each of two meters.
        void Spend(long most, Meter[] meters)
        {
            var some = draws.OneOf(most, draws.UpTo(most));
            var first = draws.OneOf(some, draws.UpTo(some));
            Count(draws.OneOf(meters), first);
            Count(draws.OneOf(meters), some - first);
        }

        void Count(Meter meter, long count) => usage[meter.UsageKey()] = usage.GetValueOrDefault(meter.UsageKey()) + count;
    }
}
