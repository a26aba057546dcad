using System.Net;
using System.Net.Sockets;
using Purser.Server.Gateway;
using Purser.Server.Payments;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server;

/// <summary>The server, once it answers that it is ready.</summary>
sealed class RunningServer : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    readonly WebApplication app;

    RunningServer(WebApplication app) => this.app = app;

    public string Address => app.Urls.Single();

    public static async Task<RunningServer> Start(Settings settings, string connectionString, CancellationToken ct)
    {
        WebApplication app = null!;
        await Database.Reach(async () => app = await PurserServer.Build(settings, connectionString));
        try
        {
            await app.Services.GetRequiredService<OwnKeys>().RequireSecret(ct);
            await RefuseUnknownPrices(app, settings, ct);
            await app.StartAsync(ct);
            await UntilReady(app.Urls.Single(), ct);
            return new(app);
        }
        catch (Exception fault)
        {
            await app.DisposeAsync();
            // Kestrel's own message begins with the reason and goes on with a trace of inner exceptions.
            if (fault is IOException) throw PortInUse(settings.Port, "PURSER_PORT");
            throw;
        }
    }

    /// <summary>
    /// For a sandbox that is ours: it learns where we are, and we learn what it signs with. The secret is shown only once, so
    /// it is kept beside the data.
    /// </summary>
    public async Task ListenToSandbox(Settings settings, CancellationToken ct)
    {
        if (settings.Stripe is not { WebhookSecrets.Count: 0 } stripe || stripe.Address != settings.Sandbox) return;

        var file = Path.Combine(settings.DataFolder, "stripe-webhook-secret");
        var setup = app.Services.GetRequiredService<StripeSetup>();
        var url = setup.EndpointUrl(Address);
        if (!File.Exists(file)) await setup.RemoveEndpoint(url, ct);
        var (secret, existed) = await setup.Endpoint(url, ct);
        if (!existed) SecretFile.Write(file, secret!);
        app.Services.GetRequiredService<WebhookSecrets>().Current = [SecretFile.Read(file)];
    }

    /// <summary>
    /// In production, a price that is configured and not there would be found out by the first who wants to buy. That Stripe
    /// does not answer is no reason not to start: what is metered does not need it.
    /// </summary>
    static async Task RefuseUnknownPrices(WebApplication app, Settings settings, CancellationToken ct)
    {
        if (settings.Mode != Mode.Production || settings.Stripe is not { Prices.Count: > 0 } stripe) return;

        try
        {
            var faults = await app.Services.GetRequiredService<StripeSetup>().CheckConfigured(stripe.Prices, ct);
            if (faults.Count > 0) throw new StartFailure(faults);
        }
        catch (StripeException e) when (e.Fault == StripeFault.Unavailable)
        {
            Commands.Say($"the STRIPE_PRICE_… could not be compared with Stripe: {e.Message}");
        }
        catch (StripeException e)
        {
            throw new StartFailure($"STRIPE_SECRET_KEY is not accepted: {e.Message}");
        }
    }

    /// <summary>Says so before anything is started, where a port is taken.</summary>
    public static void RequireFreePort(string host, int port, string variable)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Parse(host), port);
            listener.Start();
        }
        catch (SocketException refused)
        {
            throw CannotListen(host, port, variable, refused);
        }
    }

    /// <summary>Returns when the server was told to end, and has.</summary>
    public Task Ended(CancellationToken told) => app.WaitForShutdownAsync(told);

    public ValueTask DisposeAsync() => app.DisposeAsync();

    static async Task UntilReady(string address, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        using var http = new HttpClient();
        // An address to listen on everywhere is none to call.
        var health = new UriBuilder(address.Replace("[::]", "[::1]", StringComparison.Ordinal)
            .Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)) { Path = "/health/ready" }.Uri;
        var answer = "nothing";
        try
        {
            while (true)
            {
                using var response = await http.GetAsync(health, patience.Token);
                if (response.IsSuccessStatusCode) return;
                answer = await response.Content.ReadAsStringAsync(patience.Token);
                await Task.Delay(TimeSpan.FromMilliseconds(25), patience.Token);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new StartFailure($"The server did not become ready within {Patience.TotalSeconds} seconds; "
                + $"{health.AbsolutePath} answers: {answer}");
        }
    }

    static StartFailure CannotListen(string host, int port, string variable, SocketException refused) =>
        refused.SocketErrorCode switch
        {
            SocketError.AddressAlreadyInUse => PortInUse(port, variable),
            SocketError.AccessDenied => new($"Port {port} is for privileged users. Choose one above 1023 with {variable}."),
            SocketError.AddressNotAvailable => new($"This machine has no address {host} to listen on: correct PURSER_HOST."),
            _ => new($"Cannot listen on {host}:{port}: {refused.Message}. Correct PURSER_HOST or {variable}."),
        };

    static StartFailure PortInUse(int port, string variable) =>
        new($"Port {port} is in use. Stop what listens on it, or choose another port with {variable}.");
}
