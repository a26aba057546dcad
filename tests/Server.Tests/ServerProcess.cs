using System.Diagnostics;
using System.Text;
using Purser.Server.Platform;

namespace Purser.Server.Tests;

/// <summary>A Purser in a process of its own, as users start it: to be killed, or to be one of several.</summary>
sealed class ServerProcess : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    readonly StringBuilder output = new();
    readonly TaskCompletionSource<Uri> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Process process;
    readonly Task ended;

    ServerProcess(Process process)
    {
        this.process = process;
        ended = Follow();
    }

    public int Id => process.Id;

    /// <summary>Everything it said so far, on both streams.</summary>
    public string Output
    {
        get { lock (output) return output.ToString(); }
    }

    /// <summary>
    /// A server on the given database, on a port of the system's choice unless the environment names one.
    /// </summary>
    public static ServerProcess Serve(
        string connectionString, params (string Name, string Value)[] environment) => On(
        connectionString,
        ["server"],
        [
            ("PURSER_MODE", "development"), ("PURSER_PORT", "0"), ("PURSER_ADMIN_KEY", Given.AdminKey), .. environment,
        ]);

    /// <summary>Any command on the given database.</summary>
    public static ServerProcess On(
        string connectionString, string[] command, params (string Name, string Value)[] environment) =>
        Start(command, [("DATABASE_URL", UrlOf(connectionString)), .. environment]);

    /// <summary>Any command, in an environment that holds nothing of ours but what is given.</summary>
    public static ServerProcess Start(string[] command, params (string Name, string Value)[] environment)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Purser.Server.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] kept = ["PATH", "HOME", "DOTNET_ROOT", "PURSER_POSTGRES_BIN"];
        foreach (var name in start.Environment.Keys.Except(kept).ToArray()) start.Environment.Remove(name);
        start.Environment["PURSER_HOME"] = Checkout.Root;
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new(Process.Start(start)!);
    }

    /// <summary>Its address, once it says that it is ready; fails at once where it ends instead.</summary>
    public async Task<Uri> WaitReady()
    {
        var first = await Task.WhenAny(ready.Task, ended).WaitAsync(Patience);
        if (first == ended && !ready.Task.IsCompleted)
            throw new InvalidOperationException($"It ended with {process.ExitCode} before it was ready:\n{Output}");
        return await ready.Task;
    }

    public Task<int> WaitEnd() => WaitEnd(Patience);

    public async Task<int> WaitEnd(TimeSpan patience)
    {
        await ended.WaitAsync(patience);
        return process.ExitCode;
    }

    /// <summary>As kill -9 does: nothing of it gets to say goodbye.</summary>
    public async Task Kill()
    {
        process.Kill(entireProcessTree: false);
        await ended.WaitAsync(Patience);
    }

    /// <summary>As Ctrl-C does.</summary>
    public async Task<int> Interrupt()
    {
        await Programs.Run("/bin/sh", ["-c", $"kill -INT {process.Id}"], user: null, Patience, CancellationToken.None);
        return await WaitEnd();
    }

    public async ValueTask DisposeAsync()
    {
        if (!ended.IsCompleted) await Kill();
        process.Dispose();
    }

    async Task Follow()
    {
        await Task.WhenAll(Keep(process.StandardOutput), Keep(process.StandardError));
        await process.WaitForExitAsync();
    }

    async Task Keep(StreamReader stream)
    {
        while (await stream.ReadLineAsync() is { } line)
        {
            lock (output) output.AppendLine(line);
            if (line.StartsWith("Purser is ready: ", StringComparison.Ordinal)) ready.TrySetResult(new(line[17..]));
        }
    }

    // A URL is what users have; the test cluster's socket folder goes into it as libpq allows.
    static string UrlOf(string connectionString)
    {
        var parts = new Npgsql.NpgsqlConnectionStringBuilder(connectionString);
        var user = $"{Uri.EscapeDataString(parts.Username ?? "")}:{Uri.EscapeDataString(parts.Password ?? "")}";
        return $"postgres://{user}@{Uri.EscapeDataString(parts.Host!)}:{parts.Port}/{parts.Database}";
    }
}
