using Npgsql;
using Purser.Server.Platform;

namespace Purser.Bench;

/// <summary>A PostgreSQL for the benchmark alone, as durable as the one of <c>up</c>; its data goes when it is done.</summary>
sealed class Cluster : IAsyncDisposable
{
    readonly EmbeddedPostgres postgres;
    readonly string folder;

    // As much as PostgreSQL keeps for writing over (min_wal_size), in its segments of 16 MB.
    const int LogSegments = 64;

    Cluster(EmbeddedPostgres postgres, string folder)
    {
        this.postgres = postgres;
        this.folder = folder;
    }

    public static async Task<Cluster> Start()
    {
        var settings = Settings.FromEnvironment(Purpose.Tool);
        var folder = Directory.CreateTempSubdirectory("purser-bench-").FullName;
        var embedding = Embedding.Of(settings, Console.Error.WriteLine) with { DataFolder = folder };
        var cluster = new Cluster(await EmbeddedPostgres.Start(embedding, CancellationToken.None), folder);
        await cluster.RefuseUnlessDurable();
        await cluster.UseLog();
        return cluster;
    }

    /// <summary>An empty database.</summary>
    public async Task<string> Create(string name)
    {
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        await using var create = source.CreateCommand($"create database bench_{name}");
        await create.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Database = $"bench_{name}" }.ConnectionString;
    }

    /// <summary>What stays would be vacuumed while the next thing is measured.</summary>
    public async Task Drop(string name)
    {
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        await Run(source, $"drop database bench_{name} with (force)");
        await Run(source, "checkpoint");
    }

    /// <summary>Every row begins alike: nothing left to be written back, and the log free to be written over.</summary>
    public async Task Checkpoint()
    {
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        await Run(source, "checkpoint");
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await postgres.DisposeAsync();
        // As root the cluster may stand elsewhere, behind a link.
        if (new DirectoryInfo(Path.Combine(folder, "postgres")).ResolveLinkTarget(returnFinalTarget: true) is { Exists: true } elsewhere)
            Directory.Delete(elsewhere.FullName, recursive: true);
        Directory.Delete(folder, recursive: true);
    }

    // A new cluster creates each segment of its log when it first gets there, and whoever commits just then waits some
    // forty milliseconds for it. A server that has run for an hour only writes over what it has; that is measured here.
    async Task UseLog()
    {
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        for (var i = 0; i < LogSegments; i++)
            await Run(source, "select pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()");
        await Run(source, "checkpoint");
    }

    static async Task Run(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    // A figure that was bought with the safety of the data is worth nothing.
    async Task RefuseUnlessDurable()
    {
        await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
        await using var show = source.CreateCommand(
            "select current_setting('fsync') || current_setting('synchronous_commit') || current_setting('full_page_writes')");
        if ((string?)await show.ExecuteScalarAsync() != "ononon")
            throw new StartFailure("PostgreSQL is not durable: fsync, synchronous_commit and full_page_writes must be on.");
    }
}
