using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Purser.Sandbox.Tests;

/// <summary>
/// Runs scenario files under Node with the providers' own SDKs, each file once, and keeps what each scenario said.
/// </summary>
sealed partial class Node
{
    static readonly TimeSpan Timeout = TimeSpan.FromMinutes(4);

    public static readonly Node Stripe = new(Path.Combine(Sandbox.Folder(), "node"));
    public static readonly Node Ai = new(Path.Combine(Sandbox.Folder(), "Ai", "node"));

    readonly ConcurrentDictionary<string, Lazy<Task<Dictionary<string, string?>>>> runs = new();
    readonly Lazy<Task> installed;
    readonly string folder;

    Node(string folder)
    {
        this.folder = folder;
        installed = new(Install);
    }

    /// <summary>The scenario files, without their ending.</summary>
    public IEnumerable<string> Files() => Directory.GetFiles(Path.Combine(folder, "scenarios"), "*.mjs").Order()
        .Select(path => Path.GetFileNameWithoutExtension(path));

    /// <summary>Every exported function of every scenario file, as a file and a name.</summary>
    public TheoryData<string, string> Scenarios()
    {
        var data = new TheoryData<string, string>();
        foreach (var file in Files())
        {
            var text = File.ReadAllText(Path.Combine(folder, "scenarios", $"{file}.mjs"));
            foreach (Match match in Exported().Matches(text)) data.Add(file, match.Groups["name"].Value);
        }
        return data;
    }

    /// <summary>Null when the scenario passed, else what went wrong.</summary>
    public async Task<string?> Outcome(Uri sandbox, string file, string scenario)
    {
        var run = runs.GetOrAdd(file, f => new(() => Run(sandbox, f)));
        var outcomes = await run.Value;
        return outcomes.TryGetValue(scenario, out var outcome) ? outcome
            : outcomes.GetValueOrDefault("", "It did not run");
    }

    async Task<Dictionary<string, string?>> Run(Uri sandbox, string file)
    {
        await installed.Value;
        var (code, output, errors) = await Start("node", ["run.mjs", $"scenarios/{file}.mjs"], sandbox);
        var outcomes = new Dictionary<string, string?> { [""] = $"Exit {code}: {errors}" };
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var said = JsonNode.Parse(line)!;
            outcomes[said["name"]!.GetValue<string>()] = said["error"]?.GetValue<string>();
        }
        return outcomes;
    }

    async Task Install()
    {
        // npm leaves this file behind when it has installed everything.
        var done = new FileInfo(Path.Combine(folder, "node_modules", ".package-lock.json"));
        if (done.Exists && done.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(folder, "package-lock.json"))) return;
        var (code, _, errors) = await Start("npm", ["ci", "--silent"], null);
        if (code != 0) throw new InvalidOperationException($"npm ci: {errors}");
    }

    async Task<(int Code, string Output, string Errors)> Start(string program, string[] arguments, Uri? sandbox)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (sandbox is not null) start.Environment["SANDBOX_URL"] = sandbox.ToString();
        using var process = Begin(start);
        using var deadline = new CancellationTokenSource(Timeout);
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var errors = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        return (process.ExitCode, await output, await errors);
    }

    static Process Begin(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            throw new InvalidOperationException($"{start.FileName} was not found: install Node.js (apt-get install nodejs npm), "
                + "or let ./purser test do it as root.");
        }
    }

    [GeneratedRegex(@"^export async function (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex Exported();
}
