using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Purser.Server.Tests;

/// <summary>Runs the tour of the README as it stands there, against what <c>up</c> starts.</summary>
public sealed partial class ReadmeTests : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly TestFolder folder = new();
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
    public async Task The_tour_answers_as_the_README_says()
    {
        var tour = Tour();
        up = ServerProcess.Start(
            ["up"], ("PURSER_DATA", folder.Path), ("PURSER_PORT", "0"), ("PURSER_SANDBOX_PORT", $"{Ports.Free()}"));
        var address = await up.WaitReady();

        var said = await Run(string.Join('\n', Blocks(tour, "bash")), address);

        var expected = Blocks(tour, "json").SelectMany(block => block.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(expected.Select(Steady), said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Steady));
    }

    static string Tour()
    {
        var readme = File.ReadAllText(Path.Combine(Checkout.Root, "README.md"));
        var start = readme.IndexOf("## Five minutes", StringComparison.Ordinal);
        return readme[start..readme.IndexOf("\n## ", start + 1, StringComparison.Ordinal)];
    }

    static IEnumerable<string> Blocks(string tour, string language) =>
        Regex.Matches(tour, $"^```{language}\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline).Select(block => block.Groups[1].Value);

    // Only where it runs is another place than the reader's: the address, the folder, and a program that is built already.
    async Task<string> Run(string script, Uri address)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Purser.Server.dll");
        script = script
            .Replace("http://127.0.0.1:5080", address.ToString().TrimEnd('/'), StringComparison.Ordinal)
            .Replace("data/admin-key", $"{folder.Path}/admin-key", StringComparison.Ordinal)
            .Replace("./purser ", $"PURSER_DATA={folder.Path} dotnet {program} ", StringComparison.Ordinal);
        var start = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var bash = Process.Start(start)!;
        using var patience = new CancellationTokenSource(Patience);
        var errors = bash.StandardError.ReadToEndAsync(patience.Token);
        var said = await bash.StandardOutput.ReadToEndAsync(patience.Token);
        await bash.WaitForExitAsync(patience.Token);
        Assert.True(bash.ExitCode == 0, $"The tour ended with {bash.ExitCode}: {await errors}\n{said}");
        return said;
    }

    /// <summary>A line without what is different every time: names, times, hashes.</summary>
    static string Steady(string line)
    {
        line = Names().Replace(line, "$1_…_$2");
        line = Volatile().Replace(line, "\"$1\":\"…\"");
        return Seconds().Replace(line, "\"seconds\":\"…\"");
    }

    [GeneratedRegex("(ent|hld)_[0-9a-f]{32}_([0-9]+)")]
    private static partial Regex Names();

    [GeneratedRegex("\"(at|created_at|updated_at|hash|request_id)\":\"[^\"]*\"")]
    private static partial Regex Volatile();

    [GeneratedRegex("\"seconds\":[0-9.]+")]
    private static partial Regex Seconds();
}
