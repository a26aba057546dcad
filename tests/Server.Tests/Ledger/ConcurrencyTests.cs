using System.Net.Http.Headers;
using Purser.Client;

namespace Purser.Server.Tests.Ledger;

/// <summary>Two whole servers, each a process of its own, on one database.</summary>
public sealed class TwoServers : IAsyncLifetime
{
    // More connections than this make a client of tests slow, and a server no busier.
    const int Connections = 100;

    Postgres postgres = null!;
    ServerProcess[] servers = [];

    public string ConnectionString => postgres.ConnectionString;

    /// <summary>One for each server.</summary>
    public HttpClient[] Http { get; private set; } = [];

    public PurserClient[] Purser { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        servers = [ServerProcess.Serve(ConnectionString), ServerProcess.Serve(ConnectionString)];
        Http = [.. (await Task.WhenAll(servers.Select(server => server.WaitReady()))).Select(To)];
        Purser = [.. Http.Select(http => new PurserClient(http, new() { Timeout = TimeSpan.FromSeconds(30) }))];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var purser in Purser) purser.Dispose();
        foreach (var http in Http) http.Dispose();
        foreach (var server in servers) await server.DisposeAsync();
        await postgres.DisposeAsync();
    }

    static HttpClient To(Uri address) => new(new SocketsHttpHandler { MaxConnectionsPerServer = Connections })
    {
        BaseAddress = address,
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey) },
    };
}

public sealed class ConcurrencyTests(TwoServers servers) : IClassFixture<TwoServers>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_a_thousand_charges_at_once_exactly_those_are_accepted_that_the_wallet_affords()
    {
        var customer = await servers.Purser[0].GivenCustomer(400);

        var charged = await AtOnce(1_000, i => Accepted(
            servers.Purser[i % 2].Charges.CreateAsync(customer, new() { Amount = 1 }, Ct)));

        Assert.Equal(400, charged.Count(accepted => accepted));
        Assert.Equal(0, (await servers.Purser[1].Balances.GetAsync(customer, Ct)).Balance);
    }

    [Fact]
    public async Task Of_a_thousand_holds_at_once_exactly_those_are_accepted_that_the_wallet_affords()
    {
        var customer = await servers.Purser[0].GivenCustomer(400.5m);

        var held = await AtOnce(1_000, i => Accepted(
            servers.Purser[i % 2].Holds.CreateAsync(customer, new() { Amount = 1 }, Ct)));

        Assert.Equal(400, held.Count(accepted => accepted));
        var wallet = await servers.Purser[1].Balances.GetAsync(customer, Ct);
        Assert.Equal((400m, 0.5m), (wallet.Held, wallet.Available));
    }

    [Fact]
    public async Task Each_of_many_holds_that_two_servers_end_at_once_ends_once()
    {
        var customer = await servers.Purser[0].GivenCustomer(1_000);
        var holds = await AtOnce(500, i => servers.Purser[i % 2].Holds.CreateAsync(customer, new() { Amount = 2 }, Ct));

        var captured = await AtOnce(1_000, i => Accepted(
            servers.Purser[i % 2].Holds.CaptureAsync(holds[i / 2].Id, new() { Amount = 1 }, Ct)));

        Assert.All(captured.Chunk(2), pair => Assert.Single(pair, accepted => accepted));
        var wallet = await servers.Purser[0].Balances.GetAsync(customer, Ct);
        Assert.Equal((500m, 0m), (wallet.Balance, wallet.Held));
    }

    [Fact]
    public async Task Charges_holds_and_captures_at_once_never_spend_a_credit_twice()
    {
        var customer = await servers.Purser[0].GivenCustomer(600);
        var holds = await AtOnce(200, i => servers.Purser[i % 2].Holds.CreateAsync(customer, new() { Amount = 1 }, Ct));

        // Every capture asks for half as much again as its hold; what is over it competes with the charges.
        var spent = await AtOnce(1_000, async i => i switch
        {
            < 200 => (await servers.Purser[i % 2].Holds.CaptureAsync(holds[i].Id, new() { Amount = 1.5m }, Ct)).Amount,
            < 600 => await Accepted(servers.Purser[i % 2].Charges.CreateAsync(customer, new() { Amount = 1 }, Ct)) ? 1 : 0,
            _ => await Accepted(servers.Purser[i % 2].Holds.CreateAsync(customer, new() { Amount = 1 }, Ct)) ? 0 : 0,
        });

        var wallet = await servers.Purser[0].Balances.GetAsync(customer, Ct);
        Assert.Equal(600 - spent.Sum(), wallet.Balance);
        Assert.InRange(wallet.Available, 0m, 0.999999m);
        await Wallets.AssertProven(servers.ConnectionString);
    }

    [Fact]
    public async Task The_same_key_at_once_on_two_servers_charges_once()
    {
        const int keys = 250;
        var customer = await servers.Purser[0].GivenCustomer(keys);
        var path = $"/v1/customers/{customer}/charges";

        // Four times each key, twice on each server.
        var answers = await AtOnce(keys * 4, i => servers.Http[i % 2].Post(path, """{"amount":1}""", $"key-{i / 4}"));

        Assert.All(answers.Chunk(4), same =>
        {
            Assert.All(same, answer => Assert.Equal((201, same[0].Body), (answer.Status, answer.Body)));
            Assert.Single(same, answer => !answer.Replayed);
        });
        Assert.Equal(0, (await servers.Purser[0].Balances.GetAsync(customer, Ct)).Balance);
        Assert.Equal(keys, answers.Select(answer => answer.Text("id")).Distinct().Count());
    }

    [Fact]
    public async Task The_same_key_at_once_for_two_things_does_one_of_them()
    {
        var customer = await servers.Purser[0].GivenCustomer(1_000);
        var path = $"/v1/customers/{customer}/charges";

        var answers = await AtOnce(200, i => servers.Http[i % 2].Post(path, $$"""{"amount":{{(i % 2) + 1}}}""", $"two-{i / 2}"));

        Assert.All(answers.Chunk(2), pair => Assert.Equal([201, 409], pair.Select(answer => answer.Status).Order()));
    }

    [Fact]
    public async Task The_first_charges_of_new_customers_on_two_servers_open_each_wallet_once()
    {
        var customers = await AtOnce(50, _ => servers.Purser[0].GivenCustomer());

        var granted = await AtOnce(400, i => servers.Purser[i % 2].Grants.CreateAsync(
            customers[i / 2 % 50], Wallets.Bought(1), Ct));

        Assert.Equal(400, granted.Length);
        foreach (var customer in customers)
            Assert.Equal(8, (await servers.Purser[1].Balances.GetAsync(customer, Ct)).Balance);
    }

    static Task<T[]> AtOnce<T>(int count, Func<int, Task<T>> call) => Task.WhenAll(Enumerable.Range(0, count).Select(call));

    // A hold that another call ended first is as good a no as a wallet that is empty.
    static async Task<bool> Accepted(Task call)
    {
        try
        {
            await call;
            return true;
        }
        catch (PurserException refused) when (refused is InsufficientCreditsException or ConflictException)
        {
            return false;
        }
    }
}
