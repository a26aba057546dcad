namespace Purser.Client;

/// <summary>
/// Customers' own keys at AI providers. Calls of a customer who has one go out under it, and cost only the catalog's fees.
/// </summary>
public sealed class ProviderKeys
{
    readonly Transport transport;

    internal ProviderKeys(Transport transport) => this.transport = transport;

    /// <summary>Keeps a key, sealed, in place of the one before. Nobody can read it any more.</summary>
    /// <param name="customer">Your own id of whose it is.</param>
    /// <param name="provider">Where it is valid: <c>openai</c>.</param>
    /// <param name="key">The key as the provider gave it.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task PutAsync(string customer, string provider, string key, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(key);
        return transport.Put(
            Path(customer, provider), new SealedKey { Key = key }, Wire.Default.SealedKey, cancellationToken);
    }

    /// <summary>The providers at which the customer has a key.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public IAsyncEnumerable<ProviderKey> ListAsync(string customer, CancellationToken cancellationToken = default) =>
        transport.List(
            Path(customer), Paging.Largest, Wire.Default.PageProviderKey, key => key.Provider, cancellationToken);

    /// <summary>Forgets a key; <see cref="NotFoundException"/> if there is none.</summary>
    /// <param name="customer">Your own id of whose it is.</param>
    /// <param name="provider">Where it is valid.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task DeleteAsync(string customer, string provider, CancellationToken cancellationToken = default) =>
        transport.Delete(Path(customer, provider), cancellationToken);

    static string Path(string customer) => $"v1/customers/{Checked.Segment(customer)}/provider-keys";

    static string Path(string customer, string provider) => $"{Path(customer)}/{Checked.Segment(provider)}";
}

/// <summary>That a customer has a key at a provider.</summary>
public sealed record ProviderKey
{
    /// <summary>Where it is valid.</summary>
    public required string Provider { get; init; }

    /// <summary>When it was given.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}

sealed record SealedKey
{
    public required string Key { get; init; }

    public override string ToString() => nameof(SealedKey);
}
