using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Purser.Server.Tests;

/// <summary>An answer as it stands on the wire.</summary>
sealed record Answered(int Status, HttpResponseHeaders Headers, string Body)
{
    public JsonElement Json => JsonElement.Parse(Body);

    public JsonElement Error => Json.GetProperty("error");

    /// <summary>The names of its members, in alphabetical order.</summary>
    public string[] Members => Names(Json);

    public bool Replayed => Header("Idempotency-Replayed") == "true";

    public string? Header(string name) => Headers.TryGetValues(name, out var values) ? values.Single() : null;

    public (int, string?) Code() => (Status, Error.GetProperty("code").GetString());

    public decimal Number(string name) => Json.GetProperty(name).GetDecimal();

    public string Text(string name) => Json.GetProperty(name).GetString()!;

    public override string ToString() => $"{Status} {Body}";

    public static string[] Names(JsonElement json) =>
        [.. json.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal)];
}

/// <summary>Calls where the wire itself is the subject; all else goes through the SDK.</summary>
static class Calls
{
    public static Task<Answered> Read(this HttpClient http, string path) => http.Call(HttpMethod.Get, path);

    /// <summary>The only item of a page, and whether there are more behind it.</summary>
    public static async Task<(JsonElement Item, bool HasMore)> Only(this HttpClient http, string path)
    {
        var page = (await http.Read(path)).Json;
        return (Assert.Single(page.GetProperty("data").EnumerateArray()), page.GetProperty("has_more").GetBoolean());
    }

    public static Task<Answered> Post(this HttpClient http, string path, string json, string? key = null) =>
        http.Call(HttpMethod.Post, path, json, key);

    public static Task<Answered> Put(this HttpClient http, string path, string json) =>
        http.Call(HttpMethod.Put, path, json);

    public static async Task<Answered> Call(
        this HttpClient http, HttpMethod method, string path, string? json = null, string? key = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        return await http.Ask(request);
    }

    public static async Task<Answered> Ask(this HttpClient http, HttpRequestMessage request)
    {
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new((int)response.StatusCode, response.Headers, body);
    }
}
