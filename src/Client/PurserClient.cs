using System.Net;

namespace Purser.Client;

/// <summary>
/// A Purser server, as .NET sees it. Make one and keep it: it is safe for any number of threads and reuses connections.
/// </summary>
/// <remarks>
/// Calls are grouped by noun: <c>await purser.Charges.CreateAsync("user_42", new() { Amount = 12.5m })</c>.
/// What the server refuses, and what the network breaks, arrives as a <see cref="PurserException"/>.
/// </remarks>
public sealed class PurserClient : IDisposable
{
    readonly HttpClient? made;

    /// <summary>A client with connections of its own, which are closed when it is disposed.</summary>
    /// <param name="options">Where the server is, the key to it, and how patient to be.</param>
    public PurserClient(PurserClientOptions options) : this(options, Connections(), own: true) { }

    /// <summary>A client over connections that somebody else keeps, such as an <c>IHttpClientFactory</c>.</summary>
    /// <param name="http">Stays its owner's: it is never changed and never disposed. Its address and its default headers
    /// hold where <paramref name="options"/> say nothing.</param>
    /// <param name="options">Where the server is, the key to it, and how patient to be; left out, the defaults.</param>
    public PurserClient(HttpClient http, PurserClientOptions? options = null)
        : this(options ?? new(), http, own: false) { }

    PurserClient(PurserClientOptions options, HttpClient http, bool own)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(http);
        made = own ? http : null;

        var transport = new Transport(http, options);
        Customers = new(transport);
        Balances = new(transport);
        Grants = new(transport);
        Charges = new(transport);
        Holds = new(transport);
        Adjustments = new(transport);
        Reversals = new(transport);
        Freezes = new(transport);
        Entries = new(transport);
        Estimates = new(transport);
        Packages = new(transport);
        Plans = new(transport);
        Rates = new(transport);
        Operations = new(transport, Holds, options);
        VirtualKeys = new(transport);
        ProviderKeys = new(transport);
        Calls = new(transport);
        Checkouts = new(transport);
        Orders = new(transport);
        Refunds = new(transport);
        Subscriptions = new(transport);
        Portals = new(transport);
        AutoRecharges = new(transport);
    }

    /// <summary>Who pays, by your own ids.</summary>
    public Customers Customers { get; }

    /// <summary>What a customer has.</summary>
    public Balances Balances { get; }

    /// <summary>Credits that come in.</summary>
    public Grants Grants { get; }

    /// <summary>Credits that are taken.</summary>
    public Charges Charges { get; }

    /// <summary>Credits reserved for an operation that still runs.</summary>
    public Holds Holds { get; }

    /// <summary>Corrections by hand, in either direction.</summary>
    public Adjustments Adjustments { get; }

    /// <summary>Credits that are taken back because their payment was.</summary>
    public Reversals Reversals { get; }

    /// <summary>Customers who may not spend for now.</summary>
    public Freezes Freezes { get; }

    /// <summary>The ledger's lines, newest first.</summary>
    public Entries Entries { get; }

    /// <summary>What something would cost.</summary>
    public Estimates Estimates { get; }

    /// <summary>Credits on offer, once. Public: needs no key.</summary>
    public Packages Packages { get; }

    /// <summary>Subscriptions on offer. Public: needs no key.</summary>
    public Plans Plans { get; }

    /// <summary>Prices of models and operations. Public: needs no key.</summary>
    public Rates Rates { get; }

    /// <summary>AI work that your product does itself, held before and charged after.</summary>
    public Operations Operations { get; }

    /// <summary>Keys with which a customer's own programs make AI calls through the gateway.</summary>
    public VirtualKeys VirtualKeys { get; }

    /// <summary>Customers' own keys at AI providers.</summary>
    public ProviderKeys ProviderKeys { get; }

    /// <summary>AI calls that were made through the gateway, and what they come to.</summary>
    public Calls Calls { get; }

    /// <summary>Purchases on Stripe's page.</summary>
    public Checkouts Checkouts { get; }

    /// <summary>What customers have bought, or tried to.</summary>
    public Orders Orders { get; }

    /// <summary>Money that goes back, with the credits it paid for.</summary>
    public Refunds Refunds { get; }

    /// <summary>Plans that customers pay for.</summary>
    public Subscriptions Subscriptions { get; }

    /// <summary>Stripe's own page for a customer's cards, invoices and subscription.</summary>
    public Portals Portals { get; }

    /// <summary>Packages that are bought by themselves when credits run low.</summary>
    public AutoRecharges AutoRecharges { get; }

    /// <summary>Closes the connections, if this client made them.</summary>
    public void Dispose() => made?.Dispose();

    static HttpClient Connections() => new(new SocketsHttpHandler
    {
        // The key must not travel to wherever a redirect points, and a redirected POST would turn into a GET.
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.All,
        // A connection that lives for ever never learns that the server's name moved to another address.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        // Each attempt has its own limit, on the clock of the options.
        Timeout = Timeout.InfiniteTimeSpan,
    };
}
