using System.Diagnostics;
using System.Text.RegularExpressions;
using Purser.Server.Tests.Gateway;

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
        var tour = Section("Five minutes") + Section("AI calls");
        up = ServerProcess.Start(
            ["up"], ("PURSER_DATA", folder.Path), ("PURSER_PORT", "0"), ("PURSER_SANDBOX_PORT", $"{Ports.Free()}"));
        var address = await up.WaitReady();

        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "node_modules"), await NodeScripts.Modules());
        await File.WriteAllTextAsync(
            Path.Combine(folder.Path, "first-call.mjs"), Here(Blocks(tour, "js").Single(), address), TestContext.Current.CancellationToken);

        var said = await Run(Here(string.Join('\n', Blocks(tour, "bash")), address));

        var expected = Blocks(tour, "(?:json|text)").SelectMany(block => block.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(expected.Select(Steady), said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Steady));
    }

    static string Section(string title)
    {
        var readme = File.ReadAllText(Path.Combine(Checkout.Root, "README.md"));
        var start = readme.IndexOf($"## {title}\n", StringComparison.Ordinal);
        return readme[start..readme.IndexOf("\n## ", start + 1, StringComparison.Ordinal)];
    }

    public static IEnumerable<string> Blocks(string text, string language) =>
        Regex.Matches(text, $"^```{language}\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline).Select(block => block.Groups[1].Value);

    // Only where it runs is another place than the reader's: the address, the folder, and a program that is built already.
    string Here(string text, Uri address)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Purser.Server.dll");
        return text
            .Replace("http://127.0.0.1:5080", address.ToString().TrimEnd('/'), StringComparison.Ordinal)
            .Replace("data/admin-key", $"{folder.Path}/admin-key", StringComparison.Ordinal)
            .Replace("./purser ", $"PURSER_DATA={folder.Path} dotnet {program} ", StringComparison.Ordinal);
    }

    async Task<string> Run(string script)
    {
        var start = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", script])
        {
            WorkingDirectory = folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
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
        return Times().Replace(line, "\"$1\":\"…\"");
    }

    [GeneratedRegex("(ent|hld|call)_[0-9a-f]{32}_([0-9]+)")]
    private static partial Regex Names();

    [GeneratedRegex("\"(at|created_at|updated_at|started_at|from|to|hash|key|request_id|provider_request)\":\"[^\"]*\"")]
    private static partial Regex Volatile();

    [GeneratedRegex("\"(seconds|first_byte_ms|took_ms)\":[0-9.]+")]
    private static partial Regex Times();
}
