namespace Purser.Client;

/// <summary>The ledger's lines. They are never changed or removed.</summary>
public sealed class Entries
{
    readonly Transport transport;

    internal Entries(Transport transport) => this.transport = transport;

    /// <summary>The customer's lines, newest first.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="after">The id of the line after which to go on; left out, from the newest.</param>
    /// <param name="pageSize">How many to ask for at a time, 1 to 500.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public IAsyncEnumerable<Entry> ListAsync(
        string customer, string? after = null, int pageSize = 100, CancellationToken cancellationToken = default) =>
        transport.List(
            $"v1/customers/{Checked.Segment(customer)}/entries",
            new(after, pageSize), Wire.Default.PageEntry, entry => entry.Id, cancellationToken);
}

/// <summary>What a line of the ledger records.</summary>
public enum EntryKind
{
    /// <summary>A kind that this client is too old to know.</summary>
    Unknown,

    /// <summary>Credits came in.</summary>
    Grant,

    /// <summary>Credits were taken.</summary>
    Charge,

    /// <summary>Credits ran out of time.</summary>
    Expiry,

    /// <summary>Credits were taken back because their payment was.</summary>
    Reversal,

    /// <summary>Somebody corrected something.</summary>
    Adjustment,
}

/// <summary>One line of a customer's ledger.</summary>
public sealed record Entry : Answer
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Its place among the customer's lines.</summary>
    public long Seq { get; init; }

    /// <summary>What it records.</summary>
    public EntryKind Kind { get; init; }

    /// <summary>Credits that came (positive) or went (negative).</summary>
    public required decimal Amount { get; init; }

    /// <summary>The balance after it.</summary>
    public required decimal Balance { get; init; }

    /// <summary>Why, for people to read.</summary>
    public string? Reason { get; init; }

    /// <summary>Your own name for what it stands for.</summary>
    public string? Reference { get; init; }

    /// <summary>When it was recorded.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>SHA-256 over the line before and this one, in hexadecimal.</summary>
    public string? Hash { get; init; }

    /// <summary>What the customer owes after it, if anything.</summary>
    public decimal? Owed { get; init; }

    /// <summary>The id of the hold that a charge captured.</summary>
    public string? Hold { get; init; }

    /// <summary>How many credits a capture could not take, because there were no more.</summary>
    public decimal? Shortfall { get; init; }

    /// <summary>The id of the grant that expired or was taken back.</summary>
    public string? Grant { get; init; }

    /// <summary>How the amount came about, where the catalog priced it.</summary>
    public Quote? Quote { get; init; }
}
