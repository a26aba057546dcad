using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Tests;

/// <summary>The sandbox as a process of its own: killed, started again, and started where it cannot.</summary>
public sealed class JournalTests : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly string folder = Directory.CreateTempSubdirectory("sandbox-process").FullName;
    readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(20) };
    readonly string key = Sandbox.NewKey();

    [Fact]
    public async Task What_was_answered_survives_a_kill()
    {
        var ct = TestContext.Current.CancellationToken;
        var port = Ports.Free();
        List<string> answered = [];
        using (var process = await Start(port))
        {
            for (var i = 0; i < 50; i++) answered.Add((await Post(port, "customers", $"name=c{i}&metadata[n]={i}",
                $"key-{i}"))["id"]!.GetValue<string>());
            process.Kill();
            await process.WaitForExitAsync(ct);
        }

        using var again = await Start(port);
        var replayed = await Post(port, "customers", "name=c7&metadata[n]=7", "key-7");
        Assert.Equal(answered[7], replayed["id"]!.GetValue<string>());
        foreach (var id in answered) Assert.Equal(id, (await Get(port, $"customers/{id}"))["id"]!.GetValue<string>());
        Assert.Equal(50, (await Get(port, "events?limit=100&type=customer.created"))["data"]!.AsArray().Count);
        again.Kill();
    }

    /// <summary>
    /// Eight callers pay at once and again, the process is killed among them and started again, three times over. Whoever
    /// had no answer asks again under the same key.
    /// </summary>
    [Fact]
    public async Task Killed_again_and_again_under_load_it_neither_loses_nor_doubles_a_payment()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(3));
        var ct = limit.Token;
        var port = Ports.Free();
        using var hook = new Hook();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        ConcurrentDictionary<string, string> paid = [];
        var process = await Start(port);
        await Post(port, "webhook_endpoints", $"url={Uri.EscapeDataString(hook.Url)}&enabled_events[]=payment_intent.succeeded", "hook");
        var callers = Enumerable.Range(0, 8).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                var key = $"{caller}-{i}";
                var intent = await Insist(() => Post(port, "payment_intents",
                    $"amount=1000&currency=usd&payment_method=pm_card_visa&confirm=true&metadata[key]={key}", key), ct);
                paid[key] = intent["id"]!.GetValue<string>();
            }
        }, ct)).ToList();
        for (var kill = 1; kill <= 3; kill++)
        {
            while (paid.Count < kill * 40) await Task.Delay(5, ct);
            process.Kill();
            await process.WaitForExitAsync(ct);
            process.Dispose();
            process = await Start(port);
        }
        await over.CancelAsync();
        await Task.WhenAll(callers);

        var intents = await Everything(port, "payment_intents");
        Assert.Equal(paid.Values.Order(), intents.Select(i => i["id"]!.GetValue<string>()).Order());
        Assert.All(intents, i => Assert.Equal("succeeded", i["status"]!.GetValue<string>()));
        Assert.Equal(paid.Count, (await Everything(port, "charges")).Count);
        while (paid.Values.Any(id => !hook.Heard.ContainsKey(id))) await Task.Delay(20, ct);
        process.Kill();
        process.Dispose();
    }

    /// <summary>Asks again until there is an answer: the process may be down, or die before it answers.</summary>
    static async Task<JsonNode> Insist(Func<Task<JsonNode>> call, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception failure) when (failure is HttpRequestException or IOException)
            {
                await Task.Delay(20, ct);
            }
        }
    }

    async Task<List<JsonNode>> Everything(int port, string kind)
    {
        List<JsonNode> all = [];
        JsonNode page;
        do
        {
            var after = all.Count == 0 ? "" : $"&starting_after={all[^1]["id"]}";
            page = await Get(port, $"{kind}?limit=100{after}");
            all.AddRange(page["data"]!.AsArray().Select(o => o!));
        }
        while (page["has_more"]!.GetValue<bool>());
        return all;
    }

    [Fact]
    public async Task A_line_cut_short_by_a_kill_is_as_if_it_never_was()
    {
        var ct = TestContext.Current.CancellationToken;
        var port = Ports.Free();
        using (var process = await Start(port))
        {
            await Post(port, "customers", "name=whole", "one");
            process.Kill();
            await process.WaitForExitAsync(ct);
        }
        var journal = Directory.GetFiles(folder, "journal-*.jsonl", SearchOption.AllDirectories).Single();
        await File.AppendAllTextAsync(journal, "{\"put\":[{\"id\":\"cus_torn\",\"obj", ct);

        using (var process = await Start(port))
        {
            Assert.Single((await Get(port, "customers"))["data"]!.AsArray());
            await Post(port, "customers", "name=next", "two");
            process.Kill();
            await process.WaitForExitAsync(ct);
        }
        using var last = await Start(port);
        Assert.Equal(2, (await Get(port, "customers"))["data"]!.AsArray().Count);
        last.Kill();
    }

    [Fact]
    public async Task Resetting_forgets_every_account_for_good()
    {
        var ct = TestContext.Current.CancellationToken;
        var port = Ports.Free();
        using (var process = await Start(port))
        {
            await Post(port, "customers", "name=a", "one");
            using var reset = await http.PostAsync($"http://127.0.0.1:{port}/control/reset", null, ct);
            Assert.True(reset.IsSuccessStatusCode);
            Assert.Empty((await Get(port, "customers"))["data"]!.AsArray());
            process.Kill();
            await process.WaitForExitAsync(ct);
        }
        using var again = await Start(port);
        Assert.Empty((await Get(port, "customers"))["data"]!.AsArray());
        again.Kill();
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_and_exit_code_1()
    {
        var ct = TestContext.Current.CancellationToken;
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using var process = Launch(port, lifeline: false);
        await process.WaitForExitAsync(ct).WaitAsync(Patience, ct);

        Assert.Equal(1, process.ExitCode);
        var said = (await process.StandardError.ReadToEndAsync(ct)).Trim();
        Assert.Equal($"sandbox: port {port} is in use; set PURSER_SANDBOX_PORT to another", said);
    }

    [Fact]
    public async Task With_a_lifeline_it_ends_when_its_standard_input_closes()
    {
        var ct = TestContext.Current.CancellationToken;
        var port = Ports.Free();
        using var process = await Start(port, lifeline: true);
        process.StandardInput.Close();
        await process.WaitForExitAsync(ct).WaitAsync(Patience, ct);

        Assert.Equal(0, process.ExitCode);
    }

    async Task<Process> Start(int port, bool lifeline = false)
    {
        var process = Launch(port, lifeline);
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await Get(port, "customers");
                return process;
            }
            catch (HttpRequestException) when (deadline.Elapsed < Patience && !process.HasExited)
            {
                await Task.Yield();
            }
        }
    }

    Process Launch(int port, bool lifeline)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(SandboxServer).Assembly.Location])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment["PURSER_SANDBOX_PORT"] = port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        start.Environment["PURSER_SANDBOX_DATA"] = folder;
        start.Environment["PURSER_SANDBOX_LIFELINE"] = lifeline ? "1" : "";
        return Process.Start(start)!;
    }

    Task<JsonNode> Get(int port, string path) => Send(new(HttpMethod.Get, $"http://127.0.0.1:{port}/v1/{path}"));

    Task<JsonNode> Post(int port, string path, string form, string idempotencyKey)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{port}/v1/{path}")
        {
            Content = new StringContent(form, new MediaTypeHeaderValue("application/x-www-form-urlencoded")),
        };
        request.Headers.Add("Idempotency-Key", idempotencyKey);
        return Send(request);
    }

    async Task<JsonNode> Send(HttpRequestMessage request)
    {
        using (request)
        {
            request.Headers.Authorization = new("Bearer", key);
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            response.EnsureSuccessStatusCode();
            return (await JsonNode.ParseAsync(await response.Content.ReadAsStreamAsync()))!;
        }
    }

    public void Dispose()
    {
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
