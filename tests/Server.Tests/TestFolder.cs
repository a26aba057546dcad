using System.Globalization;
using Purser.Server.Platform;

namespace Purser.Server.Tests;

/// <summary>
/// A folder for one test or one run, gone when disposed. Its name holds the process it belongs to, so that the next run
/// can clear up behind one that was killed, PostgreSQL included.
/// </summary>
sealed class TestFolder : IDisposable
{
    const string Prefix = "purser-test-";

    public TestFolder(string name = "")
    {
        Path = System.IO.Path.Combine(Parent, $"{Prefix}{Environment.ProcessId}-{Guid.CreateVersion7():n}{name}");
        // Not a private folder: as root, PostgreSQL's own user has to pass through it.
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    // Short, whatever TMPDIR says: the path of a socket has to fit into about a hundred bytes.
    static string Parent => "/tmp";

    public void Dispose() => Delete(Path);

    public static async Task ClearUpBehindTheDead(CancellationToken ct)
    {
        foreach (var folder in Directory.EnumerateDirectories(Parent, $"{Prefix}*"))
        {
            var owner = System.IO.Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
            if (!int.TryParse(owner, CultureInfo.InvariantCulture, out var process)) continue;
            if (Processes.IsAlive(process)) continue;
            try
            {
                // Servers that the run had started may still be at work on the folder, or on a database in it.
                foreach (var server in Processes.Mentioning(System.IO.Path.GetFileName(folder))) Processes.Kill(server);
                foreach (var left in Directory.GetFiles(folder, "postmaster.pid", Leniently)) await Stop(left, ct);
                Delete(folder);
            }
            catch (Exception fault) when (fault is UnauthorizedAccessException or StartFailure)
            {
                // Another user's, who will clear it up.
            }
        }
    }

    static readonly EnumerationOptions Leniently = new() { RecurseSubdirectories = true, IgnoreInaccessible = true };

    static async Task Stop(string pidFile, CancellationToken ct)
    {
        var dataFolder = Directory.GetParent(pidFile)!.Parent!.FullName;
        var embedding = Embedding.Of(Settings.FromEnvironment(Purpose.Tool), _ => { }) with { DataFolder = dataFolder };
        await using var adopted = await EmbeddedPostgres.Start(embedding, ct);
    }

    static void Delete(string folder)
    {
        // A cluster that could not live in the folder has left a link to where it is.
        foreach (var link in Directory.EnumerateDirectories(folder, "postgres", Leniently))
            if (Directory.ResolveLinkTarget(link, returnFinalTarget: true) is { Exists: true } target)
                ((DirectoryInfo)target).Delete(recursive: true);

        Directory.Delete(folder, recursive: true);
    }
}
