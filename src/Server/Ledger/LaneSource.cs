using Npgsql;

namespace Purser.Server.Ledger;

/// <summary>Connections for lanes: each is kept for good, and plans its few statements once.</summary>
sealed class LaneSource : IAsyncDisposable
{
    readonly NpgsqlDataSource source;

    public LaneSource(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = "purser-lane",
            Pooling = false,
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 1,
            CommandTimeout = 30,
            CancellationTimeout = 2000,
            KeepAlive = 0,
        };
        // One plan for arrays of any length, and it may only walk the primary keys: the planner, which cannot see into
        // an array, would now and then read a whole table instead. A test looks at the plans.
        settings.Options = string.Join(
            ' ',
            settings.Options,
            "-c plan_cache_mode=force_generic_plan",
            "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off",
            "-c statement_timeout=25s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s").Trim();
        source = NpgsqlDataSource.Create(settings);
    }

    public async Task<NpgsqlConnection> Open(CancellationToken ct) => await source.OpenConnectionAsync(ct);

    public ValueTask DisposeAsync() => source.DisposeAsync();
}
