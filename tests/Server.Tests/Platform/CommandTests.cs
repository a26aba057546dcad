using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Purser.Server.Tests.Platform;

public sealed class CommandTests
{
    [Fact]
    public async Task Help_lists_every_command()
    {
        var (code, output) = await Run(["help"]);

        Assert.Equal(0, code);
        string[] commands =
            ["up", "server", "migrate", "verify", "catalog check", "rates import", "bench", "test", "help"];
        Assert.All(commands, command => Assert.Contains($"  {command}", output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("up now")]
    [InlineData("")]
    public async Task What_is_no_command_is_one_line_that_points_to_help(string line)
    {
        var (code, output) = await Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(1, code);
        Assert.Contains("./purser help", Assert.Single(Lines(output)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("catalog", "./purser catalog check FILE")]
    [InlineData("catalog check", "./purser catalog check FILE")]
    [InlineData("rates", "./purser rates import FILE")]
    [InlineData("stripe", "./purser stripe setup")]
    public async Task Half_a_command_is_told_what_is_missing(string line, string missing)
    {
        var (code, output) = await Run(line.Split(' '));

        Assert.Equal(1, code);
        Assert.Contains(missing, Assert.Single(Lines(output)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_catalog_that_cannot_be_read_is_one_line()
    {
        await using var postgres = await Postgres.Create();

        await using var server = ServerProcess.Serve(postgres.ConnectionString, ("PURSER_CATALOG", "/nowhere/shop.yaml"));

        Assert.Equal(1, await server.WaitEnd());
        Assert.Contains("/nowhere/shop.yaml", Assert.Single(Lines(server.Output)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_with_bad_settings_lists_them_all_and_shows_no_trace()
    {
        var (code, output) = await Run(["server"], ("PURSER_PORT", "x"), ("STRIPE_SECRET_KEY", "sk_test_1"));

        Assert.Equal(1, code);
        var lines = Lines(output);
        Assert.Equal(4, lines.Length);
        Assert.All(lines, line => Assert.StartsWith("purser: ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_finds_its_database_by_url()
    {
        await using var postgres = await Postgres.Create();
        await using var server = ServerProcess.Serve(postgres.ConnectionString);

        var address = await server.WaitReady();

        using var http = new HttpClient { BaseAddress = address };
        using var response = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancel);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(0, await server.Interrupt());
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_is_one_line()
    {
        var (code, output) = await Run(["migrate"], ("DATABASE_URL", $"postgres://ann@127.0.0.1:{UnusedPort()}/books"));

        Assert.Equal(1, code);
        Assert.Contains("DATABASE_URL", Assert.Single(Lines(output)), StringComparison.Ordinal);
    }

    // An address for documentation, which no machine has.
    [Theory]
    [InlineData("PURSER_HOST", "192.0.2.1")]
    [InlineData("PURSER_PORT", "taken")]
    public async Task Where_it_cannot_listen_is_one_line(string name, string value)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        if (value == "taken") value = $"{((IPEndPoint)listener.LocalEndpoint).Port}";
        await using var postgres = await Postgres.Create();
        using var folder = new TestFolder();

        await using var server = ServerProcess.Serve(postgres.ConnectionString, (name, value));
        var (code, output) = await Run(["up"], ("PURSER_DATA", folder.Path), (name, value));

        Assert.Equal((1, 1), (code, await server.WaitEnd()));
        Assert.All([output, server.Output], said => Assert.Contains(name, Assert.Single(Lines(said)), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Migrate_can_be_run_again()
    {
        using var folder = new TestFolder();

        var first = await Run(["migrate"], ("PURSER_DATA", folder.Path));
        var second = await Run(["migrate"], ("PURSER_DATA", folder.Path));

        Assert.Equal((0, 0), (first.Code, second.Code));
    }

    [Fact]
    public async Task The_script_works_from_any_folder_and_through_a_link()
    {
        using var folder = new TestFolder();
        File.CreateSymbolicLink($"{folder.Path}/purser", $"{Checkout.Root}/purser");
        var start = new ProcessStartInfo($"{folder.Path}/purser", ["help"])
        {
            WorkingDirectory = folder.Path,
            RedirectStandardOutput = true,
        };

        using var script = Process.Start(start)!;
        var output = await script.StandardOutput.ReadToEndAsync(Cancel);
        await script.WaitForExitAsync(Cancel);

        Assert.Equal(0, script.ExitCode);
        Assert.StartsWith("Usage: ./purser", output, StringComparison.Ordinal);
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    static async Task<(int Code, string Output)> Run(string[] command, params (string, string)[] environment)
    {
        await using var process = ServerProcess.Start(command, environment);
        return (await process.WaitEnd(), process.Output);
    }

    static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
