using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Bench;

/// <summary>The lanes, in this process, on wallets with plenty.</summary>
sealed class Engine : IAsyncDisposable
{
    static readonly Credits Price = new(1000);

    readonly NpgsqlDataSource data;
    readonly LaneSource source;
    readonly Lanes lanes;

    Engine(string connectionString)
    {
        // Verifying takes as long as it takes.
        data = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { CommandTimeout = 0 });
        source = new(connectionString);
        lanes = new(source, new(), new(new()), TimeProvider.System, NullLogger<Lanes>.Instance);
    }

    /// <summary>A new database with its wallets open and filled, each by a grant through the lanes.</summary>
    public static async Task<Engine> Start(string connectionString, int wallets)
    {
        var engine = new Engine(connectionString);
        await Migrator.Migrate(engine.data, CancellationToken.None);
        await engine.AddCustomers(wallets);
        await engine.lanes.StartAsync(CancellationToken.None);
        await engine.Fill(wallets);
        await engine.Run("vacuum analyze wallet, entry, command, lot, projection");
        await engine.Run("checkpoint");
        return engine;
    }

    public Func<CancellationToken, Task<int>> Charges(int wallets, double hot = 0)
    {
        var random = new Random();
        return async _ =>
        {
            var wallet = Wallet(random.NextDouble() < hot ? 0 : random.Next(wallets));
            await Done(lanes.Run(wallet, new Command.Charge(Price, null, "bench", null), NewKey(random), TimeProvider.System.GetUtcNow()));
            return 1;
        };
    }

    /// <summary>Holds and their captures; without keys, as the ledger knows them by the hold itself.</summary>
    public Func<CancellationToken, Task<int>> Pairs(int wallets, bool keyed)
    {
        var random = new Random();
        return async _ =>
        {
            var wallet = Wallet(random.Next(wallets));
            var hold = await Done(lanes.Run(
                wallet,
                new Command.PlaceHold(Price, TimeSpan.FromMinutes(10), null, "bench", null),
                keyed ? NewKey(random) : null,
                TimeProvider.System.GetUtcNow()));
            await Done(lanes.Run(
                wallet,
                new Command.Capture(hold.Hold!.Value, new(700), null),
                keyed ? NewKey(random) : null,
                TimeProvider.System.GetUtcNow()));
            return 1;
        };
    }

    public async Task<bool> Verified() => (await new Verification(data).Run(CancellationToken.None)).Ok;

    public async ValueTask DisposeAsync()
    {
        await lanes.StopAsync(CancellationToken.None);
        await lanes.DisposeAsync();
        await source.DisposeAsync();
        await data.DisposeAsync();
    }

    public static string Name(int number) => $"bench_{number}";

    static readonly WalletId[] Known = new WalletId[1_000_000];

    static WalletId Wallet(int number)
    {
        if (Known[number] == default) Known[number] = WalletId.Of(CustomerId.Parse(Name(number), null));
        return Known[number];
    }

    // A stand-in for the hash of a key that a caller made up.
    static CommandKey NewKey(Random random)
    {
        Span<byte> bytes = stackalloc byte[32];
        random.NextBytes(bytes);
        return new(new(bytes[..16]), new(bytes[16..]));
    }

    static async Task<Receipt> Done(Task<Outcome> run) => await run switch
    {
        Outcome.Done done => done.Receipt,
        var other => throw new InvalidOperationException($"A command of the benchmark was not done: {other}"),
    };

    async Task AddCustomers(int wallets)
    {
        for (var first = 0; first < wallets; first += 50_000)
        {
            var numbers = Enumerable.Range(first, Math.Min(50_000, wallets - first)).ToArray();
            await using var command = data.CreateCommand("""
                insert into customer (id, wallet_id, created_at, updated_at)
                select id, wallet_id, now(), now() from unnest($1::text[], $2::uuid[]) as u (id, wallet_id)
                """);
            command.Parameters.Add(new() { Value = Array.ConvertAll(numbers, Name) });
            command.Parameters.Add(new() { Value = Array.ConvertAll(numbers, number => Wallet(number).Value) });
            await command.ExecuteNonQueryAsync();
        }
    }

    async Task Fill(int wallets)
    {
        var random = new Random();
        var grant = new Command.Grant(Credits.Of(1_000_000), GrantTerms.Ordinary(GrantSource.Purchase), "bench", null);
        foreach (var numbers in Enumerable.Range(0, wallets).Chunk(4096))
        {
            await Task.WhenAll(numbers.Select(number =>
                Done(lanes.Run(Wallet(number), grant, NewKey(random), TimeProvider.System.GetUtcNow()))));
        }
    }

    async Task Run(string sql)
    {
        await using var command = data.CreateCommand(sql);
        command.CommandTimeout = 600;
        await command.ExecuteNonQueryAsync();
    }
}
