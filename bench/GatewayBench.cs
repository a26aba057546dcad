using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Npgsql;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Bench;

/// <summary>
/// AI calls straight to the sandbox, through Purser with a durable hold and settlement each, and, where it is installed,
/// through a peer that meters nothing: upstream, gateway, PostgreSQL and load on one machine, one after the other.
/// </summary>
sealed class GatewayBench(Cluster cluster, TimeSpan duration, int manyCalls, int manyStreams)
{
    const int Callers = 64;
    const int PerSecond = 200;
    const string ProviderKey = "sk-bench";

    public async Task Run()
    {
        var database = await cluster.Create("gateway");
        await using var sandbox = await SandboxUnderLoad.Start();
        await using (var server = await ServerUnderLoad.Start(
            database, ("OPENAI_BASE_URL", new Uri(sandbox.Address, "/openai/v1").ToString()), ("OPENAI_API_KEY", ProviderKey)))
        {
            await using var peer = await Peer.Start();
            var ways = new List<Way>
            {
                new("direct", new(new(sandbox.Address, "/openai/v1/chat/completions"), [ProviderKey], [])),
                new("purser", new(new(server.Address + "/openai/v1/chat/completions"), await Keys(server), [])) { Server = server },
            };
            if (peer is not null) ways.Add(new("peer", peer.Target(sandbox.Address)));
            else Console.Error.WriteLine("bench/peers is not installed (npm ci --prefix bench/peers): no peer is measured.");

            // The first minute of a program is its compiler's.
            foreach (var way in ways)
            {
                await way.Measure(stream: false, "closed", Callers, duration.TotalSeconds);
                await way.Measure(stream: true, "closed", Callers, duration.TotalSeconds);
            }

            foreach (var stream in (bool[])[false, true])
            {
                await Latency(ways, stream);
                await Throughput(ways, stream);
            }

            await Memory(ways[1], server, sandbox.Address);
        }

        await using var source = NpgsqlDataSource.Create(database);
        Report.Line(("row", "\"verify\""), ("verified", await Verified(source) ? "true" : "false"));
        await cluster.Drop("gateway");
    }

    async Task Latency(List<Way> ways, bool stream)
    {
        CallResult? direct = null;
        foreach (var way in ways)
        {
            await cluster.Checkpoint();
            var row = await way.Measure(stream, "open", PerSecond, duration.TotalSeconds);
            direct ??= row.Result;
            Report.Line(
                ("row", $"\"latency {way.Name} {Kind(stream)}\""),
                ("calls_per_second", Number(row.Result.PerSecond)),
                ("p50_ms", Number(row.Result.P50Ms)),
                ("p99_ms", Number(row.Result.P99Ms)),
                ("first_p50_ms", Number(row.Result.FirstP50Ms)),
                ("first_p99_ms", Number(row.Result.FirstP99Ms)),
                ("added_p50_ms", Number(row.Result.P50Ms - direct.P50Ms)),
                ("added_p99_ms", Number(row.Result.P99Ms - direct.P99Ms)),
                ("added_first_p50_ms", Number(row.Result.FirstP50Ms - direct.FirstP50Ms)));
        }
    }

    async Task Throughput(List<Way> ways, bool stream)
    {
        var rows = new List<(Way Way, Load Load)>();
        foreach (var way in ways)
        {
            await cluster.Checkpoint();
            rows.Add((way, await way.Measure(stream, "closed", Callers, duration.TotalSeconds)));
        }

        var peer = rows.Find(row => row.Way.Name == "peer").Load;
        foreach (var (way, load) in rows)
        {
            Report.Line(
                ("row", $"\"throughput {way.Name} {Kind(stream)}\""),
                ("calls_per_second", Number(load.Result.PerSecond)),
                ("p50_ms", Number(load.Result.P50Ms)),
                ("p99_ms", Number(load.Result.P99Ms)),
                ("server_cpu_ms_per_call", way.Server is null ? "null" : Number(load.Cpu.TotalMilliseconds / load.Result.Count, "0.000")),
                ("database_cpu_ms_per_call", way.Server is null ? "null" : Number(load.DatabaseCpu.TotalMilliseconds / load.Result.Count, "0.000")),
                ("ratio_to_peer", peer is null ? "null" : Number(load.Result.PerSecond / peer.Result.PerSecond)));
        }
    }

    async Task Memory(Way purser, ServerUnderLoad server, Uri sandbox)
    {
        var before = server.MemoryMb;
        await purser.Measure(stream: false, "count", Callers, manyCalls);
        var after = server.MemoryMb;
        var open = await OpenStreams(purser.Target, server, sandbox);
        Report.Line(
            ("row", "\"memory\""),
            ("before_mb", Number(before, "0")),
            ($"after_{manyCalls}_calls_mb", Number(after, "0")),
            ($"with_{manyStreams}_open_streams_mb", Number(open, "0")),
            ("peak_mb", Number(server.PeakMemoryMb, "0")));

        // What a prompt of a megabyte costs more than a small one, beyond the buffer that is lent for it.
        var small = await AllocatedPerCall(purser, server, 100);
        var large = await AllocatedPerCall(purser, server, 1_000_000);
        Report.Line(
            ("row", "\"large prompt\""),
            ("allocated_bytes_per_small_call", Number(small, "0")),
            ("allocated_bytes_per_megabyte_call", Number(large, "0")));
    }

    async Task<double> OpenStreams(CallTarget target, ServerUnderLoad server, Uri sandbox)
    {
        using var control = new HttpClient { BaseAddress = sandbox };
        control.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ProviderKey);
        await Send(control, HttpMethod.Post, "/control/ai/next", $$"""{"behave":"slow=1s","count":{{manyStreams}}}""");
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = manyStreams });
        var answers = await Task.WhenAll(Enumerable.Range(0, manyStreams).Select(async number =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, target.Address)
            {
                Content = new StringContent(
                    """{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"slow"}]}""",
                    Encoding.UTF8, "application/json"),
            };
            request.Headers.Authorization = new("Bearer", target.Keys[number % target.Keys.Length]);
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        }));
        var memory = server.MemoryMb;
        foreach (var answer in answers) answer.Dispose();
        return memory;
    }

    static async Task<double> AllocatedPerCall(Way purser, ServerUnderLoad server, int prompt)
    {
        var before = await server.Allocated();
        var load = await purser.Measure(stream: false, "count", 4, 200, prompt);
        return (await server.Allocated() - before) / (load.Result.Count + load.WarmUpCalls);
    }

    /// <summary>A key each for as many customers as there are callers, with credits that last.</summary>
    static async Task<string[]> Keys(ServerUnderLoad server)
    {
        using var product = new HttpClient { BaseAddress = new(server.Address) };
        product.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ServerUnderLoad.AdminKey);
        var keys = new string[Callers];
        for (var number = 0; number < Callers; number++)
        {
            var path = $"/v1/customers/caller_{number}";
            await Send(product, HttpMethod.Put, path, "{}");
            await Send(product, HttpMethod.Post, path + "/grants", """{"amount":1000000000,"source":"promotion"}""");
            var key = await Send(product, HttpMethod.Post, path + "/keys", """{"name":"bench"}""");
            keys[number] = key.GetProperty("key").GetString()!;
        }

        return keys;
    }

    static async Task<JsonElement> Send(HttpClient http, HttpMethod method, string path, string body)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonElement.Parse(text)
            : throw new StartFailure($"{method} {path} was answered {(int)response.StatusCode}: {text}");
    }

    // Every call settled, nothing held any more, and the whole ledger as it should be.
    static async Task<bool> Verified(NpgsqlDataSource source)
    {
        var verification = await new Verification(source).Run(CancellationToken.None);
        await using var open = source.CreateCommand("""
            select (select count(*) from hold where state = 1) = 0
              and (select count(*) from hold) = (select count(*) from call)
              and (select sum(charged) from call) = (select -sum(amount) from entry where kind = 2)
            """);
        return verification.Ok && await open.ExecuteScalarAsync() is true;
    }

    static string Kind(bool stream) => stream ? "stream" : "json";

    static string Number(double value, string format = "0.00") => value.ToString(format, CultureInfo.InvariantCulture);
}

/// <param name="WarmUpCalls">Those before it, about as fast.</param>
sealed record Load(CallResult Result, TimeSpan Cpu, TimeSpan DatabaseCpu, long WarmUpCalls);

/// <summary>One way from a caller to the model.</summary>
sealed record Way(string Name, CallTarget Target)
{
    public ServerUnderLoad? Server { get; init; }

    public async Task<Load> Measure(bool stream, string how, double number, double amount, int prompt = 20)
    {
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "Purser.Bench.dll"), "call-load",
            JsonSerializer.Serialize(Target with { Stream = stream, Prompt = prompt }), how, Text(number), Text(amount),
        ];
        using var load = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        // The load says when it has warmed up, and when it is done.
        var warm = long.Parse((await load.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        var cpu = Server?.Cpu ?? default;
        var databaseCpu = DatabaseProcesses.Cpu();
        var result = await load.StandardOutput.ReadLineAsync() ?? throw new StartFailure($"The load on {Name} failed.");
        return new(
            JsonSerializer.Deserialize<CallResult>(result)!, (Server?.Cpu ?? default) - cpu, DatabaseProcesses.Cpu() - databaseCpu, warm);
    }

    static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A gateway of others, which passes calls on and meters nothing.</summary>
sealed class Peer : IAsyncDisposable
{
    readonly Process process;
    readonly int port;

    Peer(Process process, int port)
    {
        this.process = process;
        this.port = port;
    }

    /// <summary>Null where it is not installed.</summary>
    public static async Task<Peer?> Start()
    {
        var home = Environment.GetEnvironmentVariable("PURSER_HOME") ?? Directory.GetCurrentDirectory();
        var program = Path.Combine(home, "bench/peers/node_modules/@portkey-ai/gateway/build/start-server.js");
        if (!File.Exists(program)) return null;

        var port = SandboxUnderLoad.FreePort();
        var process = Process.Start(new ProcessStartInfo("node", [program, $"--port={port}", "--headless"]) { RedirectStandardOutput = true })!;
        await SandboxUnderLoad.Answers(new($"http://127.0.0.1:{port}"));
        return new(process, port);
    }

    public CallTarget Target(Uri sandbox) => new(
        new($"http://127.0.0.1:{port}/v1/chat/completions"),
        ["sk-bench"],
        new() { ["x-portkey-provider"] = "openai", ["x-portkey-custom-host"] = new Uri(sandbox, "/openai/v1").ToString() });

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
