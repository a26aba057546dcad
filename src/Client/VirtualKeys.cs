namespace Purser.Client;

/// <summary>Keys with which a customer's own programs make AI calls through the gateway.</summary>
public sealed class VirtualKeys
{
    readonly Transport transport;

    internal VirtualKeys(Transport transport) => this.transport = transport;

    /// <summary>Makes a key. Only this answer has the key itself; afterwards nobody can read it any more.</summary>
    /// <param name="customer">Your own id of who pays for its calls.</param>
    /// <param name="key">What it may do.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<VirtualKey> CreateAsync(
        string customer, NewVirtualKey key, CancellationToken cancellationToken = default) => transport.Post(
            Path(customer), key, Wire.Default.NewVirtualKey, Wire.Default.VirtualKey, cancellationToken);

    /// <summary>The customer's keys, revoked ones too, the oldest first.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="after">The id of the key after which to start; left out, from the start.</param>
    /// <param name="pageSize">How many to ask for at a time, 1 to 500.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public IAsyncEnumerable<VirtualKey> ListAsync(
        string customer, string? after = null, int pageSize = 100, CancellationToken cancellationToken = default) =>
        transport.List(
            Path(customer), new(after, pageSize), Wire.Default.PageVirtualKey, key => key.Id, cancellationToken);

    /// <summary>Ends a key, at once and on every server. Calls under way are finished and paid for.</summary>
    /// <param name="key">The key's id, which is not the key.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task RevokeAsync(string key, CancellationToken cancellationToken = default) =>
        transport.Delete($"v1/keys/{Checked.Segment(key)}", cancellationToken);

    static string Path(string customer) => $"v1/customers/{Checked.Segment(customer)}/keys";
}

/// <summary>The time over which a budget is counted, by the calendar of UTC.</summary>
public enum BudgetPeriod
{
    /// <summary>A period that this client is too old to know. Cannot be sent.</summary>
    Unknown,

    /// <summary>Each day anew.</summary>
    Day,

    /// <summary>Each month anew.</summary>
    Month,

    /// <summary>Once and for all.</summary>
    Total,
}

/// <summary>What a key may spend of its customer's credits.</summary>
public sealed record NewBudget
{
    /// <summary>A limit of so many credits for each period.</summary>
    /// <param name="amount">Credits, more than zero, with at most six decimals.</param>
    /// <param name="period">How often it begins anew.</param>
    public NewBudget(decimal amount, BudgetPeriod period)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(amount);
        Amount = Checked.Credits(amount, nameof(amount));
        Period = period != BudgetPeriod.Unknown && Enum.IsDefined(period)
            ? period
            : throw new ArgumentException($"{period} is not the period of a budget.", nameof(period));
    }

    /// <summary>Credits.</summary>
    public decimal Amount { get; }

    /// <summary>How often it begins anew.</summary>
    public BudgetPeriod Period { get; }
}

/// <summary>A key to make. What is left out is not limited.</summary>
public sealed record NewVirtualKey : Command
{
    /// <summary>Its name, for people to read.</summary>
    public string? Name { get; init; }

    /// <summary>What it may spend. It holds as strictly as the balance does: calls at once never exceed it.</summary>
    public NewBudget? Budget { get; init; }

    /// <summary>The models it may call, by any name the catalog has for them.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    /// <summary>How many calls it may make a minute.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>How many tokens, of prompts and answers together, it may use a minute.</summary>
    public long? TokensPerMinute { get; init; }
}

/// <summary>A key for the gateway.</summary>
public sealed record VirtualKey : Answer
{
    /// <summary>Its id, which opens nothing.</summary>
    public required string Id { get; init; }

    /// <summary>Your own id of who pays for its calls.</summary>
    public required string Customer { get; init; }

    /// <summary>The key itself; only in the answer that made it.</summary>
    public string? Key { get; init; }

    /// <summary>Its name, for people to read.</summary>
    public string? Name { get; init; }

    /// <summary>What it may spend, and what it has spent of it; null where only the balance limits it.</summary>
    public Budget? Budget { get; init; }

    /// <summary>The models it may call, by their full names; null for all.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    /// <summary>How many calls it may make a minute, if that is limited.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>How many tokens it may use a minute, if that is limited.</summary>
    public long? TokensPerMinute { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Since when it opens nothing any more.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    // A record would print its members, and one of these must not end up in a log.
    /// <inheritdoc/>
    public override string ToString() => $"{nameof(VirtualKey)} {Id} of {Customer}";
}

/// <summary>What a key may spend in the present period, and what is left of it.</summary>
public sealed record Budget
{
    /// <summary>Credits for each period.</summary>
    public required decimal Amount { get; init; }

    /// <summary>How often it begins anew.</summary>
    public BudgetPeriod Period { get; init; }

    /// <summary>What calls have cost.</summary>
    public decimal Used { get; init; }

    /// <summary>What calls that are under way may still cost.</summary>
    public decimal Held { get; init; }

    /// <summary>What can be spent beside both.</summary>
    public required decimal Left { get; init; }
}
