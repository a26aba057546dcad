using System.Diagnostics;
using System.Net.Http.Headers;

namespace Purser.Server.Tests.Gateway;

/// <summary>
/// Everything at once, for a while: calls of every kind to two servers, which are killed in turn, providers that fail in
/// every way there is, callers who leave, wallets and budgets that run out. In the end the servers' books, the ledger and
/// what the providers have on record say the same.
/// </summary>
public sealed class SoakTests : IAsyncLifetime
{
    static readonly TimeSpan Duration = Environment.GetEnvironmentVariable("PURSER_TEST_LONG") == "1"
        ? TimeSpan.FromMinutes(10)
        : TimeSpan.FromSeconds(12);

    static readonly TimeSpan BetweenKills = TimeSpan.FromSeconds(5);

    // A server that is gone is believed to be after twenty seconds.
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    readonly int[] ports = [Ports.Free(), Ports.Free()];
    readonly ServerProcess[] servers = new ServerProcess[2];
    Postgres postgres = null!;
    SandboxProcess sandbox = null!;
    AiAccount ai = null!;
    HttpClient[] http = [];

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        sandbox = await SandboxProcess.Start();
        ai = new(sandbox.Url);
        http = [.. ports.Select(To)];
        for (var i = 0; i < servers.Length; i++) await Start(i);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers) await server.DisposeAsync();
        foreach (var client in http) client.Dispose();
        ai.Dispose();
        await sandbox.DisposeAsync();
        await postgres.DisposeAsync();
    }

    [Fact]
    public async Task Whatever_happens_every_call_is_settled_once_and_by_what_was_served()
    {
        var traffic = await SoakTraffic.Open(http);
        using (var over = CancellationTokenSource.CreateLinkedTokenSource(Ct))
        {
            over.CancelAfter(Duration);
            var running = traffic.Run(over.Token);
            await KillInTurn(over.Token);
            await running;
        }

        await NothingIsHeld();

        var audit = await SoakAudit.Of(traffic, http[0], ai);
        audit.AssertTraffic();
        audit.AssertBalances();
        audit.AssertWhatCallersSaw();
        audit.AssertWhatWasServed();
        Assert.Equal(0, await Count("""
            select count(*) from hold h left join call c on (c.bucket, c.wallet_id, c.number) = (h.bucket, h.wallet_id, h.number)
            where h.budget is not null and c.number is null
            """));
        Assert.Equal(0, await Count("""
            select count(*) from call c left join entry e on (e.bucket, e.wallet_id, e.seq) = (c.bucket, c.wallet_id, c.entry)
            where c.charged is distinct from coalesce(-e.amount, 0) or (e.hold is distinct from c.number and e.seq is not null)
            """));
        Assert.Equal(await Count("select count(*) from call where entry is not null"), await Count("select count(*) from entry where hold is not null"));
        Assert.Equal(0, await Count("select count(*) from running_call"));
        await using var verify = ServerProcess.On(postgres.ConnectionString, ["verify"]);
        Assert.True(await verify.WaitEnd() == 0, verify.Output);
    }

    async Task KillInTurn(CancellationToken until)
    {
        for (var victim = 0; !until.IsCancellationRequested; victim = 1 - victim)
        {
            await Task.Delay(BetweenKills, until).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            await servers[victim].Kill();
            await servers[victim].DisposeAsync();
            await Start(victim);
        }
    }

    async Task Start(int number)
    {
        servers[number] = ServerProcess.Serve(
            postgres.ConnectionString,
            [("PURSER_CATALOG", Gate.CatalogFile), ("PURSER_PORT", $"{ports[number]}"), .. ai.Environment]);
        await servers[number].WaitReady();
    }

    async Task NothingIsHeld()
    {
        var waited = Stopwatch.StartNew();
        while (await Count("select count(*) from hold where state = 1") + await Count("select count(*) from running_call") > 0)
        {
            if (waited.Elapsed > Patience) Assert.Fail("There is still something held. " + string.Join('\n', servers.Select(server => server.Output)));

            await Task.Delay(TimeSpan.FromMilliseconds(250), Ct);
        }
    }

    async Task<long> Count(string sql) => (await Tables.Read<long>(postgres.ConnectionString, sql)).Single();

    static HttpClient To(int port) => new(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero })
    {
        BaseAddress = new($"http://127.0.0.1:{port}"),
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey) },
        Timeout = Patience,
    };
}
