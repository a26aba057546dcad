using System.Diagnostics;
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
        var port = FreePort();
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

    [Fact]
    public async Task A_line_cut_short_by_a_kill_is_as_if_it_never_was()
    {
        var ct = TestContext.Current.CancellationToken;
        var port = FreePort();
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
        var port = FreePort();
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
        using var taken = new TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
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
        var port = FreePort();
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

    static int FreePort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Dispose()
    {
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
