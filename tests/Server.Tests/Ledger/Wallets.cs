using Npgsql;
using Purser.Client;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Platform;
using Budget = Purser.Core.Ledger.Budget;
using BudgetPeriod = Purser.Core.Ledger.BudgetPeriod;
using GrantSource = Purser.Client.GrantSource;

namespace Purser.Server.Tests.Ledger;

/// <summary>Customers as tests need them, and the proof of their ledger.</summary>
static class Wallets
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>A new customer, who bought some credits if any are given.</summary>
    public static async Task<string> GivenCustomer(this PurserClient purser, decimal credits = 0)
    {
        var customer = $"customer_{Guid.CreateVersion7():n}";
        await purser.Customers.PutAsync(customer, new(), Ct);
        if (credits > 0) await purser.Grants.CreateAsync(customer, Bought(credits), Ct);
        return customer;
    }

    /// <summary>A new budget of a wallet; null: without a limit.</summary>
    internal static Task<Id<Budget>> GivenBudget(
        this Db db, WalletId wallet, BudgetPeriod period, decimal? amount, DateTimeOffset now) => db.Transact(async tx =>
    {
        var id = Id<Budget>.New(now);
        await tx.OpenBudget(wallet, id, period, amount is { } limit ? Credits.Of(limit) : null, now, Ct);
        return id;
    }, Ct);

    public static NewGrant Bought(decimal credits) => new() { Amount = credits, Source = GrantSource.Purchase };

    public static async Task<VerificationAnswer> Verify(string connectionString)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        return await new Verification(source).Run(Ct);
    }

    /// <summary>Recomputes the whole ledger, and fails on any difference.</summary>
    public static async Task AssertProven(string connectionString)
    {
        var answer = await Verify(connectionString);
        Assert.Empty(answer.Differences);
        Assert.True(answer.Ok);
    }
}
