using System.ComponentModel;
using System.Diagnostics;

namespace Purser.Server.Platform;

/// <summary>What another program said, and how it ended.</summary>
sealed record Ran(int ExitCode, string Output)
{
    public string LastLine => Output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .LastOrDefault("it said nothing");
}

/// <summary>Short-lived programs of the system, run as ourselves or, by root, as another user.</summary>
static class Programs
{
    // What a database server may know of our environment. The rest holds keys, and its own variables would mislead it.
    static readonly string[] Inherited = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

    public static async Task<Ran> Run(
        string program, IEnumerable<string> arguments, string? user, TimeSpan patience, CancellationToken ct)
    {
        using var process = new Process { StartInfo = Describe(program, arguments, user) };
        try
        {
            process.Start();
        }
        catch (Win32Exception fault)
        {
            var whom = user is null ? "" : $" as the user {user}";
            throw new StartFailure($"Cannot run {program}{whom}: {fault.Message}");
        }

        process.StandardInput.Close();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(patience);
        try
        {
            var streams = await Task.WhenAll(
                process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            return new(process.ExitCode, string.Join('\n', streams).Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: false);
            ct.ThrowIfCancellationRequested();
            throw new StartFailure($"{program} did not end within {patience.TotalSeconds} seconds.");
        }
    }

    static ProcessStartInfo Describe(string program, IEnumerable<string> arguments, string? user)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // Ours may be a folder that the other user cannot enter.
            WorkingDirectory = "/",
        };
        if (user is not null) start.UserName = user;
        foreach (var name in start.Environment.Keys.Except(Inherited).ToArray()) start.Environment.Remove(name);
        start.Environment["LC_ALL"] = "C";
        return start;
    }
}
