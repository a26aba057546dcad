using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>Models that stand in for others which fail: each is a call of its own, with its own price and its own hold.</summary>
public sealed class FallbackTests(Gate gate) : IClassFixture<Gate>
{
    [Theory]
    [InlineData("gpt-4o@error:429", "openai/gpt-4o-mini", 49)]
    [InlineData("gpt-4o@error:500", "google/gemini-2.5-flash", 345)]
    public async Task Where_a_model_fails_its_fallback_answers_and_is_paid(string model, string fallback, decimal charged)
    {
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask(model));

        Assert.Equal((200, fallback), (answer.Status, answer.Header("Purser-Model")));
        var calls = await caller.Settled(gate.ConnectionString, 2);
        Assert.Equal([("provider_refused", 0m), ("finished", charged)], calls.Select(call => (call.State(), call.Charged())));
        Assert.Equal(calls[0].GetProperty("id").GetString(), calls[1].GetProperty("fallback_of").GetString());
        Assert.Equal(answer.Header("Purser-Call-Id"), calls[1].GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_stream_falls_back_before_its_first_byte()
    {
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Stream("gpt-4o@error:429"));

        Assert.EndsWith("data: [DONE]\n\n", answer.Body, StringComparison.Ordinal);
        Assert.Equal([0m, 49m], (await caller.Settled(gate.ConnectionString, 2)).Select(call => call.Charged()));
    }

    [Fact]
    public async Task After_the_first_byte_nobody_stands_in()
    {
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Stream("gpt-4o@cut:3"));

        Assert.Contains("broke off", answer.Body, StringComparison.Ordinal);
        Assert.Equal("provider_failed", Assert.Single(await caller.Settled(gate.ConnectionString)).State());
    }

    [Fact]
    public async Task An_error_of_the_caller_is_an_error_at_the_fallback_too()
    {
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask("gpt-4o@error:400"));

        Assert.Equal(400, answer.Status);
        Assert.Single(await caller.Settled(gate.ConnectionString));
    }

    [Fact]
    public async Task Fallbacks_are_asked_in_their_order_until_one_answers()
    {
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask("gpt-4o@error:503"));

        Assert.Equal(200, answer.Status);
        var calls = await caller.Settled(gate.ConnectionString, 3);
        Assert.Equal(
            ["openai/gpt-4o@error:503", "openai/gpt-4o@error:429", "openai/gpt-4o-mini"],
            calls.Select(call => call.GetProperty("model").GetString()));
    }

    [Fact]
    public async Task A_provider_that_cannot_be_reached_is_stood_in_for()
    {
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask("unreachable-model"));

        Assert.Equal(200, answer.Status);
        Assert.Equal(["provider_silent", "finished"], (await caller.Settled(gate.ConnectionString, 2)).Select(call => call.State()));
    }

    [Fact]
    public async Task A_message_falls_back_to_another_model_of_its_api()
    {
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Messages, Message("claude-opus-4-8@error:529"));

        Assert.Equal((200, "anthropic/claude-haiku-4-5"), (answer.Status, answer.Header("Purser-Model")));
        await caller.Settled(gate.ConnectionString, 2);
    }

    [Fact]
    public async Task A_fallback_that_the_wallet_does_not_cover_is_not_asked()
    {
        // Enough for the model itself, whose answer costs two credits a token, and not for its fallback's at four.
        var caller = await gate.GivenCaller(credits: 500);
        var mark = await gate.Ai.Mark();

        var answer = await caller.Ask(Chat, Ask("gpt-4o@error:500", ""","max_tokens":100"""));

        Assert.Equal((402, "insufficient_credits"), (answer.Status, answer.Error.GetProperty("code").GetString()));
        Assert.Equal("provider_refused", Assert.Single(await caller.Settled(gate.ConnectionString)).State());
        Assert.All(await gate.Ai.Served(mark, 2), call => Assert.Equal("gpt-4o@error:500", call.GetProperty("model").GetString()));
    }

    [Fact]
    public async Task A_fallback_that_the_key_may_not_use_is_not_asked()
    {
        var caller = await gate.GivenCaller(key: """{"models":["gpt-4o@error:429"]}""");

        var answer = await caller.Ask(Chat, Ask("gpt-4o@error:429"));

        Assert.Equal(429, answer.Status);
        Assert.Single(await caller.Settled(gate.ConnectionString));
    }
}
