using Microsoft.AspNetCore.Http;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>What providers do that no documentation says.</summary>
public sealed class OddProviderTests(OddGate odd) : IClassFixture<OddGate>
{
    const string Usage = """{"id":"1","choices":[],"usage":{"prompt_tokens":8,"completion_tokens":20,"total_tokens":28}}""";

    readonly Gate gate = odd.Gate;

    // Each is a way to write events that the specification of server-sent events allows.
    public static TheoryData<string> Streams => new()
    {
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
        "data:{\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\r\n\r\n",
        ": PROCESSING\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n: keep-alive\n\n",
        "event: message\nid: 7\nretry: 10\ndata: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
        "data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":null,\\\"usage\\\":null \\ud83c\\udf0a é\"}}]}\n\n",
        "data: no json at all\n\n",
        "\n\n\n",
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task However_it_writes_its_events_they_are_passed_on_byte_for_byte(string events)
    {
        foreach (var piece in (int[])[1, 7, 4096])
        {
            odd.Provider.Streams($"{events}data: {Usage}\n\ndata: [DONE]\n\n", piece);
            var caller = await gate.GivenCaller();

            var answer = await caller.Ask(Chat, Stream("odd-model"));

            // But for the usage that the caller did not ask for.
            Assert.Equal($"{events}data: [DONE]\n\n", answer.Body);
            Assert.Equal(49m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
        }
    }

    [Fact]
    public async Task A_stream_without_a_last_word_has_ended_where_its_usage_was_told()
    {
        odd.Provider.Streams($"data: {{\"choices\":[{{\"delta\":{{\"content\":\"Hi\"}}}}]}}\n\ndata: {Usage}\n\n", piece: 4096);
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Stream("odd-model"));

        Assert.DoesNotContain("error", answer.Body, StringComparison.Ordinal);
        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(("finished", 49m), (call.State(), call.Charged()));
    }

    [Fact]
    public async Task A_last_word_without_the_line_behind_it_reaches_the_caller_all_the_same()
    {
        odd.Provider.Streams($"data: {Usage}\n\ndata: [DONE]", piece: 4096);
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Stream("odd-model"));

        Assert.Equal("data: [DONE]", answer.Body);
        Assert.Equal(49m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Theory]
    [InlineData("""{"prompt_tokens":8.0,"completion_tokens":20}""", 49)]
    [InlineData("""{"prompt_tokens":8,"completion_tokens":19.5}""", 49)]
    [InlineData("""{"prompt_tokens":8,"completion_tokens":20,"prompt_tokens_details":null,"completion_tokens_details":null}""", 49)]
    [InlineData("""{"prompt_tokens":8,"completion_tokens":20,"cost":{"prompt_tokens":900}}""", 49)]
    [InlineData("""{"prompt_tokens":-8,"completion_tokens":20}""", 41)]
    [InlineData("""{"completion_tokens":20,"completion_tokens_details":{"reasoning_tokens":900}}""", 41)]
    [InlineData("""{"prompt_tokens":8,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":900}}""", 49)]
    public async Task However_it_counts_nobody_pays_for_more_than_it_says(string usage, decimal charged)
    {
        odd.Provider.Says(200, $$$"""{"choices":[{"message":{"content":"Hello"}}],"usage":{{{usage}}}}""");
        var caller = await gate.GivenCaller();

        await caller.Ask(Chat, Ask("odd-model"));

        Assert.Equal(charged, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Fact]
    public async Task More_than_was_thought_possible_is_charged_as_far_as_it_is_there_and_the_rest_is_written_down()
    {
        odd.Provider.Says(200, """{"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":5000}}""");
        var caller = await gate.GivenCaller(credits: 400);

        var answer = await caller.Ask(Chat, Ask("odd-model", ""","max_tokens":100"""));

        Assert.Equal("400", answer.Header("Purser-Charged"));
        await Platform.Eventually.Holds(async () => (await caller.Calls()).Length == 1);
        var call = (await caller.Calls())[0];
        Assert.Equal((400m, 1m + 8 + 10_000 - 400), (call.Charged(), call.GetProperty("shortfall").GetDecimal()));
        Assert.Equal((0m, 0m), ((await caller.Balance()).Number("balance"), (await caller.Balance()).Number("held")));
        await Ledger.Wallets.AssertProven(gate.ConnectionString);
    }

    [Theory]
    [InlineData("7", "7")]
    [InlineData("Thu, 01 Jan 2026 12:00:30 GMT", "30")]
    [InlineData("Thu, 01 Jan 2026 11:00:00 GMT", "0")]
    [InlineData("soon", null)]
    public async Task When_to_come_back_is_passed_on_in_seconds_whichever_way_it_is_said(string said, string? passedOn)
    {
        odd.Provider.Says(429, """{"error":{"message":"slow down"}}""", headers: ("Retry-After", said));
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask("odd-model"));

        Assert.Equal((429, passedOn), (answer.Status, answer.Header("Retry-After")));
    }

    [Fact]
    public async Task What_is_no_answer_costs_nothing_and_is_passed_on()
    {
        odd.Provider.Says(200, "<html>down for maintenance</html>", "text/html");
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask("odd-model"));

        Assert.Equal("<html>down for maintenance</html>", answer.Body);
        Assert.Equal(0m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(304)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task Nobody_is_sent_elsewhere_and_least_of_all_with_a_key(int status)
    {
        var asked = 0;
        var url = odd.Provider.Url;
        odd.Provider.Answer = http =>
        {
            asked++;
            http.Response.StatusCode = status;
            http.Response.Headers.Location = $"{url}/elsewhere";
            return Task.CompletedTask;
        };
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask("odd-model"));

        Assert.Equal((502, "provider_failed", 1), (answer.Status, answer.Error.GetProperty("code").GetString(), asked));
        Assert.Null(answer.Headers.Location);
        Assert.Equal(0m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Theory]
    [InlineData("gzip", "")]
    [InlineData("br", "")]
    [InlineData("deflate", "")]
    [InlineData("gzip", ""","stream":true""")]
    public async Task What_it_compresses_unasked_is_read_all_the_same(string encoding, string more)
    {
        odd.Provider.Compresses(encoding, more.Length == 0 ? Usage : $"data: {Usage}\n\ndata: [DONE]\n\n", isStream: more.Length > 0);
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask("odd-model", more));

        Assert.Equal(more.Length == 0 ? Usage : "data: [DONE]\n\n", answer.Body);
        Assert.Equal(49m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Theory]
    [InlineData("application/json", "")]
    [InlineData("text/event-stream", ""","stream":true""")]
    public async Task What_says_that_it_is_compressed_and_is_not_is_no_answer(string type, string more)
    {
        odd.Provider.Says(200, $"data: {Usage}\n\n", type, ("Content-Encoding", "gzip"));
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask("odd-model", more));

        Assert.Contains("provider_failed", answer.Body, StringComparison.Ordinal);
        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(("provider_failed", 0m), (call.State(), call.Charged()));
    }

    [Theory]
    [InlineData("\\ud800")]
    [InlineData("x\\u0000y")]
    public async Task A_tier_that_is_no_text_does_not_stand_in_the_way_of_the_settlement(string tier)
    {
        odd.Provider.Says(200, $$$"""{"usage":{"prompt_tokens":8,"completion_tokens":20},"choices":[{"message":{"content":"Hi"}}],"service_tier":"{{{tier}}}"}""");
        var caller = await gate.GivenCaller();

        Assert.Equal(200, (await caller.Ask(Chat, Ask("odd-model"))).Status);

        Assert.Equal(49m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Fact]
    public async Task A_stream_that_never_ends_ends_when_its_caller_leaves()
    {
        var left = new TaskCompletionSource();
        odd.Provider.Answer = async http =>
        {
            http.Response.ContentType = "Text/Event-Stream; charset=utf-8";
            using var gone = http.RequestAborted.Register(left.SetResult);
            // Many at once: one at a time, each would wake two processes, and what is read of it takes minutes.
            var events = string.Concat(Enumerable.Repeat("data: {\"choices\":[{\"delta\":{\"content\":\"word \"}}]}\n\n", 200));
            while (!http.RequestAborted.IsCancellationRequested) await http.Response.WriteAsync(events, http.RequestAborted);
        };
        var caller = await gate.GivenCaller();

        await caller.Leave(Chat, Stream("odd-model", ""","max_tokens":1000"""), after: 2000);

        await left.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await Platform.Eventually.Holds(async () => (await caller.Calls()).Length == 1);
        var call = (await caller.Calls())[0];
        // It said more than it was asked for; what is estimated is never above what was held.
        Assert.Equal(("caller_left", call.GetProperty("held").GetDecimal()), (call.State(), call.Charged()));
        Assert.Equal((caller.Credits - call.Charged(), 0m), ((await caller.Balance()).Number("balance"), (await caller.Balance()).Number("held")));
    }

    [Fact]
    public async Task Of_the_callers_headers_and_keys_it_is_told_nothing_that_is_not_its_own()
    {
        var (heard, path) = (new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase), "");
        odd.Provider.Answer = http =>
        {
            heard = http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
            path = http.Request.Path + http.Request.QueryString;
            return http.Response.WriteAsync(Usage);
        };
        var caller = await gate.GivenCaller();
        using var request = caller.Request($"{Chat}?a=b", Ask("odd-model"));
        request.Headers.Add("x-api-key", caller.Key);
        foreach (var name in (string[])[
            "Cookie", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via", "Origin", "Referer", "OpenAI-Organization", "OpenAI-Project",
            "Proxy-Authorization", "X-Request-Id", "traceparent", "X-Goog-Api-Key", "api-key", "X-HTTP-Method-Override"])
        {
            request.Headers.TryAddWithoutValidation(name, "smuggled");
        }

        await gate.Client.Ask(request);

        Assert.Equal(("Bearer sk-elsewhere", odd.Provider.Url.Authority), (heard["Authorization"], heard["Host"]));
        Assert.Equal("/v1/chat/completions?a=b", path);
        Assert.Empty(heard.Keys.Except(
            ["Authorization", "Host", "Content-Type", "Content-Length", "Accept-Encoding", "anthropic-version"], StringComparer.OrdinalIgnoreCase));
        Assert.DoesNotContain(heard.Values, value => value.Contains(caller.Key, StringComparison.Ordinal));
        await caller.Settled(gate.ConnectionString);
    }

    [Fact]
    public async Task What_it_says_of_our_account_and_our_key_is_kept_from_the_caller()
    {
        odd.Provider.Says(
            400,
            """{"error":{"message":"sk-elsewhere of org-Ab12cd and proj_Xy34: organization 5a9db0c5-0000-4000-8000-5a4db0c50000 may not"}}""",
            headers: [("openai-organization", "org-Ab12cd"), ("x-ratelimit-limit-requests", "5"), ("Set-Cookie", "a=b"), ("x-request-id", "req_theirs")]);
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask("odd-model"));

        Assert.Equal(400, answer.Status);
        foreach (var secret in (string[])["sk-elsewhere", "org-Ab12cd", "proj_Xy34", "5a9db0c5", "req_theirs"])
        {
            Assert.DoesNotContain(secret, answer.Body, StringComparison.Ordinal);
            Assert.DoesNotContain(answer.Headers, header => header.Value.Any(value => value.Contains(secret, StringComparison.Ordinal)));
        }

        Assert.DoesNotContain(answer.Headers, header => header.Key is "Set-Cookie" or "openai-organization" or "x-ratelimit-limit-requests");
    }

    [Theory]
    [InlineData(Chat, "gpt-4o-mini", "")]
    [InlineData(Chat, "gpt-4o-mini", ""","stream":true""")]
    [InlineData(Chat, "gpt-4o-mini@error:429", "")]
    [InlineData(Messages, "claude-sonnet-5-5", "")]
    [InlineData(Messages, "claude-sonnet-5-5", ""","stream":true""")]
    [InlineData(Messages, "claude-sonnet-5-5@error:429", "")]
    public async Task Of_a_providers_headers_none_reaches_the_caller(string path, string model, string more)
    {
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(path, Message(model, more));

        string[] ours =
        [
            "Date", "Transfer-Encoding", "X-Request-Id", "request-id", "Purser-Call-Id", "Purser-Model", "Purser-Charged", "Purser-Limited-To",
            "Cache-Control", "X-Accel-Buffering", "Retry-After",
        ];
        Assert.Empty(answer.Headers.Select(header => header.Key).Except(ours, StringComparer.OrdinalIgnoreCase));
        Assert.DoesNotContain("org-sandbox", answer.Body, StringComparison.Ordinal);
        Assert.Equal(answer.Header("X-Request-Id"), answer.Header("request-id"));
    }
}
