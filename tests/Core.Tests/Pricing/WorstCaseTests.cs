using Purser.Core.Pricing;

namespace Purser.Core.Tests.Pricing;

public sealed class WorstCaseTests
{
    static readonly CallBound Chat = new() { TextTokens = 1000, OutputTokens = 500 };

    static readonly ModelRate Tiered = Tariff.Model with
    {
        Periods =
        [
            new(DateTimeOffset.MinValue, Tariff.Of((Meter.InputTokens, 2), (Meter.OutputTokens, 10)))
            {
                ServiceTiers =
                [
                    new("priority", Tariff.Of((Meter.InputTokens, 4), (Meter.OutputTokens, 20))),
                    new("flex", Tariff.Of((Meter.InputTokens, 1), (Meter.OutputTokens, 5))),
                ],
            },
        ],
    };

    [Fact]
    public void Prompt_and_longest_answer_are_what_a_plain_call_can_come_to() =>
        Assert.Equal(2m + 5m, Tariff.Model.Worst(Chat).Amount());

    [Fact]
    public void A_call_may_cost_its_fee_and_its_request_on_top()
    {
        var rates = Tariff.Rates with
        {
            BaseFee = 0.5m,
            Models = [Tariff.Priced((Meter.InputTokens, 2), (Meter.OutputTokens, 10), (Meter.Requests, 0.001m))],
        };

        Assert.Equal(0.5m + 1m + 2m + 5m, rates.Worst(Chat).Amount());
    }

    [Theory]
    [InlineData(CacheWrites.None, 2)]
    [InlineData(CacheWrites.Minutes, 2.5)]
    [InlineData(CacheWrites.Hour, 4)]
    [InlineData(CacheWrites.HalfDay, 5)]
    public void A_prompt_that_may_be_written_into_the_cache_costs_the_writing(CacheWrites writes, decimal credits) =>
        Assert.Equal(credits, Tariff.Model.Worst(new() { TextTokens = 1000, CacheWrites = writes }).Amount());

    [Fact]
    public void A_cached_price_above_the_ordinary_one_is_the_worst_case() =>
        Assert.Equal(3m, Tariff.Priced((Meter.InputTokens, 2), (Meter.CachedInputTokens, 3))
            .Worst(new() { TextTokens = 1000 }).Amount());

    [Fact]
    public void An_answer_may_be_reasoning_throughout() =>
        Assert.Equal(2m + 6m, Tariff.Priced((Meter.InputTokens, 2), (Meter.OutputTokens, 10), (Meter.ReasoningTokens, 12))
            .Worst(Chat).Amount());

    [Fact]
    public void An_answer_is_only_spoken_where_it_may_be()
    {
        var audio = Tariff.Priced((Meter.InputTokens, 2), (Meter.OutputTokens, 10), (Meter.OutputAudioTokens, 64));

        Assert.Equal(2m + 5m, audio.Worst(Chat).Amount());
        Assert.Equal(2m + 32m, audio.Worst(Chat with { AudioOut = true }).Amount());
    }

    [Fact]
    public void A_picture_in_a_prompt_costs_like_text_or_like_a_picture_whichever_is_dearer()
    {
        var bound = new CallBound { ImageTokens = 1000 };

        Assert.Equal(2m, Tariff.Model.Worst(bound).Amount());
        Assert.Equal(8m, Tariff.Priced((Meter.InputTokens, 2), (Meter.InputImageTokens, 8)).Worst(bound).Amount());
        Assert.Equal(2m, Tariff.Priced((Meter.InputTokens, 2), (Meter.InputImageTokens, 1)).Worst(bound).Amount());
    }

    [Fact]
    public void A_picture_that_is_made_costs_its_price_or_the_most_tokens_it_takes()
    {
        var byTokens = Tariff.Priced((Meter.InputTokens, 5), (Meter.OutputImageTokens, 40)) with { MaxOutput = 6000 };

        Assert.Equal(80m, Tariff.Priced((Meter.Images, 0.04m)).Worst(new() { Pictures = 2 }).Amount());
        Assert.Equal(480m, byTokens.Worst(new() { Pictures = 2 }).Amount());
    }

    [Fact]
    public void Seconds_and_searches_are_counted_one_by_one()
    {
        var model = Tariff.Priced((Meter.Seconds, 0.0001m), (Meter.WebSearches, 0.01m));

        Assert.Equal(6m + 30m, model.Worst(new() { Seconds = 60, WebSearches = 3 }).Amount());
    }

    [Fact]
    public void A_prompt_that_may_be_long_costs_as_if_it_were()
    {
        var model = Tariff.Model with
        {
            Periods =
            [
                new(DateTimeOffset.MinValue, Tariff.Of((Meter.InputTokens, 2), (Meter.OutputTokens, 10)) with
                {
                    LongPrompts = [new(1000, Tariff.Of((Meter.InputTokens, 4)).Usd)],
                }),
            ],
        };

        Assert.Equal(2m + 5m, model.Worst(Chat).Amount());
        Assert.Equal(4.004m + 5m, model.Worst(Chat with { TextTokens = 1001 }).Amount());
        Assert.Equal(4.004m + 5m, model.Worst(Chat with { ImageTokens = 1 }).Amount());
    }

    [Fact]
    public void A_call_may_be_given_the_dearest_of_the_services_that_are_possible()
    {
        Assert.Equal(7m, Tiered.Worst(Chat).Amount());
        Assert.Equal(14m, Tiered.Worst(Chat with { ServiceTiers = [null, "priority"] }).Amount());
        Assert.Equal(7m, Tiered.Worst(Chat with { ServiceTiers = ["flex", "default"] }).Amount());
        Assert.Equal(3.5m, Tiered.Worst(Chat with { ServiceTiers = ["flex"] }).Amount());
    }

    [Fact]
    public void A_service_without_a_price_is_refused() =>
        Assert.Equal(
            (PricingRefusal.UnknownServiceTier, "service_tier"),
            Tiered.Worst(Chat with { ServiceTiers = [null, "scale"] }).Refusal());

    public static TheoryData<CallBound, PricingRefusal, string> WithoutPrice => new()
    {
        { new() { AudioTokens = 1 }, PricingRefusal.UnknownQuantity, "usage.input_audio_tokens" },
        { Chat with { AudioOut = true }, PricingRefusal.UnknownQuantity, "usage.output_audio_tokens" },
        { new() { Pictures = 1 }, PricingRefusal.UnknownQuantity, "usage.images" },
        { new() { Seconds = 1 }, PricingRefusal.UnknownQuantity, "usage.seconds" },
        { Chat with { WebSearches = 1 }, PricingRefusal.UnknownQuantity, "usage.web_searches" },
        { Chat with { TextTokens = -1 }, PricingRefusal.QuantityOutOfRange, "usage" },
        { Chat with { OutputTokens = long.MaxValue }, PricingRefusal.QuantityOutOfRange, "usage" },
    };

    [Theory]
    [MemberData(nameof(WithoutPrice))]
    public void What_a_call_may_use_has_a_price_or_the_call_is_refused(CallBound bound, PricingRefusal why, string param) =>
        Assert.Equal((why, param), Tariff.Model.Worst(bound).Refusal());

    [Fact]
    public void Pictures_of_no_known_size_are_refused_and_so_are_absurdly_many()
    {
        var model = Tariff.Priced((Meter.OutputImageTokens, 40));

        Assert.Equal((PricingRefusal.MissingQuantity, "model"), model.Worst(new() { Pictures = 1 }).Refusal());
        Assert.Equal(
            (PricingRefusal.QuantityOutOfRange, "usage"),
            (model with { MaxOutput = 6000 }).Worst(new() { Pictures = 1_000_000_000_000 }).Refusal());
    }

    [Fact]
    public void A_worst_case_above_the_limit_of_the_catalog_is_refused_and_a_shorter_answer_may_not_be()
    {
        var rates = Tariff.Rates with { MaxCharge = 5.Credits, Models = [Tariff.Model] };

        Assert.Equal((PricingRefusal.AmountOutOfRange, "usage"), rates.Worst(Chat).Refusal());
        Assert.Equal(300, rates.MostOutput(Chat, 100.Credits));
    }

    [Theory]
    [InlineData(1.999999, null)]
    [InlineData(2, 0L)]
    [InlineData(2.009999, 0L)]
    [InlineData(2.01, 1L)]
    [InlineData(4, 200L)]
    [InlineData(1000, 500L)]
    public void An_amount_pays_for_so_many_tokens_of_an_answer(decimal credits, long? tokens) =>
        Assert.Equal(tokens, Tariff.Of(Tariff.Model).MostOutput(Chat, Credits.Of(credits)));

    [Fact]
    public void Whole_credits_pay_for_less_than_their_parts_would() =>
        Assert.Equal(100, (Tariff.Of(Tariff.Model) with { Rounding = Rounding.Ceil }).MostOutput(Chat, Credits.Of(3.9m)));

    [Fact]
    public void An_answer_that_is_free_is_as_long_as_it_may_be() =>
        Assert.Equal(500, Tariff.Of(Tariff.Priced((Meter.InputTokens, 2), (Meter.OutputTokens, 0))).MostOutput(Chat, 2.Credits));

    [Fact]
    public void A_call_on_the_customers_own_key_costs_the_fee_and_says_so_when_there_is_none()
    {
        var card = new RateCard(1, Tariff.Of(Tariff.Model) with { BaseFee = 0.5m });
        var free = new RateCard(1, Tariff.Of(Tariff.Model));

        Assert.Equal([new("base_fee", 1, 0.5m, 0.5m)], card.FeeAlone(card.Models[0]).Quote().Lines);
        Assert.Equal([new("base_fee", 1, 0, 0)], free.FeeAlone(free.Models[0]).Quote().Lines);
        Assert.Equal(("acme/large", Credits.Zero), (free.FeeAlone(free.Models[0]).Quote().Subject, free.FeeAlone(free.Models[0]).Quote().Amount));
    }
}
