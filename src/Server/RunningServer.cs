using System.Net;
using System.Net.Sockets;
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

    /// <summary>Says so before anything is started, where a port is taken.</summary>
    public static void RequireFreePort(string host, int port, string variable)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Parse(host), port);
            listener.Start();
        }
        catch (SocketException)
        {
            throw PortInUse(port, variable);
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

    static StartFailure PortInUse(int port, string variable) =>
        new($"Port {port} is in use. Stop what listens on it, or choose another port with {variable}.");
}
