using Purser.Core.Gateway;
using Purser.Core.Pricing;
using Purser.Core.Tests.Pricing;

namespace Purser.Core.Tests.Gateway;

public sealed class BillingTests
{
    static readonly RateCard Rates = new(1, Tariff.Rates with { Models = [Tariff.Model] });

    [Theory]
    [InlineData(5, true)]
    [InlineData(1_000, false)]
    public void A_guess_never_costs_more_than_was_held_and_its_lines_add_up_to_it(int held, bool capped)
    {
        var guess = new MeterCounts { [Meter.InputTokens] = 10_000, [Meter.OutputTokens] = 2_000 };

        var bill = Billing.Of(Call(held), new Settlement.Estimate(guess), serviceTier: null);

        var amount = capped ? held : 40;
        Assert.Equal((decimal)amount, bill.Amount.ToDecimal());
        Assert.Equal((decimal)amount, bill.Quote!.Lines.Sum(line => line.Amount));
        Assert.Equal(capped, bill.Quote.Lines.Any(line => line.Item == "hold_limit"));
    }

    [Fact]
    public void What_a_provider_reports_is_charged_whatever_was_held()
    {
        var used = new MeterCounts { [Meter.OutputTokens] = 2_000 };

        var bill = Billing.Of(Call(held: 5), new Settlement.Exact(used), serviceTier: null);

        Assert.Equal(20m, bill.Amount.ToDecimal());
    }

    static PricedCall Call(int held) => new(Rates, Rates.Model(Tariff.Model.FullName)!, Given.Noon, OwnKey: false, Credits.Of(held));
}
