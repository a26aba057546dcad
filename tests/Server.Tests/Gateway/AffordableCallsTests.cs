using System.Net.Http.Headers;
using System.Text.Json;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>Two gateways on one database, each a process of its own, and a sandbox that is theirs alone.</summary>
public sealed class TwoGates : IAsyncLifetime
{
    // More connections than this make a client of tests slow, and a server no busier.
    const int Connections = 100;

    Postgres postgres = null!;
    SandboxProcess sandbox = null!;
    ServerProcess[] servers = [];

    public string ConnectionString => postgres.ConnectionString;

    internal AiAccount Ai { get; private set; } = null!;

    /// <summary>One for each server, with the admin key where a request brings no other.</summary>
    public HttpClient[] Http { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        sandbox = await SandboxProcess.Start();
        Ai = new(sandbox.Url);
        (string, string)[] environment = [("PURSER_CATALOG", Gate.CatalogFile), .. Ai.Environment];
        servers = [ServerProcess.Serve(ConnectionString, environment), ServerProcess.Serve(ConnectionString, environment)];
        Http = [.. (await Task.WhenAll(servers.Select(server => server.WaitReady()))).Select(To)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var http in Http) http.Dispose();
        foreach (var server in servers) await server.DisposeAsync();
        Ai.Dispose();
        await sandbox.DisposeAsync();
        await postgres.DisposeAsync();
    }

    static HttpClient To(Uri address) => new(new SocketsHttpHandler { MaxConnectionsPerServer = Connections, ResponseDrainTimeout = TimeSpan.Zero })
    {
        BaseAddress = address,
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey) },
    };
}

/// <summary>Far more callers at once than there is to pay for.</summary>
public sealed class AffordableCallsTests(TwoGates gates) : IClassFixture<TwoGates>
{
    // What it reads is free and its answer has twenty tokens: it costs exactly what is held for it.
    const decimal Cost = 21;

    static readonly string ExactlyHeld = Ask("gpt-4.1-nano", ""","max_tokens":20""");

    [Fact]
    public async Task Of_a_thousand_calls_at_once_exactly_those_are_made_that_the_wallet_affords()
    {
        var caller = await gates.Http[0].GivenCaller(credits: 100 * Cost);
        var mark = await gates.Ai.Mark();

        var answers = await AtOnce(1_000, i => On(i, caller).Ask(Chat, ExactlyHeld));

        AssertMade(100, answers, "insufficient_credits");
        var calls = await caller.Settled(gates.ConnectionString, 100);
        Assert.Equal(100 * Cost, calls.Sum(call => call.Charged()));
        Assert.Equal(0m, (await caller.Balance()).Number("balance"));
        await AssertServed(mark, 100);
    }

    [Theory]
    [InlineData("day")]
    [InlineData("month")]
    [InlineData("total")]
    public async Task Of_many_calls_at_once_exactly_those_are_made_that_the_budget_affords(string period)
    {
        var caller = await gates.Http[0].GivenCaller(key: Budget(100 * Cost, period));
        var mark = await gates.Ai.Mark();

        var answers = await AtOnce(period == "day" ? 1_000 : 300, i => On(i, caller).Ask(Chat, ExactlyHeld));

        AssertMade(100, answers, "budget_exceeded");
        await caller.Settled(gates.ConnectionString, 100);
        await AssertServed(mark, 100);
    }

    [Fact]
    public async Task Streams_at_once_are_made_as_far_as_the_wallet_affords_them()
    {
        var caller = await gates.Http[0].GivenCaller(credits: 50 * Cost);

        var answers = await AtOnce(300, i => On(i, caller).Ask(Chat, Stream("gpt-4.1-nano@slow:20ms", ""","max_tokens":20""")));

        AssertMade(50, answers, "insufficient_credits");
        await caller.Settled(gates.ConnectionString, 50);
    }

    [Fact]
    public async Task Calls_that_cost_less_than_is_held_for_them_never_spend_more_than_there_is()
    {
        var caller = await gates.Http[0].GivenCaller(credits: 2_000);

        // Each holds some three hundred credits, and costs forty-nine.
        var answers = await AtOnce(500, i => On(i, caller).Ask(Chat, Ask(more: ""","max_tokens":100""")));

        var made = answers.Count(answer => answer.Status == 200);
        Assert.InRange(made, 5, 40);
        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 402, answer.ToString()));
        Assert.Equal(49m * made, (await caller.Settled(gates.ConnectionString, made)).Sum(call => call.Charged()));
    }

    [Fact]
    public async Task Without_a_limit_of_their_own_callers_are_given_one_that_the_wallet_pays_for()
    {
        var caller = await gates.Http[0].GivenCaller(credits: 1_000);

        var answers = await AtOnce(300, i => On(i, caller).Ask(Chat, Ask()));

        var made = answers.Count(answer => answer.Status == 200);
        Assert.InRange(made, 1, 20);
        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 402, answer.ToString()));
        var calls = await caller.Settled(gates.ConnectionString, made);
        Assert.All(calls, call => Assert.True(call.GetProperty("limited_to").GetInt64() < 1_000));
        Assert.Equal(49m * made, calls.Sum(call => call.Charged()));
    }

    [Fact]
    public async Task Keys_that_compete_for_one_wallet_stay_within_their_budgets_and_within_the_wallet()
    {
        var first = await gates.Http[0].GivenCaller(credits: 100 * Cost, key: Budget(60 * Cost, "day"));
        var second = await first.WithKey(Budget(60 * Cost, "total"));

        var answers = await AtOnce(600, i => On(i, i / 2 % 2 == 0 ? first : second).Ask(Chat, ExactlyHeld));

        Assert.Equal(100, answers.Count(answer => answer.Status == 200));
        var calls = await first.Settled(gates.ConnectionString, 100);
        Assert.All(calls.CountBy(call => Text(call, "key")), key => Assert.InRange(key.Value, 40, 60));
    }

    Caller On(int i, Caller caller) => caller with { Server = gates.Http[i % 2] };

    static Task<Answered[]> AtOnce(int count, Func<int, Task<Answered>> call) => Task.WhenAll(Enumerable.Range(0, count).Select(call));

    static void AssertMade(int count, Answered[] answers, string otherwise)
    {
        Assert.Equal(count, answers.Count(answer => answer.Status == 200));
        Assert.All(answers.Where(answer => answer.Status != 200), answer =>
            Assert.Equal((402, otherwise), (answer.Status, answer.Error.GetProperty("code").GetString())));
    }

    // Whoever was refused has cost the provider nothing.
    async Task AssertServed(long mark, int count) => Assert.All(await gates.Ai.Served(mark, count), call =>
        Assert.Equal(("finished", 20), (Text(call, "outcome"), call.GetProperty("usage").GetProperty("output").GetInt32())));

    static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;
}
