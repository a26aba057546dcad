using System.Text.Json.Nodes;
using Purser.Sandbox.Ai.Anthropic;

namespace Purser.Sandbox.Tests.Ai;

public sealed class PromptCacheTests(Sandbox sandbox)
{
    static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    static readonly TimeSpan Minutes5 = TimeSpan.FromMinutes(5);
    static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    readonly PromptCache cache = new();

    [Fact]
    public void The_first_sight_of_a_prefix_writes_it_and_the_second_reads_it()
    {
        var prompt = Marked(0, Minutes5);

        Assert.Equal(new CacheUse(0, 100, 0), cache.Use([prompt], Now));
        Assert.Equal(new CacheUse(100, 0, 0), cache.Use([prompt], Now));
    }

    [Fact]
    public void A_prefix_is_forgotten_after_its_lifetime_unless_it_was_read_meanwhile()
    {
        var prompt = Marked(0, Minutes5);
        cache.Use([prompt], Now);

        Assert.Equal(100, cache.Use([prompt], Now.AddMinutes(4)).Read);
        Assert.Equal(100, cache.Use([prompt], Now.AddMinutes(8)).Read);
        Assert.Equal(0, cache.Use([prompt], Now.AddMinutes(13)).Read);
    }

    [Fact]
    public void A_prefix_kept_for_an_hour_is_written_at_another_rate_and_lasts()
    {
        var prompt = Marked(0, Hour);

        Assert.Equal(new CacheUse(0, 0, 100), cache.Use([prompt], Now));
        Assert.Equal(new CacheUse(100, 0, 0), cache.Use([prompt], Now.AddMinutes(59)));
    }

    [Fact]
    public void Two_lifetimes_in_one_prompt_are_told_apart()
    {
        var use = cache.Use([Marked(0, Hour), Marked(1, Minutes5), Plain(2)], Now);

        Assert.Equal(new CacheUse(0, 100, 100), use);
    }

    [Fact]
    public void A_conversation_that_grows_reads_what_it_had_and_writes_the_rest()
    {
        cache.Use([Plain(0), Marked(1, Minutes5)], Now);

        Assert.Equal(new CacheUse(200, 200, 0), cache.Use([Plain(0), Plain(1), Plain(2), Marked(3, Minutes5)], Now));
    }

    [Fact]
    public void A_prefix_more_than_twenty_blocks_before_the_mark_is_not_found()
    {
        cache.Use([Marked(0, Minutes5)], Now);
        var near = Enumerable.Range(0, 19).Select(Plain).Append(Marked(19, Minutes5)).ToArray();
        var far = Enumerable.Range(0, 40).Select(Plain).Append(Marked(40, Minutes5)).ToArray();

        Assert.Equal(0, cache.Use(far, Now).Read);
        Assert.Equal(100, cache.Use(near, Now).Read);
    }

    [Fact]
    public async Task A_mark_that_moves_on_does_not_change_the_text_it_stood_on()
    {
        using var client = new AiClient(sandbox.Url);
        var first = await client.Json(Given.MessagesPath, Conversation(marked: 0, "A long beginning."));
        var second = await client.Json(Given.MessagesPath,
            Conversation(marked: 2, "A long beginning.", "Yes?", "And on it goes."));

        var written = first["usage"]!["cache_creation_input_tokens"]!.GetValue<long>();
        Assert.Equal(3 + 3 + 5, written);
        Assert.Equal(written, second["usage"]!["cache_read_input_tokens"]!.GetValue<long>());
        Assert.Equal(3 + 1 + 3 + 4, second["usage"]!["cache_creation_input_tokens"]!.GetValue<long>());
        Assert.Equal(0, second["usage"]!["input_tokens"]!.GetValue<long>());
    }

    [Fact]
    public async Task Another_account_and_another_model_have_caches_of_their_own()
    {
        using var client = new AiClient(sandbox.Url);
        using var other = new AiClient(sandbox.Url);
        var prompt = Conversation(marked: 0, "A long beginning.");
        await client.Json(Given.MessagesPath, prompt);

        Assert.Equal(0, await Read(other, prompt));
        Assert.Equal(11, await Read(client, prompt));
        prompt["model"] = "claude-haiku-4-5";
        Assert.Equal(0, await Read(client, prompt));
    }

    [Fact]
    public async Task Marks_in_the_wrong_order_or_too_many_are_refused()
    {
        using var client = new AiClient(sandbox.Url);
        var wrong = Given.Message(new JsonArray(Block("a", "5m"), Block("b", "1h")));
        var many = Given.Message(new JsonArray([.. Enumerable.Range(0, 5).Select(i => Block($"{i}", "5m"))]));

        Assert.Contains("must not come after", await Refusal(client, wrong), StringComparison.Ordinal);
        Assert.Contains("A maximum of 4 blocks", await Refusal(client, many), StringComparison.Ordinal);
    }

    static Boundary Plain(int index) => new((UInt128)(index + 1), (index + 1) * 100, null);

    static Boundary Marked(int index, TimeSpan lifetime) => Plain(index) with { Lifetime = lifetime };

    static JsonObject Conversation(int marked, params string[] texts)
    {
        var body = Given.Message();
        body["messages"] = new JsonArray([.. texts.Select((text, i) => new JsonObject
        {
            ["role"] = i % 2 == 0 ? "user" : "assistant",
            ["content"] = new JsonArray(Block(text, i == marked ? "5m" : null)),
        })]);
        return body;
    }

    static JsonObject Block(string text, string? ttl)
    {
        var block = new JsonObject { ["type"] = "text", ["text"] = text };
        if (ttl is not null) block["cache_control"] = new JsonObject { ["type"] = "ephemeral", ["ttl"] = ttl };
        return block;
    }

    static async Task<string> Refusal(AiClient client, JsonObject prompt) =>
        (await client.Json(Given.MessagesPath, prompt))["error"]!["message"]!.GetValue<string>();

    static async Task<long> Read(AiClient client, JsonObject prompt) =>
        (await client.Json(Given.MessagesPath, prompt))["usage"]!["cache_read_input_tokens"]!.GetValue<long>();
}
