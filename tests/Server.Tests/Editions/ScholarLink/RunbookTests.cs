using Purser.Server.Editions;
using Purser.Server.Insight;

namespace Purser.Server.Tests.Editions.ScholarLink;

/// <summary>The edition as its owners start it: one command, and the runbook's checks against it.</summary>
public sealed class RunbookTests : IAsyncDisposable
{
    static readonly bool Long = Environment.GetEnvironmentVariable("PURSER_TEST_LONG") == "1";

    readonly TestFolder folder = new();
    readonly int sandboxPort = Ports.Free();
    ServerProcess? up;

    public async ValueTask DisposeAsync()
    {
        if (up is not null)
        {
            await up.Interrupt();
            await up.DisposeAsync();
        }

        folder.Dispose();
    }

    [Fact]
    public async Task The_page_T_0_holds_and_so_do_the_books_after_many_have_bought_and_chatted()
    {
        up = Start(["up", "--edition", "scholarlink"]);
        var address = await up.WaitReady();

        var smoke = await Run(
            "smoke-test", "--edition", "scholarlink", "--url", $"{address}", "--users", Long ? "200" : "20", "--seconds", Long ? "60" : "5");
        var verify = await Run("verify");
        var queries = ReadmeTests.Blocks(File.ReadAllText($"{Checkout.Root}/docs/editions/scholarlink.md"), "sql").ToList();
        var balances = await Run("psql", "-At", "-c", queries[0]);
        var usage = await Run("psql", "-At", "-c", queries[1]);

        Assert.True(smoke.Code == 0 && smoke.Output.Contains(" 0 failed", StringComparison.Ordinal), smoke.Output);
        Assert.Equal(27, smoke.Output.Split('\n').Count(line => line.StartsWith("ok    ", StringComparison.Ordinal)));
        Assert.True(verify.Code == 0, verify.Output);
        Assert.Equal([Reconciliations.Balances, Reconciliations.Usage], queries.Select(query => query.TrimEnd()));
        Assert.Equal((0, "", 0, ""), (balances.Code, balances.Output.Trim(), usage.Code, usage.Output.Trim()));
    }

    [Fact]
    public async Task Without_tokens_the_smoke_test_says_so_leaves_out_what_needs_them_and_sums_up()
    {
        up = Start(["up", "--edition", "scholarlink"]);
        var address = await up.WaitReady();

        await using var elsewhere = ServerProcess.Start(
            ["smoke-test", "--edition", "scholarlink", "--url", $"{address}"], ("PURSER_SANDBOX_PORT", $"{Ports.Free()}"));

        Assert.Equal(1, await elsewhere.WaitEnd());
        var lines = elsewhere.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("PURSER_SMOKE_", lines.First(line => line.StartsWith("FAIL", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("ok    The server is ready", lines);
        Assert.Contains(lines, line => line.Contains("Left out: A chat is answered", StringComparison.Ordinal));
        Assert.Matches(@"^\d+ passed, \d+ failed\s*$", lines[^1]);
    }

    [Fact]
    public async Task Tokens_that_are_given_are_used_whoever_the_issuer_is()
    {
        var settings = Given.Settings with { SmokeTokens = new("a-user-s", "an-admin-s") };
        using var rehearsal = new Rehearsal(new("http://127.0.0.1:1"), settings, TextWriter.Null, TimeProvider.System);

        Assert.Equal("a-user-s", await rehearsal.Token("ada", admin: false, TestContext.Current.CancellationToken));
        Assert.Equal("an-admin-s", await rehearsal.Token("root", admin: true, TestContext.Current.CancellationToken));
        Assert.False(rehearsal.IsPlay);
    }

    [Fact]
    public async Task An_edition_that_is_not_there_is_one_line()
    {
        var (code, output) = await Run("up", "--edition", "nobody");

        Assert.Equal(1, code);
        Assert.Contains("PURSER_EDITION is nobody", Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_one_line()
    {
        var (code, output) = await Run("smoke-test", "--edition", "scholarlink", "--url", $"http://127.0.0.1:{Ports.Free()}");

        Assert.Equal(1, code);
        Assert.Contains("./purser up --edition scholarlink", Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    async Task<(int Code, string Output)> Run(params string[] command)
    {
        await using var process = Start(command);
        return (await process.WaitEnd(TimeSpan.FromMinutes(5)), process.Output);
    }

    ServerProcess Start(string[] command) => ServerProcess.Start(
        command, ("PURSER_DATA", folder.Path), ("PURSER_PORT", "0"), ("PURSER_SANDBOX_PORT", $"{sandboxPort}"));
}
