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

    static Decision Reverse(Wallet wallet, Lot? lot, Credits amount) =>
        Returning.Reverse(wallet, lot, new(amount, 1, "refund", "re_1"), Given.Noon);
}
