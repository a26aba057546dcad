namespace Purser.Core.Ledger;

/// <summary>What can be asked of one wallet.</summary>
public abstract record Command
{
    Command() { }

    /// <param name="Cap">
    /// The most that may stand of a subscription's credits with these: older ones beyond it expire first.
    /// </param>
    public sealed record Grant(
        Credits Amount, GrantTerms Terms, string? Reason, string? Reference, Credits? Cap = null) : Command;

    /// <param name="Quote">The itemised price; only a priced charge may be zero.</param>
    public sealed record Charge(Credits Amount, string? Quote, string? Reason, string? Reference) : Command
    {
        /// <summary>Charging is switched off: the price is recorded, and nothing is taken.</summary>
        public bool Uncharged { get; init; }
    }

    /// <param name="AtLeast">Where less than the amount is there, so much will do: as much as there is is held.</param>
    /// <param name="Budget">One of the wallet's, in which it has to fit as well.</param>
    public sealed record PlaceHold(
        Credits Amount,
        TimeSpan ExpiresIn,
        string? Subject,
        string? Reason,
        string? Reference,
        Credits? AtLeast = null,
        Id<Budget>? Budget = null) : Command
    {
        /// <summary>Charging is switched off: nothing is held, and whenever it is captured nothing is taken.</summary>
        public bool Uncharged { get; init; }
    }

    /// <summary>
    /// Keeps credits from being spent while their payment is in question: as many as are there, at most so many, of a
    /// frozen wallet too.
    /// </summary>
    public sealed record SetAside(Credits AtMost, string Reason, string? Reference) : Command;

    public sealed record Capture(long Hold, Credits Amount, string? Quote) : Command
    {
        /// <summary>Charging is switched off: the price is recorded, and all that was held goes back.</summary>
        public bool Uncharged { get; init; }
    }

    public sealed record Release(long Hold) : Command;

    /// <param name="Amount">Signed: what is added to the balance.</param>
    public sealed record Adjust(Credits Amount, string Reason) : Command;

    /// <summary>Takes credits back whose payment was returned; what is spent already becomes owed.</summary>
    /// <param name="Lot">The grant that was paid back, where it is known.</param>
    /// <param name="Hold">What was set aside for it: it ends with the same decision, so that nobody spends it in between.</param>
    public sealed record Reverse(
        Credits Amount, long? Lot, string Reason, string? Reference, long? Hold = null) : Command;

    /// <summary>Undoes a reversal: the credits go back into the lot they came from, and pay first what is owed.</summary>
    public sealed record Restore(Credits Amount, long Lot, string Reason, string? Reference) : Command;

    public sealed record ExpireHold(long Hold) : Command;

    public sealed record ExpireLots : Command;
}
