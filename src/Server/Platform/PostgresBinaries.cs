using System.Globalization;
using System.Text.RegularExpressions;

namespace Purser.Server.Platform;

/// <summary>One installation of PostgreSQL: the folder of its programs, and its major version.</summary>
sealed partial record PostgresBinaries(string Folder, int Major)
{
    const int Oldest = 14;

    // The same places are tried by the start script, which installs PostgreSQL where all of them are empty.
    static readonly (string Parent, string Children)[] Places =
    [
        ("/usr/lib/postgresql", "*/bin"),
        ("/usr", "pgsql-*/bin"),
        ("/usr/libexec", "postgresql*"),
        ("/opt/homebrew/opt", "postgresql*/bin"),
        ("/usr/local/opt", "postgresql*/bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql*/bin"),
    ];

    static readonly string[] Needed = ["postgres", "initdb", "pg_ctl"];

    public string InitDb => Path.Combine(Folder, "initdb");

    public string PgCtl => Path.Combine(Folder, "pg_ctl");

    /// <summary>
    /// The newest installation; where a cluster exists, one of exactly its version, since no other can read it.
    /// </summary>
    public static async Task<PostgresBinaries> Find(Embedding embedding, int? clusterMajor, CancellationToken ct)
    {
        var found = new List<PostgresBinaries>();
        foreach (var folder in Folders(embedding))
        {
            var version = await Programs.Run(
                Path.Combine(folder, "postgres"), ["--version"], user: null, TimeSpan.FromSeconds(10), ct);
            var number = Version.Match(version.Output).Groups[1].Value;
            if (int.TryParse(number, CultureInfo.InvariantCulture, out var major)) found.Add(new(folder, major));
        }

        var suitable = clusterMajor is null
            ? found.Where(one => one.Major >= Oldest).MaxBy(one => one.Major)
            : found.Find(one => one.Major == clusterMajor);
        return suitable ?? throw Unsuitable(embedding, found, clusterMajor);
    }

    static IEnumerable<string> Folders(Embedding embedding)
    {
        if (embedding.BinFolder is { } given)
        {
            if (IsComplete(given)) return [Path.GetFullPath(given)];
            throw new StartFailure($"PURSER_POSTGRES_BIN is {given}, which lacks postgres, initdb or pg_ctl. "
                + "Set it to the bin folder of a PostgreSQL server.");
        }

        var path = embedding.SearchPath.Split(':', StringSplitOptions.RemoveEmptyEntries);
        return path.Concat(Places.SelectMany(Match)).Where(IsComplete).Select(Real).Distinct();
    }

    static IEnumerable<string> Match((string Parent, string Children) place)
    {
        if (!Directory.Exists(place.Parent)) return [];
        var (first, rest) = place.Children.Split('/') is [var head, var tail] ? (head, tail) : (place.Children, "");
        return Directory.EnumerateDirectories(place.Parent, first).Select(folder => Path.Combine(folder, rest));
    }

    static bool IsComplete(string folder) =>
        Needed.All(program => File.Exists(Path.Combine(folder, program)));

    // PATH often holds links to the folder that is also found by its own name.
    static string Real(string folder)
    {
        var postgres = new FileInfo(Path.Combine(folder, "postgres"));
        return (postgres.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? postgres).DirectoryName!;
    }

    static StartFailure Unsuitable(Embedding embedding, List<PostgresBinaries> found, int? clusterMajor)
    {
        var seen = string.Join(", ", found.Select(one => $"{one.Major} in {one.Folder}").Distinct());
        if (clusterMajor is not null)
        {
            return new($"The data in {embedding.DataFolder} was written by PostgreSQL {clusterMajor}, "
                + $"which is not installed here (found: {(found.Count == 0 ? "none" : seen)}). "
                + $"Install PostgreSQL {clusterMajor}, or move the data over as docs/operations.md describes.");
        }

        return new(found.Count == 0
            ? "PostgreSQL's server programs were not found. Install PostgreSQL 14 or newer "
                + "(Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; "
                + "Alpine: apk add postgresql; macOS: brew install postgresql@17), "
                + "set PURSER_POSTGRES_BIN to their folder, or set DATABASE_URL to a running server."
            : $"PostgreSQL is too old (found: {seen}). Install version 14 or newer, "
                + "or set PURSER_POSTGRES_BIN or DATABASE_URL.");
    }

    [GeneratedRegex(@"\(PostgreSQL\) (\d+)")]
    static partial Regex Version { get; }
}
