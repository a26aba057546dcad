using Purser.Core.Ledger;

namespace Purser.Core.Tests.Ledger;

public sealed class SpendingTests
{
    [Fact]
    public void A_charge_may_take_all_that_is_available()
    {
        var decision = Charge(Given.Wallet with { Held = 40.Credits }, 60.Credits);

        var recorded = Assert.IsType<Decision.Recorded>(decision);
        Assert.Equal(40.Credits, recorded.After.Balance);
        Assert.Equal(0.Credits, recorded.After.Available);
        Assert.Equal(-60.Credits, Assert.Single(recorded.Entries).Amount);
    }

    public static TheoryData<string, Refusal> Refusals => new()
    {
        { "nothing", Refusal.AmountNotPositive },
        { "negative", Refusal.AmountNotPositive },
        { "too large", Refusal.AmountTooLarge },
        { "frozen", Refusal.CustomerFrozen },
        { "frozen and too much", Refusal.CustomerFrozen },
        { "more than is available", Refusal.InsufficientCredits },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_charge_is_refused_for_the_first_reason_that_applies(string of, Refusal why)
    {
        var (wallet, amount) = of switch
        {
            "nothing" => (Given.Wallet, 0.Credits),
            "negative" => (Given.Wallet with { Frozen = true }, -1.Credits),
            "too large" => (Given.Wallet with { Frozen = true }, Credits.Max + new Credits(1)),
            "frozen" => (Given.Wallet with { Frozen = true }, 1.Credits),
            "frozen and too much" => (Given.Wallet with { Frozen = true }, 101.Credits),
            _ => (Given.Wallet with { Held = 40.Credits }, 60.Credits + new Credits(1)),
        };

        Assert.Equal(why, Assert.IsType<Decision.Refused>(Charge(wallet, amount)).Why);
    }

    [Fact]
    public void A_refusal_says_what_was_needed_and_what_is_there()
    {
        var refused = Assert.IsType<Decision.Refused>(Charge(Given.Wallet, 250.Credits));

        Assert.Equal((250.Credits, 100.Credits), (refused.Required, refused.Available));
    }

    [Fact]
    public void Only_a_priced_charge_may_be_for_nothing()
    {
        var free = Spending.Charge(Given.Wallet, new(0.Credits, "{}", null, null), Given.Noon);

        Assert.IsType<Decision.Recorded>(free);
    }

    [Fact]
    public void An_entry_carries_the_number_the_balance_and_the_time_that_follow()
    {
        var wallet = Given.Wallet with { At = Given.Noon };

        var entry = Assert.Single(Assert.IsType<Decision.Recorded>(Charge(wallet, 30.Credits)).Entries);

        Assert.Equal(new EntryId(wallet.Id, 2), entry.Id);
        Assert.Equal(70.Credits, entry.Balance);
        // A clock that stands still, or runs back on another server, does not undo the order.
        Assert.Equal(Given.Noon.AddMicroseconds(1), entry.At);
    }

    static Decision Charge(Wallet wallet, Credits amount) =>
        Spending.Charge(wallet, new(amount, null, "chapter", "job_7"), Given.Noon);
}
