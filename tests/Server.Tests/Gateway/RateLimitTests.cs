using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>So many requests and so many tokens a minute for a key.</summary>
public sealed class RateLimitTests(Gate gate) : IClassFixture<Gate>
{
    [Fact]
    public async Task Requests_above_the_limit_wait_for_their_turn()
    {
        var caller = await gate.GivenCaller(key: """{"requests_per_minute":2}""");
        int[] first = [(await caller.Ask(Chat, Ask())).Status, (await caller.Ask(Chat, Ask())).Status];

        var refused = await caller.Ask(Chat, Ask());
        gate.Time.Advance(TimeSpan.FromSeconds(30));
        var later = await caller.Ask(Chat, Ask());

        Assert.Equal([200, 200], first);
        Assert.Equal((429, "30", "0"), (refused.Status, refused.Header("Retry-After"), refused.Header("x-ratelimit-remaining-requests")));
        Assert.Equal(200, later.Status);
        await caller.Settled(gate.ConnectionString, 3);
    }

    [Fact]
    public async Task A_request_above_the_limit_places_no_hold_and_reaches_nobody()
    {
        var caller = await gate.GivenCaller(key: """{"requests_per_minute":1}""");
        await caller.Ask(Messages, Message());
        var mark = await gate.Ai.Mark();

        var refused = await caller.Ask(Messages, Message());

        Assert.Equal((429, "rate_limit_error"), (refused.Status, refused.Error.GetProperty("type").GetString()));
        Assert.Equal("0", refused.Header("anthropic-ratelimit-requests-remaining"));
        await caller.Settled(gate.ConnectionString, 1);
        Assert.Empty(await gate.Ai.Served(mark, 0));
    }

    [Fact]
    public async Task Tokens_are_counted_as_they_were_used_and_not_as_they_were_feared()
    {
        var caller = await gate.GivenCaller(key: """{"tokens_per_minute":1000}""");

        await caller.Ask(Chat, Ask("gpt-4o-mini@tokens:500"));
        var next = await caller.Ask(Chat, Ask());

        // What the second may use is counted before it is asked, by its length.
        Assert.InRange(int.Parse(next.Header("x-ratelimit-remaining-tokens")!, null), 440, 492);
    }

    [Fact]
    public async Task A_prompt_that_is_longer_than_the_limit_is_refused()
    {
        var caller = await gate.GivenCaller(key: """{"tokens_per_minute":100}""");

        var refused = await caller.Ask(Chat, Ask(more: $$""","user":"{{new string('x', 500)}}" """));

        Assert.Equal((429, "rate_limit_exceeded"), (refused.Status, refused.Error.GetProperty("code").GetString()));
        Assert.Contains("tokens", refused.Error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_that_failed_gives_its_tokens_back()
    {
        var caller = await gate.GivenCaller(key: """{"tokens_per_minute":1000}""");

        var failed = await caller.Ask(Chat, Ask("gpt-4o-mini@error:400"));
        var next = await caller.Ask(Chat, Ask("gpt-4o-mini@error:400"));

        Assert.Equal(failed.Header("x-ratelimit-remaining-tokens"), next.Header("x-ratelimit-remaining-tokens"));
    }

    [Fact]
    public async Task Where_many_ask_at_once_no_more_than_the_limit_are_let_through()
    {
        var caller = await gate.GivenCaller(key: """{"requests_per_minute":10}""");

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => caller.Ask(Chat, Ask())));

        Assert.Equal(10, answers.Count(answer => answer.Status == 200));
        await caller.Settled(gate.ConnectionString, 10);
    }

    [Fact]
    public async Task The_limits_of_the_server_at_its_provider_are_told_to_nobody()
    {
        var caller = await gate.GivenCaller();

        var chat = await caller.Ask(Chat, Ask());
        var message = await caller.Ask(Messages, Message());

        foreach (var answer in (Answered[])[chat, message])
        {
            Assert.DoesNotContain(answer.Headers, header =>
                header.Key.Contains("ratelimit", StringComparison.OrdinalIgnoreCase) || header.Key.Contains("organization", StringComparison.OrdinalIgnoreCase));
        }
    }
}
