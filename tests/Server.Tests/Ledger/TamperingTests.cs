using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Client;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Platform;
using BudgetPeriod = Purser.Core.Ledger.BudgetPeriod;

namespace Purser.Server.Tests.Ledger;

/// <summary>The database refuses what the ledger never does, and whoever can make it do so anyway is found out.</summary>
public sealed class TamperingTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>What is done to the third of five entries, or to what belongs to them; where it shows, and in which words.</summary>
    public static TheoryData<string, long, string> Changes => new()
    {
        { "update entry set amount = amount - 1 where {wallet} and seq = 3", 3, "the balance should be" },
        { "update entry set amount = amount - 1, balance = balance - 1 where {wallet} and seq = 3", 3, "the hash does not fit" },
        { "update entry set hash = sha256('x') where {wallet} and seq = 3", 3, "the hash does not fit" },
        { "update entry set reason = 'gift' where {wallet} and seq = 3", 3, "the hash does not fit" },
        { "update entry set reference = 'x' where {wallet} and seq = 3", 3, "the hash does not fit" },
        { "update entry set quote = null where {wallet} and seq = 3", 3, "the hash does not fit" },
        { "update entry set at = at + interval '1 microsecond' where {wallet} and seq = 3", 3, "the hash does not fit" },
        { "update entry set kind = 5 where {wallet} and seq = 3", 3, "the hash does not fit" },
        { "update entry set owed = 1 where {wallet} and seq = 3", 3, "the hash does not fit" },
        { "update entry set lot = 1 where {wallet} and seq = 3", 3, "the hash does not fit" },
        { "delete from entry where {wallet} and seq = 3", 4, "entry 3 is missing" },
        { "delete from entry where {wallet} and seq = 5", 5, "entry 5 is missing" },
        { "delete from entry where {wallet}", 1, "entry 1 is missing" },
        {
            """
            insert into entry (bucket, wallet_id, seq, kind, amount, balance, owed, at, hash)
            select bucket, wallet_id, 6, 5, 1000000, balance + 1000000, owed, at, hash from entry where {wallet} and seq = 5
            """,
            6, "the hash does not fit"
        },
        { "update lot set remaining = remaining - 1 where {wallet} and seq = 1", 1, "is stored as remaining" },
        { "update lot set amount = amount + 1 where {wallet} and seq = 1", 1, "its lot is of" },
        { "update lot set expires_at = expires_at + interval '1 year' where {wallet} and seq = 1", 1, "the hash does not fit" },
        { "update lot set priority = 0 where {wallet} and seq = 1", 1, "the hash does not fit" },
        { "update lot set paid_minor = 1 where {wallet} and seq = 1", 1, "the hash does not fit" },
        { "update lot set reversed = 1 where {wallet} and seq = 1", 1, "is stored as reversed" },
        { "delete from lot where {wallet} and seq = 1", 1, "the lot of this grant is missing" },
        {
            """
            insert into lot (bucket, wallet_id, seq, source, priority, amount, remaining)
            select bucket, wallet_id, 4, 1, 1, 1, 1 from lot where {wallet} and seq = 1
            """,
            4, "the hash does not fit"
        },
        { "update wallet set balance = balance + 1 where {id}", 0, "the wallet's balance is" },
        { "update wallet set owed = 1 where {id}", 0, "the wallet owes" },
        { "update wallet set held = held + 1 where {id}", 0, "the wallet's held is" },
        { "update wallet set head = sha256('x') where {id}", 0, "the wallet's head" },
        { "update wallet set seq = 6 where {id}", 6, "entry 6 is missing" },
        { "update wallet set lots_due = null where {id}", 0, "the wallet is to be looked at never" },
        { "update wallet set lots_due = lots_due + interval '1 second' where {id}", 0, "a lot expires at" },
        { "delete from wallet where {id}", 1, "whose wallet is missing" },
        { "update hold set amount = amount + 1 where {wallet}", 0, "the wallet's held is" },
        { "update hold set state = 3 where {wallet}", 0, "the wallet's held is" },
        { "update hold set captured = 1 where {wallet}", 0, "hold 1 is stored as captured with 0.000001, and entry 5 took 5" },
        { "update hold set state = 2 where {wallet} and number = 2; update wallet set held = 0 where {id}", 0, "no entry took anything for it" },
        { "update hold set state = 3, captured = 0 where {wallet} and number = 1", 0, "hold 1 is stored as released with 0, and entry 5 took 5" },
        { "delete from hold where {wallet} and number = 1", 0, "hold 1 is missing, and entry 5 took 5" },
        { "update projection set seq = 99 where {wallet}", 0, "the lots claim to have followed" },
        { "update budget set held = 0 where {wallet}", 0, "is stored with 0 held" },
        { "update budget set used = 1000000 where {wallet}", 0, "is stored with 3 held and 1 used" },
        { "update budget set period_start = period_start - 31 where {wallet}", 0, "its holds say 0 and 0" },
        { "update budget set amount = null where {wallet}", 0, "its holds say 0 and 0" },
        { "update hold set budget_period = budget_period - 31 where {wallet}", 0, "its holds say 0 and 0" },
        { "delete from budget where {wallet}", 0, "is in a budget that is missing" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_change_behind_the_servers_back_is_found_with_its_place(string sql, long seq, string words)
    {
        var (customer, wallet) = await GivenLedger();

        await Tamper(sql, wallet);

        var found = (await Wallets.Verify(app.ConnectionString)).Differences.Where(one => one.Customer == customer).ToList();
        Assert.Contains(found, one => one.Seq == seq && one.What.Contains(words, StringComparison.Ordinal));
        Assert.All(found, one => Assert.Equal(wallet.ToString(), one.Wallet));
        await Forget(wallet);
    }

    [Fact]
    public async Task Verify_says_where_and_ends_with_an_error()
    {
        await using var postgres = await Postgres.Create();
        await using var server = ServerProcess.Serve(postgres.ConnectionString);
        using var purser = new PurserClient(new() { BaseAddress = await server.WaitReady(), Key = Given.AdminKey });
        var customer = await purser.GivenCustomer(100);
        await purser.Charges.CreateAsync(customer, new() { Amount = 1 }, Ct);

        var (before, sound) = await Run();
        await Tables.Run(postgres.ConnectionString, """
            begin;
            alter table entry disable trigger append_only;
            update entry set amount = -1 where seq = 2;
            alter table entry enable trigger append_only;
            commit
            """);
        var (after, tampered) = await Run();

        Assert.Equal((0, true, 2), (before, sound.GetProperty("ok").GetBoolean(), sound.GetProperty("entries").GetInt32()));
        Assert.Equal((1, false), (after, tampered.GetProperty("ok").GetBoolean()));
        var difference = tampered.GetProperty("differences")[0];
        Assert.Equal(
            (customer, 2), (difference.GetProperty("customer").GetString(), difference.GetProperty("seq").GetInt32()));

        async Task<(int Code, JsonElement Summary)> Run()
        {
            await using var verify = ServerProcess.On(postgres.ConnectionString, ["verify"]);
            return (await verify.WaitEnd(), JsonElement.Parse(verify.Output));
        }
    }

    [Theory]
    [InlineData("update entry set amount = 0")]
    [InlineData("update entry set reason = reason")]
    [InlineData("delete from entry")]
    [InlineData("truncate entry")]
    [InlineData("truncate entry, command cascade")]
    [InlineData("update command set refusal = null")]
    [InlineData("delete from command")]
    [InlineData("truncate command")]
    public async Task What_was_written_stays(string sql)
    {
        await app.Purser.GivenCustomer(1);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => Tables.Run(app.ConnectionString, sql));

        Assert.Equal(PostgresErrorCodes.RestrictViolation, refused.SqlState);
    }

    [Theory]
    [InlineData("balance = -1")]
    [InlineData("held = -1")]
    [InlineData("held = balance + 1")]
    [InlineData("owed = -1")]
    public async Task No_wallet_can_hold_what_no_wallet_may(string change)
    {
        var (_, wallet) = await GivenLedger();

        var refused = await Assert.ThrowsAsync<PostgresException>(
            () => Tables.Run(app.ConnectionString, $"update wallet set {change} where id = '{wallet.Value}'"));

        Assert.Equal(PostgresErrorCodes.CheckViolation, refused.SqlState);
    }

    [Theory]
    [InlineData("held = -1")]
    [InlineData("used = -1")]
    [InlineData("used = 8")]
    public async Task No_budget_can_hold_what_no_budget_may(string change)
    {
        var (_, wallet) = await GivenLedger();

        var refused = await Assert.ThrowsAsync<PostgresException>(
            () => Tables.Run(app.ConnectionString, $"update budget set {change} * 1000000 where wallet_id = '{wallet.Value}'"));

        Assert.Equal(PostgresErrorCodes.CheckViolation, refused.SqlState);
    }

    // A grant, four charges, the last of them by a hold, and open holds, one of three credits in a budget of ten; the lots have
    // followed.
    async Task<(string Customer, WalletId Wallet)> GivenLedger()
    {
        var customer = await app.Purser.GivenCustomer();
        await app.Purser.Grants.CreateAsync(customer, new()
        {
            Amount = 1_000,
            Source = Purser.Client.GrantSource.Purchase,
            ExpiresAt = app.Time.GetUtcNow().AddYears(1),
            Paid = new(999, "usd"),
        }, Ct);
        for (var i = 0; i < 3; i++)
            await app.Purser.Charges.CreateAsync(customer, new() { Operation = "outline", Reason = "r" }, Ct);
        var hold = await app.Purser.Holds.CreateAsync(customer, new() { Amount = 5 }, Ct);
        await app.Purser.Holds.CaptureAsync(hold.Id, new() { Amount = 5 }, Ct);
        await app.Purser.Holds.CreateAsync(customer, new() { Amount = 5, ExpiresIn = TimeSpan.FromHours(24) }, Ct);

        var wallet = WalletId.Of(CustomerId.Parse(customer, null));
        await using var source = NpgsqlDataSource.Create(app.ConnectionString);
        var now = app.Time.GetUtcNow();
        var budget = await new Db(source).GivenBudget(wallet, BudgetPeriod.Month, 10, now);
        await app.Services.GetRequiredService<Lanes>().Run(
            wallet, TwoLanes.Hold(3, budget) with { ExpiresIn = TimeSpan.FromDays(1) }, key: null, now);
        await using var connection = await source.OpenConnectionAsync(Ct);
        await LotRows.FollowBucket(connection, wallet.Bucket, Ct);
        return (customer, wallet);
    }

    Task Tamper(string sql, WalletId wallet)
    {
        var bucket = wallet.Bucket.ToString(CultureInfo.InvariantCulture);
        return Tables.Run(app.ConnectionString, $"""
            begin;
            alter table entry disable trigger append_only;
            alter table command disable trigger append_only;
            {sql
                .Replace("{wallet}", $"bucket = {bucket} and wallet_id = '{wallet.Value}'", StringComparison.Ordinal)
                .Replace("{bucket}", $"bucket = {bucket}", StringComparison.Ordinal)
                .Replace("{id}", $"bucket = {bucket} and id = '{wallet.Value}'", StringComparison.Ordinal)};
            alter table command enable trigger append_only;
            alter table entry enable trigger append_only;
            commit
            """);
    }

    // With its answers, which would be missed: only so many differences are listed, and another test looks for its own there.
    Task Forget(WalletId wallet) => Tamper("""
        delete from entry where {wallet};
        delete from lot where {wallet};
        delete from hold where {wallet};
        delete from projection where {wallet};
        delete from budget where {wallet};
        delete from wallet where {id};
        delete from command where {bucket}
        """, wallet);
}
