using System.Text;
using Purser.Core.Gateway;
using Purser.Core.Pricing;

namespace Purser.Core.Tests.Gateway;

public sealed class RequestReaderTests
{
    [Fact]
    public void What_a_price_depends_on_is_read()
    {
        var request = Understood(Wire.ChatCompletions, """
            {"model":"gpt-4o","stream":true,"max_completion_tokens":500,"n":2,"service_tier":"flex","modalities":["text","audio"],
             "prediction":{"type":"content","content":"x"},"tools":[{"type":"function","function":{"name":"f"}}],
             "messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi"}]}
            """);

        Assert.Equal(("gpt-4o", true, 500L, 2, "flex"), (request.Model, request.Stream, request.MaxOutput, request.Choices, request.ServiceTier));
        Assert.Equal((true, true, true, 2), (request.Speaks, request.Predicts, request.Tools, request.Turns));
    }

    [Theory]
    [InlineData("""{"mod\u0065l":"m"}""")]
    [InlineData(""" { "metadata" : {"model":"other"} , "model" : "m" } """)]
    public void The_model_is_the_top_member_however_it_is_spelt(string body) =>
        Assert.Equal("m", Understood(Wire.ChatCompletions, body).Model);

    [Theory]
    [InlineData("model", """{"model":"cheap","model":"dear"}""")]
    [InlineData("model", """{"model":"cheap","mod\u0065l":"dear"}""")]
    [InlineData("max_tokens", """{"model":"m","max_tokens":1,"max_tokens":100000}""")]
    [InlineData("n", """{"model":"m","n":1,"n":100}""")]
    [InlineData("stream", """{"model":"m","stream":false,"stream":true}""")]
    [InlineData("stream_options.include_usage", """{"model":"m","stream_options":{"include_usage":true,"include_usage":false}}""")]
    [InlineData("model", """{"model":"cheap","Model":"dear"}""")]
    [InlineData("max_tokens", """{"model":"m","max_tokens":1,"MAX_TOK\u0045NS":100000}""")]
    [InlineData("n", """{"model":"m","N":100}""")]
    [InlineData("stream_options.include_usage", """{"model":"m","stream_options":{"include_usage":true,"Include_usage":false}}""")]
    public void Of_two_members_by_one_name_none_is_believed(string param, string body) =>
        Assert.Equal((RequestRefusal.DuplicateMember, param), Refused(Wire.ChatCompletions, body));

    [Theory]
    [InlineData(RequestRefusal.NotJson, null, "")]
    [InlineData(RequestRefusal.NotJson, null, "[]")]
    [InlineData(RequestRefusal.NotJson, null, """{"model":"m"}{"model":"n"}""")]
    [InlineData(RequestRefusal.NotJson, null, """{"model":"m",}""")]
    [InlineData(RequestRefusal.NotJson, null, """{"model":"m","messages":[""")]
    [InlineData(RequestRefusal.NotJson, null, """{"model":"\ud800"}""")]
    [InlineData(RequestRefusal.MissingMember, "model", """{"messages":[]}""")]
    [InlineData(RequestRefusal.WrongType, "model", """{"model":null}""")]
    [InlineData(RequestRefusal.WrongType, "model", """{"model":3}""")]
    [InlineData(RequestRefusal.WrongType, "model", """{"model":{"id":"m"}}""")]
    [InlineData(RequestRefusal.WrongType, "model", """{"model":""}""")]
    [InlineData(RequestRefusal.WrongType, "max_tokens", """{"model":"m","max_tokens":-1}""")]
    [InlineData(RequestRefusal.WrongType, "max_tokens", """{"model":"m","max_tokens":0}""")]
    [InlineData(RequestRefusal.WrongType, "max_tokens", """{"model":"m","max_tokens":1e3}""")]
    [InlineData(RequestRefusal.WrongType, "max_tokens", """{"model":"m","max_tokens":"100"}""")]
    [InlineData(RequestRefusal.WrongType, "max_tokens", """{"model":"m","max_tokens":99999999999}""")]
    [InlineData(RequestRefusal.WrongType, "n", """{"model":"m","n":0}""")]
    [InlineData(RequestRefusal.WrongType, "n", """{"model":"m","n":1.5}""")]
    [InlineData(RequestRefusal.WrongType, "stream", """{"model":"m","stream":"true"}""")]
    [InlineData(RequestRefusal.WrongType, "stream_options", """{"model":"m","stream_options":[]}""")]
    [InlineData(RequestRefusal.WrongType, "service_tier", """{"model":"m","service_tier":1}""")]
    [InlineData(RequestRefusal.NotMetered, "web_search_options", """{"model":"m","web_search_options":{}}""")]
    [InlineData(RequestRefusal.NotMetered, "tools", """{"model":"m","tools":[{"type":"code_interpreter"}]}""")]
    public void What_cannot_be_priced_is_refused(RequestRefusal why, string? param, string body) =>
        Assert.Equal((why, param), Refused(Wire.ChatCompletions, body));

    [Theory]
    [InlineData("background", """{"model":"m","background":true}""")]
    [InlineData("tools", """{"model":"m","tools":[{"type":"file_search"}]}""")]
    [InlineData("tools", """{"model":"m","tools":[{"type":"mcp","server_url":"https://x"}]}""")]
    [InlineData("max_tool_calls", """{"model":"m","tools":[{"type":"web_search"}]}""")]
    public void Responses_that_would_cost_more_than_can_be_seen_are_refused(string param, string body) =>
        Assert.Equal((RequestRefusal.NotMetered, param), Refused(Wire.Responses, body));

    [Theory]
    [InlineData("tools", """{"model":"m","max_tokens":9,"tools":[{"type":"code_execution_20260120","name":"c"}]}""")]
    [InlineData("tools.max_uses", """{"model":"m","max_tokens":9,"tools":[{"type":"web_search_20260209","name":"w"}]}""")]
    [InlineData("mcp_servers", """{"model":"m","max_tokens":9,"mcp_servers":[]}""")]
    public void Messages_that_would_cost_more_than_can_be_seen_are_refused(string param, string body) =>
        Assert.Equal((RequestRefusal.NotMetered, param), Refused(Wire.Messages, body));

    [Theory]
    [InlineData("""{"name":"get_weather","input_schema":{"type":"object","properties":{"type":{"type":"string"}}}}""")]
    [InlineData("""{"type":"custom","name":"x"}""")]
    [InlineData("""{"type":"bash_20250124","name":"bash"}""")]
    [InlineData("""{"type":"text_editor_20250728","name":"e"}""")]
    public void Tools_that_the_caller_runs_are_free(string tool) =>
        Assert.Equal(0, Understood(Wire.Messages, $$"""{"model":"m","max_tokens":9,"tools":[{{tool}}]}""").Searches);

    [Fact]
    public void Searches_are_counted_as_often_as_they_may_be_made()
    {
        var messages = Understood(Wire.Messages, """
            {"model":"m","max_tokens":9,"tools":[{"type":"web_search_20260209","name":"w","max_uses":5}]}
            """);
        var response = Understood(Wire.Responses, """{"model":"m","max_tool_calls":3,"tools":[{"type":"web_search"}]}""");

        Assert.Equal((5, true), (messages.Searches, messages.Unbounded));
        Assert.Equal((3, true), (response.Searches, response.Unbounded));
    }

    [Fact]
    public void Pictures_and_sound_are_no_text()
    {
        var picture = new string('A', 10_000);
        var request = Understood(Wire.ChatCompletions, $$$"""
            {"model":"m","messages":[{"role":"user","content":[
              {"type":"text","text":"What is this?"},
              {"type":"image_url","image_url":{"url":"data:image/png;base64,{{{picture}}}"}},
              {"type":"image_url","image_url":{"url":"https://example.com/a.png"}},
              {"type":"input_audio","input_audio":{"data":"{{{picture}}}","format":"wav"}}]}]}
            """);

        Assert.Equal(2, request.Pictures);
        Assert.Equal(7_500, request.SoundBytes);
        Assert.InRange(request.TextBytes, 200, 500);
        Assert.False(request.Unbounded);
    }

    [Fact]
    public void Text_that_is_called_data_is_text()
    {
        var text = new string('A', 10_000);
        var request = Understood(Wire.ChatCompletions, $$$"""
            {"model":"m","messages":[{"role":"user","content":"{{{text}}}"}],
             "tools":[{"type":"function","function":{"name":"f","parameters":{"source":{"data":"{{{text}}}"} } } }]}
            """);

        Assert.True(request.TextBytes > 20_000);
    }

    [Theory]
    [InlineData(Wire.Messages, """{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x/a.png"}}]}""", 1, false)]
    [InlineData(Wire.Messages, """{"role":"user","content":[{"type":"image","source":{"type":"base64","data":"iVBORw0KGgo"}}]}""", 1, false)]
    [InlineData(Wire.Messages, """{"role":"user","content":[{"type":"document","source":{"type":"base64","data":"JVBERi0xLjQK"}}]}""", 0, true)]
    [InlineData(Wire.Messages, """{"role":"user","content":[{"source":{"type":"base64","data":"iVBORw0KGgo"},"type":"image"}]}""", 1, false)]
    [InlineData(Wire.Messages, """{"role":"user","content":[{"type":"document","source":{"type":"text","data":"iVBORw0KGgo"}}]}""", 0, true)]
    [InlineData(Wire.Messages, """{"role":"user","content":[{"type":"image","source":{"type":"base64","data":"JVBERi0xLjQK"},"type":"document"}]}""", 0, true)]
    [InlineData(Wire.Messages, """{"role":"user","content":[{"type":"document","source":{"type":"base64","data":"JVBERi0xLjQK"},"type":"image"}]}""", 0, true)]
    [InlineData(Wire.Messages, """{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://x/a.pdf"}}]}""", 0, true)]
    [InlineData(Wire.Messages, """{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"file_1"}}]}""", 0, true)]
    [InlineData(Wire.ChatCompletions, """{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}""", 0, true)]
    [InlineData(Wire.ChatCompletions, """{"role":"user","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBE"}}]}""", 0, true)]
    [InlineData(Wire.ChatCompletions, """{"role":"assistant","audio":{"id":"audio_1"}}""", 0, true)]
    [InlineData(Wire.ChatCompletions, """{"role":"user","content":"plain"}""", 0, false)]
    public void What_the_provider_adds_by_itself_has_no_bound(Wire wire, string message, int pictures, bool unbounded)
    {
        var request = Understood(wire, $$"""{"model":"m","max_tokens":9,"messages":[{{message}}]}""");

        Assert.Equal((pictures, unbounded), (request.Pictures, request.Unbounded));
    }

    [Theory]
    [InlineData("image_url", "data:image/png;base64,")]
    [InlineData("source", "")]
    public void What_a_tool_was_called_with_is_text_however_it_looks(string member, string beginning)
    {
        var data = beginning + new string('A', 10_000);
        var value = member == "source" ? $$"""{"type":"base64","data":"{{data}}"}""" : $"\"{data}\"";
        var request = Understood(Wire.Messages, $$$"""
            {"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":
              [{"type":"tool_use","id":"t","name":"show","input":{"type":"image","{{{member}}}":{{{value}}} } } ] } ] }
            """);

        Assert.Equal((0, false), (request.Pictures, request.Unbounded));
        Assert.True(request.TextBytes > 10_000);
    }

    [Theory]
    [InlineData(""","max_tokens":5""", 5, null)]
    [InlineData(""","max_completion_tokens":5""", null, 5)]
    [InlineData(""","max_tokens":5,"max_completion_tokens":7""", 5, 7)]
    [InlineData(""","max_tokens":null,"max_completion_tokens":7""", null, 7)]
    [InlineData("", null, null)]
    public void A_limit_by_a_name_that_the_provider_does_not_heed_is_none(string limits, int? byTheFirst, int? byTheSecond)
    {
        var request = Understood(Wire.ChatCompletions, $$"""{"model":"m","messages":[]{{limits}}}""");

        Assert.Equal(byTheFirst, request.Heeding("max_tokens").MaxOutput);
        Assert.Equal(byTheSecond, request.Heeding("max_completion_tokens").MaxOutput);
        Assert.Equal(byTheSecond ?? byTheFirst, request.MaxOutput);
        Assert.NotNull(Understood(Wire.ChatCompletions, """{"model":"m","max_completion_tokens":null}""").NullMaxOutputAt);
        Assert.Null(Understood(Wire.ChatCompletions, """{"model":"m","max_completion_tokens":null}""").Heeding("max_tokens").NullMaxOutputAt);
    }

    [Theory]
    [InlineData("""{"model":"m","search_parameters":{"mode":"on"},"messages":[]}""")]
    [InlineData("""{"model":"m","tools":[{"google_search":{}}],"messages":[]}""")]
    public void What_another_provider_searches_by_is_not_metered(string body) =>
        Assert.Equal(RequestRefusal.NotMetered, Refused(Wire.ChatCompletions, body).Item1);

    [Theory]
    [InlineData("""{"model":"m","previous_response_id":"resp_1","input":"go on"}""", true)]
    [InlineData("""{"model":"m","previous_response_id":null,"input":"begin"}""", false)]
    [InlineData("""{"model":"m","conversation":"conv_1","input":"go on"}""", true)]
    [InlineData("""{"model":"m","prompt":{"id":"pmpt_1"}}""", true)]
    [InlineData("""{"model":"m","input":[{"type":"item_reference","id":"msg_1"}]}""", true)]
    [InlineData("""{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_id":"file_1"}]}]}""", true)]
    [InlineData("""{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"https://x/a.png"}]}]}""", false)]
    public void A_response_that_goes_on_from_another_has_no_bound(string body, bool unbounded) =>
        Assert.Equal(unbounded, Understood(Wire.Responses, body).Unbounded);

    [Theory]
    [InlineData("""[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]""", CacheWrites.Minutes)]
    [InlineData("""[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"5m"}}]""", CacheWrites.Minutes)]
    [InlineData("""[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]""", CacheWrites.Hour)]
    [InlineData("""[{"type":"text","text":"a","cache_control":{"ttl":"1h","type":"ephemeral"}},{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]""", CacheWrites.Hour)]
    [InlineData("\"a\"", CacheWrites.None)]
    public void The_longest_stay_in_the_cache_counts(string system, CacheWrites longest) =>
        Assert.Equal(longest, Understood(Wire.Messages, $$"""{"model":"m","max_tokens":9,"system":{{system}},"messages":[]}""").CacheWrites);

    [Fact]
    public void A_prompt_of_a_megabyte_is_read_without_copying_it()
    {
        var body = Encoding.UTF8.GetBytes($$"""{"model":"m","messages":[{"role":"user","content":"{{new string('x', 1_000_000)}}"}]}""");
        RequestReader.Read(Wire.ChatCompletions, body);
        var before = GC.GetAllocatedBytesForCurrentThread();

        RequestReader.Read(Wire.ChatCompletions, body);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
    }

    static CallRequest Understood(Wire wire, string body) =>
        Assert.IsType<RequestReading.Understood>(RequestReader.Read(wire, Encoding.UTF8.GetBytes(body))).Request;

    static (RequestRefusal, string?) Refused(Wire wire, string body)
    {
        var refused = Assert.IsType<RequestReading.Refused>(RequestReader.Read(wire, Encoding.UTF8.GetBytes(body)));
        return (refused.Why, refused.Param);
    }
}
