using Purser.Core.Ledger;

namespace Purser.Core.Tests.Ledger;

public sealed class HoldingTests
{
    static readonly Wallet Holding = Given.Wallet with { Held = 40.Credits, Holds = 1 };

    [Fact]
    public void A_hold_reserves_and_takes_nothing()
    {
        var placed = Placed(Given.Wallet, 60.Credits);

        Assert.Equal((100.Credits, 60.Credits), (placed.After.Balance, placed.After.Held));
        Assert.Empty(placed.Entries);
        Assert.Equal(Given.Noon.AddMinutes(5), placed.Hold!.ExpiresAt);
    }

    [Theory]
    [InlineData(0, false, 5, Refusal.AmountNotPositive)]
    [InlineData(101, false, 0, Refusal.ExpiryNotInFuture)]
    [InlineData(101, true, 5, Refusal.CustomerFrozen)]
    [InlineData(101, false, 5, Refusal.InsufficientCredits)]
    public void A_hold_is_refused_for_the_first_reason_that_applies(int amount, bool frozen, int minutes, Refusal why)
    {
        var place = new Command.PlaceHold(amount.Credits, TimeSpan.FromMinutes(minutes), null, null, null);

        var decision = Purser.Core.Ledger.Holding.Place(Given.Wallet with { Frozen = frozen }, null, place, Given.Noon);

        Assert.Equal(why, Assert.IsType<Decision.Refused>(decision).Why);
    }

    // Of a hundred credits forty are held: what a capture takes, gives back and misses.
    [Theory]
    [InlineData(0, 0, 40, 0, 100)]
    [InlineData(25, 25, 15, 0, 75)]
    [InlineData(40, 40, 0, 0, 60)]
    [InlineData(70, 70, 0, 0, 30)]
    [InlineData(100, 100, 0, 0, 0)]
    [InlineData(130, 100, 0, 30, 0)]
    public void A_capture_takes_what_was_used_and_says_what_is_missing(int used, int taken, int released, int shortfall, int left)
    {
        var captured = Assert.IsType<Decision.Recorded>(Capture(Holding, Given.Hold, used.Credits));

        Assert.Equal(taken.Credits, captured.Receipt.Amount);
        Assert.Equal(released.Credits, captured.Receipt.Rest);
        Assert.Equal(shortfall.Credits, captured.Receipt.Missing);
        Assert.Equal((left.Credits, 0.Credits), (captured.After.Balance, captured.After.Held));
        Assert.Equal(shortfall.Credits, Assert.Single(captured.Entries).Shortfall);
        Assert.Equal(HoldState.Captured, captured.Hold!.State);
    }

    [Fact]
    public void A_capture_never_touches_what_others_hold()
    {
        var wallet = Given.Wallet with { Held = 90.Credits, Holds = 2 };

        var captured = Assert.IsType<Decision.Recorded>(Capture(wallet, Given.Hold, 100.Credits));

        Assert.Equal((50.Credits, 50.Credits), (captured.After.Balance, captured.After.Held));
        Assert.Equal(50.Credits, captured.Receipt.Missing);
    }

    [Fact]
    public void Of_a_frozen_wallet_a_capture_takes_no_more_than_was_held()
    {
        var captured = Assert.IsType<Decision.Recorded>(Capture(Holding with { Frozen = true }, Given.Hold, 70.Credits));

        Assert.Equal((40.Credits, 30.Credits), (captured.Receipt.Amount, captured.Receipt.Missing));
    }

    [Theory]
    [InlineData(HoldState.Captured, Refusal.HoldCaptured)]
    [InlineData(HoldState.Released, Refusal.HoldReleased)]
    [InlineData(HoldState.Expired, Refusal.HoldExpired)]
    public void A_hold_that_has_ended_is_not_captured(HoldState state, Refusal why)
    {
        var decision = Capture(Holding, Given.Hold with { State = state }, 1.Credits);

        Assert.Equal(why, Assert.IsType<Decision.Refused>(decision).Why);
    }

    [Fact]
    public void A_hold_past_its_time_is_not_captured_even_if_nobody_expired_it_yet()
    {
        var decision = Capture(Holding, Given.Hold with { ExpiresAt = Given.Noon }, 1.Credits);

        Assert.Equal(Refusal.HoldExpired, Assert.IsType<Decision.Refused>(decision).Why);
    }

    [Fact]
    public void An_unknown_hold_is_refused_before_its_amount_is_looked_at() =>
        Assert.Equal(Refusal.HoldUnknown, Assert.IsType<Decision.Refused>(Capture(Holding, null, -1.Credits)).Why);

    [Fact]
    public void A_release_gives_all_of_it_back()
    {
        var released = Assert.IsType<Decision.Recorded>(Release(Holding, Given.Hold));

        Assert.Equal((40.Credits, 100.Credits), (released.Receipt.Rest, released.Receipt.Available));
        Assert.Equal(0.Credits, released.After.Held);
    }

    [Fact]
    public void A_second_release_answers_as_the_first_though_the_wallet_has_moved_on()
    {
        var first = Assert.IsType<Decision.Recorded>(Release(Holding, Given.Hold));
        var later = first.After with { Balance = 5.Credits };

        var second = Assert.IsType<Decision.Recorded>(Release(later, first.Hold));

        Assert.Equal((40.Credits, 100.Credits), (second.Receipt.Rest, second.Receipt.Available));
        Assert.Equal(later, second.After);
    }

    [Theory]
    [InlineData(HoldState.Captured, Refusal.HoldCaptured)]
    [InlineData(HoldState.Expired, Refusal.HoldExpired)]
    public void A_hold_that_ended_otherwise_is_not_released(HoldState state, Refusal why) =>
        Assert.Equal(why, Assert.IsType<Decision.Refused>(Release(Holding, Given.Hold with { State = state })).Why);

    [Fact]
    public void Only_an_overdue_open_hold_expires()
    {
        Assert.Null(Purser.Core.Ledger.Holding.Expire(Holding, Given.Hold, Given.Noon));
        Assert.Null(Purser.Core.Ledger.Holding.Expire(Holding, Given.Hold with { State = HoldState.Captured }, Given.Noon.AddDays(1)));

        var expired = Purser.Core.Ledger.Holding.Expire(Holding, Given.Hold, Given.Hold.ExpiresAt);

        Assert.Equal(0.Credits, expired!.After.Held);
        Assert.Equal(HoldState.Expired, expired.Hold!.State);
    }

    static Decision.Recorded Placed(Wallet wallet, Credits amount) => Assert.IsType<Decision.Recorded>(
        Purser.Core.Ledger.Holding.Place(wallet, null, new(amount, TimeSpan.FromMinutes(5), null, null, null), Given.Noon));

    static Decision Capture(Wallet wallet, Hold? hold, Credits used) =>
        Purser.Core.Ledger.Holding.Capture(wallet, hold, null, new(1, used, null), Given.Noon);

    static Decision Release(Wallet wallet, Hold? hold) => Purser.Core.Ledger.Holding.Release(wallet, hold, Given.Noon);

    [Theory]
    [InlineData(30, false, 30)]
    [InlineData(100, false, 60)]
    [InlineData(100, true, 60)]
    [InlineData(0, false, 0)]
    public void What_is_set_aside_is_what_is_there_of_a_frozen_wallet_too(int atMost, bool frozen, int amount)
    {
        var wallet = Given.Wallet with { Held = 40.Credits, Frozen = frozen };

        var aside = Assert.IsType<Decision.Recorded>(Purser.Core.Ledger.Holding.SetAside(wallet, new(atMost.Credits, "dispute", "dp_1"), Given.Noon));

        Assert.Equal((amount.Credits, (40 + amount).Credits), (aside.Receipt.Amount, aside.After.Held));
        Assert.Empty(aside.Entries);
    }
}
