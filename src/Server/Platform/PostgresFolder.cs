using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Purser.Server.Platform;

/// <summary>
/// How a client reaches the cluster: through a socket in a folder or, where those do not work, on loopback.
/// </summary>
sealed record Endpoint(string? SocketFolder, int Port)
{
    public string Host => SocketFolder ?? "127.0.0.1";
}

/// <summary>A postmaster, as it describes itself in postmaster.pid.</summary>
sealed record Postmaster(int Process, Endpoint Endpoint);

/// <summary>
/// The folder of a cluster: made once with initdb, owned by the user that PostgreSQL runs as, configured at each start.
/// </summary>
sealed class PostgresFolder
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    readonly Embedding embedding;

    PostgresFolder(Embedding embedding, string folder, string? user, string password)
    {
        this.embedding = embedding;
        Root = folder;
        User = user;
        Password = password;
    }

    /// <summary>The real folder, also where data/postgres is a link to it.</summary>
    public string Root { get; }

    /// <summary>The user that PostgreSQL runs as, or null where that is ourselves.</summary>
    public string? User { get; }

    public string Password { get; }

    public string StartLog => Path.Combine(Root, "start.log");

    /// <summary>Finds the cluster of a data folder, or null where there is none yet.</summary>
    public static async Task<PostgresFolder?> Find(Embedding embedding, CancellationToken ct)
    {
        var link = Link(embedding);
        if (!Directory.Exists(link))
        {
            if (new FileInfo(link).LinkTarget is not { } target) return null;
            throw new StartFailure($"{link} points to {target}, which is missing. Mount or restore it, "
                + "or remove the link to begin with an empty database.");
        }

        var folder = Directory.ResolveLinkTarget(link, returnFinalTarget: true)?.FullName ?? link;
        var user = await Owner(folder, ct);
        if (user is not null && !await IsReachableBy(user, folder, ct))
        {
            throw new StartFailure($"{folder} belongs to the user {user}, who cannot enter it. "
                + $"Let {user} pass through the folders above it, or move the data elsewhere with PURSER_DATA.");
        }

        var major = ReadMajor(folder);
        return new(embedding, folder, user, SecretFile.Read(PasswordFile(embedding))) { Major = major };
    }

    /// <summary>The version that wrote the cluster, and the only one that can read it.</summary>
    public required int Major { get; init; }

    static int ReadMajor(string folder)
    {
        try
        {
            return int.Parse(File.ReadAllText(Path.Combine(folder, "PG_VERSION")).Trim(), CultureInfo.InvariantCulture);
        }
        catch (Exception fault) when (fault is FileNotFoundException or FormatException)
        {
            throw new StartFailure($"{folder} holds no PostgreSQL cluster. Remove it, or restore it from a backup.");
        }
        catch (UnauthorizedAccessException)
        {
            throw new StartFailure($"{folder} belongs to another user. Run Purser as the user that made it.");
        }
    }

    /// <summary>
    /// Makes a new cluster beside its place and moves it there when it is complete, so that a start that was
    /// interrupted leaves nothing that looks like a database.
    /// </summary>
    public static async Task<PostgresFolder> Create(
        Embedding embedding, PostgresBinaries binaries, CancellationToken ct)
    {
        var link = Link(embedding);
        var user = Environment.IsPrivilegedProcess ? await UnprivilegedUser(ct) : null;
        var folder = link;
        var draft = await Draft(folder, user, ct);
        if (user is not null && !await IsReachableBy(user, draft, ct))
        {
            Directory.Delete(draft, recursive: true);
            folder = $"/var/lib/purser/{Path.GetRandomFileName()}";
            embedding.Say(
                $"The user {user} cannot enter {embedding.DataFolder}; the database lives in {folder} instead.");
            draft = await Draft(folder, user, ct);
        }

        var password = SecretFile.ReadOrCreate(
            PasswordFile(embedding), () => RandomNumberGenerator.GetHexString(48, lowercase: true));
        var passwordFile = $"{draft}.password";
        SecretFile.Write(passwordFile, password);
        if (user is not null) await Must("chown", [user, passwordFile], user: null, ct);
        await Must(binaries.InitDb,
            [
                "--pgdata", draft, "--username", "purser", "--pwfile", passwordFile, "--auth", "scram-sha-256",
                "--encoding", "UTF8", "--locale", "C", "--data-checksums", "--no-instructions",
                .. embedding.Durable ? [] : (string[])["--no-sync"],
            ], user, ct);
        File.Delete(passwordFile);
        Directory.Move(draft, folder);
        if (folder != link) File.CreateSymbolicLink(link, folder);
        return new(embedding, folder, user, password) { Major = binaries.Major };
    }

    /// <summary>
    /// Writes PostgreSQL's configuration as this version of Purser wants it. What an operator adds goes into
    /// custom.conf, but where and how safely PostgreSQL writes and listens is not theirs to change: that stands behind
    /// it.
    /// </summary>
    public void Configure(Endpoint endpoint, string walCompression)
    {
        var eighth = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8 / (1024 * 1024);
        var socket = endpoint.SocketFolder?.Replace("'", "''", StringComparison.Ordinal);
        WriteAnew("postgresql.conf", $"""
            # Written by Purser at each start. Put your own settings into custom.conf beside this file.
            shared_buffers = '{Math.Clamp(eighth, 32, 1024)}MB'
            max_connections = {embedding.MaxConnections}
            max_wal_size = '4GB'
            min_wal_size = '1GB'
            checkpoint_timeout = '15min'
            wal_compression = {walCompression}
            random_page_cost = 1.1
            jit = off
            timezone = 'UTC'
            log_timezone = 'UTC'
            log_checkpoints = off
            log_filename = 'postgresql-%a.log'
            log_truncate_on_rotation = on
            log_rotation_age = '1d'
            log_rotation_size = 0

            include_if_exists = 'custom.conf'

            logging_collector = on
            log_directory = 'log'
            port = {endpoint.Port}
            listen_addresses = '{(endpoint.SocketFolder is null ? endpoint.Host : "")}'
            unix_socket_directories = '{(socket is null ? "" : $"\"{socket}\"")}'

            """);
    }

    /// <summary>A fresh folder with a short name, as private as the cluster's own.</summary>
    public async Task<string> ShortFolder(CancellationToken ct)
    {
        var folder = $"/tmp/purser-{RandomNumberGenerator.GetHexString(12, lowercase: true)}";
        await CreatePrivate(folder, User, ct);
        return folder;
    }

    /// <summary>The postmaster that runs on this folder, or null.</summary>
    public Postmaster? Running()
    {
        try
        {
            var lines = File.ReadAllLines(Path.Combine(Root, "postmaster.pid"));
            if (lines.Length < 6 || !int.TryParse(lines[0], CultureInfo.InvariantCulture, out var process)) return null;
            var socketFolder = lines[4].Length > 0 ? lines[4] : null;
            var port = int.Parse(lines[3], CultureInfo.InvariantCulture);
            return IsPostmaster(process) ? new(process, new(socketFolder, port)) : null;
        }
        catch (Exception fault) when (fault is IOException or FormatException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            throw new StartFailure($"{Root} belongs to another user. Run Purser as the user that made it.");
        }
    }

    /// <summary>
    /// Removes lock files whose process is not PostgreSQL any more. PostgreSQL does so itself unless the number is
    /// still in use: by one that nobody has buried yet or, after a restart of a container, where numbers are few, by
    /// another.
    /// </summary>
    public void ForgetTheDead(Endpoint endpoint)
    {
        var socket = Path.Combine(endpoint.SocketFolder ?? Root, $".s.PGSQL.{endpoint.Port}.lock");
        foreach (var file in (string[])[Path.Combine(Root, "postmaster.pid"), socket])
        {
            if (!File.Exists(file)) continue;
            var process = File.ReadLines(file).FirstOrDefault();
            if (!int.TryParse(process, CultureInfo.InvariantCulture, out var number)) continue;
            if (!IsPostmaster(number)) File.Delete(file);
        }
    }

    /// <summary>Why the last start failed, in PostgreSQL's words.</summary>
    public string LastComplaint()
    {
        // Until its log collector runs, it speaks to standard error, which is this start's alone.
        var logs = new DirectoryInfo(Path.Combine(Root, "log"));
        var newest = logs.Exists ? logs.EnumerateFiles("*.log").MaxBy(file => file.LastWriteTimeUtc)?.FullName : null;
        foreach (var file in (string?[])[StartLog, newest])
        {
            if (!File.Exists(file)) continue;
            var lines = File.ReadAllLines(file);
            string[] grave = ["FATAL:", "PANIC:", "ERROR:", "could not"];
            var at = Array.FindLastIndex(
                lines, line => grave.Any(word => line.Contains(word, StringComparison.Ordinal)));
            // Of a bad configuration the last line says only that there is one; the line before it says which.
            if (at > 0 && lines[at].EndsWith("contains errors", StringComparison.Ordinal)) at--;
            if (at >= 0) return lines[at][(lines[at].IndexOf(":  ", StringComparison.Ordinal) + 1)..].Trim();
        }

        return $"it said nothing; look into {logs.FullName}";
    }

    static string Link(Embedding embedding) => Path.Combine(embedding.DataFolder, "postgres");

    static string PasswordFile(Embedding embedding) => Path.Combine(embedding.DataFolder, "postgres-password");

    void WriteAnew(string name, string text)
    {
        // Never through a link and never half: the folder may belong to a lesser user than we are.
        var file = Path.Combine(Root, name);
        var draft = $"{file}.new";
        File.Delete(draft);
        using (var stream = new StreamWriter(new FileStream(draft, FileMode.CreateNew))) stream.Write(text);
        File.Move(draft, file, overwrite: true);
    }

    // A process that nobody has buried yet still has its number, and would keep PostgreSQL from starting.
    static bool IsPostmaster(int process)
    {
        if (!OperatingSystem.IsLinux())
        {
            try { return Process.GetProcessById(process).ProcessName.StartsWith("post", StringComparison.Ordinal); }
            catch (ArgumentException) { return false; }
        }

        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat.Contains("(post", StringComparison.Ordinal)
                && stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    static async Task<string> Draft(string folder, string? user, CancellationToken ct)
    {
        var draft = $"{folder}.new";
        if (Directory.Exists(draft)) Directory.Delete(draft, recursive: true);
        Directory.CreateDirectory(Path.GetDirectoryName(draft)!);
        await CreatePrivate(draft, user, ct);
        return draft;
    }

    static async Task CreatePrivate(string folder, string? user, CancellationToken ct)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (user is not null) await Must("chown", [user, folder], user: null, ct);
    }

    static async Task<bool> IsReachableBy(string user, string folder, CancellationToken ct) =>
        (await Programs.Run("/bin/sh", ["-c", "cd \"$1\" && test -w .", "sh", folder], user, Patience, ct))
        .ExitCode == 0;

    static async Task<string?> Owner(string folder, CancellationToken ct)
    {
        if (!Environment.IsPrivilegedProcess) return null;
        var listing = await Must("ls", ["-ld", $"{folder}/."], user: null, ct);
        var owner = listing.Output.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
        if (owner != "root" && !owner.All(char.IsAsciiDigit)) return owner;
        throw new StartFailure($"{folder} belongs to {owner}, as whom PostgreSQL cannot run. "
            + $"Give it to an ordinary user: chown -R postgres {folder}");
    }

    static async Task<string> UnprivilegedUser(CancellationToken ct)
    {
        foreach (var name in (string[])["postgres", "purser"])
            if (await Exists(name, ct)) return name;

        string[] useradd = ["--system", "--no-create-home", "--shell", "/bin/false", "purser"];
        string[] adduser = ["-S", "-D", "-H", "-s", "/bin/false", "purser"];
        foreach (var (program, arguments) in new[] { ("useradd", useradd), ("adduser", adduser) })
        {
            try { await Programs.Run(program, arguments, user: null, Patience, ct); }
            catch (StartFailure) { continue; }

            if (await Exists("purser", ct)) return "purser";
        }

        return "nobody";
    }

    static async Task<bool> Exists(string user, CancellationToken ct) =>
        (await Programs.Run("id", ["-u", user], user: null, Patience, ct)).ExitCode == 0;

    static async Task<Ran> Must(string program, string[] arguments, string? user, CancellationToken ct)
    {
        var ran = await Programs.Run(program, arguments, user, TimeSpan.FromMinutes(2), ct);
        return ran.ExitCode == 0 ? ran : throw new StartFailure($"{program} failed: {ran.LastLine}");
    }
}
