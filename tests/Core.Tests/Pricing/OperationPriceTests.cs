using Purser.Core.Pricing;

namespace Purser.Core.Tests.Pricing;

public sealed class OperationPriceTests
{
    static readonly OperationRate Translation = new("translation", "Translation", BaseFee: 5, Minimum: 0)
    {
        Units = [new("words", Credits: 0.1m, Each: 1) { Volume = [new(1000, 10), new(5000, 50)] }],
    };

    [Fact]
    public void A_flat_operation_costs_its_fee_whatever_it_does()
    {
        var outline = new OperationRate("outline", "Outline", BaseFee: 50, Minimum: 0);

        Assert.Equal(50m, outline.Do().Amount());
    }

    [Theory]
    [InlineData(2500, 250)]
    [InlineData(2501, 250.1)]
    [InlineData(0, 0)]
    public void A_credit_for_ten_words_is_charged_in_proportion(int words, decimal credits) =>
        Assert.Equal(credits, Tariff.Chapter.Do(("words", words)).Amount());

    [Fact]
    public void A_part_of_a_unit_is_charged_in_proportion() =>
        Assert.Equal(0.25m, Tariff.Chapter.Do(("words", 2.5m)).Amount());

    [Fact]
    public void A_small_job_costs_the_minimum_and_says_so()
    {
        var quote = (Tariff.Chapter with { Minimum = 10 }).Do(("words", 40)).Quote();

        Assert.Equal(10.Credits, quote.Amount);
        Assert.Equal(new QuoteLine("minimum", 1, 6, 6), quote.Lines[^1]);
    }

    [Fact]
    public void A_large_job_does_not_pay_the_minimum_on_top() =>
        Assert.Equal(20m, (Tariff.Chapter with { Minimum = 10 }).Do(("words", 200)).Amount());

    [Fact]
    public void A_volume_discount_is_taken_from_what_lies_above_its_threshold()
    {
        var quote = Translation.Do(("words", 6000)).Quote();

        Assert.Equal(5m + 100m + 360m + 50m, quote.Amount.ToDecimal());
        Assert.Equal(["base_fee", "words", "words above 1000", "words above 5000"], quote.Lines.Select(line => line.Item));
    }

    [Fact]
    public void A_threshold_itself_is_charged_without_the_discount() =>
        Assert.Equal(105m, Translation.Do(("words", 1000)).Amount());

    [Fact]
    public void The_price_of_three_for_a_credit_is_rounded_up_and_the_rounding_is_a_line()
    {
        var thirds = new OperationRate("thirds", "Thirds", 0, 0) { Units = [new("pages", Credits: 1, Each: 3)] };

        var quote = thirds.Do(("pages", 1)).Quote();

        Assert.Equal(333_334, quote.Amount.Micros);
        Assert.Equal("rounding", quote.Lines[^1].Item);
    }

    [Fact]
    public void Three_thirds_are_a_whole_and_not_a_micro_credit_more()
    {
        var thirds = new OperationRate("thirds", "Thirds", 0, 0) { Units = [new("pages", Credits: 1, Each: 3)] };

        Assert.Equal(1.Credits, thirds.Do(("pages", 3)).Quote().Amount);
        Assert.Equal(1_000_000_000m, thirds.Do(("pages", 3_000_000_000m)).Amount());
    }

    [Fact]
    public void Whole_credits_are_rounded_to_once_per_charge()
    {
        var rates = Tariff.Rates with
        {
            Rounding = Rounding.Ceil,
            Operations = [Tariff.Chapter with { BaseFee = 0.4m }],
        };

        Assert.Equal(1m, rates.Do("chapter", ("words", 1)).Amount());
        Assert.Equal(2m, rates.Do("chapter", ("words", 7)).Amount());
    }

    [Fact]
    public void What_is_not_in_the_catalog_is_refused() =>
        Assert.Equal((PricingRefusal.UnknownOperation, "operation"), Tariff.Rates.Do("podcast").Refusal());

    [Fact]
    public void A_unit_without_a_price_is_refused() =>
        Assert.Equal(
            (PricingRefusal.UnknownQuantity, "quantities.pages"), Tariff.Chapter.Do(("words", 1), ("pages", 1)).Refusal());

    [Fact]
    public void None_of_a_unit_without_a_price_costs_nothing() =>
        Assert.Equal(1m, Tariff.Chapter.Do(("words", 10), ("pages", 0)).Amount());

    [Fact]
    public void Leaving_the_priced_unit_out_is_refused() =>
        Assert.Equal((PricingRefusal.MissingQuantity, "quantities.words"), Tariff.Chapter.Do().Refusal());

    [Fact]
    public void An_optional_unit_may_be_left_out()
    {
        var operation = Tariff.Chapter with { Units = [new("words", 1, 10), new("images", 5, 1) { Optional = true }] };

        Assert.Equal(1m, operation.Do(("words", 10)).Amount());
        Assert.Equal(6m, operation.Do(("words", 10), ("images", 1)).Amount());
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("-0.000001")]
    [InlineData("1000000000001")]
    [InlineData("79228162514264337593543950335")]
    public void An_absurd_quantity_is_refused(string quantity) =>
        Assert.Equal(
            (PricingRefusal.QuantityOutOfRange, "quantities.words"),
            Tariff.Chapter.Do(("words", decimal.Parse(quantity, System.Globalization.CultureInfo.InvariantCulture))).Refusal());

    [Fact]
    public void More_than_the_catalog_allows_at_once_is_refused()
    {
        var limited = Tariff.Chapter with { Units = [new("words", 1, 10) { Max = 500 }] };

        Assert.Equal(50m, limited.Do(("words", 500)).Amount());
        Assert.Equal((PricingRefusal.QuantityOutOfRange, "quantities.words"), limited.Do(("words", 501)).Refusal());
    }

    [Fact]
    public void A_price_above_the_limit_of_the_catalog_is_refused()
    {
        var rates = Tariff.Rates with { MaxCharge = 100.Credits, Operations = [Tariff.Chapter] };

        Assert.Equal(100m, rates.Do("chapter", ("words", 1000)).Amount());
        Assert.Equal((PricingRefusal.AmountOutOfRange, "quantities"), rates.Do("chapter", ("words", 1001)).Refusal());
    }

    [Fact]
    public void A_price_no_wallet_could_hold_is_refused_and_does_not_overflow()
    {
        var dear = new OperationRate("dear", "Dear", 0, 0) { Units = [new("tons", 1_000_000_000_000, 1)] };

        Assert.Equal((PricingRefusal.AmountOutOfRange, "quantities"), dear.Do(("tons", 1_000_000_000_000)).Refusal());
        Assert.Equal(1_000_000_000_000m, dear.Do(("tons", 1)).Amount());
    }
}
