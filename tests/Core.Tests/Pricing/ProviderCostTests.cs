using Purser.Core.Pricing;

namespace Purser.Core.Tests.Pricing;

public sealed class ProviderCostTests
{
    // A markup, a fee and whole credits change what a customer pays, and not what the provider charges.
    [Theory]
    [InlineData(1, 0, Rounding.Exact)]
    [InlineData(1.7, 25, Rounding.Exact)]
    [InlineData(3, 0, Rounding.Ceil)]
    public void A_call_costs_what_its_provider_charges_whatever_the_customer_pays(decimal markup, decimal fee, Rounding rounding)
    {
        var card = new RateCard(1, Tariff.Rates with { Markup = markup, BaseFee = fee, Rounding = rounding, Models = [Tariff.Model] });

        // 1,000 tokens at $2 and 500 at $10 a million.
        Assert.Equal(0.007m, card.Cost(Usage(("input_tokens", 1000), ("output_tokens", 500)), Given.Noon).ToUsd());
    }

    [Fact]
    public void A_token_that_costs_less_than_a_millionth_of_a_cent_is_counted()
    {
        var card = new RateCard(1, Tariff.Rates with { Models = [Tariff.Priced((Meter.InputTokens, 0.0028m))] });

        Assert.Equal(2800, card.Cost(Usage(("input_tokens", 1)), Given.Noon).PicoUsd);
    }

    [Fact]
    public void What_has_no_price_has_no_cost() =>
        Assert.Equal(ProviderCost.Zero, new RateCard(1, Tariff.Rates with { Models = [Tariff.Model] }).Cost(Usage(("seconds", 1)), Given.Noon));

    [Fact]
    public void An_absurd_cost_is_the_most_that_can_be_counted() => Assert.Equal(
        long.MaxValue,
        new RateCard(1, Tariff.Rates with { Models = [Tariff.Model] }).Cost(Usage(("output_tokens", 1_000_000_000_000)), Given.Noon).PicoUsd);

    static PriceRequest.Model Usage(params (string Key, long Count)[] usage) =>
        new(Tariff.Model.FullName, usage.ToDictionary(one => one.Key, one => one.Count));
}
