namespace Purser.Client;

/// <summary>What something would cost.</summary>
public sealed class Estimates
{
    readonly Transport transport;

    internal Estimates(Transport transport) => this.transport = transport;

    /// <summary>Prices an operation or a model's usage, line by line, and takes nothing.</summary>
    /// <param name="estimate">What to price.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Estimate> CreateAsync(NewEstimate estimate, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(estimate);
        estimate.Check();
        return transport.Post(
            "v1/estimates", estimate, Wire.Default.NewEstimate, Wire.Default.Estimate, cancellationToken);
    }
}

/// <summary>What to price: an operation with its quantities, or a model with its usage.</summary>
public sealed record NewEstimate : Command
{
    /// <summary>Your own id of who would pay: prices may be theirs, and the answer says whether they can afford it.</summary>
    public string? Customer { get; init; }

    /// <summary>An operation that the catalog prices: <c>chapter</c>.</summary>
    public string? Operation { get; init; }

    /// <summary>How much of it: <c>new() { ["words"] = 1_200 }</c>.</summary>
    public Dictionary<string, decimal>? Quantities { get; init; }

    /// <summary>A model that the catalog prices, as <c>provider/model</c> or alone where that is clear.</summary>
    public string? Model { get; init; }

    /// <summary>What would be used of it.</summary>
    public Usage? Usage { get; init; }

    /// <summary>The service that its provider would give, such as <c>priority</c>. Left out, the ordinary one.</summary>
    public string? ServiceTier { get; init; }

    internal void Check()
    {
        if (Operation is null == Model is null) throw new ArgumentException("Say either an Operation or a Model.");
        Parts.Check(Operation, Quantities, Model, Usage, ServiceTier);
    }
}

/// <summary>What something would cost.</summary>
public sealed record Estimate : Answer
{
    /// <summary>Credits in all.</summary>
    public required decimal Amount { get; init; }

    /// <summary>What they are worth at the catalog's value of a credit.</summary>
    public required decimal Usd { get; init; }

    /// <summary>What the amount is the sum of.</summary>
    public IReadOnlyList<QuoteLine> Lines { get => field ?? []; init; }

    /// <summary>Whether the customer could pay it now, if one was named.</summary>
    public bool? Affordable { get; init; }
}
