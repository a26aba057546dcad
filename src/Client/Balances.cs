namespace Purser.Client;

/// <summary>What a customer has.</summary>
public sealed class Balances
{
    readonly Transport transport;

    internal Balances(Transport transport) => this.transport = transport;

    /// <summary>What the customer has now.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Wallet> GetAsync(string customer, CancellationToken cancellationToken = default) => transport.Get(
        $"v1/customers/{Checked.Segment(customer)}/balance", Wire.Default.Wallet, cancellationToken);
}

/// <summary>A customer's credits.</summary>
public sealed record Wallet
{
    /// <summary>Whose they are.</summary>
    public required string Customer { get; init; }

    /// <summary>All credits, held ones included.</summary>
    public required decimal Balance { get; init; }

    /// <summary>What running operations have reserved.</summary>
    public required decimal Held { get; init; }

    /// <summary>What can be spent: the balance without what is held.</summary>
    public required decimal Available { get; init; }

    /// <summary>What was spent and then taken back; the next grants pay it first.</summary>
    public required decimal Owed { get; init; }

    /// <summary>What the balance is worth at the catalog's value of a credit.</summary>
    public required decimal Usd { get; init; }
}
