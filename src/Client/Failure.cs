using System.Buffers;
using System.Net;
using System.Text.Json;

namespace Purser.Client;

/// <summary>Why one attempt brought no answer, and whether another one may.</summary>
sealed record Failure
{
    // Enough for any error of the server, and for the start of whatever page a proxy puts in its place.
    const int LongestBody = 64 * 1024;

    const string Overloaded = "overloaded";

    public required string Type { get; init; }
    public required string Code { get; init; }
    public required string Message { get; init; }
    public string? Param { get; init; }
    public string? RequestId { get; init; }
    public HttpStatusCode? Status { get; init; }
    public string? Key { get; init; }
    public TimeSpan? RetryAfter { get; init; }
    public decimal? Required { get; init; }
    public decimal? Available { get; init; }
    public Exception? Cause { get; init; }

    /// <summary>Another attempt may bring an answer.</summary>
    public bool Retry { get; init; }

    /// <summary>The server may have carried the call out all the same.</summary>
    public bool MaybeDone { get; init; }

    /// <summary>The server decided, and by its key that decision holds for earlier attempts too.</summary>
    public bool Settled { get; init; }

    /// <summary>Work under a key that was charged for it before.</summary>
    public static readonly Failure DoneBefore = new()
    {
        Type = "conflict",
        Code = "hold_captured",
        Message = "Under this idempotency key the operation was done and charged before.",
        Status = HttpStatusCode.Conflict,
    };

    public static Failure TimedOut(Exception cause) => new()
    {
        Type = TransportException.TransportType,
        Code = TransportException.Timeout,
        Message = "Purser did not answer in time.",
        Cause = cause,
        Retry = true,
        MaybeDone = true,
    };

    public static Failure Broken(Exception cause) => new()
    {
        Type = TransportException.TransportType,
        Code = TransportException.ConnectionFailed,
        Message = $"The connection to Purser failed: {cause.Message}",
        Cause = cause,
        Retry = true,
        // Where no connection came about, nothing was sent.
        MaybeDone = cause is not HttpRequestException
        {
            HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
                or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError,
        },
    };

    /// <summary>Whatever answered will answer the same way again: more likely a wrong address than bad luck.</summary>
    public static Failure Unreadable(Exception cause) => new()
    {
        Type = TransportException.TransportType,
        Code = TransportException.UnreadableAnswer,
        Message = $"What came back is not what a Purser server sends; is the address right? {cause.Message}",
        Cause = cause,
        MaybeDone = true,
    };

    public static async Task<Failure> Read(HttpResponseMessage response, DateTimeOffset now, CancellationToken ct)
    {
        var body = await Start(response.Content, ct).ConfigureAwait(false);
        var failure = Parse(body) ?? new()
        {
            Type = "",
            Code = "",
            Message = "",
        };
        var said = failure.Type.Length > 0;
        var type = said ? failure.Type : TypeOf(response.StatusCode);
        return failure with
        {
            Type = type,
            Code = failure.Code.Length > 0 ? failure.Code : type,
            Message = failure.Message.Length > 0
                ? failure.Message
                : $"The server answered {(int)response.StatusCode} {response.ReasonPhrase}".TrimEnd() + ".",
            Status = response.StatusCode,
            RequestId = failure.RequestId ?? Header(response, "X-Request-Id"),
            RetryAfter = response.Headers.RetryAfter is { } asked ? asked.Delta ?? asked.Date - now : null,
            Retry = (int)response.StatusCode is 408 or 429 or 500 or 502 or 503 or 504,
            MaybeDone = MayBeDone(response.StatusCode, failure.Code),
            Settled = said && (int)response.StatusCode is 400 or 402 or 403 or 404 or 409,
        };
    }

    /// <summary>One line's error in the answer to many: it has a type and no status of its own.</summary>
    public static Failure Of(JsonElement error, string key)
    {
        var failure = Parse(error) ?? throw new JsonException("A result has neither a charge nor an error.");
        return failure with
        {
            Key = key,
            Code = failure.Code.Length > 0 ? failure.Code : failure.Type,
            Message = failure.Message.Length > 0 ? failure.Message : "The server gave no reason.",
            Status = StatusOf(failure.Type),
            MaybeDone = StatusOf(failure.Type) is { } status && MayBeDone(status, failure.Code),
        };
    }

    // A full lane turns away before it accepts anything; any other 503, a proxy's too, may come after the deed.
    static bool MayBeDone(HttpStatusCode status, string code) => (int)status is 408 or 500 or 502 or 504
        || (status == HttpStatusCode.ServiceUnavailable && code != Overloaded);

    public PurserException AsException() => Status switch
    {
        null when Type == TransportException.TransportType => new TransportException(this),
        HttpStatusCode.BadRequest => new InvalidRequestException(this),
        HttpStatusCode.Unauthorized => new UnauthorizedException(this),
        HttpStatusCode.PaymentRequired when Code == "insufficient_credits" => new InsufficientCreditsException(this),
        HttpStatusCode.PaymentRequired => new PaymentRequiredException(this),
        HttpStatusCode.Forbidden => new ForbiddenException(this),
        HttpStatusCode.NotFound => new NotFoundException(this),
        HttpStatusCode.Conflict => new ConflictException(this),
        HttpStatusCode.RequestEntityTooLarge => new TooLargeException(this),
        HttpStatusCode.TooManyRequests => new RateLimitedException(this),
        HttpStatusCode.ServiceUnavailable => new OverloadedException(this),
        >= HttpStatusCode.InternalServerError => new ServerErrorException(this),
        _ => new PurserException(this),
    };

    // Whatever stands between us and the server may answer in its place, so nothing is taken for granted of the body.
    static Failure? Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("error", out var error) ? Parse(error) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static Failure? Parse(JsonElement error) => error.ValueKind != JsonValueKind.Object ? null : new()
    {
        Type = Text(error, "type") ?? "",
        Code = Text(error, "code") ?? "",
        Message = Text(error, "message") ?? "",
        Param = Text(error, "param"),
        RequestId = Text(error, "request_id"),
        Required = Credits(error, "required"),
        Available = Credits(error, "available"),
    };

    static string? Text(JsonElement error, string name) =>
        error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static decimal? Credits(JsonElement error, string name) =>
        error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetDecimal(out var credits) ? credits : null;

    static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    static async Task<ReadOnlyMemory<byte>> Start(HttpContent content, CancellationToken ct)
    {
        var body = await content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        await using var closed = body.ConfigureAwait(false);
        var start = new ArrayBufferWriter<byte>();
        while (start.WrittenCount < LongestBody)
        {
            var read = await body.ReadAsync(start.GetMemory(4096), ct).ConfigureAwait(false);
            if (read == 0) break;

            start.Advance(read);
        }
        return start.WrittenMemory;
    }

    static string TypeOf(HttpStatusCode status) => (int)status switch
    {
        400 => "invalid_request",
        401 => "unauthorized",
        402 => "payment_required",
        403 => "forbidden",
        404 => "not_found",
        409 => "conflict",
        413 => "too_large",
        429 => "rate_limited",
        500 => "internal",
        503 => Overloaded,
        _ => "unknown",
    };

    static HttpStatusCode? StatusOf(string type) => type switch
    {
        "invalid_request" => HttpStatusCode.BadRequest,
        "unauthorized" => HttpStatusCode.Unauthorized,
        "payment_required" => HttpStatusCode.PaymentRequired,
        "forbidden" => HttpStatusCode.Forbidden,
        "not_found" => HttpStatusCode.NotFound,
        "conflict" => HttpStatusCode.Conflict,
        "too_large" => HttpStatusCode.RequestEntityTooLarge,
        "rate_limited" => HttpStatusCode.TooManyRequests,
        "internal" => HttpStatusCode.InternalServerError,
        Overloaded => HttpStatusCode.ServiceUnavailable,
        _ => null,
    };
}
