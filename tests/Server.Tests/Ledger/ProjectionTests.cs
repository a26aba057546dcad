using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Ledger;

/// <summary>Lots follow the entries, from behind and without holding anybody up.</summary>
public sealed class ProjectionTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Lots_follow_a_wallet_that_goes_on_meanwhile()
    {
        var customer = await app.Purser.GivenCustomer(1_000);
        var wallet = WalletId.Of(CustomerId.Parse(customer, null));
        var lanes = app.Services.GetRequiredService<Lanes>();
        var writing = Task.Run(async () =>
        {
            // Each grant burns before all that came earlier, and at once: whoever misses it takes from the wrong lot.
            for (var i = 0; i < 1_000; i++)
            {
                var terms = GrantTerms.Ordinary(GrantSource.Promotion) with { Priority = 999 - i };
                var grant = lanes.Run(wallet, new Command.Grant(Credits.Of(3), terms, null, null), null, app.Time.GetUtcNow());
                var charge = lanes.Run(wallet, new Command.Charge(Credits.Of(2), null, null, null), null, app.Time.GetUtcNow());
                await Task.WhenAll(grant, charge);
            }
        }, Ct);

        await using var source = NpgsqlDataSource.Create(app.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(Ct);
        while (!writing.IsCompleted) await LotRows.FollowBucket(connection, wallet.Bucket, Ct);

        await writing;
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task Lots_that_lag_behind_are_shown_as_they_should_be()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await app.Purser.Charges.CreateAsync(customer, new() { Amount = 30 }, Ct);
        await Tables.Run(app.ConnectionString, $"""
            begin;
            delete from lot_day where wallet_id = (select wallet_id from customer where id = '{customer}');
            update projection set seq = 1 where wallet_id = (select wallet_id from customer where id = '{customer}');
            update lot set remaining = amount where wallet_id = (select wallet_id from customer where id = '{customer}');
            commit
            """);

        var grants = await app.Purser.Grants.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct);

        Assert.Equal([70m], grants.Select(grant => grant.Remaining));
    }

    // As a migration has it that wants to know more of them.
    [Fact]
    public async Task Lots_can_be_followed_from_the_beginning_once_more()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var grant = await app.Purser.Grants.CreateAsync(customer, Wallets.Bought(50), Ct);
        await app.Purser.Charges.CreateAsync(customer, new() { Amount = 30 }, Ct);
        await app.Purser.Reversals.CreateAsync(customer, new() { Amount = 20, Grant = grant.Id, Reason = "Refund" }, Ct);
        var wallet = WalletId.Of(CustomerId.Parse(customer, null));
        await Tables.Run(app.ConnectionString, $"""
            begin;
            delete from lot_day where wallet_id = '{wallet.Value}';
            update projection set seq = 0 where wallet_id = '{wallet.Value}';
            update lot set remaining = amount where wallet_id = '{wallet.Value}';
            commit
            """);
        await Wallets.AssertProven(app.ConnectionString);

        await using var source = NpgsqlDataSource.Create(app.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(Ct);
        await LotRows.FollowBucket(connection, wallet.Bucket, Ct);

        await Wallets.AssertProven(app.ConnectionString);
        Assert.Equal(["2 30", "4 20"], await Tables.Read<string>(
            app.ConnectionString, $"select kind || ' ' || amount / 1000000 from lot_day where wallet_id = '{wallet.Value}' order by kind"));
    }

    [Fact]
    public async Task Lots_that_were_tampered_with_keep_nobody_else_from_working()
    {
        var damaged = await app.Purser.GivenCustomer(100);
        var healthy = await app.Purser.GivenCustomer(100);
        await Tables.Run(app.ConnectionString, $"""
            update lot set remaining = 0 where wallet_id = (select wallet_id from customer where id = '{damaged}')
            """);
        await app.Purser.Charges.CreateAsync(damaged, new() { Amount = 1 }, Ct);
        await app.Purser.Charges.CreateAsync(healthy, new() { Amount = 1 }, Ct);

        var projection = new Projection(
            app.Services.GetRequiredService<NpgsqlDataSource>(), Marked(), TimeProvider.System,
            app.Services.GetRequiredService<Microsoft.Extensions.Logging.ILogger<Projection>>());
        await projection.Round(Ct);

        var wallet = WalletId.Of(CustomerId.Parse(healthy, null));
        // The server's own may be at the healthy one just then, and is not waited for.
        await Eventually.Holds(async () =>
            await Tables.Read<long>(app.ConnectionString, $"select seq from projection where wallet_id = '{wallet.Value}'") is [2]);
        Assert.Equal(98, (await app.Purser.Charges.CreateAsync(healthy, new() { Amount = 1 }, Ct)).Balance);
        // The other tests prove the whole ledger.
        await Tables.Run(app.ConnectionString, $"""
            update lot set remaining = amount where wallet_id = (select wallet_id from customer where id = '{damaged}')
            """);

        DirtyBuckets Marked()
        {
            var dirty = new DirtyBuckets();
            foreach (var customer in new[] { damaged, healthy })
                dirty.Mark(WalletId.Of(CustomerId.Parse(customer, null)).Bucket);
            return dirty;
        }
    }
}
