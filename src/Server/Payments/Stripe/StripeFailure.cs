using System.Net;
using Purser.Server.Platform;

namespace Purser.Server.Payments.Stripe;

/// <summary>Why Stripe did not do what it was asked, as far as it makes a difference to us.</summary>
enum StripeFault
{
    /// <summary>The card, or whoever issued it, said no.</summary>
    Declined,

    /// <summary>There is no such object, or not any more.</summary>
    Missing,

    /// <summary>The request makes no sense to Stripe, as it stands.</summary>
    Invalid,

    /// <summary>The key is wrong, or may not do this.</summary>
    Unauthorized,

    /// <summary>Not now: nothing is known to have happened, or the outcome is unknown. The same call may be made again.</summary>
    Unavailable,
}

/// <summary>An error of Stripe, told apart by status first, then type, then code.</summary>
/// <param name="paymentIntent">Of a decline: the payment that was tried.</param>
sealed class StripeException(
    StripeFault fault,
    HttpStatusCode? status,
    string? code,
    string message,
    string? declineCode = null,
    string? param = null,
    string? requestId = null,
    string? paymentIntent = null,
    Exception? inner = null) : RefusedException(ErrorOf(fault, message, declineCode ?? code), inner)
{
    public override string Message =>
        $"Stripe: {Said}{(Code is null ? "" : $" ({Code})")}{(RequestId is null ? "" : $" [{RequestId}]")}";

    public StripeFault Fault { get; } = fault;

    public HttpStatusCode? Status { get; } = status;

    public string? Code { get; } = code;

    public string? DeclineCode { get; } = declineCode;

    public string? Param { get; } = param;

    public string? RequestId { get; } = requestId;

    public string? PaymentIntent { get; } = paymentIntent;

    /// <summary>What Stripe said, without our words around it.</summary>
    public string Said { get; } = message;

    public static StripeException Of(HttpStatusCode status, StripeObject? body, string? requestId)
    {
        var error = body?.Child("error");
        var type = error?.Text("type");
        var code = error?.Text("code");
        var intent = error?.Child("payment_intent")?.Text("id") ?? error?.Text("payment_intent");
        return new(
            FaultOf(status, type, code),
            status,
            code,
            error?.Text("message") ?? $"Stripe answered {(int)status}.",
            error?.Text("decline_code"),
            error?.Text("param"),
            requestId,
            intent);
    }

    static StripeFault FaultOf(HttpStatusCode status, string? type, string? code) => (int)status switch
    {
        401 or 403 => StripeFault.Unauthorized,
        402 => StripeFault.Declined,
        404 => StripeFault.Missing,
        409 or 424 or 429 or >= 500 => StripeFault.Unavailable,
        _ when code == "resource_missing" => StripeFault.Missing,
        _ when type == "card_error" => StripeFault.Declined,
        _ => StripeFault.Invalid,
    };

    // What a client is told if nobody makes more of it.
    static Error ErrorOf(StripeFault fault, string message, string? code) => fault switch
    {
        StripeFault.Declined => Error.Of(ErrorType.PaymentRequired, code ?? "card_declined", message),
        StripeFault.Missing or StripeFault.Invalid => Error.Invalid(null, $"Stripe refuses it: {message}", "stripe_refused"),
        StripeFault.Unauthorized => Error.Overloaded("stripe_key_refused", "Stripe does not accept this server's key. Its operator is told."),
        StripeFault.Unavailable => Error.Overloaded("stripe_unavailable", "Stripe does not answer. Try again with the same Idempotency-Key."),
    };
}
