using Purser.Core.Ledger;

namespace Purser.Core.Tests.Ledger;

public sealed class GrantingTests
{
    static readonly GrantTerms Bought = GrantTerms.Ordinary(GrantSource.Purchase);

    [Fact]
    public void A_grant_raises_the_balance_and_keeps_its_terms()
    {
        var terms = Bought with { Paid = new(999, "usd"), ExpiresAt = Given.Noon.AddDays(30) };

        var granted = Assert.IsType<Decision.Recorded>(Grant(Given.Wallet, 50.Credits, terms));

        Assert.Equal(150.Credits, granted.After.Balance);
        Assert.Equal(terms, Assert.Single(granted.Entries).Terms);
        Assert.Equal(terms.ExpiresAt, granted.After.LotsDue);
    }

    [Fact]
    public void A_frozen_wallet_takes_grants() =>
        Assert.IsType<Decision.Recorded>(Grant(Given.Wallet with { Frozen = true }, 1.Credits, Bought));

    [Fact]
    public void What_is_owed_is_paid_from_a_grant_first()
    {
        var granted = Assert.IsType<Decision.Recorded>(Grant(Given.Wallet with { Balance = 0.Credits, Owed = 30.Credits }, 50.Credits, Bought));

        Assert.Equal((20.Credits, 0.Credits), (granted.After.Balance, granted.After.Owed));
        Assert.Equal(20.Credits, granted.Receipt.Rest);
        Assert.Equal([50.Credits, -30.Credits], granted.Entries.Select(entry => entry.Amount));
        Assert.Equal(granted.Entries[0].Id.Seq, granted.Entries[1].Lot);
    }

    [Fact]
    public void A_grant_smaller_than_what_is_owed_goes_there_whole()
    {
        var granted = Assert.IsType<Decision.Recorded>(Grant(Given.Wallet with { Balance = 0.Credits, Owed = 80.Credits }, 50.Credits, Bought));

        Assert.Equal((0.Credits, 30.Credits, 0.Credits), (granted.After.Balance, granted.After.Owed, granted.Receipt.Rest));
    }

    [Theory]
    [InlineData(0, 0, Refusal.AmountNotPositive)]
    [InlineData(1, -1, Refusal.ExpiryNotInFuture)]
    [InlineData(1, 0, Refusal.ExpiryNotInFuture)]
    public void A_grant_is_refused_for_the_first_reason_that_applies(int amount, int expiresInDays, Refusal why)
    {
        var decision = Grant(Given.Wallet, amount.Credits, Bought with { ExpiresAt = Given.Noon.AddDays(expiresInDays) });

        Assert.Equal(why, Assert.IsType<Decision.Refused>(decision).Why);
    }

    [Fact]
    public void No_balance_grows_beyond_the_largest()
    {
        Assert.Equal(Refusal.BalanceTooLarge, Assert.IsType<Decision.Refused>(Grant(Given.Wallet, Credits.Max, Bought)).Why);
        Assert.Equal(Refusal.AmountTooLarge, Assert.IsType<Decision.Refused>(Grant(Given.Wallet, Credits.Max + 1.Credits, Bought)).Why);
    }

    [Fact]
    public void An_adjustment_up_makes_a_lot_and_one_down_burns()
    {
        var up = Assert.IsType<Decision.Recorded>(Adjust(Given.Wallet, 10.Credits));
        var down = Assert.IsType<Decision.Recorded>(Adjust(Given.Wallet, -10.Credits));

        Assert.Equal(GrantSource.Adjustment, up.Entries[0].Terms!.Source);
        Assert.Null(down.Entries[0].Terms);
        Assert.Equal((110.Credits, 90.Credits), (up.After.Balance, down.After.Balance));
    }

    [Fact]
    public void An_adjustment_takes_no_more_than_is_available()
    {
        var refused = Assert.IsType<Decision.Refused>(Adjust(Given.Wallet with { Held = 40.Credits }, -61.Credits));

        Assert.Equal((Refusal.InsufficientCredits, 61.Credits), (refused.Why, refused.Required));
    }

    [Fact]
    public void An_adjustment_by_nothing_is_refused() =>
        Assert.Equal(Refusal.AmountNotPositive, Assert.IsType<Decision.Refused>(Adjust(Given.Wallet, 0.Credits)).Why);

    // Forty and sixty of the plan stand, and thirty that were bought.
    [Theory]
    [InlineData(50, 200, 0, 0, 0)]
    [InlineData(50, 120, 0, 30, 0)]
    [InlineData(50, 100, 0, 40, 10)]
    [InlineData(50, 50, 0, 40, 60)]
    [InlineData(50, 20, 0, 40, 60)]
    [InlineData(50, 100, 20, 20, 30)]
    public void Older_credits_of_a_plan_make_room_under_its_cap(int amount, int cap, int held, int fromFirst, int fromSecond)
    {
        var plan = GrantTerms.Ordinary(GrantSource.Subscription);
        var lots = new Lots([
            new(1, plan, 40.Credits, 40.Credits, 0.Credits),
            new(2, plan, 60.Credits, 60.Credits, 0.Credits),
            new(3, GrantTerms.Ordinary(GrantSource.Purchase), 30.Credits, 30.Credits, 0.Credits)]);
        var wallet = Given.Wallet with { Balance = 130.Credits, Held = held.Credits, Seq = 3 };

        var granted = Assert.IsType<Decision.Recorded>(
            Granting.Grant(wallet, lots, new(amount.Credits, plan, null, null, cap.Credits), Given.Noon));

        Assert.Equal(fromFirst.Credits, -(granted.Entries.SingleOrDefault(entry => entry.Lot == 1)?.Amount ?? 0.Credits));
        Assert.Equal(fromSecond.Credits, -(granted.Entries.SingleOrDefault(entry => entry.Lot == 2)?.Amount ?? 0.Credits));
        Assert.DoesNotContain(granted.Entries, entry => entry.Lot == 3);
        Assert.Equal((130 + amount - fromFirst - fromSecond).Credits, granted.After.Balance);
        Assert.Equal(granted.Entries[^1].Id.Seq, granted.Receipt.Entry);
    }

    static Decision Grant(Wallet wallet, Credits amount, GrantTerms terms) =>
        Granting.Grant(wallet, null, new(amount, terms, null, null), Given.Noon);

    static Decision Adjust(Wallet wallet, Credits amount) => Granting.Adjust(wallet, new(amount, "goodwill"), Given.Noon);
}
