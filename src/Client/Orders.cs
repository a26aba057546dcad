namespace Purser.Client;

/// <summary>What customers have bought, or tried to.</summary>
public sealed class Orders
{
    readonly Transport transport;

    internal Orders(Transport transport) => this.transport = transport;

    /// <summary>One order. An open one is compared with Stripe first, so a success page learns here what became of it.</summary>
    /// <param name="order">Its id.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Order> GetAsync(string order, CancellationToken cancellationToken = default) =>
        transport.Get($"v1/orders/{Checked.Segment(order)}", Wire.Default.Order, cancellationToken);

    /// <summary>The customer's orders, newest first.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="after">The id of the order after which to go on; left out, from the newest.</param>
    /// <param name="pageSize">How many to ask for at a time, 1 to 500.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public IAsyncEnumerable<Order> ListAsync(
        string customer, string? after = null, int pageSize = 100, CancellationToken cancellationToken = default) =>
        transport.List(
            $"v1/customers/{Checked.Segment(customer)}/orders",
            new(after, pageSize), Wire.Default.PageOrder, order => order.Id, cancellationToken);
}

/// <summary>What an order is for.</summary>
public enum OrderKind
{
    /// <summary>A kind that this client is too old to know.</summary>
    Unknown,

    /// <summary>A package.</summary>
    Package,

    /// <summary>The first period of a plan.</summary>
    Plan,

    /// <summary>A further period of a plan.</summary>
    Renewal,

    /// <summary>A package that was bought because credits ran low.</summary>
    Recharge,
}

/// <summary>How an order stands.</summary>
public enum OrderState
{
    /// <summary>A state that this client is too old to know.</summary>
    Unknown,

    /// <summary>It is not paid yet.</summary>
    Open,

    /// <summary>It is paid, and its credits are there.</summary>
    Paid,

    /// <summary>All of it was paid back.</summary>
    Refunded,

    /// <summary>A part of it was paid back.</summary>
    PartiallyRefunded,

    /// <summary>The customer's bank wants the money back; what is left of its credits is frozen.</summary>
    Disputed,

    /// <summary>Nobody paid it in time.</summary>
    Expired,

    /// <summary>It could not be paid.</summary>
    Failed,
}

/// <summary>One purchase, with the terms that were offered.</summary>
public sealed record Order
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Your own id of who bought.</summary>
    public required string Customer { get; init; }

    /// <summary>What it is for.</summary>
    public OrderKind Kind { get; init; }

    /// <summary>How it stands.</summary>
    public OrderState State { get; init; }

    /// <summary>The code of the package, if it is one.</summary>
    public string? Package { get; init; }

    /// <summary>The code of the plan, if it is one.</summary>
    public string? Plan { get; init; }

    /// <summary>How often the plan is paid.</summary>
    public Interval? Interval { get; init; }

    /// <summary>How many of the package.</summary>
    public int Quantity { get; init; }

    /// <summary>How many credits it brings.</summary>
    public required decimal Credits { get; init; }

    /// <summary>What it costs.</summary>
    public required Money Money { get; init; }

    /// <summary>What was paid back of it.</summary>
    public Money? Refunded { get; init; }

    /// <summary>How many of its credits went back with that.</summary>
    public decimal? CreditsReturned { get; init; }

    /// <summary>Where its receipt is.</summary>
    public string? ReceiptUrl { get; init; }

    /// <summary>Where it can be paid, while it is open.</summary>
    public string? Url { get; init; }

    /// <summary>Why it failed, if it did.</summary>
    public string? Failure { get; init; }

    /// <summary>The id of the subscription it belongs to.</summary>
    public string? Subscription { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was paid.</summary>
    public DateTimeOffset? PaidAt { get; init; }

    /// <summary>Until when it can be paid, while it is open.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>Money that goes back, with the credits it paid for.</summary>
public sealed class Refunds
{
    readonly Transport transport;

    internal Refunds(Transport transport) => this.transport = transport;

    /// <summary>Pays an order back: so many credits, or so much money, or all that is unspent.</summary>
    /// <param name="order">The order's id.</param>
    /// <param name="refund">How much, and why.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Refund> CreateAsync(string order, NewRefund refund, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(refund);
        refund.Check();
        return transport.Post(
            $"{Path(order)}/refund", refund, Wire.Default.NewRefund, Wire.Default.Refund, cancellationToken);
    }

    /// <summary>The refunds of an order, those that were made at Stripe too.</summary>
    /// <param name="order">The order's id.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public IAsyncEnumerable<Refund> ListAsync(string order, CancellationToken cancellationToken = default) =>
        transport.List(
            $"{Path(order)}/refunds", Paging.Largest, Wire.Default.PageRefund, refund => refund.Id, cancellationToken);

    static string Path(string order) => $"v1/orders/{Checked.Segment(order)}";
}

/// <summary>A refund to make. With neither credits nor money it is for all that is unspent.</summary>
public sealed record NewRefund : Command
{
    /// <summary>How many credits to take back, at what was paid for them.</summary>
    public decimal? Credits { get; init => field = Checked.Credits(value); }

    /// <summary>How much money to pay back; the credits follow from it.</summary>
    public Money? Money { get; init; }

    /// <summary>Why; it stands in the ledger for ever.</summary>
    public required string Reason { get; init; }

    internal void Check()
    {
        if (Credits is not null && Money is not null) throw new ArgumentException("Say Credits or Money, not both.");
    }
}

/// <summary>How a refund stands.</summary>
public enum RefundState
{
    /// <summary>A state that this client is too old to know.</summary>
    Unknown,

    /// <summary>The money is on its way; the credits are set aside.</summary>
    Pending,

    /// <summary>It has arrived, and the credits are gone.</summary>
    Succeeded,

    /// <summary>It came back, and so did the credits.</summary>
    Failed,
}

/// <summary>Money that went back, or is on its way.</summary>
public sealed record Refund : Answer
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>The id of the order.</summary>
    public required string Order { get; init; }

    /// <summary>How it stands.</summary>
    public RefundState State { get; init; }

    /// <summary>How many credits go with it.</summary>
    public required decimal Credits { get; init; }

    /// <summary>How much money it is.</summary>
    public required Money Money { get; init; }

    /// <summary>Why.</summary>
    public string? Reason { get; init; }

    /// <summary>Why it failed, if it did.</summary>
    public string? Failure { get; init; }

    /// <summary>When it was asked for.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}
