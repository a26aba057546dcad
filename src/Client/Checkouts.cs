namespace Purser.Client;

/// <summary>Purchases on Stripe's page.</summary>
public sealed class Checkouts
{
    readonly Transport transport;

    internal Checkouts(Transport transport) => this.transport = transport;

    /// <summary>Opens a page on which the customer buys a package or subscribes to a plan. Send them to its address.</summary>
    /// <param name="customer">Your own id of who buys.</param>
    /// <param name="checkout">What, and where to go afterwards.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Checkout> CreateAsync(
        string customer, NewCheckout checkout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(checkout);
        checkout.Check();
        return transport.Post(
            $"v1/customers/{Checked.Segment(customer)}/checkout",
            checkout, Wire.Default.NewCheckout, Wire.Default.Checkout, cancellationToken);
    }
}

/// <summary>What to buy: a <see cref="Package"/>, or a <see cref="Plan"/> with its <see cref="Interval"/>.</summary>
public sealed record NewCheckout : Command
{
    /// <summary>The code of a package.</summary>
    public string? Package { get; init; }

    /// <summary>The code of a plan.</summary>
    public string? Plan { get; init; }

    /// <summary>How often the plan is paid.</summary>
    public Interval? Interval { get; init; }

    /// <summary>How many of the package; left out, one.</summary>
    public int? Quantity { get; init; }

    /// <summary>One of the currencies it is sold in; left out, the catalog's first.</summary>
    public string? Currency { get; init; }

    /// <summary>Where the page leads once it is paid. Coming back proves nothing: ask for the order there.</summary>
    public required string SuccessUrl { get; init; }

    /// <summary>Where the page leads if nothing is bought.</summary>
    public required string CancelUrl { get; init; }

    internal void Check()
    {
        if (Package is null == Plan is null) throw new ArgumentException("Say either a Package or a Plan.");
        if (Plan is null != Interval is null) throw new ArgumentException("A Plan is paid by an Interval, a Package is not.");
        if (Interval is Client.Interval.Unknown) throw new ArgumentException("Unknown is not an interval.");
    }
}

/// <summary>A page that is open for a purchase.</summary>
public sealed record Checkout : Answer
{
    /// <summary>The id of the order that it pays.</summary>
    public required string Order { get; init; }

    /// <summary>Where the page is.</summary>
    public required string Url { get; init; }

    /// <summary>When it closes.</summary>
    public DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>Stripe's own page for a customer's cards, invoices and subscription.</summary>
public sealed class Portals
{
    readonly Transport transport;

    internal Portals(Transport transport) => this.transport = transport;

    /// <summary>Opens the page. Send the customer to its address.</summary>
    /// <param name="customer">Your own id of them.</param>
    /// <param name="portal">Where to go afterwards.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    public Task<Portal> CreateAsync(string customer, NewPortal portal, CancellationToken cancellationToken = default) =>
        transport.Post(
            $"v1/customers/{Checked.Segment(customer)}/portal",
            portal, Wire.Default.NewPortal, Wire.Default.Portal, cancellationToken);
}

/// <summary>A page to open.</summary>
public sealed record NewPortal : Command
{
    /// <summary>Where it leads back to.</summary>
    public required string ReturnUrl { get; init; }
}

/// <summary>A page that is open.</summary>
public sealed record Portal : Answer
{
    /// <summary>Where it is.</summary>
    public required string Url { get; init; }
}
