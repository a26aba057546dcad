using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Tests;

/// <summary>
/// Runs scenario files under Node with Stripe's own SDK, each file once, and keeps what each scenario said.
/// </summary>
static class Node
{
    static readonly TimeSpan Timeout = TimeSpan.FromMinutes(4);
    static readonly ConcurrentDictionary<string, Lazy<Task<Dictionary<string, string?>>>> Runs = new();
    static readonly Lazy<Task> Installed = new(Install);

    public static string Folder => Path.Combine(Sandbox.Folder(), "node");

    /// <summary>Null when the scenario passed, else what went wrong.</summary>
    public static async Task<string?> Outcome(Uri sandbox, string file, string scenario)
    {
        var run = Runs.GetOrAdd(file, f => new(() => Run(sandbox, f)));
        var outcomes = await run.Value;
        return outcomes.TryGetValue(scenario, out var outcome) ? outcome
            : outcomes.GetValueOrDefault("", "It did not run");
    }

    static async Task<Dictionary<string, string?>> Run(Uri sandbox, string file)
    {
        await Installed.Value;
        var (code, output, errors) = await Start("node", ["run.mjs", $"scenarios/{file}.mjs"], sandbox);
        var outcomes = new Dictionary<string, string?> { [""] = $"Exit {code}: {errors}" };
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var said = JsonNode.Parse(line)!;
            outcomes[said["name"]!.GetValue<string>()] = said["error"]?.GetValue<string>();
        }
        return outcomes;
    }

    static async Task Install()
    {
        if (Directory.Exists(Path.Combine(Folder, "node_modules", "stripe"))) return;
        var (code, _, errors) = await Start("npm", ["ci", "--silent"], null);
        if (code != 0) throw new InvalidOperationException($"npm ci: {errors}");
    }

    static async Task<(int Code, string Output, string Errors)> Start(string program, string[] arguments, Uri? sandbox)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (sandbox is not null) start.Environment["SANDBOX_URL"] = sandbox.ToString();
        using var process = Process.Start(start)!;
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
}
