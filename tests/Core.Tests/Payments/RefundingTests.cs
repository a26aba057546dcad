using FsCheck;
using FsCheck.Fluent;
using Purser.Core.Payments;

namespace Purser.Core.Tests.Payments;

public sealed class RefundingTests
{
    static readonly RefundFacts Paid = new(
        IsPaid: true, Disputed: false, 999, 999, 0, 0.Credits, [new(1, 9_990.Credits, 9_990.Credits, 0.Credits)]);

    [Theory]
    [InlineData(9_990, 999)]
    [InlineData(4_995, 499)]
    [InlineData(10, 1)]
    [InlineData(9_980, 998)]
    public void What_is_unspent_goes_back_at_what_was_paid_for_it(int unspent, long minor)
    {
        var facts = Paid with { Lots = [new(1, 9_990.Credits, unspent.Credits, 0.Credits)] };

        Assert.Equal(new RefundDecision.Refund(minor, unspent.Credits), Refunding.Decide(facts, null, null, unspent.Credits));
    }

    [Fact]
    public void What_is_held_for_something_else_stays() => Assert.Equal(
        new RefundDecision.Refund(100, 1_000.Credits), Refunding.Decide(Paid, null, null, available: 1_000.Credits));

    [Theory]
    [InlineData(false, false, null, null, RefundRefusal.NotPaid)]
    [InlineData(true, true, null, null, RefundRefusal.Disputed)]
    [InlineData(true, false, 0, null, RefundRefusal.AmountNotPositive)]
    [InlineData(true, false, null, 0, RefundRefusal.AmountNotPositive)]
    [InlineData(true, false, 9_991, null, RefundRefusal.CreditsExceedGranted)]
    [InlineData(true, false, null, 1_000, RefundRefusal.MoneyExceedsPaid)]
    [InlineData(true, false, 9_991, 1_000, RefundRefusal.MoneyExceedsPaid)]
    [InlineData(true, false, 1, null, RefundRefusal.NothingLeft)]
    public void A_refund_is_refused_for_the_first_reason_that_applies(
        bool paid, bool disputed, int? credits, int? minor, RefundRefusal why)
    {
        var facts = Paid with { IsPaid = paid, Disputed = disputed };

        var decided = Refunding.Decide(facts, credits is { } given ? given.Credits : null, minor, 9_990.Credits);

        Assert.Equal(new RefundDecision.Refused(why), decided);
    }

    // In any pieces, by credits or by money: never more than was paid, never more than was granted, and all of it in the end.
    [Fact]
    public void Piece_by_piece_no_more_goes_back_than_came()
    {
        var orders =
            from paid in Gen.Choose(1, 5_000)
            from granted in Gen.Choose(1, 5_000)
            from steps in Gen.Choose(-3_000, 3_000).ArrayOf()
            select (Paid: (long)paid, Granted: new Credits(granted), Steps: steps);
        Prop.ForAll(orders.ToArbitrary(), order =>
        {
            var facts = new RefundFacts(true, false, order.Paid, order.Paid, 0, default, [new(1, order.Granted, order.Granted, default)]);
            foreach (var step in order.Steps)
                facts = After(facts, Refunding.Decide(facts, step > 0 ? new Credits(step) : null, step < 0 ? -step : null, order.Granted));
            Assert.InRange(facts.Refunded, 0, order.Paid);
            Assert.InRange(facts.Returned.Micros, 0, order.Granted.Micros);

            // The rest of the credits brings the rest of the money, or all but what their rounding left.
            var untouched = facts.Refunded == 0;
            facts = After(facts, Refunding.Decide(facts, facts.Granted - facts.Returned, null, order.Granted));
            if (untouched) Assert.Equal(order.Paid, facts.Refunded);
            facts = After(facts, Refunding.Decide(facts, null, order.Paid - facts.Refunded, order.Granted));
            Assert.Equal((order.Paid, order.Granted), (facts.Refunded, facts.Returned));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Youngest_lots_go_first_and_none_more_than_it_brought()
    {
        RefundableLot[] lots =
        [
            new(1, 10.Credits, 0.Credits, 0.Credits), new(5, 10.Credits, 0.Credits, 4.Credits), new(3, 10.Credits, 0.Credits, 10.Credits),
        ];

        Assert.Equal([(5L, 6.Credits), (1L, 3.Credits)], Refunding.Spread(lots, 9.Credits));
    }

    // A year of 120 for 1,200, two months in, a half of the second one spent.
    static readonly RefundFacts Year = new(
        IsPaid: true, Disputed: false, 12_000, 12_000, 0, 0.Credits, [new(1, 10.Credits, 0.Credits, 0.Credits), new(2, 10.Credits, 5.Credits, 0.Credits)])
    {
        Coming = 100.Credits,
    };

    [Fact]
    public void Months_that_have_not_begun_are_unspent() =>
        Assert.Equal(new RefundDecision.Refund(10_500, 105.Credits), Refunding.Decide(Year, null, null, 5.Credits));

    [Fact]
    public void A_credit_of_a_year_is_worth_its_share_of_the_whole_year() =>
        Assert.Equal(new RefundDecision.Refund(500, 5.Credits), Refunding.Decide(Year, 5.Credits, null, 5.Credits));

    [Fact]
    public void Months_to_come_go_before_credits_that_have_come()
    {
        Assert.Equal((60.Credits, 0.Credits), (Refunding.Spread(Year, 60.Credits).Coming, Refunding.Spread(Year, 60.Credits).InWallet));
        Assert.Equal([(2L, 10.Credits), (1L, 2.Credits)], Refunding.Spread(Year, 112.Credits).Lots);
    }

    // Some of it was given back otherwise: what is left of the credits is worth what is left of the money.
    [Fact]
    public void Credits_are_worth_no_more_than_they_cost()
    {
        var facts = Paid with { Cost = 500 };

        Assert.Equal(new RefundDecision.Refund(500, 9_990.Credits), Refunding.Decide(facts, null, null, 9_990.Credits));
        Assert.Equal(new RefundDecision.Refund(999, 9_990.Credits), Refunding.Decide(facts, null, 999, 9_990.Credits));
    }

    [Fact]
    public void Money_goes_back_in_the_steps_of_its_currency() => Assert.Equal(
        new RefundDecision.Refund(490, 4_995.Credits), Refunding.Decide(Paid with { Step = 10 }, null, null, 4_995.Credits));

    [Fact]
    public void Of_no_money_at_all_what_is_missing_follows() =>
        Assert.Equal(9_990.Credits, Refunding.Followed(Paid with { Refunded = 999 }, 0));

    // Totals of a subscription's invoices, oldest first, and what was paid of them.
    [Theory]
    [InlineData("199:199", "0")]
    [InlineData("199:199 0:-150", "150 0")]
    [InlineData("20:20 30:30 0:-40", "10 30 0")]
    [InlineData("199:199 0:-150 0:49", "150 0 0")]
    [InlineData("199:199 0:-150 0:150 0:-150", "199 0 0 0")]
    [InlineData("10:10 0:-50", "10 0")]
    public void What_an_invoice_gives_back_is_gone_of_the_youngest_orders_before_it(string orders, string givenBack)
    {
        var read = orders.Split(' ').Select(order => order.Split(':').Select(int.Parse).ToArray())
            .Select(order => ((long)order[0], (long)order[1]));

        Assert.Equal(givenBack, string.Join(' ', Refunding.GivenBack([.. read])));
    }

    static RefundFacts After(RefundFacts facts, RefundDecision decision) => decision is RefundDecision.Refund refund
        ? facts with { Refunded = facts.Refunded + refund.Minor, Returned = facts.Returned + refund.Credits }
        : facts;
}
