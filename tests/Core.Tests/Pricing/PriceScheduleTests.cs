using System.Globalization;
using Purser.Core.Pricing;

namespace Purser.Core.Tests.Pricing;

public sealed class PriceScheduleTests
{
    static readonly Prices Ordinary = Tariff.Of(
        (Meter.InputTokens, 2), (Meter.CachedInputTokens, 0.2m), (Meter.OutputTokens, 10), (Meter.ReasoningTokens, 12));

    static readonly ModelRate Tiered = With(new Period(DateTimeOffset.MinValue, Ordinary with
    {
        LongPrompts = [new(200_000, Tariff.Of((Meter.InputTokens, 4), (Meter.OutputTokens, 15)).Usd)],
    }));

    static readonly ModelRate PeakAndOffPeak = With(new Period(DateTimeOffset.MinValue, Tariff.Of((Meter.InputTokens, 1)))
    {
        Windows =
        [
            new(
                [DayOfWeek.Monday, DayOfWeek.Friday],
                [new(TimeSpan.FromHours(1), TimeSpan.FromHours(4)), new(TimeSpan.FromHours(22), TimeSpan.FromHours(24))],
                Tariff.Of((Meter.InputTokens, 2))),
        ],
    });

    static readonly ModelRate Promoted = With(
        new Period(DateTimeOffset.MinValue, Tariff.Of((Meter.InputTokens, 1), (Meter.CachedInputTokens, 0.1m))),
        new Period(new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero), Tariff.Of((Meter.InputTokens, 2))));

    [Fact]
    public void A_prompt_at_the_threshold_pays_the_ordinary_price() =>
        Assert.Equal(400m + 10m, Tiered.Use(("input_tokens", 200_000), ("output_tokens", 1000)).Amount());

    [Fact]
    public void A_longer_prompt_prices_the_whole_request_anew() =>
        Assert.Equal(800.004m + 15m, Tiered.Use(("input_tokens", 200_001), ("output_tokens", 1000)).Amount());

    [Theory]
    [InlineData("cached_input_tokens")]
    [InlineData("cache_write_tokens")]
    [InlineData("cache_write_1h_tokens")]
    public void The_length_of_a_prompt_counts_everything_on_the_way_in(string key) =>
        Assert.Equal(15m, Tiered.Use(("input_tokens", 0), (key, 200_001), ("output_tokens", 1000)).Quote()
            .Lines.Single(line => line.Item == "output_tokens").Amount);

    [Fact]
    public void The_answer_does_not_make_the_prompt_longer() =>
        Assert.Equal(2m + 3000m, Tiered.Use(("input_tokens", 1000), ("output_tokens", 300_000)).Amount());

    [Fact]
    public void What_a_tier_does_not_name_follows_its_own_prices_and_not_the_cheaper_ones_before()
    {
        var lines = Tiered.Use(("cached_input_tokens", 300_000), ("reasoning_tokens", 1000)).Quote().Lines;

        Assert.Equal(1200m, lines.Single(line => line.Item == "cached_input_tokens").Amount);
        Assert.Equal(15m, lines.Single(line => line.Item == "reasoning_tokens").Amount);
    }

    [Theory]
    [InlineData("2026-11-16T00:59:59Z", 1)]
    [InlineData("2026-11-16T01:00:00Z", 2)]
    [InlineData("2026-11-16T03:59:59Z", 2)]
    [InlineData("2026-11-16T04:00:00Z", 1)]
    [InlineData("2026-11-16T23:59:59Z", 2)]
    [InlineData("2026-11-17T02:00:00Z", 1)]
    [InlineData("2026-11-20T02:00:00Z", 2)]
    [InlineData("2026-11-16T03:00:00+02:00", 2)]
    [InlineData("2026-11-16T01:30:00+02:00", 1)]
    public void Hours_of_the_week_have_their_own_price_in_UTC(string now, decimal credits) =>
        Assert.Equal(credits, At(PeakAndOffPeak, now, ("input_tokens", 1000)));

    [Theory]
    [InlineData("2026-12-31T23:59:59Z", 1)]
    [InlineData("2027-01-01T00:00:00Z", 2)]
    [InlineData("2026-12-31T23:00:00-02:00", 2)]
    public void A_dated_price_begins_at_its_instant(string now, decimal credits) =>
        Assert.Equal(credits, At(Promoted, now, ("input_tokens", 1000)));

    [Fact]
    public void Nothing_of_an_earlier_price_is_left_in_a_later_one() =>
        Assert.Equal(2m, At(Promoted, "2027-01-01T00:00:00Z", ("cached_input_tokens", 1000)));

    [Theory]
    [InlineData(null, 2 + 0.2 + 10)]
    [InlineData("default", 2 + 0.2 + 10)]
    [InlineData("standard", 2 + 0.2 + 10)]
    [InlineData("flex", 1 + 1 + 10)]
    public void A_service_tier_has_its_own_prices_over_the_ordinary_ones(string? tier, decimal credits) =>
        Assert.Equal(credits, Serve(tier, ("input_tokens", 1000), ("cached_input_tokens", 1000), ("output_tokens", 1000)).Amount());

    [Fact]
    public void A_long_prompt_in_a_service_tier_has_the_prices_of_both() =>
        Assert.Equal(600m, Serve("flex", ("input_tokens", 300_000)).Amount());

    [Theory]
    [InlineData("priority")]
    [InlineData("Flex")]
    [InlineData("")]
    public void A_service_tier_without_prices_is_refused_and_never_guessed(string tier) =>
        Assert.Equal((PricingRefusal.UnknownServiceTier, "service_tier"), Serve(tier, ("input_tokens", 1)).Refusal());

    static Quotation Serve(string? tier, params (string Key, long Count)[] usage)
    {
        var model = With(new Period(DateTimeOffset.MinValue, Ordinary)
        {
            ServiceTiers =
            [
                new("flex", Tariff.Of((Meter.InputTokens, 1)) with { LongPrompts = [new(200_000, Tariff.Of((Meter.InputTokens, 2)).Usd)] }),
            ],
        });
        var request = new PriceRequest.Model("large", usage.ToDictionary(count => count.Key, count => count.Count)) { ServiceTier = tier };
        return new RateCard(1, Tariff.Of(model)).Price(request, Given.Noon);
    }

    static ModelRate With(params Period[] periods) => new("acme", "large") { Periods = periods };

    static decimal At(ModelRate model, string now, params (string Key, long Count)[] usage) =>
        (Tariff.Rates with { Models = [model] })
            .UseAt(DateTimeOffset.Parse(now, CultureInfo.InvariantCulture), model.FullName, usage).Amount();
}
