using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Purser.Server.Tests.Gateway;

/// <summary>
/// Scenarios that drive a gateway with the providers' own SDKs under Node. Each file is run once, and what each of its
/// scenarios said is kept.
/// </summary>
sealed partial class NodeScripts(Gate gate)
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);
    static readonly string Folder = Path.Combine(Checkout.Root, "tests", "Server.Tests", "Gateway", "node");

    // Where the SDKs are installed, for the scenarios of the sandbox as well.
    static readonly string Packages = Path.Combine(Checkout.Root, "tests", "Sandbox.Tests", "Ai", "node");

    static readonly Lazy<Task> Installed = new(Install);

    readonly ConcurrentDictionary<string, Lazy<Task<Dictionary<string, string?>>>> runs = new();

    /// <summary>The folder that the SDKs are installed in.</summary>
    public static async Task<string> Modules()
    {
        await Installed.Value;
        return Path.Combine(Packages, "node_modules");
    }

    /// <summary>Every exported function of every scenario file, as a file and a name.</summary>
    public static TheoryData<string, string> All()
    {
        var all = new TheoryData<string, string>();
        foreach (var path in Directory.GetFiles(Path.Combine(Folder, "scenarios"), "*.mjs").Order())
            foreach (Match exported in Exported().Matches(File.ReadAllText(path)))
                all.Add(Path.GetFileNameWithoutExtension(path), exported.Groups["name"].Value);
        return all;
    }

    /// <summary>Null where the scenario went as it says, else what went wrong.</summary>
    public async Task<string?> Outcome(string file, string scenario)
    {
        var outcomes = await runs.GetOrAdd(file, one => new(() => Run(one))).Value;
        return outcomes.TryGetValue(scenario, out var outcome) ? outcome : outcomes.GetValueOrDefault("", "It did not run");
    }

    async Task<Dictionary<string, string?>> Run(string file)
    {
        await Installed.Value;
        var (code, output, errors) = await Start(
            Folder,
            "node",
            ["run.mjs", $"./scenarios/{file}.mjs"],
            ("PURSER_URL", gate.Client.BaseAddress!.ToString()),
            ("PURSER_ADMIN_KEY", Given.AdminKey),
            ("SANDBOX_URL", gate.Ai.Url.ToString()),
            ("SANDBOX_KEY", gate.Ai.Key));
        var outcomes = new Dictionary<string, string?> { [""] = $"Exit {code}: {errors}" };
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var said = JsonElement.Parse(line);
            outcomes[said.GetProperty("name").GetString()!] = said.TryGetProperty("error", out var error) ? error.GetString() : null;
        }

        return outcomes;
    }

    static async Task Install()
    {
        // npm leaves this file behind when it has installed everything.
        var done = new FileInfo(Path.Combine(Packages, "node_modules", ".package-lock.json"));
        if (done.Exists && done.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(Packages, "package-lock.json"))) return;

        var (code, _, errors) = await Start(Packages, "npm", ["ci", "--silent"]);
        if (code != 0) throw new InvalidOperationException($"npm ci: {errors}");
    }

    static async Task<(int Code, string Output, string Errors)> Start(
        string folder, string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(Patience);
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

    [GeneratedRegex(@"^export async function (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex Exported();
}
