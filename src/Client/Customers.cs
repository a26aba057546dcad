using System.Collections.ObjectModel;

namespace Purser.Client;

/// <summary>Who pays, by your own ids.</summary>
public sealed class Customers
{
    readonly Transport transport;

    internal Customers(Transport transport) => this.transport = transport;

    /// <summary>Adds the customer, or replaces what is known of them.</summary>
    /// <param name="customer">Your own id: 1 to 128 of <c>A-Z a-z 0-9 . _ : @ -</c>.</param>
    /// <param name="details">What to note about them.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Customer> PutAsync(
        string customer, CustomerDetails details, CancellationToken cancellationToken = default) =>
        transport.Put(Path(customer), details, Wire.Default.CustomerDetails, Wire.Default.Customer, cancellationToken);

    /// <summary>One customer; <see cref="NotFoundException"/> if there is none by that id.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Customer> GetAsync(string customer, CancellationToken cancellationToken = default) =>
        transport.Get(Path(customer), Wire.Default.Customer, cancellationToken);

    /// <summary>All customers. Pages are asked for while you read.</summary>
    /// <param name="after">The id after which to start; left out, from the start.</param>
    /// <param name="pageSize">How many to ask for at a time, 1 to 500.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public IAsyncEnumerable<Customer> ListAsync(
        string? after = null, int pageSize = 100, CancellationToken cancellationToken = default) =>
        transport.List(
            "v1/customers",
            new(after, pageSize), Wire.Default.PageCustomer, customer => customer.Id, cancellationToken);

    static string Path(string customer) => $"v1/customers/{Checked.Segment(customer)}";
}

/// <summary>What to note about a customer. It replaces what was noted before; what is left out is gone.</summary>
public sealed record CustomerDetails
{
    /// <summary>Their name, for people to read.</summary>
    public string? Name { get; init; }

    /// <summary>Where receipts and warnings go.</summary>
    public string? Email { get; init; }

    /// <summary>Whatever you want to find beside them.</summary>
    public Dictionary<string, string>? Metadata { get; init; }
}

/// <summary>Who pays: a person or an organisation.</summary>
public sealed record Customer
{
    /// <summary>Your own id of them.</summary>
    public required string Id { get; init; }

    /// <summary>Their name, for people to read.</summary>
    public string? Name { get; init; }

    /// <summary>Where receipts and warnings go.</summary>
    public string? Email { get; init; }

    /// <summary>Whatever you noted beside them.</summary>
    public IReadOnlyDictionary<string, string> Metadata
    {
        get => field ?? ReadOnlyDictionary<string, string>.Empty;
        init;
    }

    /// <summary>When they were added.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When what is known of them was last replaced.</summary>
    public DateTimeOffset UpdatedAt { get; init; }
}
