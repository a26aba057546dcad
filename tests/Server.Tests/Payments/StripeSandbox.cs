using System.Diagnostics;
using System.Globalization;
using Purser.Server.Tests.Payments;

[assembly: AssemblyFixture(typeof(StripeSandbox))]

namespace Purser.Server.Tests.Payments;

/// <summary>
/// The sandbox in a process of its own, from the first test that needs it to the last test of all. Each key is an
/// account of its own, so tests do not see each other.
/// </summary>
public sealed class StripeSandbox : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    static readonly Lazy<Task<(Process Process, TestFolder Folder, Uri Url)>> Started = new(Start);

    public static async Task<Uri> Url() => (await Started.Value).Url;

    public async ValueTask DisposeAsync()
    {
        if (!Started.IsValueCreated) return;

        var (process, folder, _) = await Started.Value;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        folder.Dispose();
    }

    static async Task<(Process, TestFolder, Uri)> Start()
    {
        var folder = new TestFolder();
        var port = Ports.Free();
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(own.Parent!.Parent!.FullName, "Sandbox", own.Name, "Purser.Sandbox.dll");
        var start = new ProcessStartInfo("dotnet", [program]) { RedirectStandardInput = true };
        start.Environment["PURSER_SANDBOX_PORT"] = port.ToString(CultureInfo.InvariantCulture);
        start.Environment["PURSER_SANDBOX_DATA"] = folder.Path;
        start.Environment["PURSER_SANDBOX_LIFELINE"] = "1";
        var process = Process.Start(start)!;
        var url = new Uri($"http://127.0.0.1:{port}");

        using var http = new HttpClient();
        using var patience = new CancellationTokenSource(Patience);
        while (!await Answers(http, url, patience.Token)) await Task.Delay(25, patience.Token);
        return (process, folder, url);
    }

    static async Task<bool> Answers(HttpClient http, Uri url, CancellationToken ct)
    {
        try
        {
            using var answer = await http.GetAsync(url, ct);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
