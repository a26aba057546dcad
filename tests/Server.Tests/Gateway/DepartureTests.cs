using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>Callers who leave before they have their answer.</summary>
public sealed class DepartureTests(Gate gate) : IClassFixture<Gate>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Chat, "gpt-4o-mini@tokens:900@slow:100ms", 2)]
    [InlineData(Messages, "claude-sonnet-5-5@tokens:900@slow:100ms", 5)]
    public async Task Of_a_provider_that_stops_what_came_is_charged(string path, string model, int perToken)
    {
        var caller = await gate.GivenCaller();
        var mark = await gate.Ai.Mark();

        await caller.Leave(path, Ask(model, ""","stream":true,"max_tokens":900"""), after: 5);

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        var served = (await gate.Ai.Served(mark))[0];
        Assert.Equal(("caller_left", true), (call.State(), call.Estimated()));
        Assert.Equal(1 + call.Used("input_tokens") + (call.Used("output_tokens") * perToken), call.Charged());
        // The provider stopped too, no more than a few tokens later.
        Assert.Equal("cancelled", served.GetProperty("outcome").GetString());
        Assert.InRange(served.GetProperty("usage").GetProperty("output").GetInt64() - call.Used("output_tokens"), -1, 5);
    }

    [Fact]
    public async Task Of_a_provider_that_tells_the_prompt_at_the_start_only_the_answer_is_estimated()
    {
        var caller = await gate.GivenCaller();

        await caller.Leave(Messages, Ask("claude-sonnet-5-5@tokens:900@slow:100ms", ""","stream":true,"max_tokens":900"""), after: 3);

        Assert.Equal(8, Assert.Single(await caller.Settled(gate.ConnectionString)).Used("input_tokens"));
    }

    [Fact]
    public async Task Of_a_provider_that_goes_on_the_whole_answer_is_charged_as_it_is_by_it()
    {
        var caller = await gate.GivenCaller();
        var mark = await gate.Ai.Mark();

        await caller.Leave(Chat, Stream("gemini-2.5-flash@tokens:30@slow:50ms@reasoning:0"), after: 3);

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        var served = (await gate.Ai.Served(mark))[0];
        Assert.Equal(("caller_left", false, 1m + 8 + (30 * 4)), (call.State(), call.Estimated(), call.Charged()));
        Assert.Equal(("finished", 30), (served.GetProperty("outcome").GetString(), served.GetProperty("usage").GetProperty("output").GetInt64()));
    }

    [Fact]
    public async Task Of_a_model_that_thinks_unseen_the_whole_answer_is_charged_with_its_thoughts()
    {
        var caller = await gate.GivenCaller();
        var mark = await gate.Ai.Mark();

        await caller.Leave(Chat, Stream("gpt-5-mini@tokens:20@reasoning:50@slow:50ms"), after: 3);

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(("caller_left", false, 50, 20), (call.State(), call.Estimated(), call.Used("reasoning_tokens"), call.Used("output_tokens")));
        Assert.Equal("finished", (await gate.Ai.Served(mark))[0].GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task Where_it_goes_on_and_then_tells_nothing_what_came_is_charged()
    {
        var caller = await gate.GivenCaller();

        await caller.Leave(Chat, Stream("gemini-2.5-flash@tokens:30@slow:50ms@reasoning:0@no-usage"), after: 3);

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(("caller_left", true, 30), (call.State(), call.Estimated(), call.Used("output_tokens")));
    }

    [Fact]
    public async Task Before_a_stream_has_begun_the_prompt_is_charged_and_nothing_else()
    {
        var caller = await gate.GivenCaller();
        var mark = await gate.Ai.Mark();

        await LeaveBeforeTheFirstByte(caller, Stream("gpt-4o-mini@ttft:60s"));

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(("caller_left", 0), (call.State(), call.Used("output_tokens")));
        Assert.InRange(call.Charged(), 1, 50);
        Assert.Equal("cancelled", (await gate.Ai.Served(mark))[0].GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task Who_does_not_wait_for_a_whole_answer_pays_for_the_whole_answer_and_once()
    {
        var caller = await gate.GivenCaller();

        await LeaveBeforeTheFirstByte(caller, Ask("gpt-4o-mini@ttft:1s"));

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(("finished", 49m, false), (call.State(), call.Charged(), call.Estimated()));
        // Nobody tried to settle it a second time.
        Assert.Empty(gate.Log.Of(3001));
    }

    [Fact]
    public async Task Who_leaves_while_asking_asked_for_nothing()
    {
        var caller = await gate.GivenCaller();
        var mark = await gate.Ai.Mark();
        using (var socket = await Connect())
        {
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                $"POST {Chat} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {caller.Key}\r\nContent-Length: 1000\r\n\r\n{{\"model\":\"gpt-4o-mini\""), Ct);
        }

        // Whatever is asked afterwards is answered, and is all there is.
        await caller.Ask(Chat, Ask());
        Assert.Single(await caller.Settled(gate.ConnectionString));
        await gate.Ai.Served(mark, 1);
    }

    [Fact]
    public async Task A_hundred_who_leave_at_once_leave_nothing_behind()
    {
        var caller = await gate.GivenCaller();
        string[] models =
        [
            "gpt-4o-mini@tokens:900@slow:100ms", "gemini-2.5-flash@tokens:30@slow:50ms@reasoning:0", "gpt-4o-mini@tokens:30@slow:100ms",
        ];

        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => caller.Leave(Chat, Stream(models[i % 3]), after: 1 + (i % 7))));

        var calls = await caller.Settled(gate.ConnectionString, 100);
        Assert.All(calls, call => Assert.Equal("caller_left", call.State()));
        Assert.All(calls, call => Assert.True(call.Charged() > 1));
    }

    // The request is with the provider once a hold is there.
    async Task LeaveBeforeTheFirstByte(Caller caller, string json)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var waiting = caller.Begin(Chat, json, patience.Token);
        await Eventually.Holds(async () => (await caller.Balance()).Number("held") > 0);
        var model = JsonElement.Parse(json).GetProperty("model").GetString()!;
        await Eventually.Holds(async () => (await gate.Ai.Requests(1)).Any(
            request => request.GetProperty("body").GetString()!.Contains(model, StringComparison.Ordinal)));
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    async Task<TcpClient> Connect()
    {
        var socket = new TcpClient();
        await socket.ConnectAsync(gate.Client.BaseAddress!.Host, gate.Client.BaseAddress.Port, Ct);
        return socket;
    }
}
