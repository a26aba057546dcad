using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Purser.Server.Platform;

namespace Purser.Server.Payments.Stripe;

/// <summary>
/// Stripe's API, as far as Purser calls it. Every request names the version it was written for. Every POST has a key that
/// its caller has saved before, so that it may be made again, by us or after a crash, and happens once.
/// </summary>
sealed class StripeClient(StripeAccess access, TimeProvider time, ILogger<StripeClient> log) : IDisposable
{
    public const string Version = "2026-10-28.endive";

    const int Attempts = 4;
    const int MostListed = 100;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(500);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    // Whoever is asked to wait longer than this does not wait here: the failure says so, and what called comes again later.
    static readonly TimeSpan LongestAsked = TimeSpan.FromSeconds(30);

    readonly HttpClient http = Connect(access);

    /// <summary>Whether it is real money.</summary>
    public bool Livemode { get; } = access.Livemode;

    public Task<StripeObject> Get(string path, StripeForm? query, CancellationToken ct) =>
        Call(HttpMethod.Get, path, query, key: null, ct);

    public Task<StripeObject> Post(string path, StripeForm form, string key, CancellationToken ct) =>
        Call(HttpMethod.Post, path, form, key, ct);

    /// <summary>Deleting what is gone fails with <see cref="StripeFault.Missing"/>.</summary>
    public Task<StripeObject> Delete(string path, StripeForm? query, CancellationToken ct) =>
        Call(HttpMethod.Delete, path, query, key: null, ct);

    /// <summary>All of a list, page by page, newest first.</summary>
    public async IAsyncEnumerable<StripeObject> List(
        string path, StripeForm query, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        string? after = null;
        do
        {
            var page = new StripeForm();
            foreach (KeyValuePair<string, string> member in query) page.Add(member.Key, member.Value);
            page.Add("limit", MostListed);
            page.Add("starting_after", after);
            var answer = await Get(path, page, ct);
            var items = answer.Items("data");
            foreach (var item in items) yield return item;
            after = answer.Flag("has_more") == true && items.Count > 0 ? items[^1].Id : null;
        }
        while (after is not null);
    }

    public void Dispose() => http.Dispose();

    async Task<StripeObject> Call(HttpMethod method, string path, StripeForm? form, string? key, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (answer, failure, again) = await Try(method, path, form, key, ct);
            if (failure is null) return answer;

            if (again is not { } asked || asked > LongestAsked || attempt == Attempts)
            {
                if (failure.Fault is StripeFault.Unauthorized or StripeFault.Unavailable)
                    log.CallFailed(method.Method, path, failure.Message);
                throw failure;
            }

            log.CallRepeated(method.Method, path, attempt, failure.Message);
            await Task.Delay(Pause(attempt, asked), time, ct);
        }
    }

    /// <summary>One attempt; if it failed, whether it may be made again, and what wait Stripe asks for.</summary>
    async Task<(StripeObject Answer, StripeException? Failure, TimeSpan? Again)> Try(
        HttpMethod method, string path, StripeForm? form, string? key, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        try
        {
            using var request = Request(method, path, form, key);
            using var response = await http.SendAsync(request, patience.Token);
            var requestId = Header(response, "Request-Id");
            var body = Parse(await response.Content.ReadAsByteArrayAsync(patience.Token));
            if (response.IsSuccessStatusCode && body is { } read)
            {
                log.Called(method.Method, path, requestId);
                return (read, null, null);
            }

            // Something between us and Stripe answers in HTML: what happened behind it is unknown.
            var failure = response.IsSuccessStatusCode
                ? Unknown("Stripe's answer is not JSON.", requestId, null)
                : StripeException.Of(response.StatusCode, body, requestId);
            return (default, failure, MayRepeat(response, failure) ? RetryAfter(response) : null);
        }
        catch (HttpRequestException e)
        {
            return (default, Unknown($"{http.BaseAddress} cannot be reached: {e.Message}", null, e), TimeSpan.Zero);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            return (default, Unknown($"No answer within {Patience.TotalSeconds} s.", null, e), TimeSpan.Zero);
        }
        catch (IOException e)
        {
            return (default, Unknown($"The connection broke: {e.Message}", null, e), TimeSpan.Zero);
        }
    }

    static HttpRequestMessage Request(HttpMethod method, string path, StripeForm? form, string? key)
    {
        var query = method != HttpMethod.Post && form is { IsEmpty: false } ? $"?{form.Encode()}" : "";
        var request = new HttpRequestMessage(method, new Uri($"{path}{query}", UriKind.Relative));
        request.Headers.Add("Stripe-Version", Version);
        if (method != HttpMethod.Post) return request;

        request.Headers.Add("Idempotency-Key", key);
        request.Content = new StringContent((form ?? []).Encode(), Encoding.UTF8, "application/x-www-form-urlencoded");
        return request;
    }

    // What Stripe says of it comes first. A 429 is otherwise one that Stripe could not lock the object for, which
    // passes; one for too many requests only gets worse by more of them.
    static bool MayRepeat(HttpResponseMessage response, StripeException failure) => Header(response, "Stripe-Should-Retry") switch
    {
        "true" => true,
        "false" => false,
        _ => response.StatusCode switch
        {
            HttpStatusCode.Conflict => true,
            HttpStatusCode.TooManyRequests =>
                failure.Code == "lock_timeout" || response.Headers.RetryAfter is not null,
            var status => (int)status >= 500 || response.IsSuccessStatusCode,
        },
    };

    TimeSpan RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - time.GetUtcNow(),
        _ => TimeSpan.Zero,
    };

    // Not all at once after an outage: up to a quarter less, by chance.
    static TimeSpan Pause(int attempt, TimeSpan asked)
    {
        var backoff = ShortestPause * Math.Pow(2, attempt - 1) * (0.75 + (Random.Shared.NextDouble() / 4));
        var pause = backoff < LongestPause ? backoff : LongestPause;
        return asked > pause ? asked : pause;
    }

    static StripeObject? Parse(byte[] body)
    {
        try
        {
            return new StripeObject(JsonElement.Parse(body));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static StripeException Unknown(string message, string? requestId, Exception? inner) =>
        new(StripeFault.Unavailable, null, null, message, requestId: requestId, inner: inner);

    static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    static HttpClient Connect(StripeAccess access)
    {
        var handler = new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectTimeout = TimeSpan.FromSeconds(10),
            MaxConnectionsPerServer = 32,
            AllowAutoRedirect = false,
        };
        var http = new HttpClient(handler) { BaseAddress = access.Address, Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", access.SecretKey);
        http.DefaultRequestHeaders.UserAgent.ParseAdd("Purser/1");
        return http;
    }
}

static partial class Log
{
    [LoggerMessage(2001, LogLevel.Debug, "Stripe {Method} {Path} done [{RequestId}]")]
    public static partial void Called(this ILogger log, string method, string path, string? requestId);

    [LoggerMessage(2002, LogLevel.Warning, "Stripe {Method} {Path} failed at attempt {Attempt} and is made again: {Why}")]
    public static partial void CallRepeated(this ILogger log, string method, string path, int attempt, string why);

    [LoggerMessage(2003, LogLevel.Error, "Stripe {Method} {Path} failed: {Why}")]
    public static partial void CallFailed(this ILogger log, string method, string path, string why);
}
