namespace Purser.Client;

/// <summary>Credits that come in.</summary>
public sealed class Grants
{
    readonly Transport transport;

    internal Grants(Transport transport) => this.transport = transport;

    /// <summary>Gives the customer credits.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="grant">How many, and where from.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Grant> CreateAsync(string customer, NewGrant grant, CancellationToken cancellationToken = default) =>
        transport.Post(Path(customer), grant, Wire.Default.NewGrant, Wire.Default.Grant, cancellationToken);

    /// <summary>The customer's grants in the order in which they burn, with what remains; spent ones come last.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="after">The id of the grant after which to start; left out, from the start.</param>
    /// <param name="pageSize">How many to ask for at a time, 1 to 500.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public IAsyncEnumerable<Grant> ListAsync(
        string customer, string? after = null, int pageSize = 100, CancellationToken cancellationToken = default) =>
        transport.List(
            Path(customer), new(after, pageSize), Wire.Default.PageGrant, grant => grant.Id, cancellationToken);

    static string Path(string customer) => $"v1/customers/{Checked.Segment(customer)}/grants";
}

/// <summary>Where credits came from.</summary>
public enum GrantSource
{
    /// <summary>A source that this client is too old to know. Cannot be sent.</summary>
    Unknown,

    /// <summary>They were bought.</summary>
    Purchase,

    /// <summary>A plan includes them.</summary>
    Subscription,

    /// <summary>They were given away.</summary>
    Promotion,

    /// <summary>They are the thanks for bringing someone.</summary>
    Referral,

    /// <summary>Somebody corrected something.</summary>
    Adjustment,
}

/// <summary>Credits to give.</summary>
public sealed record NewGrant : Command
{
    /// <summary>How many, with at most six decimals.</summary>
    public required decimal Amount { get; init => field = Checked.Credits(value); }

    /// <summary>Where they come from.</summary>
    public required GrantSource Source
    {
        get;
        init => field = value != GrantSource.Unknown && Enum.IsDefined(value)
            ? value
            : throw new ArgumentException($"{value} is not a source of credits.", nameof(Source));
    }

    /// <summary>Why, for people to read.</summary>
    public string? Reason { get; init; }

    /// <summary>Lower ones burn first; between equals, what expires first, then what is older.</summary>
    public int? Priority { get; init; }

    /// <summary>When what is left of them is gone.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What was paid for them.</summary>
    public Money? Paid { get; init; }

    /// <summary>Your own name for what they stand for, such as an order.</summary>
    public string? Reference { get; init; }
}

/// <summary>Credits that came in together.</summary>
public sealed record Grant : Answer
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>How many came in.</summary>
    public required decimal Amount { get; init; }

    /// <summary>How many of them are left.</summary>
    public required decimal Remaining { get; init; }

    /// <summary>Where they came from.</summary>
    public GrantSource Source { get; init; }

    /// <summary>Why, for people to read.</summary>
    public string? Reason { get; init; }

    /// <summary>Lower ones burn first.</summary>
    public int? Priority { get; init; }

    /// <summary>When what is left of them is gone.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What was paid for them.</summary>
    public Money? Paid { get; init; }

    /// <summary>Your own name for what they stand for.</summary>
    public string? Reference { get; init; }

    /// <summary>How many of them were taken back because their payment was.</summary>
    public decimal Reversed { get; init; }

    /// <summary>When they came in.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>The customer's balance with them; only in the answer to the grant itself.</summary>
    public decimal? Balance { get; init; }

    /// <summary>What the customer can spend with them; only in the answer to the grant itself.</summary>
    public decimal? Available { get; init; }
}
