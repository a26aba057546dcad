using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Ledger.TwoLanes;

namespace Purser.Server.Tests.Ledger;

public sealed class BudgetTests(TwoLanes servers) : IClassFixture<TwoLanes>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_a_thousand_holds_at_once_exactly_those_are_accepted_that_the_budget_affords()
    {
        var (wallet, budget) = await GivenBudget(10_000, BudgetPeriod.Month, 100);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(i =>
            servers.Lanes[i % 2].Run(wallet, Hold(1, budget), key: null, servers.Now)));

        Assert.Equal(100, outcomes.Count(outcome => outcome is Outcome.Done));
        Assert.All(
            outcomes.OfType<Outcome.Refused>(),
            refused => Assert.Equal((Refusal.BudgetExceeded, Credits.Of(1), Credits.Zero), (refused.Why, refused.Required, refused.Available)));
        Assert.Equal((0m, 100m), await Counted(wallet, budget));
        await Wallets.AssertProven(servers.App.ConnectionString);
    }

    [Fact]
    public async Task Holds_captures_and_releases_of_several_budgets_at_once_count_every_credit_once()
    {
        var wallet = await servers.GivenWallet(2_000);
        var budgets = new List<Id<Budget>?> { null };
        foreach (var limit in new decimal?[] { 150, 150, null }) budgets.Add(await Budget(wallet, BudgetPeriod.Day, limit));

        await Task.WhenAll(Enumerable.Range(0, 800).Select(async i =>
        {
            var lanes = servers.Lanes[i % 2];
            if (await lanes.Run(wallet, Hold(2, budgets[i % 4]), null, servers.Now) is not Outcome.Done { Receipt: var hold }) return;

            // A third of them ask for more than they held.
            Command end = (i % 3) switch
            {
                0 => new Command.Release(hold.Hold!.Value),
                1 => Capture(hold, 1),
                _ => Capture(hold, 3),
            };
            Assert.IsType<Outcome.Done>(await servers.Lanes[i / 4 % 2].Run(wallet, end, null, servers.Now));
        }));

        foreach (var budget in budgets.OfType<Id<Budget>>()) Assert.Equal(0m, (await Counted(wallet, budget)).Held);
        await Wallets.AssertProven(servers.App.ConnectionString);
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(null)]
    public async Task From_the_moment_a_budget_is_closed_no_server_places_a_hold_in_it(int? limit)
    {
        var (wallet, budget) = await GivenBudget(1_000_000, BudgetPeriod.Total, limit * 100);
        var closed = false;
        var placing = Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            while (true)
            {
                // Asked before the closing: either is right. Asked after it: only one is.
                var late = Volatile.Read(ref closed);
                var outcome = await servers.Lanes[i % 2].Run(wallet, Hold(1, budget), null, servers.Now);
                if (late) return outcome;
            }
        }, Ct)).ToArray();
        await Eventually.Holds(async () => await Holds(wallet) > 200);

        await servers.Db.Transact(tx => tx.CloseBudget(wallet, budget, servers.Now, Ct), Ct);

        var placed = await Holds(wallet);
        Volatile.Write(ref closed, true);
        Assert.All(await Task.WhenAll(placing), outcome => Assert.Equal(Refusal.BudgetClosed, Assert.IsType<Outcome.Refused>(outcome).Why));
        Assert.Equal(placed, await Holds(wallet));
        await Wallets.AssertProven(servers.App.ConnectionString);
    }

    [Fact]
    public async Task A_budget_is_closed_once_also_where_its_wallet_was_never_used()
    {
        var (wallet, budget) = await GivenBudget(0, BudgetPeriod.Month, 10);

        var first = await Close(wallet, budget);
        var second = await Close(wallet, budget);
        var unknown = await Close(wallet, Id<Budget>.New(servers.Now));

        Assert.Equal((true, false, false), (first, second, unknown));
        Assert.Equal(Refusal.BudgetClosed, Assert.IsType<Outcome.Refused>(await servers.Run(wallet, Hold(1, budget))).Why);
    }

    [Fact]
    public async Task A_hold_in_a_closed_budget_is_still_captured()
    {
        var (wallet, budget) = await GivenBudget(100, BudgetPeriod.Month, 10);
        var hold = await servers.Done(wallet, Hold(5, budget));
        await Close(wallet, budget);

        var captured = await servers.Done(wallet, Capture(hold, 4));

        Assert.Equal(Credits.Of(4), captured.Amount);
        Assert.Equal((4m, 0m), await Counted(wallet, budget));
    }

    [Fact]
    public async Task A_budget_of_another_wallet_is_unknown()
    {
        var (_, budget) = await GivenBudget(100, BudgetPeriod.Month, 10);
        var wallet = await servers.GivenWallet(100);

        var outcome = await servers.Run(wallet, Hold(1, budget));

        Assert.Equal(Refusal.BudgetUnknown, Assert.IsType<Outcome.Refused>(outcome).Why);
    }

    [Fact]
    public async Task A_hold_that_may_be_smaller_is_told_how_much_it_is()
    {
        var (wallet, budget) = await GivenBudget(100, BudgetPeriod.Month, 10);
        var command = Hold(50, budget) with { AtLeast = Credits.Of(2) };
        var key = new CommandKey(Guid.CreateVersion7(), Guid.CreateVersion7());

        var first = await servers.Lanes[0].Run(wallet, command, key, servers.Now);
        var again = await servers.Lanes[1].Run(wallet, command, key, servers.Now);
        var refused = await servers.Run(wallet, command);

        Assert.Equal((Credits.Of(10), false), (Assert.IsType<Outcome.Done>(first).Receipt.Amount, ((Outcome.Done)first).Replayed));
        Assert.Equal(((Outcome.Done)first) with { Replayed = true }, again);
        Assert.Equal(new Outcome.Refused(Refusal.BudgetExceeded, Credits.Of(2), Credits.Zero, Replayed: false), refused);
    }

    [Theory]
    [InlineData(BudgetPeriod.Day, "2026-03-31T23:59:59Z", "2026-03-31T23:59:59Z", false)]
    [InlineData(BudgetPeriod.Day, "2026-03-30T23:59:59Z", "2026-03-31T00:00:00Z", true)]
    [InlineData(BudgetPeriod.Month, "2026-03-30T23:59:59Z", "2026-03-31T00:00:00Z", false)]
    [InlineData(BudgetPeriod.Month, "2026-03-31T23:59:59Z", "2026-04-01T00:00:00Z", true)]
    [InlineData(BudgetPeriod.Total, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", false)]
    public async Task A_budget_that_is_used_up_is_whole_again_when_its_period_begins(
        BudgetPeriod period, string before, string after, bool whole)
    {
        var wallet = await servers.GivenWallet(100);
        var (then, now) = (DateTimeOffset.Parse(before, null), DateTimeOffset.Parse(after, null));
        var budget = await servers.Db.GivenBudget(wallet, period, 10, then);
        var used = await At(then, Hold(6, budget));
        await At(then, Capture(((Outcome.Done)used).Receipt, 6));
        var open = await At(then, Hold(4, budget));

        var outcome = await At(now, Hold(10, budget));
        // Asked for once the new period counts: it must not take anything out of it, or give anything back to it.
        await At(now, Capture(((Outcome.Done)open).Receipt, 3));

        Assert.Equal(whole, outcome is Outcome.Done);
        Assert.Equal(whole ? (0m, 10m) : (9m, 0m), await Counted(wallet, budget));
        await Wallets.AssertProven(servers.App.ConnectionString);

        Task<Outcome> At(DateTimeOffset at, Command command) => servers.Lanes[0].Run(wallet, command, null, at);
    }

    [Fact]
    public async Task A_hold_that_expires_is_given_back_to_its_budget()
    {
        var (wallet, budget) = await GivenBudget(100, BudgetPeriod.Total, 10);
        await servers.Done(wallet, Hold(10, budget));

        servers.App.Time.Advance(TimeSpan.FromMinutes(11));

        await Eventually.Holds(async () => await Counted(wallet, budget) == (0m, 0m));
        await servers.Done(wallet, Hold(10, budget));
    }

    async Task<(WalletId, Id<Budget>)> GivenBudget(decimal credits, BudgetPeriod period, decimal? amount)
    {
        var wallet = await servers.GivenWallet(credits);
        return (wallet, await Budget(wallet, period, amount));
    }

    Task<Id<Budget>> Budget(WalletId wallet, BudgetPeriod period, decimal? amount) =>
        servers.Db.GivenBudget(wallet, period, amount, servers.Now);

    Task<bool> Close(WalletId wallet, Id<Budget> budget) =>
        servers.Db.Transact(tx => tx.CloseBudget(wallet, budget, servers.Now, Ct), Ct);

    async Task<(decimal Used, decimal Held)> Counted(WalletId wallet, Id<Budget> budget)
    {
        var found = await servers.Db.BudgetOf(wallet, budget, Ct);
        return (found!.Used.ToDecimal(), found.Held.ToDecimal());
    }

    async Task<long> Holds(WalletId wallet) => (await Tables.Read<long>(
        servers.App.ConnectionString, $"select count(*) from hold where wallet_id = '{wallet.Value}'")).Single();
}
