namespace Purser.Core.Payments;

/// <summary>Where a dispute stands. The numbers are stored: never renumber.</summary>
public enum DisputeState
{
    /// <summary>Somebody has asked, or the bank has taken the money back for now.</summary>
    Open = 1,

    Won = 2,

    Lost = 3,
}

public static class Disputing
{
    /// <summary>
    /// Stripe's statuses, of which there may be more one day. That money is withdrawn when a dispute opens says nothing
    /// about its end; an inquiry that is closed, and one that was prevented by a refund, cost nothing.
    /// </summary>
    public static DisputeState StateOf(string status) => status switch
    {
        "won" or "warning_closed" or "prevented" => DisputeState.Won,
        "lost" => DisputeState.Lost,
        _ => DisputeState.Open,
    };

    /// <summary>The credits that are at stake: the disputed share of what the order brought, and is not returned yet.</summary>
    public static Credits AtStake(RefundFacts facts, long disputedMinor) => Refunding.Followed(facts, disputedMinor);

    /// <summary>What is frozen while it is open: what is left of the order's lots, and can be held.</summary>
    public static Credits Frozen(RefundFacts facts, long disputedMinor, Credits available) =>
        Credits.Min(AtStake(facts, disputedMinor), Credits.Min(facts.Unspent, available));
}
