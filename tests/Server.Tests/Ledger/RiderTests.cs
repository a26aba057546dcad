using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Platform;
using static Purser.Server.Tests.Ledger.TwoLanes;

namespace Purser.Server.Tests.Ledger;

/// <summary>Servers whose database has a table that the ledger knows nothing of.</summary>
public sealed class RiddenLanes : IAsyncLifetime
{
    // As a slice would: one statement for all rows of a batch.
    static readonly Riders<string> Notes = new((batch, rows) => batch.Add(
        "insert into note (name, hold, amount) select unnest($1::text[]), unnest($2::bigint[]), unnest($3::bigint[])",
        rows.ConvertAll(one => one.Row).ToArray(),
        rows.ConvertAll(one => one.Receipt.Hold).ToArray(),
        rows.ConvertAll(one => one.Receipt.Amount.Micros).ToArray()));

    internal TwoLanes Servers { get; } = new();

    internal static Rider Note(string name) => Notes.Of(name);

    public async ValueTask InitializeAsync()
    {
        await Servers.InitializeAsync();
        await Tables.Run(Servers.App.ConnectionString, """
            create table note (name text check (name <> ''), hold bigint, amount bigint, unique (name) deferrable initially deferred)
            """);
    }

    public ValueTask DisposeAsync() => Servers.DisposeAsync();

    internal Task<List<decimal>> Amounts(string name) => Tables.Read<decimal>(
        Servers.App.ConnectionString, $"select amount / 1000000.0 from note where name = '{name}' or name like '{name}-%'");
}

public sealed class RiderTests(RiddenLanes ridden) : IClassFixture<RiddenLanes>
{
    readonly TwoLanes servers = ridden.Servers;

    [Fact]
    public async Task A_row_is_written_with_its_command()
    {
        var wallet = await servers.GivenWallet(100);
        var hold = await servers.Done(wallet, Hold(5));

        await servers.Done(wallet, Capture(hold, 3), RiddenLanes.Note("captured"));

        Assert.Equal([3m], await ridden.Amounts("captured"));
    }

    [Fact]
    public async Task Nothing_is_written_with_a_command_that_is_refused_or_only_answered_again()
    {
        var wallet = await servers.GivenWallet(10);
        var hold = await servers.Done(wallet, Hold(5));
        await servers.Done(wallet, new Command.Release(hold.Hold!.Value), RiddenLanes.Note("idle-1"));
        var key = new CommandKey(Guid.CreateVersion7(), Guid.CreateVersion7());

        await servers.Done(wallet, new Command.Release(hold.Hold!.Value), RiddenLanes.Note("idle-2"));
        await servers.Run(wallet, Capture(hold, 1), RiddenLanes.Note("idle-3"));
        await servers.Run(wallet, Hold(11), RiddenLanes.Note("idle-4"));
        await servers.Lanes[0].Run(wallet, Hold(1), key, servers.Now, RiddenLanes.Note("idle-5"));
        await servers.Lanes[1].Run(wallet, Hold(1), key, servers.Now, RiddenLanes.Note("idle-6"));

        Assert.Equal([5m, 1m], await ridden.Amounts("idle"));
    }

    [Fact]
    public async Task Of_two_servers_that_end_a_hold_at_once_one_writes_its_row()
    {
        var wallet = await servers.GivenWallet(1_000);
        var holds = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => servers.Done(wallet, Hold(1))));

        // Also holds of nothing, whose end moves nothing in the wallet.
        await Task.WhenAll(Enumerable.Range(0, 400).Select(i => servers.Lanes[i % 2].Run(
            wallet,
            i % 3 == 0 ? Capture(holds[i / 2], 0) : new Command.Release(holds[i / 2].Hold!.Value),
            null,
            servers.Now,
            RiddenLanes.Note($"race-{i}"))));

        Assert.Equal(200, (await ridden.Amounts("race")).Count);
        await Wallets.AssertProven(servers.App.ConnectionString);
    }

    [Fact]
    public async Task A_row_that_cannot_be_written_fails_its_own_command_only()
    {
        var wallet = await servers.GivenWallet(1_000);
        var holds = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => servers.Done(wallet, Hold(1))));

        var captures = holds.Select((hold, i) => servers.Run(wallet, Capture(hold, 1), RiddenLanes.Note(i == 7 ? "" : $"bad-{i}"))).ToList();
        await Assert.ThrowsAsync<PostgresException>(() => captures[7]);
        captures.RemoveAt(7);

        Assert.All(await Task.WhenAll(captures), outcome => Assert.IsType<Outcome.Done>(outcome));
        Assert.Equal(19, (await ridden.Amounts("bad")).Count);
        await servers.Done(wallet, Capture(holds[7], 1), RiddenLanes.Note("bad-7"));
    }

    [Fact]
    public async Task What_fails_only_when_it_is_committed_has_failed()
    {
        var wallet = await servers.GivenWallet(10);
        var hold = await servers.Done(wallet, Hold(5), RiddenLanes.Note("twice"));

        await Assert.ThrowsAsync<PostgresException>(() => servers.Run(wallet, Capture(hold, 1), RiddenLanes.Note("twice")));

        Assert.Equal([5m], await ridden.Amounts("twice"));
        await servers.Done(wallet, new Command.Release(hold.Hold!.Value));
    }

    public static TheoryData<string, string, bool> Losses()
    {
        var losses = new TheoryData<string, string, bool>();
        foreach (var command in new[] { "hold", "capture", "release", "keyed" })
            foreach (var lost in new[] { "answer", "first request", "second request" })
                foreach (var hopeful in new[] { true, false }) losses.Add(command, lost, hopeful);
        return losses;
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public async Task Whatever_gets_lost_on_the_way_a_command_and_its_row_are_there_once(string of, string lost, bool hopeful)
    {
        var wallet = await servers.GivenWallet(100);
        var budget = await servers.Db.GivenBudget(wallet, BudgetPeriod.Total, 50, servers.Now);
        await using var way = new LossyWay(servers.App.ConnectionString);
        await using var source = new LaneSource(way.ConnectionString);
        await using var lanes = new Lanes(source, new(), new(new()), TimeProvider.System, NullLogger<Lanes>.Instance);
        await lanes.StartAsync(TestContext.Current.CancellationToken);
        if (!hopeful) await KnowAKey(lanes, wallet);
        var held = Assert.IsType<Outcome.Done>(await lanes.Run(wallet, Hold(10, budget), null, servers.Now)).Receipt;

        if (lost == "answer") way.LoseAnswerToInsert();
        else way.LoseRequest(after: lost == "first request" ? 0 : 1);
        var name = $"lost {of} {lost} {hopeful}";
        Command command = of switch
        {
            "hold" => Hold(4, budget),
            "release" => new Command.Release(held.Hold!.Value),
            _ => Capture(held, 4),
        };
        CommandKey? key = of == "keyed" ? new(Guid.CreateVersion7(), Guid.CreateVersion7()) : null;
        var outcome = await lanes.Run(wallet, command, key, servers.Now, RiddenLanes.Note(name));
        // A hopeful command may get by with one request; then the next one loses what was to be lost.
        var next = await lanes.Run(wallet, Hold(1, budget), null, servers.Now, RiddenLanes.Note($"{name}-next"));

        Assert.Equal(1, way.Losses);
        var done = Assert.IsType<Outcome.Done>(outcome);
        Assert.Equal((false, false), (done.Replayed, Assert.IsType<Outcome.Done>(next).Replayed));
        Assert.Equal([done.Receipt.Amount.ToDecimal(), 1m], await ridden.Amounts(name));
        Assert.Equal(of switch { "hold" => 15m, "release" => 1m, _ => 5m }, await Counted(wallet, budget));
        await Wallets.AssertProven(servers.App.ConnectionString);
    }

    // A lane that met a known key looks for keys, with locks, for a while.
    async Task KnowAKey(Lanes lanes, WalletId wallet)
    {
        var key = new CommandKey(Guid.CreateVersion7(), Guid.CreateVersion7());
        var first = await lanes.Run(wallet, Hold(1), key, servers.Now);
        var again = await lanes.Run(wallet, Hold(1), key, servers.Now);
        Assert.Equal(((Outcome.Done)first) with { Replayed = true }, again);
    }

    async Task<decimal> Counted(WalletId wallet, Id<Budget> budget)
    {
        var found = (await servers.Db.BudgetOf(wallet, budget, TestContext.Current.CancellationToken))!;
        return (found.Used + found.Held).ToDecimal();
    }
}
