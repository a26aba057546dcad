using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Purser.Server.Tests.Gateway;

/// <summary>A customer with credits, and a program of theirs that has a key for the gateway.</summary>
sealed record Caller(HttpClient Server, string Customer, string KeyId, string Key, decimal Credits)
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async Task<Answered> Ask(string path, string json)
    {
        using var request = Request(path, json);
        return await Server.Ask(request);
    }

    /// <summary>Returns when the answer begins; whoever disposes it leaves.</summary>
    public async Task<HttpResponseMessage> Begin(string path, string json, CancellationToken ct)
    {
        using var request = Request(path, json);
        return await Server.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
    }

    /// <summary>Reads so many pieces of text from a stream, and leaves in the middle of it.</summary>
    public async Task Leave(string path, string json, int after)
    {
        using var answer = await Begin(path, json, Ct);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(Ct));
        for (var pieces = 0; pieces < after;)
        {
            var line = await lines.ReadLineAsync(Ct) ?? throw new EndOfStreamException($"It ended after {pieces} pieces.");
            if (line.StartsWith("data:", StringComparison.Ordinal) && Text(line).Length > 0) pieces++;
        }
    }

    public HttpRequestMessage Request(string path, string json) => Request(path, new StringContent(json, Encoding.UTF8, "application/json"));

    public HttpRequestMessage Request(string path, HttpContent body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = body };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        request.Headers.Add("anthropic-version", "2023-06-01");
        return request;
    }

    public Task<Answered> Balance() => Server.Read($"/v1/customers/{Customer}/balance");

    /// <summary>Newest first.</summary>
    public async Task<JsonElement[]> Calls() =>
        [.. (await Server.Read($"/v1/customers/{Customer}/calls?limit=500")).Json.GetProperty("data").EnumerateArray()];

    // The text that an event brings, in whichever API's words.
    static string Text(string line)
    {
        if (!line.Contains('{', StringComparison.Ordinal)) return "";

        var data = JsonElement.Parse(line[line.IndexOf('{', StringComparison.Ordinal)..]);
        if (data.TryGetProperty("choices", out var choices) && choices.GetArrayLength() > 0)
            return choices[0].GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() ?? "" : "";

        return !data.TryGetProperty("delta", out var delta) ? ""
            : delta.ValueKind == JsonValueKind.String ? delta.GetString()!
            : delta.TryGetProperty("text", out var text) ? text.GetString()! : "";
    }
}

/// <summary>Ordinary callers and ordinary requests.</summary>
static class Calling
{
    public const string Chat = "/openai/v1/chat/completions";
    public const string Responses = "/openai/v1/responses";
    public const string Embeddings = "/openai/v1/embeddings";
    public const string Images = "/openai/v1/images/generations";
    public const string Transcriptions = "/openai/v1/audio/transcriptions";
    public const string Messages = "/anthropic/v1/messages";
    public const string CountTokens = "/anthropic/v1/messages/count_tokens";

    // More than any call of a test costs.
    const decimal Plenty = 1_000_000;

    static int customers;

    public static Task<Caller> GivenCaller(this Gate gate, decimal credits = Plenty, string key = "{}") => gate.Client.GivenCaller(credits, key);

    /// <param name="key">What is asked for with the key: its budget, models and limits.</param>
    public static async Task<Caller> GivenCaller(this HttpClient server, decimal credits = Plenty, string key = "{}")
    {
        var customer = $"customer_{Interlocked.Increment(ref customers)}";
        Assert.Equal(200, (await server.Put($"/v1/customers/{customer}", "{}")).Status);
        if (credits > 0)
        {
            var amount = credits.ToString(CultureInfo.InvariantCulture);
            var granted = await server.Post($"/v1/customers/{customer}/grants", $$"""{"amount":{{amount}},"source":"purchase"}""", "grant");
            Assert.Equal(201, granted.Status);
        }

        return await new Caller(server, customer, "", "", credits).WithKey(key);
    }

    /// <summary>The same customer with another key.</summary>
    public static async Task<Caller> WithKey(this Caller caller, string key)
    {
        var made = await caller.Server.Post($"/v1/customers/{caller.Customer}/keys", key, $"{Guid.CreateVersion7()}");
        Assert.True(made.Status == 201, made.ToString());
        return caller with { KeyId = made.Text("id"), Key = made.Text("key") };
    }

    public static string Budget(decimal amount, string period) =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"budget":{"amount":{{amount}},"period":"{{period}}"} }""");

    /// <summary>Eight tokens of prompt; the sandbox answers with twenty.</summary>
    /// <param name="more">Further members, each behind a comma.</param>
    public static string Ask(string model = "gpt-4o-mini", string more = "") =>
        $$"""{"model":"{{model}}","messages":[{"role":"user","content":"Hello"}]{{more}}}""";

    public static string Stream(string model = "gpt-4o-mini", string more = "") => Ask(model, $$""","stream":true{{more}}""");

    /// <summary>The same for Anthropic, which wants a limit.</summary>
    public static string Message(string model = "claude-sonnet-5-5", string more = "") => Ask(model, $$""","max_tokens":100{{more}}""");

    /// <summary>The same for OpenAI's newer API.</summary>
    public static string Response(string model = "gpt-4.1-mini", string more = "") => $$"""{"model":"{{model}}","input":"Hello"{{more}}}""";
}
