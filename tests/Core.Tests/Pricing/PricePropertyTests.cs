using System.Numerics;
using FsCheck;
using FsCheck.Fluent;
using Purser.Core.Pricing;

namespace Purser.Core.Tests.Pricing;

/// <summary>What holds for every price, whatever the catalog says.</summary>
public sealed class PricePropertyTests
{
    static readonly Gen<decimal> Decimal =
        from mantissa in Gen.Choose(0, int.MaxValue)
        from scale in Gen.Choose(0, 9)
        select new decimal(mantissa, 0, 0, false, (byte)scale);

    static readonly Gen<Rates> AnyRates =
        from worth in Gen.Choose(1, 9999)
        from markup in Gen.Choose(100, 999)
        from rounding in Gen.Elements(Rounding.Exact, Rounding.Ceil)
        from input in Decimal
        from output in Decimal
        from fee in Decimal
        from unit in Decimal
        from each in Gen.Choose(1, 1000)
        from minimum in Gen.Choose(0, 20)
        from percent in Gen.Choose(1, 99)
        from above in Gen.Choose(1, 1000)
        select new Rates(worth / 10_000m, rounding, markup / 100m, fee / 1000, Credits.Max)
        {
            Models = [Tariff.Priced((Meter.InputTokens, input / 1000), (Meter.OutputTokens, output / 1000))],
            Operations =
            [
                new("job", "Job", fee / 1000, minimum)
                {
                    Units = [new("words", unit / 1000, each) { Volume = [new(above, percent)] }],
                },
            ],
        };

    static readonly Gen<(long Less, long More)> TwoCounts =
        from one in Gen.Choose(0, 2_000_000)
        from other in Gen.Choose(0, 2_000_000)
        select ((long)Math.Min(one, other), (long)Math.Max(one, other));

    [Fact]
    public void The_lines_of_a_quote_add_up_to_its_amount_exactly() => ForAll((rates, counts) =>
        Quotes(rates, counts.More).All(quote => quote.Lines.Sum(line => line.Amount) == quote.Amount.ToDecimal()));

    [Fact]
    public void No_line_of_a_quote_is_negative() => ForAll((rates, counts) =>
        Quotes(rates, counts.More).All(quote => quote.Lines.All(line => line.Amount > 0)));

    [Fact]
    public void More_never_costs_less() => ForAll((rates, counts) =>
        Quotes(rates, counts.Less).Zip(Quotes(rates, counts.More)).All(pair => pair.First.Amount <= pair.Second.Amount));

    [Fact]
    public void A_price_is_never_below_the_exact_one_and_less_than_a_step_above() => ForAll((rates, counts) =>
    {
        var model = rates.Models[0].Periods[0].Prices.Usd;
        var quote = rates.Use("large", ("input_tokens", counts.Less), ("output_tokens", counts.More)).Quote();
        // Multiplied with what was divided by, so that this side has no rounding either.
        var exact = ((counts.Less * model[Meter.InputTokens]) + (counts.More * model[Meter.OutputTokens])) * rates.Markup
            + (rates.BaseFee * rates.UsdPerCredit * 1_000_000m);
        var charged = quote.Amount.ToDecimal() * rates.UsdPerCredit * 1_000_000m;
        var step = (rates.Rounding == Rounding.Exact ? 0.000001m : 1m) * rates.UsdPerCredit * 1_000_000m;
        return charged >= exact && charged - exact < step;
    });

    [Fact]
    public void Whole_credits_are_whole() => ForAll((rates, counts) =>
        rates.Rounding != Rounding.Ceil
        || Quotes(rates, counts.More).All(quote => decimal.IsInteger(quote.Amount.ToDecimal())));

    // Most prices are multiplied and added as whole numbers of the last decimal, and the others as fractions. Here all of
    // them are fractions, over one denominator.
    [Fact]
    public void Every_line_is_exact_to_its_last_decimal_and_has_no_more_digits_than_it_needs() => ForAll((rates, counts) =>
    {
        var usd = rates.Models[0].Periods[0].Prices.Usd;
        var lines = (rates with { BaseFee = 0 }).Use("large", ("input_tokens", counts.Less), ("output_tokens", counts.More)).Quote().Lines;

        return Exact("input_tokens", counts.Less, usd[Meter.InputTokens]) && Exact("output_tokens", counts.More, usd[Meter.OutputTokens]);

        bool Exact(string item, long count, decimal price)
        {
            if (lines.FirstOrDefault(line => line.Item == item) is not { } line) return count == 0 || price == 0;

            var numerator = Digits(price) * Digits(rates.Markup);
            var denominator = Digits(rates.UsdPerCredit) * Digits(1_000_000m);
            return Digits(line.UnitPrice) == Digits(1m) * numerator / denominator
                && Digits(line.Amount) == Digits(1m) * numerator * count / denominator
                && line.Amount.Scale == (line.Amount / 1.0000000000000000000000000000m).Scale;
        }
    });

    // In quadrillionths, of which a line has all and a price of the catalog no parts.
    static BigInteger Digits(decimal value) => new(value * 1_000_000_000_000_000m);

    static void ForAll(Func<Rates, (long Less, long More), bool> holds) =>
        Prop.ForAll(
            AnyRates.Zip(TwoCounts).ToArbitrary(),
            pair => holds(pair.Item1, pair.Item2)).QuickCheckThrowOnFailure();

    static IEnumerable<Quote> Quotes(Rates rates, long count)
    {
        yield return rates.Use("large", ("input_tokens", count), ("output_tokens", count / 3)).Quote();
        yield return rates.Do("job", ("words", count / 7m)).Quote();
    }
}
