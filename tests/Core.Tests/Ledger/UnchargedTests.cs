using Purser.Core.Ledger;

namespace Purser.Core.Tests.Ledger;

/// <summary>While charging is switched off: work goes on, its price is recorded, and nothing is taken.</summary>
public sealed class UnchargedTests
{
    static readonly Wallet Holding = Given.Wallet with { Held = 40.Credits, Holds = 1 };

    [Fact]
    public void A_charge_records_its_price_and_takes_nothing_however_little_is_there()
    {
        var recorded = Recorded(Spending.Charge(Given.Wallet, new(500.Credits, "{}", "chapter", null) { Uncharged = true }, Given.Noon));

        var entry = Assert.Single(recorded.Entries);
        Assert.Equal((EntryKind.Charge, 0.Credits, "{}"), (entry.Kind, entry.Amount, entry.Quote));
        Assert.Equal((100.Credits, 0.Credits, 0.Credits), (recorded.After.Balance, recorded.Receipt.Amount, recorded.Receipt.Missing));
    }

    [Theory]
    [InlineData(0, false, Refusal.AmountNotPositive)]
    [InlineData(1, true, Refusal.CustomerFrozen)]
    public void It_is_refused_for_what_is_wrong_with_it_all_the_same(int amount, bool frozen, Refusal why)
    {
        var decision = Spending.Charge(
            Given.Wallet with { Frozen = frozen }, new(amount.Credits, null, null, null) { Uncharged = true }, Given.Noon);

        Assert.Equal(why, Assert.IsType<Decision.Refused>(decision).Why);
    }

    [Fact]
    public void A_hold_holds_nothing_and_needs_nothing()
    {
        var placed = Recorded(Purser.Core.Ledger.Holding.Place(
            Given.Wallet with { Balance = 0.Credits }, null, new(60.Credits, TimeSpan.FromMinutes(5), null, null, null) { Uncharged = true }, Given.Noon));

        Assert.Equal((0.Credits, 0.Credits, true), (placed.Hold!.Amount, placed.After.Held, placed.Hold.Uncharged));
    }

    // Placed and captured while it was off, or switched over in between: only what both began and ended while it was on is charged.
    [Theory]
    [InlineData(false, false, 30)]
    [InlineData(false, true, 0)]
    [InlineData(true, false, 0)]
    [InlineData(true, true, 0)]
    public void A_capture_takes_something_only_if_charging_was_on_from_beginning_to_end(bool offBefore, bool offAfter, int taken)
    {
        var hold = Given.Hold with { Uncharged = offBefore, Amount = offBefore ? 0.Credits : 40.Credits };
        var wallet = Given.Wallet with { Held = hold.Amount, Holds = 1 };

        var captured = Recorded(Purser.Core.Ledger.Holding.Capture(wallet, hold, null, new(1, 30.Credits, "{}") { Uncharged = offAfter }, Given.Noon));

        Assert.Equal((taken.Credits, 0.Credits), (captured.Receipt.Amount, captured.Receipt.Missing));
        Assert.Equal(((100 - taken).Credits, 0.Credits), (captured.After.Balance, captured.After.Held));
        Assert.Equal(hold.Amount - taken.Credits, captured.Receipt.Rest);
        Assert.Equal((HoldState.Captured, taken.Credits), (captured.Hold!.State, captured.Hold.Captured));
    }

    [Fact]
    public void What_is_captured_while_it_is_off_is_no_shortfall()
    {
        var captured = Recorded(Purser.Core.Ledger.Holding.Capture(Holding, Given.Hold, null, new(1, 500.Credits, null) { Uncharged = true }, Given.Noon));

        Assert.Equal(0.Credits, Assert.Single(captured.Entries).Shortfall);
    }

    [Fact]
    public void Who_is_among_the_first_of_a_hundred_stays_among_them()
    {
        var percentiles = Enumerable.Range(0, 10_000).Select(number => WalletId.Of(CustomerId.Parse($"user_{number}", null)).Percentile).ToList();

        Assert.All(percentiles, percentile => Assert.InRange(percentile, 0, 99));
        // Of ten thousand, five percent are five hundred; four standard deviations are less than ninety.
        Assert.InRange(percentiles.Count(percentile => percentile < 5), 410, 590);
        Assert.InRange(percentiles.Count(percentile => percentile < 25), 2300, 2700);
        Assert.Equal(WalletId.Of(Given.Customer).Percentile, WalletId.Of(Given.Customer).Percentile);
    }

    static Decision.Recorded Recorded(Decision decision) => Assert.IsType<Decision.Recorded>(decision);
}
