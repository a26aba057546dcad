using Purser.Core.Pricing;

namespace Purser.Core.Tests.Pricing;

public sealed class ModelPriceTests
{
    [Fact]
    public void Dollars_per_million_tokens_become_credits()
    {
        var quote = Tariff.Model.Use(("input_tokens", 1000), ("output_tokens", 500)).Quote();

        Assert.Equal("acme/large", quote.Subject);
        Assert.Equal(7.Credits, quote.Amount);
        Assert.Equal(
            [new("input_tokens", 1000, 0.002m, 2m), new("output_tokens", 500, 0.01m, 5m)], quote.Lines);
    }

    [Fact]
    public void The_smallest_use_costs_a_micro_credit_and_never_nothing() =>
        Assert.Equal(1, Tariff.Priced((Meter.InputTokens, 0.000001m)).Use(("input_tokens", 1)).Quote().Amount.Micros);

    [Fact]
    public void The_markup_multiplies_what_the_provider_charges()
    {
        var rates = Tariff.Rates with { Markup = 1.25m, Models = [Tariff.Model] };

        Assert.Equal(2.5m, rates.Use("acme/large", ("input_tokens", 1000)).Amount());
    }

    [Fact]
    public void A_model_may_have_a_markup_of_its_own()
    {
        var rates = Tariff.Rates with { Markup = 1.25m, Models = [Tariff.Model with { Markup = 2 }] };

        Assert.Equal(4m, rates.Use("acme/large", ("input_tokens", 1000)).Amount());
    }

    [Fact]
    public void A_credit_whose_worth_divides_nothing_evenly_is_still_rounded_up_and_adds_up()
    {
        var rates = Tariff.Rates with { UsdPerCredit = 0.003m, Models = [Tariff.Model] };

        var quote = rates.Use("acme/large", ("input_tokens", 1000), ("output_tokens", 100)).Quote();

        Assert.Equal(1_000_000, quote.Amount.Micros);
        Assert.Equal(quote.Amount.ToDecimal(), quote.Lines.Sum(line => line.Amount));
        Assert.Equal(666_667, rates.Use("acme/large", ("input_tokens", 1000)).Quote().Amount.Micros);
    }

    [Fact]
    public void The_fee_of_a_call_is_due_on_top_of_its_tokens()
    {
        var rates = Tariff.Rates with { BaseFee = 0.5m, Models = [Tariff.Model] };

        Assert.Equal(2.5m, rates.Use("acme/large", ("input_tokens", 1000)).Amount());
        Assert.Equal(0.5m, rates.Use("acme/large", ("input_tokens", 0)).Amount());
    }

    [Theory]
    [InlineData("cached_input_tokens", 2)]
    [InlineData("cache_write_tokens", 2.5)]
    [InlineData("cache_write_1h_tokens", 4)]
    [InlineData("cache_write_12h_tokens", 5)]
    [InlineData("reasoning_tokens", 10)]
    public void A_price_nobody_knows_follows_from_the_dearer_one(string key, decimal credits) =>
        Assert.Equal(credits, Tariff.Model.Use((key, 1000)).Amount());

    [Fact]
    public void Cached_audio_costs_as_much_as_audio_where_no_price_is_known() =>
        Assert.Equal(32m, Tariff.Priced((Meter.InputAudioTokens, 32)).Use(("cached_input_audio_tokens", 1000)).Amount());

    [Fact]
    public void A_known_price_is_not_replaced_by_a_dearer_guess()
    {
        var model = Tariff.Priced((Meter.InputTokens, 2), (Meter.CachedInputTokens, 0.1m), (Meter.CacheWriteTokens, 2.2m));

        Assert.Equal(0.1m, model.Use(("cached_input_tokens", 1000)).Amount());
        Assert.Equal(2.2m, model.Use(("cache_write_tokens", 1000)).Amount());
    }

    [Theory]
    [InlineData("input_audio_tokens")]
    [InlineData("input_image_tokens")]
    [InlineData("output_audio_tokens")]
    [InlineData("output_image_tokens")]
    [InlineData("seconds")]
    [InlineData("characters")]
    [InlineData("images")]
    [InlineData("web_searches")]
    [InlineData("requests")]
    public void What_a_model_has_no_price_for_is_refused(string key)
    {
        Assert.Equal((PricingRefusal.UnknownQuantity, $"usage.{key}"), Tariff.Model.Use((key, 1)).Refusal());
        Assert.Equal(2m, Tariff.Model.Use(("input_tokens", 1000), (key, 0)).Amount());
    }

    [Fact]
    public void A_misspelt_count_is_refused_even_when_it_is_zero() =>
        Assert.Equal((PricingRefusal.UnknownQuantity, "usage.input_token"), Tariff.Model.Use(("input_token", 0)).Refusal());

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    [InlineData(1_000_000_000_001)]
    public void An_absurd_count_is_refused(long count) =>
        Assert.Equal((PricingRefusal.QuantityOutOfRange, "usage.input_tokens"), Tariff.Model.Use(("input_tokens", count)).Refusal());

    [Fact]
    public void No_usage_at_all_is_refused() =>
        Assert.Equal((PricingRefusal.MissingQuantity, "usage"), Tariff.Model.Use().Refusal());

    [Theory]
    [InlineData("gpt-9")]
    [InlineData("other/large")]
    [InlineData("ACME/large")]
    [InlineData("")]
    public void A_model_without_a_price_is_refused(string name) =>
        Assert.Equal(
            (PricingRefusal.UnknownModel, "model"),
            (Tariff.Rates with { Models = [Tariff.Model] }).Use(name, ("input_tokens", 1)).Refusal());

    [Fact]
    public void A_model_is_found_by_its_name_alone_and_by_its_aliases()
    {
        var rates = Tariff.Rates with { Models = [Tariff.Model with { Aliases = ["large-2026-01-01"] }] };

        foreach (var name in new[] { "large", "acme/large", "large-2026-01-01", "acme/large-2026-01-01" })
            Assert.Equal("acme/large", rates.Use(name, ("input_tokens", 1)).Quote().Subject);
    }

    [Fact]
    public void A_name_that_two_providers_have_is_refused_without_its_provider()
    {
        var rates = Tariff.Rates with { Models = [Tariff.Model, Tariff.Model with { Provider = "zeta" }] };

        Assert.Equal((PricingRefusal.UnknownModel, "model"), rates.Use("large", ("input_tokens", 1)).Refusal());
        Assert.Equal("zeta/large", rates.Use("zeta/large", ("input_tokens", 1)).Quote().Subject);
    }

    [Fact]
    public void Seconds_images_and_characters_are_priced_one_by_one()
    {
        var model = Tariff.Priced((Meter.Seconds, 0.0001m), (Meter.Images, 0.04m), (Meter.Characters, 0.000015m));

        Assert.Equal(6m, model.Use(("seconds", 60)).Amount());
        Assert.Equal(80m, model.Use(("images", 2)).Amount());
        Assert.Equal(15m, model.Use(("characters", 1000)).Amount());
    }

    [Fact]
    public void Searches_of_the_web_are_due_on_top_of_tokens() =>
        Assert.Equal(22m, Tariff.Priced((Meter.InputTokens, 2), (Meter.WebSearches, 0.01m))
            .Use(("input_tokens", 1000), ("web_searches", 2)).Amount());

    [Fact]
    public void A_price_per_request_is_due_even_if_nobody_counted_the_request()
    {
        var model = Tariff.Priced((Meter.InputTokens, 2), (Meter.Requests, 0.005m));

        Assert.Equal(7m, model.Use(("input_tokens", 1000)).Amount());
        Assert.Equal(12m, model.Use(("input_tokens", 1000), ("requests", 2)).Amount());
    }

    [Fact]
    public void What_a_provider_gives_away_by_the_catalogs_word_is_free() =>
        Assert.Equal(0m, Tariff.Priced((Meter.InputTokens, 0)).Use(("input_tokens", 1000)).Amount());
}
