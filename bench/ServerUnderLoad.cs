using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using Purser.Server.Platform;

namespace Purser.Bench;

/// <summary>A server in its own process, and its load in another: neither shares a heap with what measures them.</summary>
sealed class ServerUnderLoad : IAsyncDisposable
{
    public const string AdminKey = "purser_bench_key_of_no_secret";

    static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    readonly Process process;
    readonly string address;

    ServerUnderLoad(Process process, string address)
    {
        this.process = process;
        this.address = address;
    }

    public string Address => address;

    public long PeakMemoryMb { get; private set; }

    /// <summary>What is resident now.</summary>
    public double MemoryMb
    {
        get
        {
            process.Refresh();
            PeakMemoryMb = PeakOf(process.Id);
            return process.WorkingSet64 / 1048576.0;
        }
    }

    public TimeSpan Cpu
    {
        get
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }
    }

    public static async Task<ServerUnderLoad> Start(string connectionString, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Purser.Server.dll"), "server"])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        start.Environment["DATABASE_URL"] = Url(connectionString);
        start.Environment["PURSER_ADMIN_KEY"] = AdminKey;
        start.Environment["PURSER_MODE"] = "development";
        start.Environment["PURSER_PORT"] = "0";
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(StartTimeout);
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            const string Ready = "Purser is ready: ";
            if (line.StartsWith(Ready, StringComparison.Ordinal)) return new(process, line[Ready.Length..].Trim());
        }

        throw new StartFailure("The server ended before it was ready.");
    }

    public async Task<Measured> Charge(int connections, int wallets, TimeSpan duration)
    {
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "Purser.Bench.dll"), "http-load", address, AdminKey,
            Text(connections), Text(wallets), duration.TotalSeconds.ToString(CultureInfo.InvariantCulture),
        ];
        using var load = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        // The load says when it has warmed up, and when it is done.
        await load.StandardOutput.ReadLineAsync();
        var cpu = process.TotalProcessorTime;
        var databaseCpu = DatabaseProcesses.Cpu();
        var allocated = await Allocated();
        var result = JsonSerializer.Deserialize<HttpLoad.Result>((await load.StandardOutput.ReadLineAsync())!)!;
        process.Refresh();
        var measured = new Measured(
            "http",
            result.Count,
            TimeSpan.FromSeconds(result.Seconds),
            result.P50Ms,
            result.P99Ms,
            process.TotalProcessorTime - cpu,
            DatabaseProcesses.Cpu() - databaseCpu,
            (long)(await Allocated() - allocated));
        PeakMemoryMb = PeakOf(process.Id);
        await load.WaitForExitAsync();
        return measured;
    }

    /// <summary>Bytes that the server has allocated since it started, as it says itself.</summary>
    public async Task<double> Allocated()
    {
        const string Name = "dotnet_gc_allocated_bytes_total ";
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri(address + "/metrics"));
        var line = metrics.Split('\n').First(line => line.StartsWith(Name, StringComparison.Ordinal));
        return double.Parse(line[Name.Length..], CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    static long PeakOf(int id)
    {
        var status = $"/proc/{id}/status";
        if (!File.Exists(status)) return 0;

        var line = File.ReadLines(status).First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    static string Url(string connectionString)
    {
        var parts = new NpgsqlConnectionStringBuilder(connectionString);
        var user = $"{Uri.EscapeDataString(parts.Username ?? "")}:{Uri.EscapeDataString(parts.Password ?? "")}";
        return $"postgres://{user}@{Uri.EscapeDataString(parts.Host!)}:{parts.Port}/{parts.Database}";
    }

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
