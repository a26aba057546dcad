using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

/// <summary>A real Redis of a test's own, which keeps nothing: to be killed, started anew, or made to hang.</summary>
sealed class RedisServer : IAsyncDisposable
{
    readonly TestFolder folder = new();
    readonly string[] options;
    Process process;

    RedisServer(string[] options)
    {
        this.options = options;
        process = Launch();
    }

    public int Port { get; } = Ports.Free();

    public string Url => string.Create(CultureInfo.InvariantCulture, $"redis://127.0.0.1:{Port}");

    /// <param name="options">As redis-server takes them: <c>--requirepass</c> and the password.</param>
    public static async Task<RedisServer> Start(params string[] options)
    {
        var server = new RedisServer(options);
        await Eventually.Holds(server.Listens);
        return server;
    }

    public async Task Kill()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    /// <summary>On the same port, with nothing in it.</summary>
    public void Restart() => process = Launch();

    /// <summary>It keeps its connections and does nothing with them.</summary>
    public Task Hang() => Signal("STOP");

    public Task GoOn() => Signal("CONT");

    /// <summary>Says something to it as a person would.</summary>
    public async Task<string> Tell(params string[] words)
    {
        var start = new ProcessStartInfo("redis-cli", ["-p", Port.ToString(CultureInfo.InvariantCulture), .. words]) { RedirectStandardOutput = true };
        using var cli = Process.Start(start)!;
        return (await cli.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Trim();
    }

    public async ValueTask DisposeAsync()
    {
        await Kill();
        folder.Dispose();
    }

    async Task<bool> Listens()
    {
        using var socket = new TcpClient();
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    Process Launch() => Process.Start(new ProcessStartInfo(Find(),
    [
        "--port", Port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--dir", folder.Path,
        "--save", "", "--appendonly", "no", "--loglevel", "warning", .. options,
    ])
    { RedirectStandardOutput = true })!;

    Task<Ran> Signal(string name) => Programs.Run(
        "/bin/sh", ["-c", $"kill -{name} {process.Id}"], user: null, TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

    static string Find() =>
        (from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
         let program = Path.Combine(folder, "redis-server")
         where File.Exists(program)
         select program).FirstOrDefault()
        ?? throw new InvalidOperationException(
            "No Redis was found: install it (apt-get install redis-server), or let ./purser test do it as root.");
}
