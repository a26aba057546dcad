using System.Net;
using System.Net.Http.Headers;
using Purser.Server.Gateway.Providers;

namespace Purser.Server.Gateway;

/// <summary>What came of asking a provider, before any of its answer has been read.</summary>
abstract record Reached
{
    Reached() { }

    /// <param name="Answer">Its body is still to be read.</param>
    public sealed record Answered(HttpResponseMessage Answer) : Reached;

    public sealed record Refused(int Status, byte[] Body, string? ContentType, TimeSpan? RetryAfter, string? RequestId) : Reached;

    public sealed record Silent(string Why, bool TimedOut) : Reached;
}

/// <summary>A request as it goes out.</summary>
sealed record Outgoing(Upstream To, string Path, EditedBody Body, string? OwnKey, IHeaderDictionary CallerHeaders);

/// <summary>Makes calls to providers. Tries again only where nothing can have been produced.</summary>
sealed class ProviderCalls(Patience patience, TimeProvider time) : IDisposable
{
    const int Attempts = 2;
    const int LongestError = 64 << 10;

    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    // Of the caller's headers, those that change what the provider does. Everything else is between the caller and us.
    static readonly string[] PassedOn = ["Accept", "anthropic-version", "anthropic-beta", "openai-beta"];

    readonly HttpMessageInvoker http = new(new SocketsHttpHandler
    {
        ConnectTimeout = patience.Connect,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        // Nobody asks for it; what is compressed all the same is read, for its usage.
        AutomaticDecompression = DecompressionMethods.All,
        ActivityHeadersPropagator = null,
        AllowAutoRedirect = false,
        UseCookies = false,
        EnableMultipleHttp2Connections = true,
    });

    public async Task<Reached> Send(Outgoing call, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            var reached = await Try(call, ct);
            if (attempt == Attempts || Again(reached) is not { } pause) return reached;

            await Task.Delay(pause, time, ct);
        }
    }

    public void Dispose() => http.Dispose();

    /// <summary>An answer that ends before its end, or is compressed and no longer whole.</summary>
    public static bool IsBroken(Exception e) => e is IOException or HttpRequestException or InvalidDataException;

    async Task<Reached> Try(Outgoing call, CancellationToken ct)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(ct);
        waiting.CancelAfter(patience.FirstByte);
        try
        {
            // Disposed with the answer; the content only lends out the caller's body.
            var answer = await http.SendAsync(Request(call), waiting.Token);
            if (answer.IsSuccessStatusCode) return new Reached.Answered(answer);

            using (answer) return await Refusal(call.To, answer, waiting.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new Reached.Silent("did not answer in time", TimedOut: true);
        }
        catch (HttpRequestException e)
        {
            return new Reached.Silent(e.HttpRequestError == HttpRequestError.ConnectionError ? "cannot be reached" : "broke the connection", TimedOut: false);
        }
        catch (Exception e) when (IsBroken(e))
        {
            return new Reached.Silent("broke the connection", TimedOut: false);
        }
    }

    static HttpRequestMessage Request(Outgoing call)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, call.To.Address.AbsoluteUri.TrimEnd('/') + call.Path) { Content = call.Body };
        foreach (var name in PassedOn)
            if (call.CallerHeaders.TryGetValue(name, out var value)) request.Headers.TryAddWithoutValidation(name, value.ToString());

        request.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");
        var key = call.OwnKey ?? call.To.Key;
        if (key is null) return request;
        if (call.To.Facts.Dialect == Dialect.Anthropic) request.Headers.TryAddWithoutValidation("x-api-key", key);
        else request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        return request;
    }

    async Task<Reached> Refusal(Upstream to, HttpResponseMessage answer, CancellationToken ct)
    {
        using var body = new PooledBytes();
        await body.Fill(await answer.Content.ReadAsStreamAsync(ct), LongestError, ct);
        return new Reached.Refused(
            (int)answer.StatusCode,
            body.Span.ToArray(),
            answer.Content.Headers.ContentType?.ToString(),
            After(answer.Headers.RetryAfter),
            RequestId(to, answer));
    }

    // Said in seconds, or as a date.
    TimeSpan? After(RetryConditionHeaderValue? said) =>
        (said?.Delta ?? (said?.Date - time.GetUtcNow())) is { } wait ? TimeSpan.FromTicks(Math.Max(0, wait.Ticks)) : null;

    public static string? RequestId(Upstream from, HttpResponseMessage answer) =>
        answer.Headers.TryGetValues(from.Facts.RequestIdHeader, out var values) && values.FirstOrDefault() is { Length: <= 200 } id ? id : null;

    /// <summary>After which pause it is worth another try; null where it is not.</summary>
    static TimeSpan? Again(Reached reached) => reached switch
    {
        Reached.Silent { TimedOut: false } => Pause,
        Reached.Refused { Status: 500 or 502 or 503 or 504 or 529, RetryAfter: var after } => after switch
        {
            null => Pause,
            { } wait when wait <= LongestPause => wait,
            _ => null,
        },
        _ => null,
    };
}
