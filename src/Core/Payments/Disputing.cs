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
}
