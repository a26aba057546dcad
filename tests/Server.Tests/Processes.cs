using System.Diagnostics;
using System.Globalization;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests;

/// <summary>What Linux says about processes, those included that have ended and wait for a parent to notice.</summary>
static class Processes
{
    public static bool IsAlive(int process) => Stat(process) is [not ("Z" or "X"), ..];

    /// <summary>Whoever stops PostgreSQL sees its file go, a moment before the process itself has gone.</summary>
    public static Task HasEnded(int process) => Eventually.Holds(() => !IsAlive(process));

    public static int ChildOf(int parent) => ChildrenOf(parent).Single();

    public static int[] ChildrenOf(int parent) => [.. Directory.EnumerateDirectories("/proc")
        .Select(folder => Path.GetFileName(folder))
        .Where(name => name.All(char.IsAsciiDigit))
        .Select(name => int.Parse(name, CultureInfo.InvariantCulture))
        .Where(process => Stat(process) is [not "Z", var of, ..] && of == $"{parent}")];

    /// <summary>
    /// Those of our own whose environment mentions a name, as the ones that tests start mention their folder.
    /// </summary>
    public static IEnumerable<int> Mentioning(string name)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var process)) continue;
            string environment;
            try { environment = File.ReadAllText($"{folder}/environ"); }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException) { continue; }

            if (environment.Contains(name, StringComparison.Ordinal)) yield return process;
        }
    }

    /// <summary>As kill -9 does; returns when it is gone.</summary>
    public static void Kill(int process)
    {
        using var found = Process.GetProcessById(process);
        found.Kill();
        found.WaitForExit(TimeSpan.FromSeconds(10));
    }

    // State, parent and so on: what follows the name, which may itself hold spaces and brackets.
    static string[] Stat(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return [];
        }
    }
}
