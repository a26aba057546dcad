using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Purser.Server.Tests.Platform;

public sealed class UpTests : IAsyncDisposable
{
    readonly TestFolder folder = new();
    readonly int sandboxPort = Ports.Free();
    readonly List<ServerProcess> started = [];

    public async ValueTask DisposeAsync()
    {
        // One that a test killed has left its PostgreSQL behind; the next takes it over and stops it.
        if (File.Exists($"{folder.Path}/postgres/postmaster.pid"))
        {
            await Task.WhenAll(started.Select(up => up.DisposeAsync().AsTask()));
            var last = Start();
            await last.WaitReady();
            await last.Interrupt();
        }

        foreach (var up in started) await up.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task It_ends_with_the_ready_line_when_everything_answers()
    {
        var up = Start();

        var address = await up.WaitReady();

        Assert.Equal(HttpStatusCode.OK, await Get(new(address, "/health/ready")));
        Assert.NotNull(await Get(Sandbox));
        var ready = $"Purser is ready: {address.GetLeftPart(UriPartial.Authority)}\n";
        Assert.EndsWith(ready, up.Output, StringComparison.Ordinal);
        var key = await File.ReadAllTextAsync($"{folder.Path}/admin-key", Cancel);
        Assert.Contains(key, up.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_stops_all_of_it_and_a_second_one_continues()
    {
        var first = Start();
        await first.WaitReady();
        var postgres = Postmaster();

        Assert.Equal(0, await first.Interrupt());

        await Processes.HasEnded(postgres);
        Assert.Null(await Get(Sandbox));
        Assert.DoesNotContain("purser: ", first.Output, StringComparison.Ordinal);
        Assert.Contains("AI keys     none: the sandbox", first.Output, StringComparison.Ordinal);
        var key = await File.ReadAllTextAsync($"{folder.Path}/admin-key", Cancel);
        var second = Start(("XAI_API_KEY", "xai-1"), ("OPENAI_API_KEY", "sk-1"));
        await second.WaitReady();
        Assert.Contains(key, second.Output, StringComparison.Ordinal);
        Assert.Contains("AI keys     openai, xai: really called", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_one_on_the_same_data_says_so_and_leaves_the_first_alone()
    {
        var address = await Start().WaitReady();

        var second = Start();

        Assert.Equal(1, await second.WaitEnd());
        Assert.Contains("already runs", OnlyLine(second), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await Get(new(address, "/health/ready")));
    }

    [Theory]
    [InlineData("PURSER_PORT")]
    [InlineData("PURSER_SANDBOX_PORT")]
    public async Task A_port_in_use_is_named_before_anything_starts(string variable)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var up = Start((variable, $"{port}"));

        Assert.Equal(1, await up.WaitEnd());
        Assert.Contains($"Port {port} is in use", OnlyLine(up), StringComparison.Ordinal);
        Assert.Contains(variable, OnlyLine(up), StringComparison.Ordinal);
        Assert.False(Directory.Exists($"{folder.Path}/postgres"));
    }

    [Fact]
    public async Task Killed_it_takes_the_sandbox_along_and_leaves_the_database_to_the_next()
    {
        var first = Start();
        await first.WaitReady();
        var postgres = Postmaster();

        await first.Kill();

        await Eventually.Holds(async () => await Get(Sandbox) is null);
        Assert.True(Processes.IsAlive(postgres));
        await Start().WaitReady();
        Assert.Equal(postgres, Postmaster());
    }

    [Fact]
    public async Task A_database_that_dies_under_it_comes_back()
    {
        var up = Start();
        var address = await up.WaitReady();
        var first = Postmaster();

        Process.GetProcessById(first).Kill();

        await Eventually.Holds(() => up.Output.Contains("PostgreSQL is back", StringComparison.Ordinal));
        await Eventually.Holds(async () => await Get(new(address, "/health/ready")) == HttpStatusCode.OK);
        Assert.NotEqual(first, Postmaster());
    }

    [Fact]
    public async Task A_sandbox_that_dies_under_it_comes_back()
    {
        var up = Start();
        await up.WaitReady();

        Process.GetProcessById(Processes.ChildOf(up.Id)).Kill();

        await Eventually.Holds(() => up.Output.Contains("sandbox has stopped", StringComparison.Ordinal));
        await Eventually.Holds(async () => await Get(Sandbox) is not null);
    }

    Uri Sandbox => new($"http://127.0.0.1:{sandboxPort}");

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    ServerProcess Start(params (string Name, string Value)[] environment)
    {
        var up = ServerProcess.Start(["up"],
            [
                ("PURSER_DATA", folder.Path), ("PURSER_PORT", "0"), ("PURSER_SANDBOX_PORT", $"{sandboxPort}"),
                .. environment,
            ]);
        started.Add(up);
        return up;
    }

    static string OnlyLine(ServerProcess process) =>
        Assert.Single(process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));

    int Postmaster() =>
        int.Parse(File.ReadLines($"{folder.Path}/postgres/postmaster.pid").First(), CultureInfo.InvariantCulture);

    /// <summary>What it answers, or null where nobody listens.</summary>
    static async Task<HttpStatusCode?> Get(Uri address)
    {
        using var http = new HttpClient();
        try
        {
            using var response = await http.GetAsync(address, Cancel);
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
