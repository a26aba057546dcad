using Purser.Core;

namespace Purser.Server.Payments.Stripe;

/// <summary>What Purser looks at in a subscription, whichever generation of the API it was written in.</summary>
/// <param name="ItemId">Its one item: Purser sells one plan to a subscription.</param>
/// <param name="Anchor">What its periods are counted from.</param>
/// <param name="CancelAt">When it will end, if that is decided, by whichever of Stripe's two flags.</param>
sealed record StripeSubscription(
    string Id,
    string Status,
    string Customer,
    string? ItemId,
    string? Price,
    DateTimeOffset? PeriodStart,
    DateTimeOffset? PeriodEnd,
    DateTimeOffset? Anchor,
    DateTimeOffset? CancelAt,
    DateTimeOffset? EndedAt,
    DateTimeOffset? TrialEnd,
    bool Livemode,
    IReadOnlyDictionary<string, string> Metadata)
{
    public static StripeSubscription Of(StripeObject from)
    {
        var item = from.First("items");
        var end = item.Instant("current_period_end") ?? from.Instant("current_period_end");
        return new(
            from.Id,
            from.Text("status") ?? "",
            from.Reference("customer") ?? throw new FormatException($"{from.Id} has no customer."),
            item.MaybeId,
            item.Reference("price") ?? item.Reference("plan"),
            item.Instant("current_period_start") ?? from.Instant("current_period_start"),
            end,
            from.Instant("billing_cycle_anchor"),
            from.Instant("cancel_at") ?? (from.Flag("cancel_at_period_end") == true ? end : null),
            from.Instant("ended_at"),
            from.Instant("trial_end"),
            from.Livemode,
            from.Metadata);
    }
}

/// <summary>What Purser looks at in an invoice.</summary>
/// <param name="PaymentIntent">Only where the payments were expanded, or in old shapes.</param>
sealed record StripeInvoice(
    string Id,
    string Status,
    string BillingReason,
    string? Subscription,
    string? PaymentIntent,
    Money Total,
    Money Paid,
    bool Livemode,
    IReadOnlyList<StripeInvoiceLine> Lines)
{
    public static StripeInvoice Of(StripeObject from)
    {
        var currency = from.Text("currency") ?? throw new FormatException($"{from.Id} has no currency.");
        var payment = from.Items("payments").Select(one => one.Child("payment")).FirstOrDefault(one => one is not null);
        return new(
            from.Id,
            from.Text("status") ?? (from.Flag("paid") == true ? "paid" : ""),
            from.Text("billing_reason") ?? "",
            SubscriptionOf(from),
            payment?.Reference("payment_intent") ?? from.Reference("payment_intent"),
            new(from.Number("total") ?? 0, currency),
            new(from.Number("amount_paid") ?? 0, currency),
            from.Livemode,
            [.. from.Items("lines").Select(StripeInvoiceLine.Of)]);
    }

    static string? SubscriptionOf(StripeObject from) =>
        from.Child("parent")?.Child("subscription_details")?.Reference("subscription")
        ?? from.Reference("subscription")
        ?? from.Items("lines").Select(StripeInvoiceLine.SubscriptionOf).FirstOrDefault(id => id is not null);
}

/// <summary>One line of an invoice. Its period is the service's, unlike the invoice's own.</summary>
sealed record StripeInvoiceLine(
    string Id,
    Money Amount,
    long Quantity,
    string? Price,
    bool Proration,
    DateTimeOffset PeriodStart,
    DateTimeOffset PeriodEnd)
{
    public static StripeInvoiceLine Of(StripeObject from)
    {
        var details = from.Child("pricing")?.Child("price_details");
        var period = from.Child("period");
        return new(
            from.Id,
            from.Amount("amount") ?? throw new FormatException($"{from.Id} has no amount."),
            from.Number("quantity") ?? 1,
            details?.Reference("price") ?? from.Reference("price") ?? from.Reference("plan"),
            Parent(from)?.Flag("proration") ?? from.Flag("proration") ?? false,
            period?.Instant("start") ?? throw new FormatException($"{from.Id} has no period."),
            period?.Instant("end") ?? throw new FormatException($"{from.Id} has no period."));
    }

    public static string? SubscriptionOf(StripeObject from) =>
        Parent(from)?.Reference("subscription") ?? from.Reference("subscription");

    static StripeObject? Parent(StripeObject line) =>
        line.Child("parent")?.Child("subscription_item_details") ?? line.Child("parent")?.Child("invoice_item_details");
}
