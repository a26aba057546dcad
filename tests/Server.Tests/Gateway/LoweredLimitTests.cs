using System.Globalization;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>
/// Callers who set no limit to the answer are given one where there is not enough for the longest: it stands in the body
/// that the provider gets, and nothing else of it is touched.
/// </summary>
public sealed class LoweredLimitTests(Gate gate) : IClassFixture<Gate>
{
    public static TheoryData<string, string, string> Bodies => new()
    {
        { Chat, """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}""", "max_completion_tokens" },
        { Chat, "{ \"messages\" : [ {\"role\":\"user\",\"content\":\"H\\u00e9llo \\ud83c\\udf0a\"} ],\n\t\"model\":\"gpt-4o-mini\" , \"x\":1.50e0 }", "max_completion_tokens" },
        { Chat, """{"model":"gemini-2.5-flash","messages":[{"role":"user","content":"Hello"}]}""", "max_tokens" },
        { Responses, """{"model":"gpt-4.1-mini","input":"Hello"}""", "max_output_tokens" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task The_limit_is_put_in_front_and_every_other_byte_stays_as_it_was(string path, string body, string member)
    {
        var caller = await gate.GivenCaller(credits: 800);

        var answer = await caller.Ask(path, body);

        var limit = answer.Header("Purser-Limited-To");
        Assert.Equal((200, body.Insert(1, $"\"{member}\":{limit},")), (answer.Status, await Forwarded()));
        Assert.Equal(limit, Assert.Single(await caller.Settled(gate.ConnectionString)).GetProperty("limited_to").ToString());
    }

    [Theory]
    [InlineData(Chat, "max_completion_tokens", "gpt-4o-mini")]
    [InlineData(Chat, "max_tokens", "gpt-4o-mini")]
    [InlineData(Responses, "max_output_tokens", "gpt-4.1-mini")]
    public async Task A_limit_of_null_is_none(string path, string member, string model)
    {
        var caller = await gate.GivenCaller(credits: 800);
        var body = path == Chat ? Ask(model, $$""","{{member}}":null""") : Response(model, $$""","{{member}}":null""");

        var answer = await caller.Ask(path, body);

        Assert.Equal(body.Replace("null", answer.Header("Purser-Limited-To"), StringComparison.Ordinal), await Forwarded());
        await caller.Settled(gate.ConnectionString);
    }

    [Fact]
    public async Task A_limit_by_a_name_that_the_provider_does_not_heed_is_none()
    {
        var caller = await gate.GivenCaller(credits: 800);
        var body = Ask("deepseek-v4-pro", ""","max_completion_tokens":1""");

        var answer = await caller.Ask(Chat, body);

        Assert.Equal(body.Insert(1, $"\"max_tokens\":{answer.Header("Purser-Limited-To")},"), await Forwarded());
        await caller.Settled(gate.ConnectionString);
    }

    [Fact]
    public async Task The_limit_is_as_high_as_the_wallet_pays_for_in_the_worst_case()
    {
        var caller = await gate.GivenCaller(credits: 800);
        var limited = ""","max_tokens":1000""";
        var refused = (await caller.Ask(Chat, Ask(more: limited))).Error.GetProperty("message").GetString()!;

        var limit = long.Parse((await caller.Ask(Chat, Ask())).Header("Purser-Limited-To")!, CultureInfo.InvariantCulture);

        // What a thousand tokens would need, without them and without the bytes that ask for them.
        var required = decimal.Parse(refused.Split("Required: ")[1].Split(',')[0], CultureInfo.InvariantCulture);
        Assert.Equal((long)decimal.Floor((800 - (required - 2_000 - limited.Length)) / 2), limit);
        await caller.Settled(gate.ConnectionString);
    }

    [Fact]
    public async Task An_answer_as_long_as_the_limit_is_paid_for_and_not_a_credit_more()
    {
        var caller = await gate.GivenCaller(credits: 400);

        var answer = await caller.Ask(Chat, Ask("gpt-4o-mini@tokens:500"));

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(answer.Header("Purser-Limited-To"), $"{call.Used("output_tokens")}");
        Assert.Equal("length", answer.Json.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Several_answers_share_what_there_is()
    {
        var caller = await gate.GivenCaller(credits: 800);

        var answer = await caller.Ask(Chat, Ask("gpt-4o-mini@tokens:500", ""","n":3"""));

        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(3 * int.Parse(answer.Header("Purser-Limited-To")!, CultureInfo.InvariantCulture), call.Used("output_tokens"));
    }

    [Fact]
    public async Task A_prediction_that_is_rejected_is_paid_for_within_the_limit()
    {
        var caller = await gate.GivenCaller(credits: 2_500);
        var predicted = new string('x', 600);

        var answer = await caller.Ask(Chat, Ask(more: $$$""","prediction":{"type":"content","content":"{{{predicted}}}"}"""));

        // All of the answer, and all of the prediction, at two credits a token, beside the prompt.
        var most = int.Parse(answer.Header("Purser-Limited-To") ?? "1000", CultureInfo.InvariantCulture);
        var held = Assert.Single(await caller.Settled(gate.ConnectionString)).GetProperty("held").GetDecimal();
        Assert.True(held >= (most * 2) + (predicted.Length * 2), $"{held} are held, for {most} tokens and a prediction.");
    }

    [Fact]
    public async Task Where_there_is_enough_for_the_longest_answer_nothing_is_put_in()
    {
        var caller = await gate.GivenCaller();

        var answer = await caller.Ask(Chat, Ask());

        Assert.Null(answer.Header("Purser-Limited-To"));
        Assert.Equal(Ask(), await Forwarded());
    }

    [Fact]
    public async Task A_limit_of_the_callers_own_is_never_lowered()
    {
        var caller = await gate.GivenCaller(credits: 800);

        Assert.Equal(402, (await caller.Ask(Chat, Ask(more: ""","max_tokens":500"""))).Status);
    }

    [Fact]
    public async Task Where_there_is_not_enough_for_a_few_words_the_call_is_refused()
    {
        var caller = await gate.GivenCaller(credits: 30);

        var refused = await caller.Ask(Chat, Ask());

        Assert.Equal((402, "insufficient_credits"), (refused.Status, refused.Error.GetProperty("code").GetString()));
        Assert.Equal((30m, 0m), ((await caller.Balance()).Number("available"), (await caller.Balance()).Number("held")));
    }

    [Fact]
    public async Task A_budget_lowers_the_limit_as_a_wallet_does()
    {
        var caller = await gate.GivenCaller(key: Budget(800, "day"));

        var answer = await caller.Ask(Chat, Ask());

        Assert.InRange(int.Parse(answer.Header("Purser-Limited-To")!, CultureInfo.InvariantCulture), 16, 400);
        await caller.Settled(gate.ConnectionString);
    }

    [Theory]
    [InlineData("""{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}],"stream":true}""", "{\"stream_options\":{\"include_usage\":true},")]
    [InlineData("{\"stream\" : true,\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"\\u0048\"}]}", "{\"stream_options\":{\"include_usage\":true},")]
    public async Task For_its_usage_a_stream_is_asked_in_front_and_every_other_byte_stays_as_it_was(string body, string front)
    {
        var caller = await gate.GivenCaller();

        await caller.Ask(Chat, body);

        Assert.Equal(string.Concat(front, body.AsSpan(1)), await Forwarded());
    }

    [Theory]
    [InlineData("\"stream_options\":{}", "\"stream_options\":{\"include_usage\":true}")]
    [InlineData("\"stream_options\":null", "\"stream_options\":{\"include_usage\":true}")]
    [InlineData("\"stream_options\": { \"include_usage\" : false }", "\"stream_options\": { \"include_usage\" : true }")]
    [InlineData("\"stream_options\":{\"include_obfuscation\":false}", "\"stream_options\":{\"include_usage\":true,\"include_obfuscation\":false}")]
    [InlineData("\"stream_options\":{\"include_usage\":true}", "\"stream_options\":{\"include_usage\":true}")]
    public async Task Options_of_a_stream_are_changed_where_they_stand(string options, string changed)
    {
        var caller = await gate.GivenCaller();
        var body = Stream(more: $",{options}");

        await caller.Ask(Chat, body);

        Assert.Equal(body.Replace(options, changed, StringComparison.Ordinal), await Forwarded());
    }

    [Theory]
    [InlineData(Messages, """{"model":"claude-sonnet-5-5","max_tokens":20,"messages":[{"role":"user","content":"H\u00e9"}],"stream":true, "metadata" : {}}""")]
    [InlineData(Embeddings, """{ "input":"Hello","model":"text-embedding-3-small"}""")]
    [InlineData(Chat, """{"model":"mistral-large-2512","messages":[{"role":"user","content":"Hello"}],"stream":true}""")]
    public async Task Where_nothing_is_needed_nothing_is_changed(string path, string body)
    {
        var caller = await gate.GivenCaller();

        await caller.Ask(path, body);

        Assert.Equal(body, await Forwarded());
    }

    [Fact]
    public async Task The_name_of_the_model_is_the_one_that_its_provider_knows()
    {
        var caller = await gate.GivenCaller();

        await caller.Ask(Chat, Ask("openai/gpt-4o-mini"));

        Assert.Equal(Ask(), await Forwarded());
    }

    async Task<string> Forwarded() => (await gate.Ai.Requests(1))[0].GetProperty("body").GetString()!;
}
