using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Purser.Server.Platform;
using Purser.Server.Tests;

[assembly: AssemblyFixture(typeof(TestCluster))]

namespace Purser.Server.Tests;

/// <summary>
/// A database of one's own, in milliseconds: a copy of a template that was migrated once for the whole run.
/// </summary>
public sealed class Postgres : IAsyncDisposable
{
    static readonly Lazy<Task<string>> Template = new(CreateTemplate);
    readonly string name;

    Postgres(string server, string name)
    {
        this.name = name;
        ConnectionString = $"{server};Database={name}";
    }

    public string ConnectionString { get; }

    public static async Task<Postgres> Create()
    {
        var template = await Template.Value;
        var name = $"test_{Guid.CreateVersion7():n}";
        await TestCluster.Run($"create database {name} template {template}");
        return new(await TestCluster.Server, name);
    }

    /// <summary>Without our tables, for tests of what makes them.</summary>
    public static async Task<Postgres> CreateEmpty()
    {
        var name = $"test_{Guid.CreateVersion7():n}";
        await TestCluster.Run($"create database {name}");
        return new(await TestCluster.Server, name);
    }

    public async ValueTask DisposeAsync() => await TestCluster.Run($"drop database {name} with (force)");

    static async Task<string> CreateTemplate()
    {
        var name = $"test_{Guid.CreateVersion7():n}";
        await TestCluster.Run($"create database {name}");
        await using var source = NpgsqlDataSource.Create($"{await TestCluster.Server};Database={name};Pooling=false");
        await Migrator.Migrate(source, CancellationToken.None);
        return name;
    }
}

/// <summary>
/// The PostgreSQL of a test run: one of our own, not durable and therefore fast, from the first test that needs it to
/// the last test of all; or the one that PURSER_TEST_POSTGRES names by an Npgsql connection string.
/// </summary>
public sealed class TestCluster : IAsyncDisposable
{
    static readonly Lazy<Task<(string Server, IAsyncDisposable? Own)>> Started = new(Start);

    public static Task<string> Server => Connection();

    public async ValueTask DisposeAsync()
    {
        if (!Started.IsValueCreated) return;
        NpgsqlConnection.ClearAllPools();
        if ((await Started.Value).Own is { } own) await own.DisposeAsync();
    }

    internal static async Task Run(string sql)
    {
        await using var source = NpgsqlDataSource.Create($"{await Server};Database=postgres;Pooling=false");
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    static async Task<string> Connection() => (await Started.Value).Server;

    static async Task<(string, IAsyncDisposable?)> Start()
    {
        if (Environment.GetEnvironmentVariable("PURSER_TEST_POSTGRES") is { Length: > 0 } given)
        {
            await DropWhatKilledRunsLeft(given);
            return (given, null);
        }

        await TestFolder.ClearUpBehindTheDead(CancellationToken.None);
        var own = await OwnCluster.Start(durable: false);
        var server = new NpgsqlConnectionStringBuilder(own.Postgres.ConnectionString) { Database = null };
        return (server.ConnectionString, own);
    }

    // The names are version 7 UUIDs, so they say when they were made. A run that takes hours is not ours.
    static async Task DropWhatKilledRunsLeft(string server)
    {
        var hoursAgo = TimeProvider.System.GetUtcNow().AddHours(-6);
        var old = Guid.CreateVersion7(hoursAgo).ToString("n", CultureInfo.InvariantCulture);
        await using var source = NpgsqlDataSource.Create($"{server};Database=postgres;Pooling=false");
        await using var command = source.CreateCommand(
            "select datname from pg_database where datname ~ '^test_[0-9a-f]{32}$' and datname < $1");
        command.Parameters.Add(new() { Value = $"test_{old}" });
        var names = new List<string>();
        await using (var rows = await command.ExecuteReaderAsync())
            while (await rows.ReadAsync()) names.Add(rows.GetString(0));

        foreach (var name in names)
        {
            await using var drop = source.CreateCommand($"drop database if exists {name} with (force)");
            await drop.ExecuteNonQueryAsync();
        }
    }
}

/// <summary>A whole PostgreSQL for one test, such as one that kills it. Supervised as in production.</summary>
sealed class OwnCluster(TestFolder folder, EmbeddedPostgres postgres) : IAsyncDisposable
{
    public EmbeddedPostgres Postgres => postgres;

    public string DataFolder => folder.Path;

    public static async Task<OwnCluster> Start(bool durable)
    {
        var folder = new TestFolder();
        var embedding = Embedding.Of(Settings.FromEnvironment(Purpose.Tool), _ => { }) with
        {
            DataFolder = folder.Path,
            Durable = durable,
            // Each test class brings a server with a pool of its own.
            MaxConnections = 500,
        };
        return new(folder, await EmbeddedPostgres.Start(embedding, CancellationToken.None));
    }

    /// <summary>As kill -9 does. It comes back by itself.</summary>
    public void Kill()
    {
        if (postgres.Process is not (> 0 and var postmaster)) return;

        // The postmaster first: it would start again what it sees die.
        var backends = Processes.ChildrenOf(postmaster);
        foreach (var process in backends.Prepend(postmaster))
        {
            try
            {
                Process.GetProcessById(process).Kill();
            }
            catch (ArgumentException)
            {
                // It has ended by itself, as backends do.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await postgres.DisposeAsync();
        folder.Dispose();
    }
}
