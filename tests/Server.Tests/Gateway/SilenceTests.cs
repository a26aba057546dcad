using Purser.Server.Gateway;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>A gateway that waits a moment only.</summary>
public sealed class HastyGate : IAsyncLifetime
{
    internal Gate Gate { get; } = new()
    {
        // Long enough that a busy machine makes no silence of its own.
        Patience = new Patience { FirstByte = TimeSpan.FromSeconds(3), Silence = TimeSpan.FromSeconds(3) },
    };

    public ValueTask InitializeAsync() => Gate.InitializeAsync();

    public ValueTask DisposeAsync() => Gate.DisposeAsync();
}

/// <summary>Providers that say nothing.</summary>
public sealed class SilenceTests(HastyGate hasty) : IClassFixture<HastyGate>
{
    readonly Gate gate = hasty.Gate;

    [Theory]
    [InlineData(Chat, "gpt-4o-mini@timeout", "")]
    [InlineData(Chat, "gpt-4o-mini@timeout", ""","stream":true""")]
    [InlineData(Messages, "claude-sonnet-5-5@timeout", "")]
    [InlineData(Messages, "claude-sonnet-5-5@timeout", ""","stream":true""")]
    public async Task A_call_that_is_not_answered_in_time_costs_nothing(string path, string model, string more)
    {
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(path, Message(model, more));

        Assert.Equal(504, answer.Status);
        Assert.Contains("did not answer in time", answer.Error.GetProperty("message").GetString(), StringComparison.Ordinal);
        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(("provider_silent", 0m), (call.State(), call.Charged()));
    }

    [Theory]
    [InlineData(Chat, "gpt-4o-mini@hang-after:3", 2)]
    [InlineData(Messages, "claude-sonnet-5-5@hang-after:3", 5)]
    public async Task A_stream_that_falls_silent_costs_what_came_of_it(string path, string model, int perToken)
    {
        var caller = await gate.GivenCaller();
        var mark = await gate.Ai.Mark();

        var answer = await caller.Ask(path, Message(model, ""","stream":true"""));

        Assert.Contains("broke off", answer.Body, StringComparison.Ordinal);
        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(("provider_failed", true), (call.State(), call.Estimated()));
        // The prompt is guessed at OpenAI, which tells nothing before the end.
        Assert.Equal(1 + call.Used("input_tokens") + (3 * perToken), call.Charged());
        // And we have hung up, so that it does not go on at our cost.
        Assert.Equal("hung", (await gate.Ai.Served(mark))[0].GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task A_slow_stream_is_not_a_silent_one()
    {
        var caller = await gate.GivenCaller();

        await caller.Ask(Chat, Stream("gpt-4o-mini@tokens:40@slow:100ms"));

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(("finished", 89m), (call.State(), call.Charged()));
        Assert.True(call.GetProperty("took_ms").GetInt32() > 3_000);
    }

    [Fact]
    public async Task A_silent_model_is_stood_in_for()
    {
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask("gpt-4o@timeout"));

        Assert.Equal((200, "openai/gpt-4o-mini"), (answer.Status, answer.Header("Purser-Model")));
        var calls = await caller.Settled(gate.ConnectionString, 2);
        Assert.Equal([("provider_silent", 0m), ("finished", 49m)], calls.Select(call => (call.State(), call.Charged())));
    }
}
