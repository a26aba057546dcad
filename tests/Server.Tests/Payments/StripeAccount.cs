using System.Net.Http.Headers;
using System.Text.Json;
using Purser.Server.Payments.Stripe;

namespace Purser.Server.Tests.Payments;

/// <summary>An account at the sandbox, and what is done there by others than Purser: a buyer, Stripe itself, a person at the dashboard.</summary>
sealed class StripeAccount(Uri url) : IDisposable
{
    readonly HttpClient http = new() { BaseAddress = url, Timeout = TimeSpan.FromSeconds(60) };

    public Uri Url => url;

    public string Key { get; } = $"sk_test_{Guid.CreateVersion7():N}";

    public static async Task<StripeAccount> Open() => new(await Sandbox.Url());

    public Task<JsonElement> Get(string path) => Send(HttpMethod.Get, path, null);

    /// <param name="key">For what must happen once, although it may be asked for again.</param>
    public Task<JsonElement> Post(string path, StripeForm? form = null, string? key = null) =>
        Send(HttpMethod.Post, path, new StringContent((form ?? []).Encode(), null, "application/x-www-form-urlencoded"), key);

    public Task<JsonElement> Delete(string path) => Send(HttpMethod.Delete, path, null);

    public Task<JsonElement> Control(string path, object body) => Send(
        HttpMethod.Post, $"/control/{path}", new StringContent(JsonSerializer.Serialize(body), null, "application/json"));

    /// <summary>Pays a hosted page as its buyer would.</summary>
    public Task<JsonElement> Pay(string session, string paymentMethod = "pm_card_visa") =>
        Post($"/v1/payment_pages/{session}/confirm", new() { { "payment_method", paymentMethod } });

    /// <summary>All deliveries that wait are made now; returns how many were not taken.</summary>
    public async Task<int> Flush() => (await Control("webhooks/flush", new { })).GetProperty("failed").GetInt32();

    public void Dispose() => http.Dispose();

    async Task<JsonElement> Send(HttpMethod method, string path, HttpContent? content, string? key = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        request.Headers.Add("Stripe-Version", StripeClient.Version);
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return response.IsSuccessStatusCode
            ? JsonElement.Parse(body)
            : throw new StripeRefusal((int)response.StatusCode, body);
    }
}

/// <summary>The sandbox said no.</summary>
sealed class StripeRefusal(int status, string body) : Exception($"{status} {body}")
{
    public int Status => status;
}
