using Purser.Core;

namespace Purser.Server.Payments.Stripe;

/// <summary>What Purser looks at in a subscription, whichever generation of the API it was written in.</summary>
/// <param name="ItemId">Its one item: Purser sells one plan to a subscription.</param>
/// <param name="CancelAt">When it will end, if that is decided, by whichever of Stripe's two flags.</param>
/// <param name="CollectionPaused">Invoices are not collected for now; the status stays what it is.</param>
sealed record StripeSubscription(
    string Id,
    string Status,
    string Customer,
    string? ItemId,
    string? Price,
    string? Product,
    long Quantity,
    DateTimeOffset? PeriodStart,
    DateTimeOffset? PeriodEnd,
    DateTimeOffset? CancelAt,
    DateTimeOffset? EndedAt,
    DateTimeOffset? TrialEnd,
    bool CollectionPaused,
    DateTimeOffset? ResumesAt,
    string? LatestInvoice,
    string? EndReason,
    bool Livemode,
    IReadOnlyDictionary<string, string> Metadata)
{
    public static StripeSubscription Of(StripeObject from)
    {
        var item = from.First("items");
        var price = item.Child("price") ?? item.Child("plan");
        var end = item.Instant("current_period_end") ?? from.Instant("current_period_end");
        return new(
            from.Id,
            from.Text("status") ?? "",
            from.Reference("customer") ?? throw new FormatException($"{from.Id} has no customer."),
            item.MaybeId,
            item.Reference("price") ?? item.Reference("plan"),
            price?.Reference("product"),
            item.Number("quantity") ?? 1,
            item.Instant("current_period_start") ?? from.Instant("current_period_start"),
            end,
            from.Instant("cancel_at") ?? (from.Flag("cancel_at_period_end") == true ? end : null),
            from.Instant("ended_at"),
            from.Instant("trial_end"),
            from.Child("pause_collection") is not null,
            from.Child("pause_collection")?.Instant("resumes_at"),
            from.Reference("latest_invoice"),
            from.Child("cancellation_details")?.Text("reason"),
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
    string? Customer,
    string? Subscription,
    string? PaymentIntent,
    Money Total,
    Money Paid,
    long AttemptCount,
    DateTimeOffset? NextAttempt,
    string? HostedUrl,
    DateTimeOffset? Created,
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
            from.Reference("customer"),
            SubscriptionOf(from),
            payment?.Reference("payment_intent") ?? from.Reference("payment_intent"),
            new(from.Number("total") ?? 0, currency),
            new(from.Number("amount_paid") ?? 0, currency),
            from.Number("attempt_count") ?? 0,
            from.Instant("next_payment_attempt"),
            from.Text("hosted_invoice_url"),
            from.Instant("created"),
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
    string? Product,
    bool Proration,
    string? Subscription,
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
            details?.Reference("product") ?? from.Child("price")?.Reference("product"),
            Parent(from)?.Flag("proration") ?? from.Flag("proration") ?? false,
            SubscriptionOf(from),
            period?.Instant("start") ?? throw new FormatException($"{from.Id} has no period."),
            period?.Instant("end") ?? throw new FormatException($"{from.Id} has no period."));
    }

    public static string? SubscriptionOf(StripeObject from) =>
        Parent(from)?.Reference("subscription") ?? from.Reference("subscription");

    static StripeObject? Parent(StripeObject line) =>
        line.Child("parent")?.Child("subscription_item_details") ?? line.Child("parent")?.Child("invoice_item_details");
}
