using System.Globalization;
using System.Net;

namespace Purser.Client;

/// <summary>
/// A call that brought no answer: the server refused it, or the network broke it.
/// Catch one of the kinds below it, or this one for all of them; a kind of error this client does not know is this one.
/// </summary>
public class PurserException : Exception
{
    internal PurserException(Failure failure) : base(failure.Message, failure.Cause)
    {
        Type = failure.Type;
        Code = failure.Code;
        Param = failure.Param;
        RequestId = failure.RequestId;
        Status = failure.Status;
        IdempotencyKey = failure.Key;
        OutcomeUnknown = failure.MaybeDone;
    }

    /// <summary>The kind of error, as the server names it: <c>invalid_request</c>, <c>payment_required</c>, …;
    /// <c>transport</c> where no answer came at all.</summary>
    public string Type { get; }

    /// <summary>The exact reason, for code to look at: <c>insufficient_credits</c>, <c>idempotency_key_reused</c>, ….</summary>
    public string Code { get; }

    /// <summary>The member of the request that was wrong, if it was one.</summary>
    public string? Param { get; }

    /// <summary>What the server's log calls this request.</summary>
    public string? RequestId { get; }

    /// <summary>The HTTP status; null where none arrived.</summary>
    public HttpStatusCode? Status { get; }

    /// <summary>The key the call was sent under, given or generated; null where it carries none, as when reading.</summary>
    public string? IdempotencyKey { get; }

    /// <summary>
    /// Whether the call may have been carried out although its answer never came.
    /// Then make the same call again with <see cref="IdempotencyKey"/>: it is carried out now, or answers as it did then.
    /// </summary>
    public bool OutcomeUnknown { get; }

    /// <inheritdoc/>
    public override string ToString()
    {
        var status = Status is { } known ? ((int)known).ToString(CultureInfo.InvariantCulture) : "none";
        return $"{base.ToString()}{Environment.NewLine}Code: {Code}, Status: {status}, Param: {Param ?? "none"}, "
            + $"RequestId: {RequestId ?? "none"}, IdempotencyKey: {IdempotencyKey ?? "none"}, "
            + $"OutcomeUnknown: {OutcomeUnknown}";
    }
}

/// <summary>The request is malformed or out of range (400); <see cref="PurserException.Param"/> says where.</summary>
public sealed class InvalidRequestException : PurserException
{
    internal InvalidRequestException(Failure failure) : base(failure) { }
}

/// <summary>The key is missing, wrong or revoked (401).</summary>
public sealed class UnauthorizedException : PurserException
{
    internal UnauthorizedException(Failure failure) : base(failure) { }
}

/// <summary>It is not paid for (402).</summary>
public class PaymentRequiredException : PurserException
{
    internal PaymentRequiredException(Failure failure) : base(failure) { }
}

/// <summary>The customer has too few credits (402).</summary>
public sealed class InsufficientCreditsException : PaymentRequiredException
{
    internal InsufficientCreditsException(Failure failure) : base(failure) =>
        (Required, Available) = (failure.Required, failure.Available);

    /// <summary>How many credits it takes.</summary>
    public decimal? Required { get; }

    /// <summary>How many there are.</summary>
    public decimal? Available { get; }
}

/// <summary>The key may not do this, or the customer may not for now (403).</summary>
public sealed class ForbiddenException : PurserException
{
    internal ForbiddenException(Failure failure) : base(failure) { }
}

/// <summary>There is no such thing (404).</summary>
public sealed class NotFoundException : PurserException
{
    internal NotFoundException(Failure failure) : base(failure) { }
}

/// <summary>It contradicts what happened before (409): a key used for another request, a hold already captured.</summary>
public sealed class ConflictException : PurserException
{
    internal ConflictException(Failure failure) : base(failure) { }
}

/// <summary>The request is larger than the server takes (413).</summary>
public sealed class TooLargeException : PurserException
{
    internal TooLargeException(Failure failure) : base(failure) { }
}

/// <summary>Too many requests, also after the retries (429).</summary>
public sealed class RateLimitedException : PurserException
{
    internal RateLimitedException(Failure failure) : base(failure) => RetryAfter = failure.RetryAfter;

    /// <summary>How long the server asks to wait, if it says so.</summary>
    public TimeSpan? RetryAfter { get; }
}

/// <summary>The server has more to do than it accepts, also after the retries (503).</summary>
public sealed class OverloadedException : PurserException
{
    internal OverloadedException(Failure failure) : base(failure) => RetryAfter = failure.RetryAfter;

    /// <summary>How long the server asks to wait, if it says so.</summary>
    public TimeSpan? RetryAfter { get; }
}

/// <summary>The server, or a proxy before it, failed, also after the retries (500 and above).</summary>
public sealed class ServerErrorException : PurserException
{
    internal ServerErrorException(Failure failure) : base(failure) { }
}

/// <summary>
/// No answer of the server arrived, also after the retries. <see cref="PurserException.Code"/> is a constant of this type.
/// </summary>
public sealed class TransportException : PurserException
{
    /// <summary>The server could not be reached, or the connection broke.</summary>
    public const string ConnectionFailed = "connection_failed";

    /// <summary>The answer did not come in time. A call you cancel throws <see cref="OperationCanceledException"/>.</summary>
    public const string Timeout = "timeout";

    /// <summary>Something answered that is not a Purser server of this API: most likely the address is wrong.</summary>
    public const string UnreadableAnswer = "unreadable_answer";

    internal const string TransportType = "transport";

    internal TransportException(Failure failure) : base(failure with { Message = Advice(failure) }) { }

    static string Advice(Failure failure) => failure switch
    {
        { MaybeDone: false } => failure.Message,
        { Key: { } key } =>
            $"{failure.Message} The outcome is unknown: make the call again with the idempotency key {key}.",
        _ => $"{failure.Message} The outcome is unknown: make the call again.",
    };
}
