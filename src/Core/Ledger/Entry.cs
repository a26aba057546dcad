namespace Purser.Core.Ledger;

/// <summary>Why a balance changed. The numbers are stored and hashed: never renumber.</summary>
public enum EntryKind
{
    Grant = 1,
    Charge = 2,
    Expiry = 3,
    Reversal = 4,
    Adjustment = 5,
}

/// <summary>Where credits came from. The numbers are stored and hashed: never renumber.</summary>
public enum GrantSource
{
    Purchase = 1,
    Subscription = 2,
    Promotion = 3,
    Referral = 4,
    Adjustment = 5,
}

/// <summary>What was agreed when credits came in, and never changes.</summary>
/// <param name="Priority">Lower burns first.</param>
/// <param name="Paid">What the customer gave for them: the cost basis of a refund.</param>
public sealed record GrantTerms(GrantSource Source, int Priority, DateTimeOffset? ExpiresAt, Money? Paid)
{
    public const int OrdinaryPriority = 100;
    public const int LastPriority = 1000;

    public static GrantTerms Ordinary(GrantSource source) => new(source, OrdinaryPriority, null, null);
}

/// <summary>One line of a wallet: append-only, chained to the one before.</summary>
/// <param name="Amount">Signed: what the balance changed by.</param>
/// <param name="Balance">The balance after it.</param>
/// <param name="Owed">What is owed after it.</param>
/// <param name="Hold">The hold that was captured.</param>
/// <param name="Shortfall">What a capture asked for and the wallet did not have.</param>
/// <param name="Lot">The grant whose credits go first; the rest follows the order in which lots burn.</param>
/// <param name="Quote">The itemised price, as the text that was shown.</param>
/// <param name="Terms">Of an entry that brought credits in: they make a lot.</param>
public sealed record Entry(
    EntryId Id,
    EntryKind Kind,
    Credits Amount,
    Credits Balance,
    Credits Owed,
    DateTimeOffset At,
    string? Reason,
    string? Reference,
    long? Hold,
    Credits Shortfall,
    long? Lot,
    string? Quote,
    GrantTerms? Terms,
    Hash Hash);
