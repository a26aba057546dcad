using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Purser.Client;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Ledger;

/// <summary>
/// Killed in the middle of the work, on a durable database: what was acknowledged is there once, what was not is there
/// once or not at all, and its key tells.
/// </summary>
public sealed class CrashTests
{
    static readonly bool Long = Environment.GetEnvironmentVariable("PURSER_TEST_LONG") == "1";
    static readonly int Kills = Long ? 25 : 3;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_is_killed_loses_nothing_and_does_nothing_twice()
    {
        await using var cluster = await OwnCluster.Start(durable: true);
        var server = ServerProcess.Serve(cluster.Postgres.ConnectionString);
        using var load = await Load.Start(await server.WaitReady());

        for (var kill = 0; kill < Kills; kill++)
        {
            await load.GetsOn();
            await server.Kill();
            await server.DisposeAsync();
            server = ServerProcess.Serve(cluster.Postgres.ConnectionString);
            load.Address = await server.WaitReady();
        }

        await load.AssertExactlyOnce();
        await server.DisposeAsync();
        await Wallets.AssertProven(cluster.Postgres.ConnectionString);
    }

    [Fact]
    public async Task A_database_that_is_killed_loses_nothing_and_the_server_heals_by_itself()
    {
        await using var cluster = await OwnCluster.Start(durable: true);
        await using var server = ServerProcess.Serve(cluster.Postgres.ConnectionString);
        using var load = await Load.Start(await server.WaitReady());

        for (var kill = 0; kill < Kills; kill++)
        {
            await load.GetsOn();
            cluster.Kill();
            await Eventually.Holds(async () => (await load.Http.Read("/health/ready")).Status == 200);
        }

        await load.AssertExactlyOnce();
        await Wallets.AssertProven(cluster.Postgres.ConnectionString);
    }

    /// <summary>Callers who charge one credit after the other, each under a key of its own, and note what they are told.</summary>
    sealed class Load : IDisposable
    {
        const int Callers = 16;
        const int Customers = 4;

        readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(40) };
        readonly CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        readonly ConcurrentDictionary<(string Customer, string Key), string?> charges = [];
        readonly List<string> customers = [];
        Task running = Task.CompletedTask;
        int acknowledged;

        Load(Uri address)
        {
            Address = address;
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey);
            Http = new() { BaseAddress = address };
        }

        /// <summary>Where the server is now: another port after each start.</summary>
        public Uri Address { get; set; }

        public HttpClient Http { get; }

        public static async Task<Load> Start(Uri address)
        {
            var load = new Load(address);
            for (var i = 0; i < Customers; i++) load.customers.Add(await load.Purser().GivenCustomer(1_000_000));
            load.running = Task.WhenAll(Enumerable.Range(0, Callers).Select(load.Call));
            return load;
        }

        /// <summary>Returns when a few hundred more charges were acknowledged: the next kill hits the work in its middle.</summary>
        public async Task GetsOn()
        {
            var goal = Volatile.Read(ref acknowledged) + 300;
            await Eventually.Holds(() => Volatile.Read(ref acknowledged) >= goal || running.IsFaulted);
            if (running.IsFaulted) await running;
        }

        /// <summary>Asks for every charge again, with its key, and counts what the ledger holds.</summary>
        public async Task AssertExactlyOnce()
        {
            await enough.CancelAsync();
            await running;
            var again = new ConcurrentDictionary<(string Customer, string Key), Charge>();
            await Parallel.ForEachAsync(charges.Keys, new ParallelOptions { MaxDegreeOfParallelism = Callers }, async (one, _) =>
                again[one] = await Purser().Charges.CreateAsync(one.Customer, new() { Amount = 1, IdempotencyKey = one.Key }, Ct));

            Assert.True(charges.Values.Count(id => id is not null) >= Kills * 300);
            Assert.All(charges.Where(one => one.Value is not null), one =>
            {
                Assert.True(again[one.Key].Replayed, $"{one.Key} was acknowledged and is lost.");
                Assert.Equal(one.Value, again[one.Key].Id);
            });
            foreach (var customer in customers)
            {
                var mine = again.Where(one => one.Key.Customer == customer).Select(one => one.Value.Id).ToHashSet();
                Assert.Equal(1_000_000 - mine.Count, (await Purser().Balances.GetAsync(customer, Ct)).Balance);
                Assert.Equal(mine, await Charged(customer));
            }
        }

        public void Dispose()
        {
            http.Dispose();
            Http.Dispose();
            enough.Dispose();
        }

        async Task Call(int caller)
        {
            for (var i = 0; !enough.IsCancellationRequested; i++)
            {
                var (customer, key) = (customers[(caller + i) % Customers], $"{caller}-{i}");
                charges[(customer, key)] = null;
                try
                {
                    var charge = await Purser().Charges.CreateAsync(customer, new() { Amount = 1, IdempotencyKey = key }, Ct);
                    charges[(customer, key)] = charge.Id;
                    Interlocked.Increment(ref acknowledged);
                }
                catch (PurserException unknown) when (unknown is TransportException or OverloadedException)
                {
                    // The next charge goes to wherever the server is by then.
                    await Task.Delay(TimeSpan.FromMilliseconds(20), Ct);
                }
            }
        }

        async Task<HashSet<string>> Charged(string customer) => await Purser().Entries
            .ListAsync(customer, pageSize: 500, cancellationToken: Ct)
            .Where(entry => entry.Kind == EntryKind.Charge).Select(entry => entry.Id).ToHashSetAsync(cancellationToken: Ct);

        // Without retries: a caller who never hears back is what this is about.
        PurserClient Purser() => new(http, new() { BaseAddress = Address, Retries = 0, Timeout = TimeSpan.FromSeconds(35) });
    }
}
