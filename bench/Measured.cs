using System.Diagnostics;
using System.Globalization;

namespace Purser.Bench;

/// <summary>What a load did: how many, how fast, and at whose cost.</summary>
sealed record Measured(
    string Name, long Count, TimeSpan Took, double P50Ms, double P99Ms, TimeSpan Cpu, TimeSpan DatabaseCpu, long? Allocated)
{
    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4);

    public double PerSecond => Count / Took.TotalSeconds;

    public double CpuCores => Cpu.TotalSeconds / Took.TotalSeconds;

    public double DatabaseCores => DatabaseCpu.TotalSeconds / Took.TotalSeconds;

    /// <summary>Runs <paramref name="callers"/> closed loops for a while; each call gives the number of charges it made.</summary>
    public static async Task<Measured> Run(
        string name, int callers, TimeSpan duration, Func<Func<CancellationToken, Task<int>>> caller, bool warmUp = true)
    {
        // Plans are made, connections opened, code compiled.
        if (warmUp) await Loop(callers, WarmUp, caller, new(callers));
        GC.Collect();

        var latencies = new Latencies(callers);
        var cpu = Environment.CpuUsage.TotalTime;
        var databaseCpu = DatabaseProcesses.Cpu();
        var allocated = GC.GetTotalAllocatedBytes();
        var started = Stopwatch.GetTimestamp();
        var count = await Loop(callers, duration, caller, latencies);
        var took = Stopwatch.GetElapsedTime(started);
        return new(
            name,
            count,
            took,
            latencies.Percentile(0.50),
            latencies.Percentile(0.99),
            Environment.CpuUsage.TotalTime - cpu,
            DatabaseProcesses.Cpu() - databaseCpu,
            GC.GetTotalAllocatedBytes() - allocated);
    }

    static async Task<long> Loop(
        int callers, TimeSpan duration, Func<Func<CancellationToken, Task<int>>> caller, Latencies latencies)
    {
        using var end = new CancellationTokenSource(duration);
        var counts = await Task.WhenAll(Enumerable.Range(0, callers).Select(number => Task.Run(async () =>
        {
            var call = caller();
            var count = 0L;
            while (!end.IsCancellationRequested)
            {
                var started = Stopwatch.GetTimestamp();
                count += await call(CancellationToken.None);
                latencies.Add(number, Stopwatch.GetElapsedTime(started));
            }

            return count;
        })));
        return counts.Sum();
    }
}

/// <summary>Every latency, in microseconds, kept apart for each caller so that measuring costs next to nothing.</summary>
sealed class Latencies
{
    readonly List<int>[] byCaller;

    public Latencies(int callers) => byCaller = [.. Enumerable.Range(0, callers).Select(_ => new List<int>(8192))];

    public void Add(int caller, TimeSpan took) => byCaller[caller].Add((int)took.TotalMicroseconds);

    public double Percentile(double share)
    {
        var all = byCaller.SelectMany(list => list).Order().ToArray();
        return all.Length == 0 ? 0 : all[Math.Min(all.Length - 1, (int)(share * all.Length))] / 1000.0;
    }
}

/// <summary>The CPU time of all PostgreSQL processes of this machine, as the kernel counts it; zero where it does not tell.</summary>
static class DatabaseProcesses
{
    // sysconf(_SC_CLK_TCK), which is this on every Linux that .NET runs on.
    const double TicksPerSecond = 100;

    public static TimeSpan Cpu()
    {
        if (!Directory.Exists("/proc/self")) return TimeSpan.Zero;

        var ticks = 0L;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (Path.GetFileName(folder).All(char.IsAsciiDigit)) ticks += Ticks($"{folder}/stat");
        }

        return TimeSpan.FromSeconds(ticks / TicksPerSecond);
    }

    static long Ticks(string stat)
    {
        try
        {
            var text = File.ReadAllText(stat);
            if (!text.Contains("(postgres)", StringComparison.Ordinal)) return 0;

            // Fields 14 and 15 of the line, of which the second, the name, ends with the bracket.
            var fields = text[(text.IndexOf(')', StringComparison.Ordinal) + 2)..].Split(' ');
            return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            // It ended between the listing and the reading.
            return 0;
        }
    }
}

static class Report
{
    /// <summary>One JSON object a row on standard output; the same for people on standard error.</summary>
    public static void Row(Measured row, Measured baseline, params ReadOnlySpan<(string Name, string Json)> more)
    {
        List<(string Name, string Json)> fields =
        [
            ("row", $"\"{row.Name}\""),
            ("charges_per_second", Number(row.PerSecond, "0")),
            ("p50_ms", Number(row.P50Ms, "0.00")),
            ("p99_ms", Number(row.P99Ms, "0.00")),
            ("cpu_cores", Number(row.CpuCores, "0.00")),
            ("database_cpu_cores", Number(row.DatabaseCores, "0.00")),
            ("allocated_bytes_per_charge", row.Allocated is { } bytes ? Number((double)bytes / Math.Max(1, row.Count), "0") : "null"),
            ("ratio_to_naive", Number(row.PerSecond / baseline.PerSecond, "0.00")),
            .. more,
        ];
        Write(fields);
    }

    public static void Events(Measured row, bool verified)
    {
        List<(string Name, string Json)> fields =
        [
            ("row", $"\"{row.Name}\""),
            ("events_per_second", Number(row.PerSecond, "0")),
            ("p50_ms", Number(row.P50Ms, "0.00")),
            ("p99_ms", Number(row.P99Ms, "0.00")),
            ("cpu_cores", Number(row.CpuCores, "0.00")),
            ("database_cpu_cores", Number(row.DatabaseCores, "0.00")),
            ("verified", verified ? "true" : "false"),
        ];
        Write(fields);
    }

    /// <summary>A row of whatever is measured.</summary>
    public static void Line(params ReadOnlySpan<(string Name, string Json)> fields) => Write([.. fields]);

    static void Write(List<(string Name, string Json)> fields)
    {
        Console.Out.WriteLine($"{{{string.Join(',', fields.Select(field => $"\"{field.Name}\":{field.Json}"))}}}");
        Console.Error.WriteLine(string.Join("  ", fields.Select(field => $"{field.Name.Replace('_', ' ')} {field.Json}")));
    }

    static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
