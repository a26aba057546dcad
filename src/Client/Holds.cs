using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>Credits reserved for an operation that still runs: hold, run, then capture what it took or release it.</summary>
public sealed class Holds
{
    readonly Transport transport;

    internal Holds(Transport transport) => this.transport = transport;

    /// <summary>Reserves credits, or throws <see cref="InsufficientCreditsException"/> and reserves none.</summary>
    /// <param name="customer">Your own id of who pays.</param>
    /// <param name="hold">How many, or what for.</param>
    /// <param name="cancellationToken">Gives up at once. A hold that came about nevertheless expires by itself.</param>
    public async Task<Hold> CreateAsync(string customer, NewHold hold, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(hold);
        hold.Check();
        var created = await transport.Post(
            $"v1/customers/{Checked.Segment(customer)}/holds",
            hold, Wire.Default.NewHold, Wire.Default.Hold, cancellationToken).ConfigureAwait(false);
        // The answer to a new hold leaves out what its caller knows.
        return created with
        {
            Customer = created.Customer ?? customer,
            State = created.State == HoldState.Unknown ? HoldState.Open : created.State,
        };
    }

    /// <summary>Takes what the operation took and frees the rest. What exceeds the hold comes out of the available.</summary>
    /// <param name="hold">The hold's id.</param>
    /// <param name="capture">How many credits, or what was used.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Capture> CaptureAsync(string hold, NewCapture capture, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(capture);
        capture.Check();
        return transport.Post(
            $"{Path(hold)}/capture", capture, Wire.Default.NewCapture, Wire.Default.Capture, cancellationToken);
    }

    /// <summary>Frees all of it. A second time it answers as the first time.</summary>
    /// <param name="hold">The hold's id.</param>
    /// <param name="idempotencyKey">Names this release; left out, one is generated.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Release> ReleaseAsync(
        string hold, string? idempotencyKey = null, CancellationToken cancellationToken = default) => transport.Post(
            $"{Path(hold)}/release", new Nothing { IdempotencyKey = idempotencyKey },
            Wire.Default.Nothing, Wire.Default.Release, cancellationToken);

    /// <summary>What became of it.</summary>
    /// <param name="hold">The hold's id.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Hold> GetAsync(string hold, CancellationToken cancellationToken = default) =>
        transport.Get(Path(hold), Wire.Default.Hold, cancellationToken);

    static string Path(string hold) => $"v1/holds/{Checked.Segment(hold)}";
}

/// <summary>What became of a hold.</summary>
public enum HoldState
{
    /// <summary>A state that this client is too old to know.</summary>
    Unknown,

    /// <summary>It reserves its credits.</summary>
    Open,

    /// <summary>What the operation took was charged.</summary>
    Captured,

    /// <summary>It was given up.</summary>
    Released,

    /// <summary>Nobody ended it in time.</summary>
    Expired,
}

/// <summary>Credits to reserve.</summary>
public sealed record NewHold : Metered
{
    /// <summary>When it ends by itself: whole seconds, up to a day. Left out, ten minutes.</summary>
    [JsonConverter(typeof(WholeSeconds))]
    public TimeSpan? ExpiresIn
    {
        get;
        init => field = (value?.Ticks ?? 0) % TimeSpan.TicksPerSecond == 0
            ? value
            : throw new ArgumentException($"{value} is not a whole number of seconds.", nameof(ExpiresIn));
    }
}

/// <summary>Credits that are, or were, reserved.</summary>
public sealed record Hold : Answer
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Your own id of whose credits they are.</summary>
    public string? Customer { get; init; }

    /// <summary>How many were reserved.</summary>
    public required decimal Amount { get; init; }

    /// <summary>What became of it.</summary>
    public HoldState State { get; init; }

    /// <summary>How many were taken in the end.</summary>
    public decimal? Captured { get; init; }

    /// <summary>When it ends by itself.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What can be spent beside it; only in the answer to the hold itself.</summary>
    public decimal? Available { get; init; }

    /// <summary>Why, for people to read; not in the answer to the hold itself.</summary>
    public string? Reason { get; init; }

    /// <summary>Your own name for what it stands for; not in the answer to the hold itself.</summary>
    public string? Reference { get; init; }
}

/// <summary>
/// What the operation took, as exactly one of the three; what was held for a model or an operation is priced as that.
/// </summary>
public sealed record NewCapture : Command
{
    /// <summary>Credits, with at most six decimals.</summary>
    public decimal? Amount { get; init => field = Checked.Credits(value); }

    /// <summary>What was used of the model that the hold was for.</summary>
    public Usage? Usage { get; init; }

    /// <summary>The service that the model's provider gave. Left out, the one that was held for.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>How much there was of the operation that the hold was for.</summary>
    public Dictionary<string, decimal>? Quantities { get; init; }

    internal void Check()
    {
        var named = (Amount is null ? 0 : 1) + (Usage is null ? 0 : 1) + (Quantities is null ? 0 : 1);
        if (named != 1) throw new ArgumentException("Say exactly one of Amount, Usage and Quantities.");
        if (ServiceTier is not null && Usage is null) throw new ArgumentException("A ServiceTier goes with Usage.");
    }
}

/// <summary>Credits taken out of a hold.</summary>
public sealed record Capture : Answer
{
    /// <summary>The id of the charge.</summary>
    public required string Id { get; init; }

    /// <summary>How many were taken.</summary>
    public required decimal Amount { get; init; }

    /// <summary>How many of the hold were freed.</summary>
    public required decimal Released { get; init; }

    /// <summary>How many of those used could not be taken, because there were no more.</summary>
    public decimal Shortfall { get; init; }

    /// <summary>All credits that are left, held ones included.</summary>
    public required decimal Balance { get; init; }

    /// <summary>What can be spent now.</summary>
    public required decimal Available { get; init; }

    /// <summary>How the amount came about, where the catalog priced it.</summary>
    public Quote? Quote { get; init; }
}

/// <summary>A hold that was given up.</summary>
public sealed record Release : Answer
{
    /// <summary>The hold's id.</summary>
    public required string Id { get; init; }

    /// <summary>How many credits were freed.</summary>
    public required decimal Released { get; init; }

    /// <summary>What can be spent now.</summary>
    public required decimal Available { get; init; }
}
