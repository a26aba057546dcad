using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Ledger;

/// <summary>A lane that cannot get on: somebody else has locked the row of a wallet that it needs.</summary>
public sealed class OverloadTests(App app) : IClassFixture<App>
{
    // What a lane has in hand beside what waits for it.
    const int LargestBatch = 1_000;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_full_lane_refuses_at_once_and_loses_nothing_of_what_it_took()
    {
        const int pushed = 3 * Lane.Capacity;
        var customer = await app.Purser.GivenCustomer(pushed);
        var wallet = WalletId.Of(CustomerId.Parse(customer, null));
        var lanes = app.Services.GetRequiredService<Lanes>();
        var outcomes = new List<Task<Outcome>>();

        await using (await Lock(wallet))
        {
            for (var i = 0; i < pushed; i++)
                outcomes.Add(lanes.Enqueue(wallet, new Command.Charge(Credits.Of(1), null, null, null), Key(), app.Time.GetUtcNow()));

            // Those that were refused know it; those that were accepted wait, and no more of them than a lane holds.
            Assert.All(outcomes.Where(outcome => outcome.IsCompleted), outcome => Assert.True(Refused(outcome)));
            Assert.InRange(outcomes.Count(outcome => !outcome.IsCompleted), Lane.Capacity, Lane.Capacity + LargestBatch);
            Assert.Equal(Lane.Capacity, lanes.Waiting);
            await AssertRefusedOverHttp(customer);
        }

        var all = await Task.WhenAll(outcomes);
        var done = all.OfType<Outcome.Done>().ToList();
        Assert.Equal(pushed, done.Count + all.OfType<Outcome.Overloaded>().Count());
        Assert.Equal(done.Count, done.Select(one => one.Receipt.Entry).Distinct().Count());
        Assert.Equal(pushed - done.Count, (await app.Purser.Balances.GetAsync(customer, Ct)).Balance);
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task The_other_lane_gets_on()
    {
        var (stuck, free) = await CustomersOfTwoLanes();
        await using (await Lock(WalletId.Of(CustomerId.Parse(stuck, null))))
        {
            var waiting = app.Purser.Charges.CreateAsync(stuck, new() { Amount = 1 }, Ct);

            Assert.Equal(9, (await app.Purser.Charges.CreateAsync(free, new() { Amount = 1 }, Ct)).Balance);
            Assert.False(waiting.IsCompleted);
        }

        Assert.Equal(8, (await app.Purser.Charges.CreateAsync(stuck, new() { Amount = 1 }, Ct)).Balance);
    }

    [Fact]
    public async Task What_is_refused_leaves_nothing_behind()
    {
        var customer = await app.Purser.GivenCustomer(1);
        var wallet = WalletId.Of(CustomerId.Parse(customer, null));
        var lanes = app.Services.GetRequiredService<Lanes>();
        await using (await Lock(wallet))
        {
            while (Charge() is { IsCompleted: false }) { }

            var refused = Enumerable.Range(0, 1_000).Select(_ => Traced()).ToList();

            GC.Collect();
            GC.WaitForPendingFinalizers();
            Assert.DoesNotContain(refused, one => one.TryGetTarget(out _));
        }

        // What was accepted is the other tests' traffic until it is done.
        await Eventually.Holds(() => lanes.Waiting == 0);

        Task<Outcome> Charge() => lanes.Enqueue(
            wallet, new Command.Charge(Credits.Of(1), null, null, null), Key(), app.Time.GetUtcNow());

        // In a method of its own, so that nothing on the stack keeps the command alive.
        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        WeakReference<Command> Traced()
        {
            var command = new Command.Charge(Credits.Of(1), null, null, null);
            Assert.True(Refused(lanes.Enqueue(wallet, command, Key(), app.Time.GetUtcNow())));
            return new(command);
        }
    }

    [Fact]
    public async Task A_server_that_ends_before_it_knows_says_so()
    {
        var customer = await app.Purser.GivenCustomer(10);
        var wallet = WalletId.Of(CustomerId.Parse(customer, null));
        await using var source = new LaneSource(app.ConnectionString);
        await using var lane = new Lane(0, source, new(), new(new()), TimeProvider.System, NullLogger.Instance);
        lane.Start();

        await using (await Lock(wallet))
        {
            var pending = new Pending(wallet, new Command.Charge(Credits.Of(1), null, null, null), Key(), app.Time.GetUtcNow(), null);
            Assert.True(lane.TryAccept(pending));
            await lane.Stop(TimeSpan.FromMilliseconds(200));

            Assert.IsType<Outcome.Unknown>(await pending.Task);
        }

        Assert.Equal(10, (await app.Purser.Balances.GetAsync(customer, Ct)).Balance);
    }

    async Task AssertRefusedOverHttp(string customer)
    {
        using var http = new HttpClient { BaseAddress = app.Client.BaseAddress };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey);

        var answer = await http.Post($"/v1/customers/{customer}/charges", """{"amount":1}""");

        Assert.Equal(
            (503, "overloaded", "overloaded"),
            (answer.Status, answer.Error.GetProperty("type").GetString(), answer.Error.GetProperty("code").GetString()));
        Assert.Equal("1", answer.Header("Retry-After"));
    }

    async Task<(string, string)> CustomersOfTwoLanes()
    {
        var customers = new List<string>();
        for (var i = 0; i < 20; i++) customers.Add(await app.Purser.GivenCustomer(10));
        var lanes = customers.ToLookup(customer => WalletId.Of(CustomerId.Parse(customer, null)).Bucket % 2);
        return (lanes[0].First(), lanes[1].First());
    }

    async Task<NpgsqlConnection> Lock(WalletId wallet)
    {
        var connection = new NpgsqlConnection(app.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(Ct);
        await using var command = new NpgsqlCommand(
            $"begin; select id from wallet where id = '{wallet.Value}' for update", connection);
        await command.ExecuteNonQueryAsync(Ct);
        return connection;
    }

    static CommandKey Key() => new(Guid.CreateVersion7(), Guid.Empty);

    static bool Refused(Task<Outcome> outcome) =>
        outcome is { IsCompletedSuccessfully: true } && outcome.GetAwaiter().GetResult() is Outcome.Overloaded;
}
