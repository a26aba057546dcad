using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Purser.Client;

/// <summary>One call of the API, as it is sent on every attempt: the same bytes, under the same key.</summary>
sealed record ApiCall(HttpMethod Method, string Path, byte[]? Body = null, string? Key = null)
{
    public bool Writes => Method != HttpMethod.Get;
}

/// <summary>Sends calls, again where that may help, and reads what comes back.</summary>
sealed class Transport
{
    static readonly MediaTypeHeaderValue Json = new("application/json");
    static readonly ProductInfoHeaderValue Product = new(
        "purser-dotnet", typeof(Transport).Assembly.GetName().Version?.ToString(3) ?? "0");

    readonly HttpClient http;
    readonly Uri address;
    readonly AuthenticationHeaderValue? key;
    readonly TimeProvider time;
    readonly TimeSpan timeout;
    readonly TimeSpan totalTimeout;
    readonly int retries;

    public Transport(HttpClient http, PurserClientOptions options)
    {
        options.Check();
        this.http = http;
        address = Folder(options.BaseAddress ?? http.BaseAddress ?? PurserClientOptions.Local);
        key = options.Key is { } secret ? new("Bearer", secret) : null;
        time = options.TimeProvider;
        timeout = options.Timeout;
        totalTimeout = options.TotalTimeout;
        retries = options.Retries;
    }

    public Task<T> Get<T>(string path, JsonTypeInfo<T> answer, CancellationToken ct) =>
        Send(new(HttpMethod.Get, path), answer, ct);

    public Task<T> Delete<T>(string path, JsonTypeInfo<T> answer, CancellationToken ct) =>
        Send(new(HttpMethod.Delete, path), answer, ct);

    public Task Delete(string path, CancellationToken ct) =>
        Send(new(HttpMethod.Delete, path), Wire.Default.NoAnswer, ct);

    public Task<TAnswer> Put<TBody, TAnswer>(
        string path, TBody body, JsonTypeInfo<TBody> sent, JsonTypeInfo<TAnswer> answer, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Send(new(HttpMethod.Put, path, JsonSerializer.SerializeToUtf8Bytes(body, sent)), answer, ct);
    }

    public Task Put<TBody>(string path, TBody body, JsonTypeInfo<TBody> sent, CancellationToken ct) =>
        Put(path, body, sent, Wire.Default.NoAnswer, ct);

    public Task<TAnswer> Post<TBody, TAnswer>(
        string path, TBody body, JsonTypeInfo<TBody> sent, JsonTypeInfo<TAnswer> answer, CancellationToken ct)
        where TBody : Command
    {
        ArgumentNullException.ThrowIfNull(body);
        var bytes = JsonSerializer.SerializeToUtf8Bytes(body, sent);
        return Send(new(HttpMethod.Post, path, bytes, body.IdempotencyKey ?? NewKey()), answer, ct);
    }

    /// <summary>All rows of a list, page after page, asked for as they are read.</summary>
    public async IAsyncEnumerable<T> List<T>(
        string path, Paging paging, JsonTypeInfo<Page<T>> answer, Func<T, string> id,
        [EnumeratorCancellation] CancellationToken ct)
    {
        var after = paging.After;
        var limit = (path.Contains('?', StringComparison.Ordinal) ? "&limit=" : "?limit=") + paging.PageSize;
        while (true)
        {
            var from = after is null ? "" : $"&after={Uri.EscapeDataString(after)}";
            var page = await Get($"{path}{limit}{from}", answer, ct).ConfigureAwait(false);
            foreach (var row in page.Data) yield return row;

            // An empty page that promises more would be asked for again and again.
            if (!page.HasMore || page.Data.Count == 0) yield break;
            after = id(page.Data[^1]);
        }
    }

    /// <summary>A key for one call: made once, so that every retry carries it.</summary>
    public string NewKey() => Guid.CreateVersion7(time.GetUtcNow()).ToString();

    async Task<T> Send<T>(ApiCall call, JsonTypeInfo<T> type, CancellationToken ct)
    {
        var start = time.GetTimestamp();
        // Once an attempt may have been carried out, a later one that was turned away does not undo it.
        var maybeDone = false;
        for (var attempt = 0; ; attempt++)
        {
            var left = totalTimeout - time.GetElapsedTime(start);
            var (answer, failure) = await Try(call, type, left < timeout ? left : timeout, ct).ConfigureAwait(false);
            if (failure is null) return answer!;

            maybeDone = !failure.Settled && (maybeDone || failure.MaybeDone);
            var pause = Pause(attempt, failure.RetryAfter);
            if (attempt == retries || !failure.Retry || time.GetElapsedTime(start) + pause >= totalTimeout)
                throw (failure with { Key = call.Key, MaybeDone = maybeDone && call.Writes }).AsException();

            await Task.Delay(pause, time, ct).ConfigureAwait(false);
        }
    }

    async Task<(T?, Failure?)> Try<T>(ApiCall call, JsonTypeInfo<T> type, TimeSpan limit, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        using var patience = new CancellationTokenSource(limit > TimeSpan.Zero ? limit : TimeSpan.FromTicks(1), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        try
        {
            using var request = Request(call);
            using var response = await http
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            return response.IsSuccessStatusCode
                ? (await Read(response, type, either.Token).ConfigureAwait(false), null)
                : (default, await Failure.Read(response, time.GetUtcNow(), either.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException e) when (ct.IsCancellationRequested)
        {
            throw new OperationCanceledException("The call to Purser was cancelled.", e, ct);
        }
        catch (OperationCanceledException e)
        {
            return (default, Failure.TimedOut(e));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException)
        {
            return (default, Failure.Broken(e));
        }
        catch (JsonException e)
        {
            return (default, Failure.Unreadable(e));
        }
    }

    HttpRequestMessage Request(ApiCall call)
    {
        var request = new HttpRequestMessage(call.Method, new Uri(address, call.Path))
        {
            Version = http.DefaultRequestVersion,
            VersionPolicy = http.DefaultVersionPolicy,
        };
        request.Headers.Accept.Add(new("application/json"));
        request.Headers.UserAgent.Add(Product);
        if (key is not null) request.Headers.Authorization = key;
        if (call.Key is not null) request.Headers.TryAddWithoutValidation("Idempotency-Key", call.Key);
        if (call.Body is null) return request;

        request.Content = new ByteArrayContent(call.Body) { Headers = { ContentType = Json } };
        return request;
    }

    static async Task<T> Read<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken ct)
    {
        if (new NoAnswer() is T nothing) return nothing;

        var body = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        await using var closed = body.ConfigureAwait(false);
        var answer = await JsonSerializer.DeserializeAsync(body, type, ct).ConfigureAwait(false)
            ?? throw new JsonException("The answer is null.");
        if (answer is Answer written)
        {
            written.Replayed = response.Headers.TryGetValues("Idempotency-Replayed", out var replayed)
                && replayed.Contains("true", StringComparer.OrdinalIgnoreCase);
        }
        return answer;
    }

    // Doubles from a quarter of a second up to eight. Half of it is chance, so that callers who were turned away together
    // do not come back together; what the server asks for is the least.
    static TimeSpan Pause(int attempt, TimeSpan? asked)
    {
        var longest = TimeSpan.FromMilliseconds(Math.Min(250L << attempt, 8_000)).Ticks;
        var chance = Random.Shared.NextInt64((longest / 2) + 1);
        var least = asked is { Ticks: > 0 } wait ? wait.Ticks : longest / 2;
        return TimeSpan.FromTicks(least + chance);
    }

    static Uri Folder(Uri address)
    {
        if (!address.IsAbsoluteUri || address.Scheme is not ("http" or "https") || address.Query.Length > 0)
            throw new ArgumentException($"'{address}' is not http(s)://host[:port][/path].", nameof(address));

        return address.AbsolutePath.EndsWith('/') ? address : new(address.AbsoluteUri + "/");
    }
}
