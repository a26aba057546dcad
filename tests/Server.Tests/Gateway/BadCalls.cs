using System.IO.Compression;
using System.Text;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>A call that no gateway should make, and what its caller is told.</summary>
/// <param name="Param">The member at fault, as OpenAI's API names it; Anthropic's has no place for it.</param>
sealed record BadCall(string Path, byte[] Body, int Status, string? Param)
{
    public string? ContentType { get; init; } = "application/json";

    public string? ContentEncoding { get; init; }
}

/// <summary>Every way to ask badly that we know of, by its name.</summary>
static class BadCalls
{
    const string Form = "multipart/form-data; boundary=b0";

    static readonly IEnumerable<(string Name, string Json, string? Param)> OfEveryApi =
    [
        ("empty body", "", null),
        ("blank body", " \r\n ", null),
        ("null for an object", "null", null),
        ("array for an object", "[{}]", null),
        ("text for an object", "\"model\"", null),
        ("number for an object", "1", null),
        ("empty object", "{}", "model"),
        ("truncated", """{"model":"MODEL","messages":[""", null),
        ("truncated in a text", """{"model":"MOD""", null),
        ("trailing garbage", """{"model":"MODEL","messages":[]}x""", null),
        ("two objects", """{"model":"MODEL","messages":[]} {"model":"MODEL"}""", null),
        ("trailing comma", """{"model":"MODEL","messages":[],}""", null),
        ("comment", """{"model":"MODEL"/* cheap */}""", null),
        ("single quotes", "{'model':'MODEL'}", null),
        ("form", "model=MODEL", null),
        ("raw NUL", "{\"model\":\"MO\0DEL\"}", null),
        ("raw NUL behind it", "{\"model\":\"MODEL\",\"messages\":[]}\0", null),
        ("raw line break in a text", "{\"model\":\"MO\nDEL\"}", null),
        ("half a surrogate pair in the model", """{"model":"MODEL\ud800"}""", null),
        ("NaN", """{"model":"MODEL","temperature":NaN}""", null),
        ("three hundred deep", Deep(300), null),
        ("a hundred thousand deep", Deep(100_000), null),
        ("no model", """{"messages":[]}""", "model"),
        ("model null", """{"model":null}""", "model"),
        ("model number", """{"model":1}""", "model"),
        ("model array", """{"model":["MODEL"]}""", "model"),
        ("model object", """{"model":{"name":"MODEL"}}""", "model"),
        ("model empty", """{"model":""}""", "model"),
        ("model of 201 characters", $$"""{"model":"{{new string('x', 201)}}"}""", "model"),
        ("model twice", """{"model":"MODEL","messages":[],"model":"DEARER"}""", "model"),
        ("model twice, once escaped", """{"model":"MODEL","messages":[],"\u006dodel":"DEARER"}""", "model"),
        ("model in large letters besides", """{"model":"MODEL","messages":[],"Model":"DEARER"}""", "model"),
        ("limit in large letters besides", """{"model":"MODEL","messages":[],"max_tokens":1,"MAX_TOKENS":100000}""", "max_tokens"),
        ("stream text", """{"model":"MODEL","messages":[],"stream":"true"}""", "stream"),
        ("stream number", """{"model":"MODEL","messages":[],"stream":1}""", "stream"),
        ("stream twice", """{"stream":false,"model":"MODEL","messages":[],"stream":true}""", "stream"),
        ("tier number", """{"model":"MODEL","messages":[],"service_tier":5}""", "service_tier"),
        ("a tier without a price", """{"model":"MODEL","messages":[],"service_tier":"turbo"}""", "service_tier"),
        ("a server of tools", """{"model":"MODEL","messages":[],"mcp_servers":[]}""", "mcp_servers"),
        ("a tool that nobody meters", """{"model":"MODEL","messages":[],"tools":[{"type":"code_execution_20250522"}]}""", "tools"),
        ("a tool with two types", """{"model":"MODEL","messages":[],"tools":[{"type":"function","type":"web_search"}]}""", "tools.type"),
        .. OfLimits("max_tokens"),
    ];

    public static IReadOnlyDictionary<string, BadCall> All { get; } = new Dictionary<string, BadCall>(
    [
        .. OfEveryApi.SelectMany(one => (KeyValuePair<string, BadCall>[])
        [
            new($"chat: {one.Name}", Bad(Chat, one.Json.Replace("MODEL", "gpt-4o-mini", StringComparison.Ordinal), one.Param)),
            new($"message: {one.Name}", Bad(Messages, one.Json.Replace("MODEL", "claude-sonnet-5-5", StringComparison.Ordinal), one.Param)),
        ]),
        .. OfLimits("max_completion_tokens").Select(one => new KeyValuePair<string, BadCall>(
            $"chat: {one.Name}", Bad(Chat, one.Json.Replace("MODEL", "gpt-4o-mini", StringComparison.Ordinal), one.Param))),
        .. OfLimits("max_output_tokens").Select(one => new KeyValuePair<string, BadCall>(
            $"response: {one.Name}", Bad(Responses, one.Json.Replace("MODEL", "gpt-4.1-mini", StringComparison.Ordinal), one.Param))),
        new("chat: n zero", Bad(Chat, Ask(more: ""","n":0"""), "n")),
        new("chat: n negative", Bad(Chat, Ask(more: ""","n":-1"""), "n")),
        new("chat: n 129", Bad(Chat, Ask(more: ""","n":129"""), "n")),
        new("chat: n text", Bad(Chat, Ask(more: ""","n":"2" """), "n")),
        new("chat: n twice", Bad(Chat, Ask(more: ""","n":1,"n":100"""), "n")),
        new("chat: options text", Bad(Chat, Stream(more: ""","stream_options":"x" """), "stream_options")),
        new("chat: options array", Bad(Chat, Stream(more: ""","stream_options":[]"""), "stream_options")),
        new("chat: options with a text for usage", Bad(Chat, Stream(more: ""","stream_options":{"include_usage":"yes"}"""), "stream_options.include_usage")),
        new("chat: options with usage twice",
            Bad(Chat, Stream(more: ""","stream_options":{"include_usage":true,"include_usage":false}"""), "stream_options.include_usage")),
        new("chat: options for searches", Bad(Chat, Ask(more: ""","web_search_options":{}"""), "web_search_options")),
        new("chat: bad UTF-8 in the model", new(Chat, [.. "{\"model\":\""u8, 0xC3, 0x28, .. "\"}"u8], 400, null)),
        new("chat: overlong UTF-8 in the model", new(Chat, [.. "{\"model\":\""u8, 0xC0, 0xAF, .. "\"}"u8], 400, null)),
        new("chat: bad UTF-8 in a text", new(Chat, [.. "{\"model\":\"gpt-4o-mini\",\"service_tier\":\""u8, 0xFF, .. "\"}"u8], 400, null)),
        new("chat: compressed", new(Chat, Compressed(Ask()), 400, null) { ContentEncoding = "gzip" }),
        new("chat: a model of another api", Bad(Chat, Ask("claude-sonnet-5-5"), "model") with { Status = 404 }),
        new("chat: a model without a price", Bad(Chat, Ask("gpt-9"), "model") with { Status = 404 }),
        new("message: a model without a price", Bad(Messages, Ask("claude-9"), "model") with { Status = 404 }),
        new("message: searches without an end",
            Bad(Messages, Message(more: ""","tools":[{"type":"web_search_20250305","name":"web_search"}]"""), "tools.max_uses")),
        new("response: searches without an end", Bad(Responses, Response("gpt-5-mini", ""","tools":[{"type":"web_search"}]"""), "max_tool_calls")),
        new("response: in the background", Bad(Responses, Response(more: ""","background":true"""), "background")),
        new("response: background text", Bad(Responses, Response(more: ""","background":"true" """), "background")),
        new("embedding: no model", Bad(Embeddings, """{"input":"Hello"}""", "model")),
        new("picture: n zero", Bad(Images, """{"model":"gpt-image-1","prompt":"A sea","n":0}""", "n")),
        new("picture: two in one stream", Bad(Images, """{"model":"gpt-image-1","prompt":"A sea","n":2,"stream":true}""", "n")),
        new("count: no model", Bad(CountTokens, """{"messages":[]}""", "model")),
        new("transcript: json for a form", Transcript("""{"model":"whisper-1"}""", null) with { ContentType = "application/json" }),
        new("transcript: no content type", Transcript(Parts(Model, Sound), null) with { ContentType = null }),
        new("transcript: no boundary", Transcript(Parts(Model, Sound), null) with { ContentType = "multipart/form-data" }),
        new("transcript: another boundary", Transcript(Parts(Model, Sound), null) with { ContentType = "multipart/form-data; boundary=b1" }),
        new("transcript: two boundaries", Transcript(Parts(Model, Sound), null) with { ContentType = $"{Form}; boundary=b1" }),
        new("transcript: empty", Transcript("", null)),
        new("transcript: no parts", Transcript("--b0--\r\n", "model")),
        new("transcript: truncated", Transcript(Parts(Model, Sound)[..^10], null)),
        new("transcript: lines without returns", Transcript(Parts(Model, Sound).Replace("\r", "", StringComparison.Ordinal), null)),
        new("transcript: no model", Transcript(Parts(Sound), "model")),
        new("transcript: an empty model", Transcript(Parts("name=\"model\"\r\n\r\n", Sound), "model")),
        new("transcript: no file", Transcript(Parts(Model), "file")),
        new("transcript: two models", Transcript(Parts(Model, Sound, Model), "model")),
        new("transcript: two files", Transcript(Parts(Model, Sound, Sound), "file")),
        new("transcript: a part with two names", Transcript(Parts(Model, Sound, "name=\"model\"; name=\"x\"\r\n\r\ngpt-4o-transcribe"), null)),
        new("transcript: a part with a name in another script", Transcript(Parts(Model, Sound, "name=\"x\"; name*=utf-8''model\r\n\r\ngpt-4o-transcribe"), null)),
        new("transcript: a part that is described twice", Transcript(
            Parts(Model, Sound, "name=\"x\"\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-4o-transcribe"), null)),
        new("transcript: a part without a name", Transcript(Parts(Model, Sound, "\r\n\r\ngpt-4o-transcribe"), null)),
        new("transcript: a hundred and two parts", Transcript(Parts([Model, Sound, .. Enumerable.Repeat("name=\"x\"\r\n\r\n", 100)]), null)),
        new("transcript: a model without a price", Transcript(Parts("name=\"model\"\r\n\r\nwhisper-9", Sound), "model") with { Status = 404 }),
    ]);

    const string Model = "name=\"model\"\r\n\r\nwhisper-1";
    const string Sound = "name=\"file\"; filename=\"talk.mp3\"\r\n\r\nsound";

    static IEnumerable<(string Name, string Json, string? Param)> OfLimits(string member) =>
        from value in (string[])["\"ten\"", "1.5", "-1", "0", "1e3", "2147483648", "true", "[]", "{}"]
        select ($"{member} {value}", $$"""{"model":"MODEL","messages":[],"{{member}}":{{value}}}""", member);

    static string Deep(int levels) => $$"""{"model":"MODEL","messages":{{new string('[', levels)}}{{new string(']', levels)}}}""";

    static BadCall Bad(string path, string json, string? param) => new(path, Encoding.UTF8.GetBytes(json), 400, param);

    static BadCall Transcript(string body, string? param) => Bad(Transcriptions, body, param) with { ContentType = Form };

    static string Parts(params string[] parts) =>
        string.Concat(parts.Select(part => $"--b0\r\nContent-Disposition: form-data; {part}\r\n")) + "--b0--\r\n";

    static byte[] Compressed(string text)
    {
        using var bytes = new MemoryStream();
        using (var zip = new GZipStream(bytes, CompressionLevel.Fastest)) zip.Write(Encoding.UTF8.GetBytes(text));
        return bytes.ToArray();
    }
}
