using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Gateway;

/// <summary>An account at the sandbox's AI providers, and what they have on record of it.</summary>
sealed class AiAccount : IDisposable
{
    static readonly string[] Providers = ["openai", "anthropic", "google", "mistral", "deepseek", "xai", "groq"];

    readonly HttpClient http;

    public AiAccount(Uri sandbox, string? key = null)
    {
        Url = sandbox;
        Key = key ?? $"sk-{Guid.CreateVersion7():N}";
        http = new() { BaseAddress = sandbox };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
    }

    public Uri Url { get; }

    public string Key { get; }

    /// <summary>The same account at all of them.</summary>
    public IReadOnlyDictionary<string, ProviderAccess> Access => Providers.ToDictionary(name => name, name => new ProviderAccess(AddressOf(name), Key));

    /// <summary>The same as variables of a process.</summary>
    public (string Name, string Value)[] Environment => [.. Providers.SelectMany(name => ((string, string)[])
    [
        ($"{name.ToUpperInvariant()}_BASE_URL", AddressOf(name).ToString()),
        ($"{name.ToUpperInvariant()}_API_KEY", Key),
    ])];

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Lets the next calls of this account be answered in a certain way.</summary>
    public async Task Next(string behave, int count = 1)
    {
        using var answer = await http.PostAsJsonAsync("/control/ai/next", new { behave, count }, Ct);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>The number of the newest call on record: what comes after it is a test's own.</summary>
    public async Task<long> Mark() => (await All(0)).LastOrDefault() is { ValueKind: JsonValueKind.Object } last
        ? last.GetProperty("id").GetInt64()
        : 0;

    /// <summary>The calls after a mark, once there are so many: one that its caller left is recorded a little later.</summary>
    public async Task<JsonElement[]> Served(long mark, int count = 1)
    {
        JsonElement[] calls = [];
        await Eventually.Holds(async () => (calls = await All(mark)).Length >= count);
        Assert.Equal(count, calls.Length);
        return calls;
    }

    /// <summary>Everything served, added up over all calls and models.</summary>
    public Task<JsonElement> Totals() => Get("/control/ai/totals");

    /// <summary>The newest requests as they arrived, newest first.</summary>
    public async Task<JsonElement[]> Requests(int count) =>
        [.. (await Get($"/control/ai/requests?limit={count}")).GetProperty("data").EnumerateArray()];

    /// <summary>Everything on record of this account after a mark, oldest first.</summary>
    public async Task<JsonElement[]> All(long mark = 0)
    {
        var all = new List<JsonElement>();
        for (var more = true; more;)
        {
            var page = await Get($"/control/ai/served?after={mark}&limit=10000");
            all.AddRange(page.GetProperty("data").EnumerateArray());
            more = page.GetProperty("has_more").GetBoolean();
            if (more) mark = all[^1].GetProperty("id").GetInt64();
        }

        return [.. all];
    }

    public void Dispose() => http.Dispose();

    Task<JsonElement> Get(string path) => http.GetFromJsonAsync<JsonElement>(path, Ct);

    Uri AddressOf(string provider) => new(Url, provider == "anthropic" ? "/anthropic" : "/openai/v1");
}
