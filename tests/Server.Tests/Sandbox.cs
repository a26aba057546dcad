using System.Diagnostics;
using System.Globalization;
using Purser.Server.Tests;

[assembly: AssemblyFixture(typeof(Sandbox))]

namespace Purser.Server.Tests;

/// <summary>
/// The sandbox in a process of its own, from the first test that needs it to the last test of all. Each key is an
/// account of its own, so tests do not see each other.
/// </summary>
public sealed class Sandbox : IAsyncDisposable
{
    static readonly Lazy<Task<SandboxProcess>> Started = new(SandboxProcess.Start);

    public static async Task<Uri> Url() => (await Started.Value).Url;

    public async ValueTask DisposeAsync()
    {
        if (Started.IsValueCreated) await (await Started.Value).DisposeAsync();
    }
}

/// <summary>One sandbox, for tests that would crowd the others out of its records.</summary>
sealed class SandboxProcess : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly Process process;
    readonly TestFolder folder;

    SandboxProcess(Process process, TestFolder folder, Uri url)
    {
        this.process = process;
        this.folder = folder;
        Url = url;
    }

    public Uri Url { get; }

    public static async Task<SandboxProcess> Start()
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
        return new(process, folder, url);
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        folder.Dispose();
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
