namespace Purser.Core.Ledger;

/// <summary>A customer's credits, as the last entry left them.</summary>
/// <param name="Seq">The number of the last entry; 0 before the first.</param>
/// <param name="Holds">The number of the last hold; 0 before the first. A budget that is closed takes a number too.</param>
/// <param name="At">When the last entry was written: the next one is later.</param>
/// <param name="Head">The hash of the last entry.</param>
/// <param name="LotsDue">No lot expires before this; null where none ever does.</param>
public sealed record Wallet(
    WalletId Id,
    Credits Balance,
    Credits Held,
    Credits Owed,
    bool Frozen,
    long Seq,
    long Holds,
    DateTimeOffset At,
    Hash Head,
    DateTimeOffset? LotsDue)
{
    public Credits Available => Balance - Held;

    public static Wallet Empty(WalletId id) => new(
        id, Credits.Zero, Credits.Zero, Credits.Zero, Frozen: false, Seq: 0, Holds: 0, DateTimeOffset.UnixEpoch, default, null);
}
