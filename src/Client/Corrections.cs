namespace Purser.Client;

/// <summary>Corrections by hand, in either direction.</summary>
public sealed class Adjustments
{
    readonly Transport transport;

    internal Adjustments(Transport transport) => this.transport = transport;

    /// <summary>Adds credits (positive) or takes them (negative).</summary>
    /// <param name="customer">Your own id of whose.</param>
    /// <param name="adjustment">How many, and why.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Entry> CreateAsync(
        string customer, NewAdjustment adjustment, CancellationToken cancellationToken = default) => transport.Post(
            $"v1/customers/{Checked.Segment(customer)}/adjustments",
            adjustment, Wire.Default.NewAdjustment, Wire.Default.Entry, cancellationToken);
}

/// <summary>A correction to make.</summary>
public sealed record NewAdjustment : Command
{
    /// <summary>Credits to add (positive) or to take (negative), with at most six decimals.</summary>
    public required decimal Amount { get; init => field = Checked.Credits(value); }

    /// <summary>Why; it stands in the ledger for ever.</summary>
    public required string Reason { get; init; }
}

/// <summary>Credits that are taken back because their payment was.</summary>
public sealed class Reversals
{
    readonly Transport transport;

    internal Reversals(Transport transport) => this.transport = transport;

    /// <summary>Takes credits back: what is there at once, and what was already spent out of the next grants.</summary>
    /// <param name="customer">Your own id of whose.</param>
    /// <param name="reversal">How many, and why.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Reversal> CreateAsync(
        string customer, NewReversal reversal, CancellationToken cancellationToken = default) => transport.Post(
            $"v1/customers/{Checked.Segment(customer)}/reversals",
            reversal, Wire.Default.NewReversal, Wire.Default.Reversal, cancellationToken);
}

/// <summary>Credits to take back.</summary>
public sealed record NewReversal : Command
{
    /// <summary>How many, with at most six decimals.</summary>
    public required decimal Amount { get; init => field = Checked.Credits(value); }

    /// <summary>The id of the grant they came in with, if it was one.</summary>
    public string? Grant { get; init; }

    /// <summary>Why; it stands in the ledger for ever.</summary>
    public required string Reason { get; init; }

    /// <summary>Your own name for what it stands for, such as a refund.</summary>
    public string? Reference { get; init; }
}

/// <summary>Credits that were taken back.</summary>
public sealed record Reversal : Answer
{
    /// <summary>The id of its line in the ledger.</summary>
    public required string Id { get; init; }

    /// <summary>How many were still there and are gone.</summary>
    public required decimal Taken { get; init; }

    /// <summary>How many were spent already; later grants pay them first.</summary>
    public required decimal Owed { get; init; }

    /// <summary>All credits that are left, held ones included.</summary>
    public required decimal Balance { get; init; }

    /// <summary>What can be spent now.</summary>
    public required decimal Available { get; init; }
}
