namespace Purser.Client;

/// <summary>Customers who may not spend for now: no charge and no hold; grants still go in.</summary>
public sealed class Freezes
{
    readonly Transport transport;

    internal Freezes(Transport transport) => this.transport = transport;

    /// <summary>Freezes the customer.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="reason">Why, for people to read.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Freeze> PutAsync(
        string customer, string? reason = null, CancellationToken cancellationToken = default)
    {
        var why = new FreezeReason { Reason = reason };
        return transport.Put(Path(customer), why, Wire.Default.FreezeReason, Wire.Default.Freeze, cancellationToken);
    }

    /// <summary>Whether the customer is frozen.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Freeze> GetAsync(string customer, CancellationToken cancellationToken = default) =>
        transport.Get(Path(customer), Wire.Default.Freeze, cancellationToken);

    /// <summary>Lets the customer spend again.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Freeze> DeleteAsync(string customer, CancellationToken cancellationToken = default) =>
        transport.Delete(Path(customer), Wire.Default.Freeze, cancellationToken);

    static string Path(string customer) => $"v1/customers/{Checked.Segment(customer)}/freeze";
}

/// <summary>Whether a customer may spend.</summary>
public sealed record Freeze
{
    /// <summary>Your own id of them.</summary>
    public required string Customer { get; init; }

    /// <summary>Whether they are frozen.</summary>
    public required bool Frozen { get; init; }

    /// <summary>Why, if they are.</summary>
    public string? Reason { get; init; }

    /// <summary>Since when, if they are.</summary>
    public DateTimeOffset? Since { get; init; }
}

sealed record FreezeReason
{
    public string? Reason { get; init; }
}
