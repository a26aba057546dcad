using Npgsql;
using Purser.Server.Ledger;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Ledger;

public sealed class VerificationTests : IAsyncLifetime
{
    Postgres postgres = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => postgres = await Postgres.Create();

    public ValueTask DisposeAsync() => postgres.DisposeAsync();

    [Fact]
    public async Task A_ledger_of_one_customer_is_not_read_anew_for_each_bucket_that_is_empty()
    {
        await Tables.Run(postgres.ConnectionString, """
            insert into wallet (bucket, id, seq) values (7, '01c00000-0000-0000-0000-000000000000', 20000);
            insert into entry (bucket, wallet_id, seq, kind, amount, balance, owed, at, hash)
            select bucket, id, s, 2, 0, 0, 0, now(), sha256('x') from wallet, generate_series(1, 20000) s;
            insert into command (bucket, key, request, entry, amount, balance, available, rest, missing, at)
            select bucket, md5(seq::text)::uuid, wallet_id, seq, 0, 0, 0, 0, 0, now() from entry;
            analyze
            """);
        var before = await Scans();

        await using (var source = NpgsqlDataSource.Create($"{postgres.ConnectionString};Pooling=false"))
            await new Verification(source).Run(Ct);

        // PostgreSQL counts what a connection did once that has ended, a little later.
        await Eventually.Holds(async () => (await Scans()).ByKey > before.ByKey);
        Assert.Equal(before.Whole, (await Scans()).Whole);
    }

    async Task<(long Whole, long ByKey)> Scans()
    {
        var counts = await Tables.Read<long[]>(postgres.ConnectionString, """
            select array[sum(seq_scan)::bigint, sum(idx_scan)::bigint] from pg_stat_user_tables where relname in ('entry', 'command')
            """);
        return (counts[0][0], counts[0][1]);
    }
}
