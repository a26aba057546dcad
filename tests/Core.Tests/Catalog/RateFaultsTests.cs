using Purser.Core.Pricing;

namespace Purser.Core.Tests.Catalog;

public sealed class RateFaultsTests
{
    static readonly Prices Tiered = Shop.Prices with { LongPrompts = [new(200_000, Input(4))] };

    public static TheoryData<Rates, string> BadTerms => new()
    {
        { Shop.Rates with { UsdPerCredit = 0 }, "credit.usd" },
        { Shop.Rates with { UsdPerCredit = -1 }, "credit.usd" },
        { Shop.Rates with { UsdPerCredit = 1001 }, "credit.usd" },
        { Shop.Rates with { Markup = 0.25m }, "markup" },
        { Shop.Rates with { Markup = 101 }, "markup" },
        { Shop.Rates with { BaseFee = -1 }, "call_fee" },
        { Shop.Rates with { MaxCharge = Credits.Zero }, "limits.max_charge" },
        { Shop.Rates with { MaxCharge = Credits.Max + new Credits(1) }, "limits.max_charge" },
    };

    public static TheoryData<OperationRate, string> BadOperations => new()
    {
        { Shop.Operation with { Code = "Chapter" }, "operations.Chapter" },
        { Shop.Operation with { Name = "" }, "operations.chapter.name" },
        { Shop.Operation with { BaseFee = -1 }, "operations.chapter.base_fee" },
        { Shop.Operation with { Minimum = -1 }, "operations.chapter.minimum" },
        { Shop.Operation with { Units = [new("two words", 1, 1)] }, "operations.chapter.per.two words" },
        { Shop.Operation with { Units = [new("words", -1, 1)] }, "operations.chapter.per.words.credits" },
        { Shop.Operation with { Units = [new("words", 1, 0)] }, "operations.chapter.per.words.each" },
        { Shop.Operation with { Units = [new("words", 1_000_000_000_000, 0.5m)] }, "operations.chapter.per.words.each" },
        { Shop.Operation with { Units = [new("words", 1, 1) { Max = 0 }] }, "operations.chapter.per.words.max" },
        { Shop.Operation with { Units = [Volume(new VolumeStep(0, 10))] }, "operations.chapter.per.words.volume[0].above" },
        { Shop.Operation with { Units = [Volume(new VolumeStep(9, 100))] }, "operations.chapter.per.words.volume[0].percent" },
        {
            Shop.Operation with { Units = [Volume(new VolumeStep(9, 10), new VolumeStep(9, 20))] },
            "operations.chapter.per.words.volume[1].above"
        },
    };

    public static TheoryData<ModelRate, string> BadModels => new()
    {
        { Shop.Model with { Provider = "ac/me" }, "models.ac/me" },
        { Shop.Model with { Name = "lar ge" }, "models.acme.lar ge" },
        { Shop.Model with { Aliases = ["large"] }, "models.acme.large" },
        { Shop.Model with { Markup = 0.5m }, "models.acme.large.markup" },
        { Shop.Model with { Context = 0 }, "models.acme.large.context" },
        { Shop.Model with { Context = 1000, MaxOutput = 1001 }, "models.acme.large.max_output" },
        { Shop.Model with { MaxImageTokens = 0 }, "models.acme.large.max_image_tokens" },
        { Shop.Model with { Fallbacks = ["acme/small"] }, "models.acme.large.fallbacks" },
        { Shop.Model with { Fallbacks = ["acme/large"] }, "models.acme.large.fallbacks" },
        { Serving(Shop.Prices, Flex("Flex", 1)), "models.acme.large.service_tiers.Flex" },
        { Serving(Shop.Prices, Flex("standard", 1)), "models.acme.large.service_tiers.standard" },
        { Serving(Shop.Prices, Flex("flex", -1)), "models.acme.large.service_tiers.flex.input" },
        { Serving(Shop.Prices, new ServiceTier("flex", Shop.Of())), "models.acme.large.service_tiers.flex" },
        { Serving(Shop.Prices, new ServiceTier("flex", Shop.Of((Meter.Images, 1)))), "models.acme.large.service_tiers.flex.image" },
        { Serving(Tiered, Flex("flex", 1)), "models.acme.large.service_tiers.flex" },
        {
            Serving(Shop.Prices, new ServiceTier("flex", Shop.Prices with { LongPrompts = [new(0, Input(4))] })),
            "models.acme.large.service_tiers.flex.long_prompts[0].above"
        },
        {
            Shop.Model with { Periods = [new(DateTimeOffset.MinValue, Shop.Prices) { Windows = [Window(1, 4)], ServiceTiers = [Flex("flex", 1)] }] },
            "models.acme.large.service_tiers"
        },
        { Shop.ModelOf(Shop.Of()), "models.acme.large" },
        { Shop.ModelOf(Shop.Of((Meter.InputTokens, -1))), "models.acme.large.input" },
        { Shop.ModelOf(Shop.Of((Meter.InputTokens, 10_001))), "models.acme.large.input" },
        {
            Shop.ModelOf(Shop.Of((Meter.CacheWriteTokens, 5), (Meter.CacheWrite1hTokens, 4))),
            "models.acme.large.cache_write_1h"
        },
        { Shop.ModelOf(Shop.Prices with { LongPrompts = [new(0, Input(4))] }), "models.acme.large.long_prompts[0].above" },
        { Shop.ModelOf(Shop.Prices with { LongPrompts = [new(9, Shop.Of().Usd)] }), "models.acme.large.long_prompts[0]" },
        {
            Shop.ModelOf(Shop.Prices with { LongPrompts = [new(9, Input(4)), new(9, Input(5))] }),
            "models.acme.large.long_prompts[1].above"
        },
        {
            Shop.ModelOf(Shop.Prices with { LongPrompts = [new(9, Shop.Of((Meter.Images, 1)).Usd)] }),
            "models.acme.large.long_prompts[0].image"
        },
        { Shop.ModelOf(Shop.Prices, Window(5, 4)), "models.acme.large.windows[0].hours" },
        { Shop.ModelOf(Shop.Prices, Window(1, 4), Window(3, 5)), "models.acme.large.windows[1]" },
        { Shop.ModelOf(Tiered, Window(1, 4)), "models.acme.large.windows[0]" },
        {
            Shop.Model with { Periods = [.. Shop.Model.Periods, new(DateTimeOffset.MinValue, Shop.Prices)] },
            "models.acme.large.changes[0].from"
        },
    };

    [Theory]
    [MemberData(nameof(BadTerms))]
    public void Terms_that_make_no_sense_are_a_fault(Rates rates, string path) =>
        Assert.Equal(path, Assert.Single(Shop.Faults(rates)));

    [Theory]
    [MemberData(nameof(BadOperations))]
    public void An_operation_that_makes_no_sense_is_a_fault_at_its_place(OperationRate operation, string path) =>
        Assert.Equal(path, Assert.Single(Shop.Faults(operation)));

    [Theory]
    [MemberData(nameof(BadModels))]
    public void A_model_that_makes_no_sense_is_a_fault_at_its_place(ModelRate model, string path) =>
        Assert.Equal(path, Assert.Single(Shop.Faults(model)));

    [Fact]
    public void A_name_that_means_two_models_is_a_fault()
    {
        var other = Shop.Model with { Provider = "zeta", Name = "acme/large" };

        Assert.Equal(["models.zeta.acme/large"], Shop.Faults(Shop.Model, other));
    }

    [Fact]
    public void A_fallback_that_stands_there_twice_is_a_fault()
    {
        var small = Shop.Model with { Name = "small" };

        Assert.Equal(["models.acme.large.fallbacks"], Shop.Faults(Shop.Model with { Fallbacks = ["acme/small", "acme/small"] }, small));
        Assert.Empty(Shop.Faults(Shop.Model with { Fallbacks = ["acme/small"] }, small));
    }

    [Fact]
    public void Windows_that_touch_do_not_overlap() =>
        Assert.Empty(Shop.Faults(Shop.ModelOf(Shop.Prices, Window(1, 4), Window(4, 24))));

    static IReadOnlyDictionary<Meter, decimal> Input(decimal usd) => Shop.Of((Meter.InputTokens, usd)).Usd;

    static ModelRate Serving(Prices prices, ServiceTier tier) => Shop.Model with
    {
        Periods = [new(DateTimeOffset.MinValue, prices) { ServiceTiers = [tier] }],
    };

    static ServiceTier Flex(string name, decimal usd) => new(name, Shop.Of((Meter.InputTokens, usd)));

    static UnitRate Volume(params VolumeStep[] steps) => new("words", 1, 1) { Volume = steps };

    static Window Window(int from, int until) => new(
        [DayOfWeek.Monday], [new(TimeSpan.FromHours(from), TimeSpan.FromHours(until))], Shop.Of((Meter.InputTokens, 4)));
}
