using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Tests.Ai;

/// <summary>A caller with a key, and so an account, of its own, who sees the bare wire.</summary>
sealed class AiClient(Uri sandbox) : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    readonly HttpClient http = new() { BaseAddress = sandbox, Timeout = Patience };

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public string Key { get; } = $"sk-{Guid.CreateVersion7():N}";

    public async Task<HttpResponseMessage> Send(string path, HttpContent content, string? behave = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Authorization = new("Bearer", Key);
        request.Headers.Add("anthropic-version", "2023-06-01");
        if (behave is not null) request.Headers.Add("Sandbox-Behave", behave);
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
    }

    public Task<HttpResponseMessage> Send(string path, JsonObject body, string? behave = null) =>
        Send(path, new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"), behave);

    public async Task<JsonNode> Json(string path, JsonObject body, string? behave = null)
    {
        using var response = await Send(path, body, behave);
        return await Read(response);
    }

    public static async Task<JsonNode> Read(HttpResponseMessage response) =>
        (await JsonNode.ParseAsync(await response.Content.ReadAsStreamAsync(Ct), cancellationToken: Ct))!;

    public async Task<JsonNode> Control(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/control/ai/{path}");
        request.Headers.Authorization = new("Bearer", Key);
        using var response = await http.SendAsync(request, Ct);
        response.EnsureSuccessStatusCode();
        return await Read(response);
    }

    /// <summary>
    /// The calls of this account once there are so many: one that its caller left is recorded a little later.
    /// </summary>
    public async Task<JsonArray> Served(int count)
    {
        for (var patience = System.Diagnostics.Stopwatch.StartNew(); ; await Task.Delay(20, Ct))
        {
            var calls = (await Control("served"))["data"]!.AsArray();
            if (calls.Count >= count) return calls;
            Assert.True(patience.Elapsed < Patience, $"Only {calls.Count} of {count} calls were recorded");
        }
    }

    public void Dispose() => http.Dispose();
}

/// <summary>Ordinary requests, to be changed where a test is about it.</summary>
static class Given
{
    public const string ChatPath = "/openai/v1/chat/completions";
    public const string MessagesPath = "/anthropic/v1/messages";

    public static JsonObject Chat(string content = "Hello", bool stream = false) => new()
    {
        ["model"] = "gpt-4o-mini",
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content }),
        ["stream"] = stream,
    };

    public static JsonObject Message(JsonNode? content = null, bool stream = false) => new()
    {
        ["model"] = "claude-sonnet-5-5",
        ["max_tokens"] = 1000,
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content ?? "Hello" }),
        ["stream"] = stream,
    };
}
