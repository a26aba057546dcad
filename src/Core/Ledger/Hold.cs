namespace Purser.Core.Ledger;

/// <summary>The life of a hold: open, then one of the others for ever. The numbers are stored: never renumber.</summary>
public enum HoldState
{
    Open = 1,
    Captured = 2,
    Released = 3,
    Expired = 4,
}

/// <summary>Credits reserved for a running operation.</summary>
/// <param name="Captured">What was charged in the end, where it was captured.</param>
/// <param name="Subject">The operation or model it was priced by, so that a capture can be priced by the same.</param>
/// <param name="AvailableAfter">What was available once it ended: a second release answers as the first did.</param>
public sealed record Hold(
    HoldId Id,
    Credits Amount,
    HoldState State,
    Credits Captured,
    DateTimeOffset ExpiresAt,
    string? Subject,
    string? Reason,
    string? Reference,
    Credits? AvailableAfter)
{
    /// <summary>Null where it was placed without a budget.</summary>
    public HeldIn? HeldIn { get; init; }

    /// <summary>
    /// Placed while charging was switched off: whoever was promised that nothing is taken has it so, also where it is switched
    /// on before the end.
    /// </summary>
    public bool Uncharged { get; init; }

    public bool Overdue(DateTimeOffset now) => State == HoldState.Open && ExpiresAt <= now;
}
