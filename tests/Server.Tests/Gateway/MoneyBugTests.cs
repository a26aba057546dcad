using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>
/// How other gateways have lost money, theirs or their users', by the number under which each was reported there. Every test
/// also checks that calls, ledger and budget agree and that nothing stays held.
/// </summary>
public sealed class MoneyBugTests(OddGate odd) : IClassFixture<OddGate>
{
    // What it reads is free and its answer has twenty tokens: it costs exactly what is held for it.
    const decimal Cost = 21;

    static readonly string ExactlyHeld = Ask("gpt-4.1-nano", ""","max_tokens":20""");

    readonly Gate gate = odd.Gate;

    [Fact]
    public async Task LiteLLM_34732_requests_at_once_spend_a_multiple_of_the_budget() =>
        await AssertThreeOfThirty(await gate.GivenCaller(key: Budget(3 * Cost, "total")));

    [Fact]
    public async Task NewApi_6609_and_OneApi_2440_requests_at_once_overdraw_the_wallet() =>
        await AssertThreeOfThirty(await gate.GivenCaller(credits: 3 * Cost));

    [Fact]
    public async Task LiteLLM_27639_holds_that_leak_fill_the_budget()
    {
        // Enough for one at a time.
        var caller = await gate.GivenCaller(key: Budget(400, "total"));
        string[] failing = ["error:400", "error:429", "error:503", "cut:0", "error-mid-stream:0"];

        foreach (var how in failing) await caller.Ask(Chat, Stream($"gpt-4o-mini@{how}", ""","max_tokens":100"""));

        Assert.Equal(200, (await caller.Ask(Chat, Ask(more: ""","max_tokens":100"""))).Status);
        Assert.Equal(49m, (await caller.Settled(gate.ConnectionString, failing.Length + 1)).Sum(call => call.Charged()));
    }

    [Fact]
    public async Task LiteLLM_28247_and_25374_a_server_that_starts_counts_what_was_spent_anew()
    {
        var caller = await gate.GivenCaller(key: Budget((2 * Cost) + 1, "month"));
        await caller.Ask(Chat, ExactlyHeld);
        await using var another = await gate.Another();
        await another.StartAsync(TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = new(another.Urls.Single()) };

        Assert.Equal(200, (await (caller with { Server = http }).Ask(Chat, ExactlyHeld)).Status);
        Assert.Equal(402, (await (caller with { Server = http }).Ask(Chat, ExactlyHeld)).Status);
        Assert.Equal(402, (await caller.Ask(Chat, ExactlyHeld)).Status);

        await caller.Settled(gate.ConnectionString, 2);
        await another.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task LiteLLM_41344_a_free_model_with_a_paid_fallback_is_a_way_around_the_wallet()
    {
        var caller = await gate.GivenCaller(credits: 1);
        var mark = await gate.Ai.Mark();

        var answer = await caller.Ask(Chat, Ask("gpt-4o@error:502"));

        Assert.Equal(402, answer.Status);
        Assert.All(await gate.Ai.Served(mark, 2), call => Assert.Equal("gpt-4o@error:502", call.GetProperty("model").GetString()));
        Assert.Equal(0m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Fact]
    public async Task LiteLLM_33736_and_pollinations_5594_who_hangs_up_pays_nothing()
    {
        var caller = await gate.GivenCaller();

        await caller.Leave(Chat, Stream("gpt-4o-mini@tokens:900@slow:100ms"), after: 5);

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.True(call.Charged() >= 1 + 8 + (5 * 2), call.ToString());
    }

    [Fact]
    public async Task NewApi_5235_who_hangs_up_is_given_the_whole_hold_back_while_the_provider_goes_on()
    {
        var caller = await gate.GivenCaller();

        await caller.Leave(Chat, Stream("gemini-2.5-flash@tokens:30@slow:50ms@reasoning:0"), after: 3);

        Assert.Equal(1m + 8 + (30 * 4), Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","stream":true""")]
    public async Task LiteLLM_37992_usage_of_nothing_is_replaced_by_an_estimate(string more)
    {
        var caller = await gate.GivenCaller();

        await caller.Ask(Chat, Ask("gpt-4o-mini@usage-zero", more));

        Assert.Equal(1m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","stream":true""")]
    public async Task LiteLLM_9812_what_is_written_to_the_cache_is_charged_twice_and_ccusage_899_for_an_hour_as_for_minutes(string more)
    {
        var caller = await gate.GivenCaller();

        await caller.Ask(Messages, Message("claude-sonnet-5-5@cache-write:20@cache-write-1h:30", more));

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal((20, 30, 0), (call.Used("cache_write_tokens"), call.Used("cache_write_1h_tokens"), call.Used("input_tokens")));
        Assert.Equal(1 + (20 * 1.25m) + (30 * 2) + (20 * 5), call.Charged());
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","stream":true""")]
    public async Task LiteLLM_26587_responses_are_free(string more)
    {
        var caller = await gate.GivenCaller();

        await caller.Ask(Responses, Response(more: more));

        Assert.Equal(49m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Fact]
    public async Task LiteLLM_25015_to_ask_for_a_response_again_is_billed_again()
    {
        var caller = await gate.GivenCaller();
        var response = (await caller.Ask(Responses, Response())).Text("id");
        using var poll = caller.Request($"{Responses}/{response}", "");
        (poll.Method, poll.Content) = (HttpMethod.Get, null);

        Assert.Equal(404, (await gate.Client.Ask(poll)).Status);
        Assert.Equal(400, (await caller.Ask(Responses, Response(more: ""","background":true"""))).Status);

        Assert.Equal(49m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Fact]
    public async Task LiteLLM_36914_a_transcription_by_the_second_is_free()
    {
        var caller = await gate.GivenCaller();
        using var form = new MultipartFormDataContent { { new StringContent("whisper-1"), "model" }, { new ByteArrayContent(new byte[4_000]), "file", "a.mp3" } };
        using var request = caller.Request(Transcriptions, form);

        await gate.Client.Ask(request);

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.True(call.Used("seconds") > 0, call.ToString());
        Assert.Equal(1m + (call.Used("seconds") * 10), call.Charged());
    }

    [Fact]
    public async Task LiteLLM_40002_a_long_prompt_is_held_at_the_price_of_a_short_one()
    {
        // At the ordinary price it would do for this prompt and its answer, and not at twice that.
        var caller = await gate.GivenCaller(credits: 1_200);
        var mark = await gate.Ai.Mark();

        var answer = await caller.Ask(Chat, Ask("gpt-5.5", $$""","max_tokens":100,"user":"{{new string('x', 500)}}" """));

        Assert.Equal(402, answer.Status);
        await gate.Ai.Served(mark, 0);
    }

    [Fact]
    public async Task LiteLLM_38647_worst_cases_use_up_a_budget_of_which_nothing_was_spent()
    {
        var caller = await gate.GivenCaller(key: Budget(400, "total"));

        // The longest answer would cost two thousand.
        for (var i = 0; i < 3; i++) Assert.Equal(200, (await caller.Ask(Chat, Ask())).Status);

        Assert.Equal(147m, (await caller.Settled(gate.ConnectionString, 3)).Sum(call => call.Charged()));
    }

    [Theory]
    [InlineData("data: [DONE]\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")]
    [InlineData(": PROCESSING\n\n")]
    [InlineData("")]
    public async Task NewApi_4168_a_stream_without_an_answer_costs_its_prompt(string events)
    {
        odd.Provider.Streams(events, piece: 4096);
        var caller = await gate.GivenCaller();

        await caller.Ask(Chat, Stream("odd-model"));

        Assert.Equal(0m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Fact]
    public async Task NewApi_5288_the_text_of_an_error_is_billed_as_an_answer()
    {
        var error = $$"""{"error":{"message":"{{new string('x', 4_000)}}","content":"{{new string('y', 4_000)}}"} }""";
        odd.Provider.Streams($"data: {{\"choices\":[{{\"delta\":{{\"content\":\"Hello\"}}}}]}}\n\ndata: {error}\n\n", piece: 4096);
        var caller = await gate.GivenCaller();

        await caller.Ask(Chat, Stream("odd-model"));

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(("provider_failed", 2), (call.State(), call.Used("output_tokens")));
    }

    [Fact]
    public async Task OneApi_1312_without_a_limit_the_prompt_is_not_held()
    {
        var caller = await gate.GivenCaller(credits: 1_000);
        var mark = await gate.Ai.Mark();

        Assert.Equal(402, (await caller.Ask(Chat, Ask(more: $$""","user":"{{new string('x', 1_000)}}" """))).Status);
        await gate.Ai.Served(mark, 0);
    }

    [Theory]
    [InlineData(Chat, """{"model":"gpt-4o-mini","messages":[]}""")]
    [InlineData(Responses, """{"model":"gpt-4.1-mini","input":"Hello"}""")]
    [InlineData(Embeddings, """{"model":"text-embedding-3-small","input":"Hello"}""")]
    [InlineData(Images, """{"model":"dall-e-3","prompt":"A sea"}""")]
    [InlineData(Messages, """{"model":"claude-sonnet-5-5","max_tokens":10,"messages":[]}""")]
    public async Task Bifrost_2873_some_routes_do_not_ask_the_budget(string path, string body)
    {
        var caller = await gate.GivenCaller(key: Budget(1, "day"));
        var mark = await gate.Ai.Mark();

        Assert.Equal(402, (await caller.Ask(path, body)).Status);
        await gate.Ai.Served(mark, 0);
    }

    [Theory]
    [InlineData("""{"budgets":{"amount":5,"period":"day"}}""")]
    [InlineData("""{"budget":{"amount":5,"period":"day","reset":"never"}}""")]
    public async Task Bifrost_5673_a_budget_that_is_not_understood_is_left_out(string key)
    {
        var caller = await gate.GivenCaller();

        Assert.Equal(400, (await gate.Client.Post($"/v1/customers/{caller.Customer}/keys", key, $"{Guid.CreateVersion7()}")).Status);
    }

    [Fact]
    public async Task TensorZero_3751_what_was_taken_before_the_call_is_never_returned_to_who_hung_up()
    {
        var caller = await gate.GivenCaller();
        using var leaving = new CancellationTokenSource();
        var asked = caller.Begin(Chat, Stream("gpt-4o-mini@ttft:60s"), leaving.Token);
        await Eventually.Holds(async () => (await caller.Balance()).Number("held") > 0);

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);

        Assert.Equal("caller_left", Assert.Single(await caller.Settled(gate.ConnectionString)).State());
    }

    [Fact]
    public async Task TensorZero_3862_receipts_that_come_in_another_order_are_given_to_others()
    {
        var callers = new List<Caller>();
        for (var i = 0; i < 20; i++) callers.Add(await gate.GivenCaller(key: Budget(10_000, "day")));

        await Task.WhenAll(callers.Select((caller, i) => caller.Ask(Chat, Ask(more: $$""","n":{{i + 1}}"""))));

        for (var i = 0; i < callers.Count; i++)
            Assert.Equal(1m + 8 + (40 * (i + 1)), Assert.Single(await callers[i].Settled(gate.ConnectionString)).Charged());
    }

    [Fact]
    public async Task Langfuse_10592_cached_tokens_are_counted_twice()
    {
        var caller = await gate.GivenCaller();

        await caller.Ask(Chat, Ask("gpt-4o-mini@cached:5"));

        Assert.Equal(1 + 3 + (5 * 0.5m) + 40, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Fact]
    public async Task Helicone_4492_before_the_call_its_cost_is_thought_to_be_nothing()
    {
        var caller = await gate.GivenCaller();

        await caller.Ask(Chat, Ask(more: ""","max_tokens":20"""));

        Assert.True(Assert.Single(await caller.Settled(gate.ConnectionString)).GetProperty("held").GetDecimal() >= 49);
    }

    [Fact]
    public async Task Envoy_2394_a_stream_that_was_let_in_goes_on_past_the_limit()
    {
        var caller = await gate.GivenCaller(key: Budget(300, "day"));

        var answer = await caller.Ask(Chat, Stream("gpt-4o-mini@tokens:500"));

        Assert.NotNull(answer.Header("Purser-Limited-To"));
        Assert.InRange(Assert.Single(await caller.Settled(gate.ConnectionString)).Charged(), 100, 300);
    }

    [Fact]
    public async Task Sub2api_2011_a_balance_of_nothing_is_driven_further_down()
    {
        odd.Provider.Says(200, """{"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":5000}}""");
        var caller = await gate.GivenCaller(credits: 400);
        await caller.Ask(Chat, Ask("odd-model", ""","max_tokens":100"""));

        Assert.Equal(402, (await caller.Ask(Chat, Ask("odd-model", ""","max_tokens":100"""))).Status);

        Assert.Equal((0m, 0m), ((await caller.Balance()).Number("balance"), (await caller.Balance()).Number("held")));
    }

    [Fact]
    public async Task Sub2api_4408_who_hangs_up_before_the_first_byte_is_billed_in_full()
    {
        var caller = await gate.GivenCaller();
        using var leaving = new CancellationTokenSource();
        var mark = await gate.Ai.Mark();
        var asked = caller.Begin(Chat, Stream("gpt-4o-mini@ttft:60s"), leaving.Token);
        await Eventually.Holds(async () => (await caller.Balance()).Number("held") > 0);

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);

        Assert.Equal(0, Assert.Single(await caller.Settled(gate.ConnectionString)).Used("output_tokens"));
        await gate.Ai.Served(mark);
    }

    async Task AssertThreeOfThirty(Caller caller)
    {
        var mark = await gate.Ai.Mark();

        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => caller.Ask(Chat, ExactlyHeld)));

        Assert.Equal((3, 27), (answers.Count(answer => answer.Status == 200), answers.Count(answer => answer.Status == 402)));
        Assert.Equal(3 * Cost, (await caller.Settled(gate.ConnectionString, 3)).Sum(call => call.Charged()));
        await gate.Ai.Served(mark, 3);
    }
}
