using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Purser.Bench;

/// <summary>The sandbox in a process of its own, on a port and a folder of its own.</summary>
sealed class SandboxUnderLoad : IAsyncDisposable
{
    static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    readonly Process process;
    readonly string folder;

    SandboxUnderLoad(Process process, string folder, Uri address)
    {
        this.process = process;
        this.folder = folder;
        Address = address;
    }

    public Uri Address { get; }

    public static async Task<SandboxUnderLoad> Start()
    {
        var folder = Directory.CreateTempSubdirectory("purser-bench-sandbox-").FullName;
        var port = FreePort();
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(own.Parent!.Parent!.FullName, "Sandbox", own.Name, "Purser.Sandbox.dll");
        var start = new ProcessStartInfo("dotnet", [program]) { RedirectStandardInput = true };
        start.Environment["PURSER_SANDBOX_PORT"] = port.ToString(CultureInfo.InvariantCulture);
        start.Environment["PURSER_SANDBOX_DATA"] = folder;
        start.Environment["PURSER_SANDBOX_LIFELINE"] = "1";
        var sandbox = new SandboxUnderLoad(Process.Start(start)!, folder, new($"http://127.0.0.1:{port}"));
        await Answers(sandbox.Address);
        return sandbox;
    }

    /// <summary>Returns once something can be called there.</summary>
    public static async Task Answers(Uri address)
    {
        using var http = new HttpClient();
        using var patience = new CancellationTokenSource(StartTimeout);
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(address, patience.Token);
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(25, patience.Token);
            }
        }
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
