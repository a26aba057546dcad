using System.Collections.ObjectModel;
using System.Text.Json;

namespace Purser.Client;

/// <summary>Plans that customers pay for. A subscription begins with a checkout.</summary>
public sealed class Subscriptions
{
    readonly Transport transport;

    internal Subscriptions(Transport transport) => this.transport = transport;

    /// <summary>The customer's subscription; <see cref="NotFoundException"/> if there is none.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Subscription> GetAsync(string customer, CancellationToken cancellationToken = default) =>
        transport.Get(Path(customer), Wire.Default.Subscription, cancellationToken);

    /// <summary>Changes to another plan or interval.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="change">To what, and when.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Subscription> ChangeAsync(
        string customer, PlanChange change, CancellationToken cancellationToken = default) => transport.Post(
            $"{Path(customer)}/change", change, Wire.Default.PlanChange, Wire.Default.Subscription, cancellationToken);

    /// <summary>What a change would cost and bring, to the cent.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="change">To what, and when.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<PlanPreview> PreviewAsync(
        string customer, PlanChange change, CancellationToken cancellationToken = default) => transport.Post(
            $"{Path(customer)}/preview", change, Wire.Default.PlanChange, Wire.Default.PlanPreview, cancellationToken);

    /// <summary>Ends it, at the end of the period that is paid or now.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="cancellation">When; left out, at the end of the period.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Subscription> CancelAsync(
        string customer, Cancellation? cancellation = null, CancellationToken cancellationToken = default) => transport.Post(
            $"{Path(customer)}/cancel",
            cancellation ?? new(), Wire.Default.Cancellation, Wire.Default.Subscription, cancellationToken);

    /// <summary>Takes a cancellation back, or goes on after a pause.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="idempotencyKey">Names this; left out, one is generated.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Subscription> ResumeAsync(
        string customer, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        Ask($"{Path(customer)}/resume", idempotencyKey, cancellationToken);

    /// <summary>Stops invoices and credits until it is resumed.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="idempotencyKey">Names this; left out, one is generated.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Subscription> PauseAsync(
        string customer, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        Ask($"{Path(customer)}/pause", idempotencyKey, cancellationToken);

    /// <summary>What the customer's plan allows; without a subscription, the default plan's.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Entitlements> EntitlementsAsync(string customer, CancellationToken cancellationToken = default) =>
        transport.Get(
            $"v1/customers/{Checked.Segment(customer)}/entitlements", Wire.Default.Entitlements, cancellationToken);

    Task<Subscription> Ask(string path, string? idempotencyKey, CancellationToken ct) => transport.Post(
        path, new Nothing { IdempotencyKey = idempotencyKey }, Wire.Default.Nothing, Wire.Default.Subscription, ct);

    static string Path(string customer) => $"v1/customers/{Checked.Segment(customer)}/subscription";
}

/// <summary>How a subscription stands, in Stripe's words.</summary>
public enum SubscriptionStatus
{
    /// <summary>A status that this client is too old to know.</summary>
    Unknown,

    /// <summary>Its first payment is still missing.</summary>
    Incomplete,

    /// <summary>Its first payment never came.</summary>
    IncompleteExpired,

    /// <summary>It is being tried.</summary>
    Trialing,

    /// <summary>It is paid.</summary>
    Active,

    /// <summary>A payment failed and is tried again.</summary>
    PastDue,

    /// <summary>It has ended.</summary>
    Canceled,

    /// <summary>Payments failed for good, and it goes on without them.</summary>
    Unpaid,

    /// <summary>It rests until it is resumed.</summary>
    Paused,
}

/// <summary>A customer's subscription.</summary>
public sealed record Subscription : Answer
{
    /// <summary>Its id at Stripe.</summary>
    public required string Id { get; init; }

    /// <summary>The code of its plan.</summary>
    public required string Plan { get; init; }

    /// <summary>How often it is paid.</summary>
    public Interval Interval { get; init; }

    /// <summary>How it stands.</summary>
    public SubscriptionStatus Status { get; init; }

    /// <summary>When the present period began.</summary>
    public DateTimeOffset CurrentPeriodStart { get; init; }

    /// <summary>When the present period ends.</summary>
    public DateTimeOffset CurrentPeriodEnd { get; init; }

    /// <summary>When it will end, if that was asked for.</summary>
    public DateTimeOffset? CancelAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Until when it can be tried.</summary>
    public DateTimeOffset? TrialEnd { get; init; }

    /// <summary>What it changes to later.</summary>
    public PendingChange? PendingChange { get; init; }

    /// <summary>Where the customer confirms a payment that the bank asks to confirm.</summary>
    public string? PaymentUrl { get; init; }
}

/// <summary>A change that comes later.</summary>
/// <param name="Plan">The code of the plan.</param>
/// <param name="Interval">How often it is paid.</param>
/// <param name="At">When.</param>
public sealed record PendingChange(string Plan, Interval Interval, DateTimeOffset At);

/// <summary>When a change takes effect.</summary>
public enum ChangeWhen
{
    /// <summary>A time that this client is too old to know. Cannot be sent.</summary>
    Unknown,

    /// <summary>At once, and what is left of the period is charged and credited in proportion.</summary>
    Now,

    /// <summary>At once, and nothing is charged before the next period.</summary>
    None,

    /// <summary>With the next period.</summary>
    NextPeriod,
}

/// <summary>A change to make, or to preview.</summary>
public sealed record PlanChange : Command
{
    /// <summary>The code of the plan.</summary>
    public required string Plan { get; init; }

    /// <summary>How often it is paid; left out, as often as now.</summary>
    public Interval? Interval { get; init; }

    /// <summary>When; left out, a dearer plan now and a cheaper one with the next period.</summary>
    public ChangeWhen? When
    {
        get;
        init => field = value != ChangeWhen.Unknown
            ? value
            : throw new ArgumentException("Unknown is not a time.", nameof(When));
    }

    /// <summary>What a preview said of it: then the change costs exactly what the preview said.</summary>
    public DateTimeOffset? At { get; init; }
}

/// <summary>What a change would cost and bring.</summary>
public sealed record PlanPreview : Answer
{
    /// <summary>The code of the plan.</summary>
    public required string Plan { get; init; }

    /// <summary>How often it is paid.</summary>
    public Interval Interval { get; init; }

    /// <summary>When it would take effect.</summary>
    public ChangeWhen When { get; init; }

    /// <summary>To be paid now; what is negative stays with the customer for the next invoice.</summary>
    public required Money Due { get; init; }

    /// <summary>The credits it brings at once.</summary>
    public required decimal Credits { get; init; }

    /// <summary>Hand it to the change, and it costs exactly this.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>What the amount is the sum of.</summary>
    public IReadOnlyList<PreviewLine> Lines { get => field ?? []; init; }
}

/// <summary>One part of what a change costs.</summary>
/// <param name="Description">What it is, for people to read.</param>
/// <param name="Amount">How much; negative where it comes back.</param>
public sealed record PreviewLine(string Description, Money Amount);

/// <summary>When a cancellation takes effect.</summary>
public enum CancelWhen
{
    /// <summary>A time that this client is too old to know. Cannot be sent.</summary>
    Unknown,

    /// <summary>At the end of the period that is paid.</summary>
    PeriodEnd,

    /// <summary>At once.</summary>
    Now,
}

/// <summary>A cancellation to make.</summary>
public sealed record Cancellation : Command
{
    /// <summary>When; left out, at the end of the period.</summary>
    public CancelWhen? When
    {
        get;
        init => field = value != CancelWhen.Unknown
            ? value
            : throw new ArgumentException("Unknown is not a time.", nameof(When));
    }
}

/// <summary>What a customer's plan allows.</summary>
public sealed record Entitlements
{
    /// <summary>The code of the plan, if the catalog has any for the customer.</summary>
    public string? Plan { get; init; }

    /// <summary>As the catalog declares it: true, 25 or "docx".</summary>
    public IReadOnlyDictionary<string, JsonElement> Features
    {
        get => field ?? ReadOnlyDictionary<string, JsonElement>.Empty;
        init;
    }
}
