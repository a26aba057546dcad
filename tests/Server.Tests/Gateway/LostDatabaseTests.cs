using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Server.Gateway;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>A database that is killed in the middle of calls, and comes back.</summary>
public sealed class LostDatabaseTests : IAsyncLifetime
{
    OwnCluster cluster = null!;
    AiAccount ai = null!;
    WebApplication server = null!;
    HttpClient http = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    string ConnectionString => cluster.Postgres.ConnectionString;

    public async ValueTask InitializeAsync()
    {
        cluster = await OwnCluster.Start(durable: true);
        ai = new(await Sandbox.Url());
        server = await PurserServer.Build(Gate.SettingsFor(ai), ConnectionString, services =>
            services.AddSingleton(new Patience { Settlement = TimeSpan.FromMilliseconds(100) }));
        await server.StartAsync(Ct);
        http = new() { BaseAddress = new(server.Urls.Single()) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey);
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await server.StopAsync(CancellationToken.None);
        await server.DisposeAsync();
        ai.Dispose();
        await cluster.DisposeAsync();
    }

    [Fact]
    public async Task Streams_that_end_while_it_is_away_reach_their_callers_and_are_settled_once_when_it_is_back()
    {
        var callers = new List<Caller>();
        for (var i = 0; i < 10; i++) callers.Add(await http.GivenCaller(key: Budget(100000, "total")));
        var asked = Task.WhenAll(callers.ConvertAll(caller => caller.Ask(Chat, Stream("gpt-4o-mini@tokens:30@slow:100ms"))));
        await Eventually.Holds(async () => (await Tables.Read<long>(ConnectionString, "select count(*) from running_call")).Single() == 10);

        // Each time that it is back it is killed again, until all have ended.
        while (!asked.IsCompleted)
        {
            cluster.Kill();
            await Eventually.Holds(() => asked.IsCompleted || cluster.Postgres.Process > 0);
        }

        Assert.All(await asked, answer => Assert.EndsWith("data: [DONE]\n\n", answer.Body, StringComparison.Ordinal));
        await Eventually.Holds(async () => (await http.Read("/health/ready")).Status == 200);
        foreach (var caller in callers)
        {
            var call = Assert.Single(await caller.Settled(ConnectionString));
            Assert.Equal(("finished", 1m + 8 + 60), (call.State(), call.Charged()));
        }
    }

    [Fact]
    public async Task A_call_is_under_way_until_the_ledger_has_decided_on_it()
    {
        var caller = await http.GivenCaller();
        var asked = caller.Ask(Chat, Ask("gpt-4o-mini@ttft:1s"));
        await Eventually.Holds(async () => (await Tables.Read<long>(ConnectionString, "select count(*) from hold where state = 1")).Single() == 1);
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using (var connection = await source.OpenConnectionAsync(Ct))
        await using (await connection.BeginTransactionAsync(Ct))
        {
            await using var held = new NpgsqlCommand("select from wallet for update", connection);
            await held.ExecuteNonQueryAsync(Ct);

            // The caller has his answer, and another server would take a call that has no sign of life for one that was lost.
            Assert.Equal(200, (await asked).Status);
            await Eventually.Holds(async () => (await Tables.Read<long>(ConnectionString, "select beat from running_call")).SingleOrDefault() >= 3);
        }

        Assert.Equal(49m, Assert.Single(await caller.Settled(ConnectionString)).Charged());
    }

    [Fact]
    public async Task A_call_that_is_asked_while_it_is_away_is_made_when_it_is_back()
    {
        var caller = await http.GivenCaller();
        await caller.Ask(Chat, Ask());

        cluster.Kill();
        var answer = await caller.Ask(Chat, Ask());

        Assert.Equal(200, answer.Status);
        await Eventually.Holds(async () => (await http.Read("/health/ready")).Status == 200);
        Assert.Equal([49m, 49m], (await caller.Settled(ConnectionString, 2)).Select(call => call.Charged()));
    }
}
