using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>
/// A server that is killed with calls under way, and another on the same database that finds and settles them. The other
/// has a clock of its own, which is moved.
/// </summary>
public sealed class LostServerTests : IAsyncLifetime
{
    readonly ManualTime time = new(TimeProvider.System.GetUtcNow());
    Postgres postgres = null!;
    AiAccount ai = null!;
    ServerProcess first = null!;
    WebApplication other = null!;
    HttpClient atFirst = null!;
    HttpClient atOther = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        ai = new(await Sandbox.Url());
        first = ServerProcess.Serve(postgres.ConnectionString, [("PURSER_CATALOG", Gate.CatalogFile), .. ai.Environment]);
        other = await PurserServer.Build(
            Gate.SettingsFor(ai), postgres.ConnectionString, services => services.AddSingleton<TimeProvider>(time));
        await other.StartAsync(Ct);
        atFirst = To(await first.WaitReady());
        atOther = To(new(other.Urls.Single()));
    }

    public async ValueTask DisposeAsync()
    {
        atFirst.Dispose();
        atOther.Dispose();
        await first.DisposeAsync();
        await other.StopAsync(CancellationToken.None);
        await other.DisposeAsync();
        await postgres.DisposeAsync();
        ai.Dispose();
    }

    [Fact]
    public async Task What_a_killed_server_had_passed_on_is_charged_and_the_rest_is_given_back()
    {
        var stream = await Begun(Ask("gpt-4o-mini@tokens:900@slow:100ms", ""","stream":true"""), Chat);
        var message = await Begun(Ask("claude-sonnet-5-5@tokens:900@slow:100ms", ""","stream":true,"max_tokens":900"""), Messages);
        var silent = await Begun(Stream("gpt-4o-mini@ttft:60s"), Chat);
        await Eventually.Holds(async () => (await Written()).Count(bytes => bytes > 0) == 2);

        await Kill();
        var written = (await Written()).Where(bytes => bytes > 0).Order().ToArray();
        await Pass(TimeSpan.FromSeconds(25));

        var left = await Settled(stream);
        var (seen, guessed) = (left.Used("output_tokens"), left.Used("input_tokens"));
        Assert.Equal(("server_lost", true, 1 + guessed + (seen * 2)), (left.State(), left.Estimated(), left.Charged()));
        var told = await Settled(message);
        // What Anthropic said the prompt was had been written down.
        Assert.Equal(("server_lost", 8, 1 + 8 + (told.Used("output_tokens") * 5)), (told.State(), told.Used("input_tokens"), told.Charged()));
        Assert.Equal(written.Select(bytes => (bytes + 3) / 4), ((long[])[seen, told.Used("output_tokens")]).Order());
        var nothing = await Settled(silent);
        Assert.Equal(("server_lost", 0m), (nothing.State(), nothing.Charged()));
        Assert.Empty(await Written());
    }

    [Fact]
    public async Task What_a_killed_server_had_passed_on_while_charging_was_off_has_its_price_and_is_not_charged()
    {
        Assert.Equal(200, (await atFirst.Put("/v1/switches/BILLING_CHARGING_ENABLED", """{"value":false}""")).Status);
        var caller = await atFirst.GivenCaller();
        _ = caller.Ask(Chat, Stream("gpt-4o-mini@tokens:900@slow:100ms")).ContinueWith(_ => { }, TaskScheduler.Default);
        await Eventually.Holds(async () => (await Written()).Any(bytes => bytes > 0));

        await Kill();
        await Pass(TimeSpan.FromSeconds(25));

        var call = await Settled(caller);
        Assert.Equal(("server_lost", 0m), (call.State(), call.Charged()));
        Assert.Equal(1 + call.Used("input_tokens") + (call.Used("output_tokens") * 2), call.GetProperty("uncharged").GetDecimal());
    }

    [Fact]
    public async Task A_call_whose_server_still_shows_signs_of_life_is_left_to_it()
    {
        var caller = await atFirst.GivenCaller();
        var waiting = caller.Ask(Chat, Stream("gpt-4o-mini@tokens:30@slow:100ms"));
        await Eventually.Holds(async () => (await Written()).Any(bytes => bytes > 0));

        // The clock runs ahead of the calls' beat, but never past it.
        while (!waiting.IsCompleted)
        {
            var beat = await Beat();
            await Pass(TimeSpan.FromSeconds(10));
            await Eventually.Holds(async () => waiting.IsCompleted || await Beat() > beat);
        }

        var call = Assert.Single(await caller.Settled(postgres.ConnectionString));
        Assert.Equal(("finished", 1m + 8 + 60), (call.State(), call.Charged()));
    }

    [Fact]
    public async Task After_hours_without_any_server_a_call_is_settled_by_what_was_written_down_all_the_same()
    {
        var caller = await Begun(Stream("gpt-4o-mini@tokens:900@slow:100ms"), Chat);
        await Eventually.Holds(async () => (await Written()).Any(bytes => bytes > 0));
        await Kill();
        await other.StopAsync(Ct);

        time.Advance(TimeSpan.FromHours(3));
        await using var restarted = await PurserServer.Build(
            Gate.SettingsFor(ai), postgres.ConnectionString, services => services.AddSingleton<TimeProvider>(time));
        await restarted.StartAsync(Ct);
        using var atRestarted = To(new(restarted.Urls.Single()));
        await Pass(TimeSpan.FromSeconds(25));

        var call = Assert.Single(await (caller with { Server = atRestarted }).Settled(postgres.ConnectionString));
        Assert.Equal("server_lost", call.State());
        Assert.True(call.Charged() > 1);
        await restarted.StopAsync(Ct);
    }

    [Fact]
    public async Task What_was_written_down_of_a_call_that_was_settled_is_forgotten_though_its_server_is_gone()
    {
        var caller = await atFirst.GivenCaller();
        await caller.Ask(Chat, Ask("gpt-4o-mini"));
        var settled = Assert.Single(await caller.Settled(postgres.ConnectionString));
        await Kill();
        await Tables.Run(postgres.ConnectionString, """
            insert into running_call (bucket, wallet_id, number, key, wire, model, stream, own_key, guessed_input, produced_bytes, started_at, beat)
            select bucket, wallet_id, number, key, wire, model, stream, own_key, '{}', 1, started_at, 1 from call
            """);

        await Pass(TimeSpan.FromSeconds(25));

        Assert.Empty(await Written());
        Assert.Equal(settled.ToString(), (await Settled(caller)).ToString());
    }

    async Task<Caller> Begun(string json, string path)
    {
        var caller = await atFirst.GivenCaller();
        // Left to itself: its server is killed under it.
        _ = caller.Ask(path, json).ContinueWith(_ => { }, TaskScheduler.Default);
        await Eventually.Holds(async () => (await caller.Balance()).Number("held") > 0);
        return caller;
    }

    async Task<JsonElement> Settled(Caller caller) =>
        Assert.Single(await (caller with { Server = atOther }).Settled(postgres.ConnectionString));

    // From then on the clock of the other server is the only one, and ahead of all that was noted by the first one's.
    async Task Kill()
    {
        await first.Kill();
        time.Advance(TimeProvider.System.GetUtcNow() - time.GetUtcNow() + TimeSpan.FromSeconds(1));
    }

    /// <summary>In steps of the clock, and each until the job has looked.</summary>
    async Task Pass(TimeSpan span)
    {
        var step = TimeSpan.FromSeconds(5);
        for (var passed = TimeSpan.Zero; passed < span; passed += step)
        {
            time.Advance(step);
            var now = time.GetUtcNow();
            await Eventually.Holds(async () => (await Tables.Read<DateTime>(
                postgres.ConnectionString,
                "select last_run from job where name = 'settle calls of servers that are gone'")).Any(run => run >= now.UtcDateTime.AddMilliseconds(-1)));
        }
    }

    Task<List<long>> Written() => Tables.Read<long>(postgres.ConnectionString, "select produced_bytes from running_call");

    async Task<long> Beat() => (await Tables.Read<long>(postgres.ConnectionString, "select coalesce(sum(beat), 0)::bigint from running_call")).Single();

    static HttpClient To(Uri address) => new() { BaseAddress = address, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey) } };
}
