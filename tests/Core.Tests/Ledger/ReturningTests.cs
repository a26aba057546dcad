using Purser.Core.Ledger;

namespace Purser.Core.Tests.Ledger;

public sealed class ReturningTests
{
    static readonly Lot Bought = new(1, GrantTerms.Ordinary(GrantSource.Purchase), 100.Credits, 100.Credits, 0.Credits);

    // Of a hundred credits forty are held.
    [Theory]
    [InlineData(60, 60, 0)]
    [InlineData(61, 60, 1)]
    [InlineData(100, 60, 40)]
    public void A_reversal_takes_what_is_available_and_the_rest_is_owed(int amount, int taken, int owed)
    {
        var reversed = Assert.IsType<Decision.Recorded>(Reverse(Given.Wallet with { Held = 40.Credits }, Bought, amount.Credits));

        Assert.Equal((taken.Credits, owed.Credits), (reversed.Receipt.Amount, reversed.Receipt.Missing));
        Assert.Equal((100 - taken).Credits, reversed.After.Balance);
        Assert.Equal(owed.Credits, reversed.After.Owed);
    }

    [Fact]
    public void A_reversal_of_credits_all_spent_is_on_the_record_though_it_takes_nothing()
    {
        var reversed = Assert.IsType<Decision.Recorded>(Reverse(Given.Wallet with { Balance = 0.Credits }, Bought, 100.Credits));

        Assert.Equal((0.Credits, 100.Credits), (Assert.Single(reversed.Entries).Amount, reversed.Entries[0].Owed));
    }

    [Fact]
    public void No_grant_is_reversed_twice()
    {
        var once = Bought with { Reversed = 70.Credits };

        Assert.IsType<Decision.Recorded>(Reverse(Given.Wallet, once, 30.Credits));
        Assert.Equal(Refusal.ReversalExceedsGrant, Assert.IsType<Decision.Refused>(Reverse(Given.Wallet, once, 31.Credits)).Why);
    }

    [Theory]
    [InlineData(0, true, Refusal.AmountNotPositive)]
    [InlineData(0, false, Refusal.GrantUnknown)]
    public void A_reversal_is_refused_for_the_first_reason_that_applies(int amount, bool known, Refusal why) =>
        Assert.Equal(why, Assert.IsType<Decision.Refused>(Reverse(Given.Wallet, known ? Bought : null, amount.Credits)).Why);

    [Theory]
    [InlineData(40, 100, 0)]
    [InlineData(60, 100, 0)]
    public void What_was_set_aside_for_a_reversal_goes_with_it(int held, int taken, int owed)
    {
        var wallet = Given.Wallet with { Held = held.Credits };
        var aside = Given.Hold with { Amount = held.Credits };

        var reversed = Assert.IsType<Decision.Recorded>(
            Returning.Reverse(wallet, Bought, aside, new(100.Credits, 1, "lost", "dp_1", aside.Id.Number), Given.Noon));

        Assert.Equal((taken.Credits, owed.Credits), (reversed.Receipt.Amount, reversed.Receipt.Missing));
        Assert.Equal((0.Credits, 0.Credits), (reversed.After.Held, reversed.After.Balance));
        Assert.Equal((HoldState.Captured, taken.Credits), (reversed.Hold!.State, reversed.Hold.Captured));
    }

    [Theory]
    [InlineData(HoldState.Released, Refusal.HoldReleased)]
    [InlineData(HoldState.Captured, Refusal.HoldCaptured)]
    [InlineData(HoldState.Expired, Refusal.HoldExpired)]
    public void What_was_set_aside_is_used_once(HoldState state, Refusal why) => Assert.Equal(
        why,
        Assert.IsType<Decision.Refused>(Returning.Reverse(
            Given.Wallet, Bought, Given.Hold with { State = state }, new(1.Credits, 1, "lost", null, 1), Given.Noon)).Why);

    // Of a hundred that were reversed, sixty were there; forty are owed.
    [Theory]
    [InlineData(100, 60, 0)]
    [InlineData(40, 0, 0)]
    [InlineData(50, 10, 0)]
    [InlineData(30, 0, 10)]
    public void A_reversal_that_is_undone_pays_what_is_owed_first(int amount, int back, int owed)
    {
        var wallet = Given.Wallet with { Balance = 0.Credits, Owed = 40.Credits };
        var lot = Bought with { Remaining = 0.Credits, Reversed = 100.Credits };

        var restored = Assert.IsType<Decision.Recorded>(
            Returning.Restore(wallet, lot, new(amount.Credits, 1, "refund failed", "re_1"), Given.Noon));

        Assert.Equal((back.Credits, owed.Credits), (restored.After.Balance, restored.After.Owed));
        Assert.Equal((EntryKind.Reversal, 1L), (restored.Entries[0].Kind, restored.Entries[0].Lot));
        Assert.Null(restored.Entries[0].Terms);
    }

    // Of the hundred that were reversed three were taken from the lot; the rest was owed, and paid from another one since.
    [Fact]
    public void What_a_lot_cannot_hold_comes_back_as_a_lot_on_the_same_terms()
    {
        var lot = Bought with { Remaining = 97.Credits, Reversed = 100.Credits };

        var restored = Assert.IsType<Decision.Recorded>(
            Returning.Restore(Given.Wallet, lot, new(100.Credits, 1, "won", null), Given.Noon));

        Assert.Equal([3.Credits, 97.Credits], restored.Entries.Select(entry => entry.Amount));
        Assert.Equal([null, lot.Terms with { Paid = null }], restored.Entries.Select(entry => entry.Terms));
        Assert.Equal(200.Credits, restored.After.Balance);
    }

    [Fact]
    public void A_restored_lot_that_expires_is_due_again()
    {
        var expiring = Bought with
        {
            Terms = Bought.Terms with { ExpiresAt = Given.Noon.AddHours(1) }, Remaining = 90.Credits, Reversed = 10.Credits,
        };

        var restored = Assert.IsType<Decision.Recorded>(
            Returning.Restore(Given.Wallet, expiring, new(10.Credits, 1, "refund failed", null), Given.Noon));

        Assert.Equal(Given.Noon.AddHours(1), restored.After.LotsDue);
    }

    [Theory]
    [InlineData(11, true, Refusal.RestoreExceedsReversal)]
    [InlineData(0, true, Refusal.AmountNotPositive)]
    [InlineData(1, false, Refusal.GrantUnknown)]
    public void No_more_is_restored_than_was_reversed(int amount, bool known, Refusal why) => Assert.Equal(
        why,
        Assert.IsType<Decision.Refused>(Returning.Restore(
            Given.Wallet, known ? Bought with { Reversed = 10.Credits } : null, new(amount.Credits, 1, "won", null), Given.Noon)).Why);

    static Decision Reverse(Wallet wallet, Lot? lot, Credits amount) =>
        Returning.Reverse(wallet, lot, null, new(amount, 1, "refund", "re_1"), Given.Noon);
}
