using System.Text;
using Purser.Core.Gateway;
using Purser.Core.Pricing;

namespace Purser.Core.Tests.Gateway;

public sealed class AnswerReaderTests
{
    [Theory]
    [InlineData("""{"choices":[{"delta":{"content":"Hello"}}],"usage":null}""", EventKind.Content)]
    [InlineData("""{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}""", EventKind.UsageOnly)]
    [InlineData("""{"choices":[],"usage":null}""", EventKind.UsageOnly)]
    [InlineData("""{"choices":[],"prompt_filter_results":[]}""", EventKind.Content)]
    [InlineData("""{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}""", EventKind.Content)]
    [InlineData("""{"error":{"message":"overloaded"}}""", EventKind.Error)]
    [InlineData("[DONE]", EventKind.End)]
    [InlineData("", EventKind.Content)]
    [InlineData("no json", EventKind.Content)]
    [InlineData("""{"choices":[{"delta":{"content":"\"usage\":{\"prompt_tokens\":9}"}}]}""", EventKind.Content)]
    public void An_event_of_a_chat_is_told_apart(string data, EventKind kind) =>
        Assert.Equal(kind, new AnswerReader(Wire.ChatCompletions).Event(Encoding.UTF8.GetBytes(data)));

    [Theory]
    [InlineData("""{"type":"response.output_text.delta","delta":"Hi"}""", EventKind.Content)]
    [InlineData("""{"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":2}}}""", EventKind.End)]
    [InlineData("""{"type":"response.incomplete","response":{"usage":null}}""", EventKind.End)]
    [InlineData("""{"type":"response.failed","response":{"error":{"code":"server_error"}}}""", EventKind.Error)]
    [InlineData("""{"type":"error","code":"x"}""", EventKind.Error)]
    public void An_event_of_a_response_is_told_apart(string data, EventKind kind) =>
        Assert.Equal(kind, new AnswerReader(Wire.Responses).Event(Encoding.UTF8.GetBytes(data)));

    [Theory]
    [InlineData("""{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}""", EventKind.Content)]
    [InlineData("""{"type":"message_stop"}""", EventKind.End)]
    [InlineData("""{"type":"error","error":{"type":"overloaded_error"}}""", EventKind.Error)]
    public void An_event_of_a_message_is_told_apart(string data, EventKind kind) =>
        Assert.Equal(kind, new AnswerReader(Wire.Messages).Event(Encoding.UTF8.GetBytes(data)));

    [Theory]
    [InlineData("""{"type":"image_generation.partial_image","b64_json":"AA=="}""", EventKind.Content)]
    [InlineData("""{"type":"image_generation.completed","b64_json":"AA==","usage":{"input_tokens":1,"output_tokens":2}}""", EventKind.End)]
    public void An_event_of_a_picture_is_told_apart(string data, EventKind kind) =>
        Assert.Equal(kind, new AnswerReader(Wire.Images).Event(Encoding.UTF8.GetBytes(data)));

    [Fact]
    public void Searches_of_the_web_are_the_parts_of_an_answer_that_are_searches()
    {
        const string Items = """
            {"type":"web_search_call","status":"completed","action":{"type":"search","query":"sea"}},
            {"type":"web_search_call","status":"completed","action":{"type":"open_page","url":"https://sea.example"}},
            {"type":"web_search_call","status":"completed"},
            {"type":"message","content":[{"type":"output_text","text":"web_search_call"}]}
            """;
        var reader = new AnswerReader(Wire.Responses);

        reader.Whole(Encoding.UTF8.GetBytes($$"""{"tools":[{"type":"web_search"}],"output":[{{Items}}]}"""));

        Assert.Equal(2, reader.Searches);
    }

    [Fact]
    public void Searches_of_the_web_in_a_stream_are_counted_once_each()
    {
        const string Item = """{"type":"web_search_call","action":{"type":"search"}}""";
        string[] events =
        [
            $$"""{"type":"response.output_item.added","item":{{Item}}}""",
            $$"""{"type":"response.output_item.done","item":{{Item}}}""",
            $$"""{"type":"response.output_item.done","item":{{Item}}}""",
        ];

        Assert.Equal(2, Read(Wire.Responses, events).Searches);
        Assert.Equal(2, Read(Wire.Responses, [.. events, $$"""{"type":"response.completed","response":{"output":[{{Item}},{{Item}}]} }"""]).Searches);
    }

    [Fact]
    public void The_last_usage_of_a_chat_counts_and_is_not_added_to()
    {
        var reader = Read(
            Wire.ChatCompletions,
            """{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":10,"completion_tokens":1}}""",
            """{"choices":[{"delta":{"content":"b"}}],"usage":{"prompt_tokens":10,"completion_tokens":2}}""",
            """{"choices":[{"delta":{}}],"usage":null}""");

        var counts = reader.Usage!.Disjoint(Wire.ChatCompletions, CacheWrites.None);
        Assert.Equal((10, 2), (counts[Meter.InputTokens], counts[Meter.OutputTokens]));
    }

    [Fact]
    public void Anthropics_last_counts_replace_the_first_ones()
    {
        var reader = Read(
            Wire.Messages,
            """{"type":"message_start","message":{"usage":{"input_tokens":25,"cache_read_input_tokens":4,"output_tokens":1}}}""",
            """{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hello"}}""",
            """{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}""");

        var counts = reader.Usage!.Disjoint(Wire.Messages, CacheWrites.None);
        Assert.Equal((25, 4, 15), (counts[Meter.InputTokens], counts[Meter.CachedInputTokens], counts[Meter.OutputTokens]));
        Assert.True(reader.UsageIsFinal);
    }

    [Fact]
    public void The_start_of_a_message_is_no_final_usage() =>
        Assert.False(Read(Wire.Messages, """{"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}}""").UsageIsFinal);

    [Fact]
    public void The_tier_that_was_used_is_the_one_in_the_answer()
    {
        Assert.Equal("priority", Read(Wire.ChatCompletions, """{"choices":[],"service_tier":"priority","usage":{"prompt_tokens":1}}""").Usage!.ServiceTier);
        Assert.Null(Read(Wire.ChatCompletions, """{"choices":[],"service_tier":"default","usage":{"prompt_tokens":1}}""").Usage!.ServiceTier);
        Assert.Equal("flex", Read(Wire.Responses, """{"type":"response.completed","response":{"service_tier":"flex","usage":{"input_tokens":1}}}""").Usage!.ServiceTier);
    }

    [Fact]
    public void What_an_answer_repeats_of_the_request_says_nothing_of_its_price()
    {
        const string Repeated = """
            "metadata":{"service_tier":"flex","type":"open_page"},
            "tools":[{"type":"function","parameters":{"type":"object","usage":{"input_tokens":1,"output_tokens":1},
              "properties":{"usage":{"input_tokens":1,"output_tokens":1},"type":"web_search_call"}}}]
            """;
        const string Output = """[{"type":"web_search_call","action":{"type":"search"}}]""";

        var whole = new AnswerReader(Wire.Responses);
        whole.Whole(Encoding.UTF8.GetBytes(
            $$"""{"output":{{Output}},"service_tier":"priority","usage":{"input_tokens":7,"output_tokens":9},{{Repeated}} }"""));
        var begun = Read(Wire.Responses, $$"""{"type":"response.created","response":{"usage":null,{{Repeated}} } }""");
        var ended = Read(Wire.Responses, $$"""{"type":"response.incomplete","response":{"output":{{Output}},"usage":null,{{Repeated}} } }""");

        Assert.Equal(("priority", 1), (whole.Usage!.ServiceTier, whole.Searches));
        Assert.Equal(9, whole.Usage.Disjoint(Wire.Responses, CacheWrites.None)[Meter.OutputTokens]);
        Assert.Equal((null, 0), (begun.Usage, begun.Searches));
        Assert.Equal((null, 1), (ended.Usage, ended.Searches));
    }

    [Fact]
    public void Usage_in_a_choice_is_usage() => Assert.Equal(
        2,
        Read(Wire.ChatCompletions, """{"choices":[{"delta":{},"usage":{"prompt_tokens":1,"completion_tokens":2}}]}""")
            .Usage!.Disjoint(Wire.ChatCompletions, CacheWrites.None)[Meter.OutputTokens]);

    [Theory]
    [InlineData("{}", null)]
    [InlineData("""{"prompt_tokens":"1000","completion_tokens":"20"}""", null)]
    [InlineData("""{"prompt_tokens":1000}""", false)]
    [InlineData("""{"prompt_tokens":1000,"completion_tokens":0}""", true)]
    public void Only_counts_that_are_there_are_believed(string usage, bool? ofAll)
    {
        var reader = Read(Wire.ChatCompletions, $$"""{"choices":[{"delta":{"content":"Hello"} } ] }""", $$"""{"choices":[],"usage":{{usage}} }""");

        Assert.Equal(ofAll, reader.Usage is null ? null : reader.UsageIsOfAll);
    }

    [Fact]
    public void Usage_after_which_more_came_is_not_of_all()
    {
        const string Interim = """{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":10,"completion_tokens":1}}""";

        Assert.True(Read(Wire.ChatCompletions, Interim, """{"choices":[{"delta":{}}],"usage":null}""").UsageIsOfAll);
        Assert.False(Read(Wire.ChatCompletions, Interim, """{"choices":[{"delta":{"content":"b"}}],"usage":null}""").UsageIsOfAll);
    }

    [Theory]
    [InlineData("\\u0000")]
    [InlineData("fl\\u0000ex")]
    [InlineData("\\ud800")]
    [InlineData("\\ud83c\\udf0a")]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    public void A_tier_that_is_no_name_is_none(string tier)
    {
        var read = Read(
            Wire.ChatCompletions,
            $$"""{"usage":{"prompt_tokens":1,"service_tier":"{{tier}}"},"service_tier":"{{tier}}"}""",
            """{"choices":[],"usage":{"prompt_tokens":7}}""");

        Assert.Equal((null, 7), (read.Usage!.ServiceTier, read.Usage.Disjoint(Wire.ChatCompletions, CacheWrites.None)[Meter.InputTokens]));
    }

    [Fact]
    public void A_tier_that_is_told_before_the_usage_is_remembered() => Assert.Equal(
        "priority",
        Read(
            Wire.ChatCompletions,
            """{"choices":[{"delta":{"content":"a"}}],"service_tier":"priority"}""",
            """{"choices":[],"usage":{"prompt_tokens":1}}""").Usage!.ServiceTier);

    [Theory]
    [InlineData(Wire.ChatCompletions, """{"choices":[{"delta":{"content":"Hello","tool_calls":[{"function":{"arguments":"{}"}}]}}]}""", 7)]
    [InlineData(Wire.ChatCompletions, """{"choices":[{"delta":{"reasoning_content":"Hmm"}}]}""", 3)]
    [InlineData(Wire.Responses, """{"type":"response.output_text.delta","delta":"Hello"}""", 5)]
    [InlineData(Wire.Responses, """{"type":"response.output_text.done","text":"Hello"}""", 0)]
    [InlineData(Wire.Messages, """{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}""", 9)]
    [InlineData(Wire.Messages, """{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"Hmm"}}""", 3)]
    [InlineData(Wire.ChatCompletions, """{"error":{"message":"Too much","content":"Hello"}}""", 0)]
    public void What_was_produced_is_counted_once(Wire wire, string data, long bytes) => Assert.Equal(bytes, Read(wire, data).ProducedBytes);

    static AnswerReader Read(Wire wire, params ReadOnlySpan<string> events)
    {
        var reader = new AnswerReader(wire);
        foreach (var data in events) reader.Event(Encoding.UTF8.GetBytes(data));
        return reader;
    }
}
