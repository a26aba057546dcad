using Purser.Core;

namespace Purser.Server.Payments.Stripe;

/// <summary>What Purser looks at in a checkout session.</summary>
sealed record CheckoutSession(
    string Id,
    string Mode,
    string Status,
    string PaymentStatus,
    Money? Subtotal,
    string? PaymentIntent,
    string? Subscription,
    string? Invoice,
    string? Url,
    DateTimeOffset? ExpiresAt,
    bool Livemode,
    IReadOnlyDictionary<string, string> Metadata)
{
    public bool Complete => Status == "complete";

    /// <summary>Money has arrived. A delayed method completes the session while it is still unpaid.</summary>
    public bool Paid => Complete && PaymentStatus == "paid";

    public static CheckoutSession Of(StripeObject from) => new(
        from.Id,
        from.Text("mode") ?? "",
        from.Text("status") ?? "",
        from.Text("payment_status") ?? "",
        from.Amount("amount_subtotal"),
        from.Reference("payment_intent"),
        from.Reference("subscription"),
        from.Reference("invoice"),
        from.Text("url"),
        from.Instant("expires_at"),
        from.Livemode,
        from.Metadata);
}

/// <summary>What Purser looks at in a payment intent.</summary>
/// <param name="Charge">The last attempt to take the money.</param>
/// <param name="FailureCode">Of the last attempt: the decline code, or the error's own.</param>
sealed record PaymentIntent(
    string Id,
    string Status,
    Money Amount,
    string? Charge,
    string? FailureCode,
    bool Livemode,
    IReadOnlyDictionary<string, string> Metadata)
{
    public bool Succeeded => Status == "succeeded";

    public static PaymentIntent Of(StripeObject from)
    {
        var error = from.Child("last_payment_error");
        return new(
            from.Id,
            from.Text("status") ?? "",
            from.Amount("amount") ?? throw new FormatException($"{from.Id} has no amount."),
            // Before 2022-11-15 the charges were listed in the intent.
            from.Reference("latest_charge") ?? from.First("charges").MaybeId,
            error?.Text("decline_code") ?? error?.Text("code"),
            from.Livemode,
            from.Metadata);
    }
}

/// <summary>What Purser looks at in a refund.</summary>
sealed record StripeRefund(
    string Id,
    string Status,
    Money Amount,
    string? Charge,
    string? PaymentIntent,
    string? FailureReason,
    IReadOnlyDictionary<string, string> Metadata)
{
    public static StripeRefund Of(StripeObject from) => new(
        from.Id,
        from.Text("status") ?? "",
        from.Amount("amount") ?? throw new FormatException($"{from.Id} has no amount."),
        from.Reference("charge"),
        from.Reference("payment_intent"),
        from.Text("failure_reason"),
        from.Metadata);
}

/// <summary>What Purser looks at in a dispute. It has no customer: the payment leads there.</summary>
sealed record StripeDispute(
    string Id, string Status, Money Amount, string? Charge, string? PaymentIntent, string Reason, bool Livemode)
{
    public static StripeDispute Of(StripeObject from) => new(
        from.Id,
        from.Text("status") ?? "",
        from.Amount("amount") ?? throw new FormatException($"{from.Id} has no amount."),
        from.Reference("charge"),
        from.Reference("payment_intent"),
        from.Text("reason") ?? "general",
        from.Livemode);
}

static class Amounts
{
    /// <summary>An amount in the currency that stands beside it.</summary>
    public static Money? Amount(this StripeObject from, string name) =>
        from.Number(name) is { } minor && from.Text("currency") is { } currency ? new Money(minor, currency) : null;
}
