namespace Purser.Core.Ledger;

/// <summary>
/// Why the ledger said no. Declared in order of precedence: the first that applies is the answer.
/// The numbers are stored with the idempotency key: never renumber.
/// </summary>
public enum Refusal
{
    CustomerUnknown = 1,
    HoldUnknown = 2,
    GrantUnknown = 3,
    AmountNotPositive = 4,
    AmountTooLarge = 5,
    ExpiryNotInFuture = 6,
    HoldCaptured = 7,
    HoldReleased = 8,
    HoldExpired = 9,
    CustomerFrozen = 10,
    BudgetUnknown = 15,
    BudgetClosed = 16,
    ReversalExceedsGrant = 11,
    BudgetExceeded = 17,
    InsufficientCredits = 12,
    BalanceTooLarge = 13,
    RestoreExceedsReversal = 14,
}

public static class Refusals
{
    /// <summary>
    /// What could not be decided, because it makes no sense or its subject is unknown. It leaves its key free for a
    /// request that can be.
    /// </summary>
    public static bool LeavesKeyFree(this Refusal why) => why
        is Refusal.CustomerUnknown or Refusal.HoldUnknown or Refusal.GrantUnknown or Refusal.BudgetUnknown
        or Refusal.AmountNotPositive or Refusal.AmountTooLarge or Refusal.ExpiryNotInFuture;

    /// <summary>Too little is there, and a hold less would be more.</summary>
    public static bool IsWant(this Refusal why) => why is Refusal.InsufficientCredits or Refusal.BudgetExceeded;
}

/// <summary>What is answered, and kept with the idempotency key to be answered again.</summary>
/// <param name="Entry">The entry that was written, if any.</param>
/// <param name="Hold">The hold it was about, if any.</param>
/// <param name="Amount">What moved: granted, taken, held or released.</param>
/// <param name="Rest">Captured: what went back. Granted: what is left of it once debts were paid.</param>
/// <param name="Missing">Captured: the shortfall. Reversed: what became owed.</param>
public sealed record Receipt(
    DateTimeOffset At,
    long? Entry,
    long? Hold,
    Credits Amount,
    Credits Balance,
    Credits Available,
    Credits Rest,
    Credits Missing);

public abstract record Decision
{
    Decision() { }

    /// <param name="Entries">To be appended, in order; none where only a hold changed.</param>
    /// <param name="Hold">The hold as it is now, if the decision was about one.</param>
    public sealed record Recorded(Wallet After, Receipt Receipt, IReadOnlyList<Entry> Entries, Hold? Hold) : Decision
    {
        /// <summary>Whether anything was done; not where it was done before, and is only answered again.</summary>
        public bool Anew { get; init; } = true;
    }

    /// <param name="Required">What would have been needed.</param>
    /// <param name="Available">What there is in the wallet; of a budget that is exceeded, what is left of it.</param>
    public sealed record Refused(Refusal Why, Credits Required, Credits Available) : Decision;
}
