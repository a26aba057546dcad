using Purser.Core.Catalog;

namespace Purser.Core.Payments;

/// <summary>Stripe's statuses, and one for those that it may think of. The numbers are stored: never renumber.</summary>
public enum SubscriptionStatus
{
    Unknown = 0,
    Incomplete = 1,
    IncompleteExpired = 2,
    Trialing = 3,
    Active = 4,
    PastDue = 5,
    Canceled = 6,
    Unpaid = 7,
    Paused = 8,
}

public static class SubscriptionStatuses
{
    public static SubscriptionStatus Parse(string text) => text switch
    {
        "incomplete" => SubscriptionStatus.Incomplete,
        "incomplete_expired" => SubscriptionStatus.IncompleteExpired,
        "trialing" => SubscriptionStatus.Trialing,
        "active" => SubscriptionStatus.Active,
        "past_due" => SubscriptionStatus.PastDue,
        "canceled" => SubscriptionStatus.Canceled,
        "unpaid" => SubscriptionStatus.Unpaid,
        "paused" => SubscriptionStatus.Paused,
        _ => SubscriptionStatus.Unknown,
    };

    /// <summary>It will never be anything else.</summary>
    public static bool IsOver(this SubscriptionStatus status) =>
        status is SubscriptionStatus.Canceled or SubscriptionStatus.IncompleteExpired;

    /// <summary>There is one, and a second must not be sold beside it.</summary>
    public static bool IsLive(this SubscriptionStatus status) => status
        is SubscriptionStatus.Trialing or SubscriptionStatus.Active or SubscriptionStatus.PastDue
        or SubscriptionStatus.Unpaid or SubscriptionStatus.Paused;
}

/// <summary>What a subscription allows at a moment.</summary>
public static class Access
{
    /// <summary>While a late payment is tried again, the customer keeps what was paid for before.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromDays(14);

    public static bool Of(SubscriptionStatus status, DateTimeOffset? pastDueSince, DateTimeOffset now) => status switch
    {
        SubscriptionStatus.Active or SubscriptionStatus.Trialing => true,
        SubscriptionStatus.PastDue => pastDueSince is null || now < pastDueSince + Grace,
        SubscriptionStatus.Unknown or SubscriptionStatus.Incomplete or SubscriptionStatus.IncompleteExpired
            or SubscriptionStatus.Canceled or SubscriptionStatus.Unpaid or SubscriptionStatus.Paused => false,
    };

    /// <summary>The plan whose entitlements count: the one that is subscribed to, or the one that is everybody's.</summary>
    public static Plan? Plan(Offer offer, string? subscribed, bool access) =>
        (access && subscribed is not null ? offer.Plan(subscribed) : null) ?? offer.Plans.FirstOrDefault(plan => plan.Default);
}
