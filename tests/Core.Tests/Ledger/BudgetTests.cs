using Purser.Core.Ledger;

namespace Purser.Core.Tests.Ledger;

public sealed class BudgetTests
{
    static readonly DateTimeOffset Midnight = new(2026, 2, 1, 0, 0, 0, TimeSpan.Zero);

    public static TheoryData<string, Refusal> Refusals => new()
    {
        { "no amount, unknown", Refusal.AmountNotPositive },
        { "at least more than at most", Refusal.AmountTooLarge },
        { "expiry, unknown", Refusal.ExpiryNotInFuture },
        { "frozen, unknown", Refusal.CustomerFrozen },
        { "unknown", Refusal.BudgetUnknown },
        { "closed, exceeded", Refusal.BudgetClosed },
        { "exceeded, wallet too", Refusal.BudgetExceeded },
        { "wallet", Refusal.InsufficientCredits },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_hold_in_a_budget_is_refused_for_the_first_reason_that_applies(string of, Refusal why)
    {
        var place = Hold(51.Credits);
        var (wallet, budget, command) = of switch
        {
            "no amount, unknown" => (Given.Wallet, null, place with { Amount = 0.Credits }),
            "at least more than at most" => (Given.Wallet, null, place with { AtLeast = 52.Credits }),
            "expiry, unknown" => (Given.Wallet, null, place with { ExpiresIn = TimeSpan.Zero }),
            "frozen, unknown" => (Given.Wallet with { Frozen = true }, null, place),
            "unknown" => (Given.Wallet, null, place),
            "closed, exceeded" => (Given.Wallet, Given.Budget with { Closed = true }, place),
            "exceeded, wallet too" => (Given.Wallet with { Balance = 20.Credits }, Given.Budget, place),
            _ => (Given.Wallet with { Balance = 20.Credits }, Given.Budget, Hold(50.Credits)),
        };

        var refused = Assert.IsType<Decision.Refused>(Holding.Place(wallet, budget, command, Given.Noon));

        Assert.Equal(why, refused.Why);
    }

    [Fact]
    public void A_budget_that_is_exceeded_says_what_is_left_of_it_and_not_what_is_in_the_wallet()
    {
        var budget = Given.Budget with { Used = 20.Credits, Held = 25.Credits };

        var refused = Holding.Place(Given.Wallet, budget, Hold(6.Credits), Given.Noon);

        Assert.Equal(new Decision.Refused(Refusal.BudgetExceeded, 6.Credits, 5.Credits), refused);
    }

    // What is there in the wallet and left of the budget, what is asked for and the least of it, and what is held.
    [Theory]
    [InlineData(100, 50, 40, 10, 40)]
    [InlineData(30, 50, 40, 10, 30)]
    [InlineData(100, 20, 40, 10, 20)]
    [InlineData(15, 20, 40, 10, 15)]
    [InlineData(10, 20, 40, 10, 10)]
    [InlineData(100, 10, 40, 10, 10)]
    [InlineData(100, null, 40, 10, 40)]
    [InlineData(0, 50, 40, 0, 0)]
    public void A_hold_that_may_be_smaller_takes_what_is_there(int wallet, int? left, int amount, int atLeast, int held)
    {
        var placed = Assert.IsType<Decision.Recorded>(Holding.Place(
            Given.Wallet with { Balance = wallet.Credits },
            Given.Budget with { Amount = left?.Credits },
            Hold(amount.Credits) with { AtLeast = atLeast.Credits },
            Given.Noon));

        Assert.Equal((held.Credits, held.Credits), (placed.Receipt.Amount, placed.Hold!.Amount));
        Assert.Equal(held.Credits, placed.After.Held);
    }

    [Theory]
    [InlineData(9, 50, Refusal.InsufficientCredits, 9)]
    [InlineData(100, 9, Refusal.BudgetExceeded, 9)]
    [InlineData(8, 9, Refusal.BudgetExceeded, 9)]
    public void A_hold_is_refused_by_the_least_that_would_do(int wallet, int left, Refusal why, int available)
    {
        var decision = Holding.Place(
            Given.Wallet with { Balance = wallet.Credits },
            Given.Budget with { Amount = left.Credits },
            Hold(40.Credits) with { AtLeast = 10.Credits },
            Given.Noon);

        Assert.Equal(new Decision.Refused(why, 10.Credits, available.Credits), decision);
    }

    // Of a hold of ten in a budget of fifty: what is used, what others used, and what is taken, missing, and used in the end.
    [Theory]
    [InlineData(4, 0, 4, 0, 4)]
    [InlineData(10, 40, 10, 0, 50)]
    [InlineData(30, 0, 30, 0, 30)]
    [InlineData(30, 25, 25, 5, 50)]
    [InlineData(30, 40, 10, 20, 50)]
    public void A_capture_takes_no_more_than_the_budget_has_room_for(int used, int before, int taken, int missing, int after)
    {
        var budget = Given.Budget with { Used = before.Credits };
        var account = Account(budget);
        account.Run(Hold(10.Credits), Given.Noon);

        var captured = Assert.IsType<Decision.Recorded>(account.Run(new Command.Capture(1, used.Credits, null), Given.Noon));

        Assert.Equal((taken.Credits, missing.Credits), (captured.Receipt.Amount, captured.Receipt.Missing));
        Assert.Equal((after.Credits, 0.Credits), Counted(account));
    }

    [Fact]
    public void A_capture_takes_no_more_than_the_wallet_has_though_the_budget_has_room()
    {
        var account = Account(Given.Budget, Given.Wallet with { Balance = 15.Credits });
        account.Run(Hold(10.Credits), Given.Noon);

        var captured = Assert.IsType<Decision.Recorded>(account.Run(new Command.Capture(1, 40.Credits, null), Given.Noon));

        Assert.Equal((15.Credits, 25.Credits), (captured.Receipt.Amount, captured.Receipt.Missing));
        Assert.Equal((15.Credits, 0.Credits), Counted(account));
    }

    [Fact]
    public void Of_a_closed_budget_a_capture_takes_no_more_than_was_held()
    {
        var hold = Given.Hold with { HeldIn = new(Given.Budget.Id, Given.Budget.PeriodStart) };
        var budget = Given.Budget with { Held = 40.Credits, Closed = true };
        var wallet = Given.Wallet with { Held = 40.Credits, Holds = 1 };

        var captured = Assert.IsType<Decision.Recorded>(Holding.Capture(wallet, hold, budget, new(1, 45.Credits, null), Given.Noon));

        Assert.Equal((40.Credits, 5.Credits), (captured.Receipt.Amount, captured.Receipt.Missing));
    }

    [Theory]
    [InlineData("release")]
    [InlineData("expiry")]
    public void What_is_given_back_to_the_wallet_is_given_back_to_the_budget(string how)
    {
        var account = Account(Given.Budget);
        account.Run(Hold(10.Credits), Given.Noon);
        Assert.Equal((0.Credits, 10.Credits), Counted(account));

        if (how == "release") account.Run(new Command.Release(1), Given.Noon);
        else account.Run(new Command.ExpireHold(1), Given.Noon.AddMinutes(5));

        Assert.Equal((0.Credits, 0.Credits), Counted(account));
    }

    [Theory]
    [InlineData(BudgetPeriod.Month, "2026-01-31T23:59:59.999999Z", "2026-01-01")]
    [InlineData(BudgetPeriod.Month, "2026-02-01T00:00:00Z", "2026-02-01")]
    [InlineData(BudgetPeriod.Month, "2026-02-01T01:00:00+02:00", "2026-01-01")]
    [InlineData(BudgetPeriod.Month, "2027-03-15T12:00:00Z", "2027-03-01")]
    [InlineData(BudgetPeriod.Day, "2026-01-01T23:59:59.999999Z", "2026-01-01")]
    [InlineData(BudgetPeriod.Day, "2026-01-02T00:00:00Z", "2026-01-02")]
    [InlineData(BudgetPeriod.Total, "2036-01-02T00:00:00Z", "1970-01-01")]
    public void A_period_is_of_the_calendar_of_utc(BudgetPeriod period, string now, string start)
    {
        var budget = Budget.Open(Given.Budget.Id, period, 50.Credits, Given.Noon) with { Used = 20.Credits, Held = 10.Credits };

        var later = budget.AsOf(DateTimeOffset.Parse(now, null));

        Assert.Equal(DateOnly.Parse(start, null), later.PeriodStart);
        Assert.Equal(later.PeriodStart == budget.PeriodStart ? 20.Credits : 50.Credits, later.Left);
    }

    [Fact]
    public void A_period_does_not_go_back_with_a_clock() =>
        Assert.Equal(Given.Budget, Given.Budget.AsOf(Given.Noon.AddMonths(-1)));

    [Fact]
    public void A_new_period_begins_with_the_whole_budget()
    {
        var account = Account(Given.Budget);
        account.Run(Hold(50.Credits), Midnight.AddMinutes(-1));

        Assert.IsType<Decision.Refused>(account.Run(Hold(1.Credits), Midnight.AddMicroseconds(-1)));
        Assert.IsType<Decision.Recorded>(account.Run(Hold(50.Credits), Midnight));
    }

    [Theory]
    [InlineData("capture")]
    [InlineData("release")]
    [InlineData("expiry")]
    public void What_becomes_of_a_hold_of_an_earlier_period_changes_nothing_in_the_new_one(string how)
    {
        var account = Account(Given.Budget);
        account.Run(Hold(30.Credits), Midnight.AddMinutes(-1));
        account.Run(Hold(20.Credits), Midnight);

        account.Run(how switch
        {
            "capture" => new Command.Capture(1, 25.Credits, null),
            "release" => new Command.Release(1),
            _ => new Command.ExpireHold(1),
        }, Midnight.AddMinutes(how == "expiry" ? 4 : 1));

        Assert.Equal((0.Credits, 20.Credits), Counted(account));
    }

    [Fact]
    public void A_capture_beyond_a_hold_of_an_earlier_period_takes_no_more_than_was_held()
    {
        var account = Account(Given.Budget);
        account.Run(Hold(30.Credits), Midnight.AddMinutes(-1));

        var captured = Assert.IsType<Decision.Recorded>(account.Run(new Command.Capture(1, 35.Credits, null), Midnight));

        Assert.Equal((30.Credits, 5.Credits), (captured.Receipt.Amount, captured.Receipt.Missing));
        Assert.Equal((0.Credits, 0.Credits), Counted(account));
    }

    [Fact]
    public void A_budget_without_a_limit_counts_nothing()
    {
        var account = Account(Given.Budget with { Amount = null });

        account.Run(Hold(60.Credits), Given.Noon);
        var captured = Assert.IsType<Decision.Recorded>(account.Run(new Command.Capture(1, 90.Credits, null), Given.Noon));

        Assert.Equal(90.Credits, captured.Receipt.Amount);
        Assert.Empty(account.ChangedBudgets);
    }

    static Command.PlaceHold Hold(Credits amount) =>
        new(amount, TimeSpan.FromMinutes(5), null, null, null, Budget: Given.Budget.Id);

    static Account Account(Budget budget, Wallet? wallet = null) => new(wallet ?? Given.Wallet, [], [budget], lots: null);

    static (Credits Used, Credits Held) Counted(Account account)
    {
        var budget = Assert.Single(account.ChangedBudgets);
        return (budget.Used, budget.Held);
    }
}
