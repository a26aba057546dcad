using System.Text;
using System.Text.Json;
using Purser.Core.Gateway;

namespace Purser.Core.Tests.Gateway;

public sealed class EditTests
{
    [Theory]
    [InlineData("""{"model":"openai/gpt-4o","stream":true}""", """{"stream_options":{"include_usage":true},"max_tokens":7,"model":"gpt-4o","stream":true}""")]
    [InlineData("""{ "model" : "gpt-4o" }""", """{"stream_options":{"include_usage":true},"max_tokens":7, "model" : "gpt-4o" }""")]
    [InlineData("""  {"model":"gpt-4o","stream_options":{}}""", """  {"max_tokens":7,"model":"gpt-4o","stream_options":{"include_usage":true}}""")]
    [InlineData("""{"model":"gpt-4o","stream_options":null}""", """{"max_tokens":7,"model":"gpt-4o","stream_options":{"include_usage":true}}""")]
    [InlineData("""{"model":"gpt-4o","stream_options":{"include_usage":false,"x":1}}""", """{"max_tokens":7,"model":"gpt-4o","stream_options":{"include_usage":true,"x":1}}""")]
    [InlineData("""{"model":"gpt-4o","stream_options":{"include_usage":null}}""", """{"max_tokens":7,"model":"gpt-4o","stream_options":{"include_usage":true}}""")]
    [InlineData("""{"model":"gpt-4o","stream_options":{"x":1}}""", """{"max_tokens":7,"model":"gpt-4o","stream_options":{"include_usage":true,"x":1}}""")]
    [InlineData("""{"model":"gpt-4o","stream_options":{"include_usage":true}}""", """{"max_tokens":7,"model":"gpt-4o","stream_options":{"include_usage":true}}""")]
    [InlineData("""{"max_tokens":null,"model":"gpt-4o"}""", """{"stream_options":{"include_usage":true},"max_tokens":7,"model":"gpt-4o"}""")]
    public void Only_what_is_needed_is_changed(string body, string forwarded)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var request = Assert.IsType<RequestReading.Understood>(RequestReader.Read(Wire.ChatCompletions, bytes)).Request;

        var edited = Apply(body, Edits.InOrder(Edits.Model(request, "gpt-4o"), Edits.Usage(request), Edits.Limit(request, "max_tokens", 7)));

        Assert.Equal(Normal(forwarded), Normal(edited));
        using var parsed = JsonDocument.Parse(edited, new() { AllowDuplicateProperties = false });
    }

    // Two insertions in one place may stand in either order.
    static string Normal(string json) => string.Join(',', JsonElement.Parse(json).EnumerateObject()
        .OrderBy(member => member.Name, StringComparer.Ordinal).Select(member => member.ToString()));

    static string Apply(string body, IReadOnlyList<Edit> edits)
    {
        foreach (var edit in edits.Reverse())
            body = body[..edit.At.From] + Encoding.UTF8.GetString(edit.Text.Span) + body[(edit.At.From + edit.At.Length)..];
        return body;
    }
}
