using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace Purser.Server.Platform;

/// <summary>
/// A PostgreSQL of one's own, in data/postgres. It runs detached from us: a terminal's Ctrl-C and our own sudden death
/// do not reach it, and the next start takes it over as it is. While we look after it, it is started again when it
/// dies.
/// </summary>
sealed class EmbeddedPostgres : IAsyncDisposable
{
    static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan Blink = TimeSpan.FromMilliseconds(20);

    // The dead hold on to their shared memory until the last of their processes has noticed, which takes a moment.
    static readonly TimeSpan MourningTime = TimeSpan.FromSeconds(30);

    // Recovery reads up to max_wal_size of log; a slow disk may need minutes, and giving up would only begin it anew.
    static readonly TimeSpan RecoveryTime = TimeSpan.FromMinutes(30);

    readonly CancellationTokenSource stopping = new();
    readonly Embedding embedding;
    readonly FolderLock? folderLock;
    readonly PostgresBinaries? binaries;
    readonly PostgresFolder folder;
    Endpoint endpoint = new(null, 0);
    string walCompression;
    bool launched;
    bool borrowed;
    Task supervision = Task.CompletedTask;

    EmbeddedPostgres(Embedding embedding, FolderLock? folderLock, PostgresBinaries? binaries, PostgresFolder folder)
    {
        this.embedding = embedding;
        this.folderLock = folderLock;
        this.binaries = binaries;
        this.folder = folder;
        walCompression = folder.Major >= 15 ? "lz4" : "on";
    }

    public string ConnectionString => ConnectionStringTo("purser");

    public int Major => folder.Major;

    /// <summary>The number of the process, for whoever wants to see it die.</summary>
    public int Process => folder.Running()?.Process ?? 0;

    /// <summary>Starts the cluster, or takes over one that was left running, and stops it when disposed.</summary>
    public static Task<EmbeddedPostgres> Start(Embedding embedding, CancellationToken ct) =>
        Start(embedding, FolderLock.Take(embedding.DataFolder), ct);

    /// <summary>The same, with a lock taken before: it is let go of when PostgreSQL has stopped.</summary>
    public static async Task<EmbeddedPostgres> Start(Embedding embedding, FolderLock held, CancellationToken ct)
    {
        EmbeddedPostgres? postgres = null;
        try
        {
            var existing = await PostgresFolder.Find(embedding, ct);
            var binaries = await PostgresBinaries.Find(embedding, existing?.Major, ct);
            var folder = existing ?? await PostgresFolder.Create(embedding, binaries, ct);
            var endpoint = SocketIn(folder.Root) ?? SocketIn(await folder.ShortFolder(ct))!;
            postgres = new(embedding, held, binaries, folder) { endpoint = endpoint };
            do await postgres.BringUp(ct);
            while (!await postgres.HasDatabase(ct));
            postgres.supervision = postgres.Supervise(postgres.stopping.Token);
            return postgres;
        }
        catch (Exception fault)
        {
            if (postgres is not null) await postgres.DisposeAsync();
            held.Dispose();
            if (fault is UnauthorizedAccessException or IOException)
            {
                throw new StartFailure($"Cannot use {embedding.DataFolder}: {fault.Message.TrimEnd('.')}. "
                    + "Make it writable, or choose another folder with PURSER_DATA.");
            }

            throw;
        }
    }

    /// <summary>
    /// For a command beside a server: uses the cluster that runs and leaves it running; where none runs, starts one and
    /// stops it when disposed.
    /// </summary>
    public static async Task<EmbeddedPostgres> Borrow(Embedding embedding, CancellationToken ct)
    {
        if (FolderLock.TryTake(embedding.DataFolder) is { } held)
        {
            var own = await Start(embedding, held, ct);
            own.borrowed = !own.launched;
            return own;
        }

        // Whoever holds the lock may be about to make the cluster.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(MourningTime);
        try
        {
            while (true)
            {
                if (await PostgresFolder.Find(embedding, patience.Token) is { } folder
                    && folder.Running() is { } running)
                {
                    var borrowing = new EmbeddedPostgres(embedding, null, null, folder)
                    {
                        borrowed = true,
                        endpoint = running.Endpoint,
                    };
                    if (await borrowing.Answers("purser", patience.Token)) return borrowing;
                }

                await Task.Delay(Blink, patience.Token);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new StartFailure($"Another Purser holds {embedding.DataFolder}, but its PostgreSQL does not answer.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await supervision;
        if (!borrowed) await Stop();
        stopping.Dispose();
        folderLock?.Dispose();
    }

    /// <summary>
    /// Ends with a server that answers, whether it ran, was just starting or stopping, or did not run at all.
    /// </summary>
    async Task BringUp(CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(RecoveryTime);
        try
        {
            while (true)
            {
                if (folder.Running() is not { } running) await Launch(patience.Token);
                else if (!launched) endpoint = running.Endpoint;

                if (await Answers("postgres", patience.Token)) return;
                await Task.Delay(Blink, patience.Token);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new StartFailure($"PostgreSQL did not answer within {RecoveryTime.TotalMinutes} minutes; "
                + $"its log is in {folder.Root}/log.");
        }
    }

    /// <summary>
    /// Has pg_ctl start a postmaster in a session of its own; returns when it answers, or throws what it said.
    /// </summary>
    async Task Launch(CancellationToken ct)
    {
        using var mourning = new CancellationTokenSource(MourningTime);
        while (true)
        {
            folder.ForgetTheDead(endpoint);
            folder.Configure(endpoint, walCompression);
            File.Delete(folder.StartLog);
            launched = true;
            var starting = PgCtl(["start", "-w", "-t", "1800", "-l", folder.StartLog, "-o", Safety], ct);
            while (!starting.IsCompleted)
            {
                // pg_ctl looks ten times a second and we more often; it ends by itself when it has seen what we saw.
                if (folder.Running() is not null && await Answers("postgres", ct)) return;
                await Task.WhenAny(starting, Task.Delay(Blink, ct));
                ct.ThrowIfCancellationRequested();
            }

            if ((await starting).ExitCode == 0) return;
            var complaint = folder.LastComplaint();
            if (!await TryOtherwise(complaint, mourning.IsCancellationRequested, ct))
                throw new StartFailure($"PostgreSQL did not start: {complaint}");
            await Task.Delay(Glance, ct);
        }
    }

    // On the command line these win over every configuration file and over `alter system`.
    string Safety => embedding.Durable
        ? "-c fsync=on -c full_page_writes=on -c synchronous_commit=on"
        : "-c fsync=off -c full_page_writes=off -c synchronous_commit=off";

    async Task<bool> TryOtherwise(string complaint, bool mourned, CancellationToken ct)
    {
        bool Says(string words) => complaint.Contains(words, StringComparison.Ordinal);
        if (Says("pre-existing shared memory block") || (Says("lock file") && Says("already exists"))) return !mourned;
        if (Says("wal_compression") && walCompression != "on")
        {
            walCompression = "on";
            return true;
        }

        // Some file systems, such as folders shared with a virtual machine, have no sockets; then loopback must do.
        if (!Says("Unix-domain socket") && !Says("Unix address") && !Says("Unix socket")) return false;
        if (endpoint.SocketFolder is null) return false;
        endpoint = endpoint.SocketFolder == folder.Root
            ? SocketIn(await folder.ShortFolder(ct))!
            : new(null, FreePort());
        return true;
    }

    async Task<bool> Answers(string database, CancellationToken ct)
    {
        try
        {
            await using var connection = new NpgsqlConnection(
                ConnectionStringTo(database) + ";Pooling=false;Timeout=5");
            await connection.OpenAsync(ct);
            return true;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InvalidPassword)
        {
            throw new StartFailure($"{embedding.DataFolder}/postgres-password is not the password of the database in "
                + $"{folder.Root}. Restore the file that was made with it.");
        }
        // A server that starts or stops says so; one that has gone refuses, or leaves no socket.
        catch (NpgsqlException)
        {
            return false;
        }
    }

    /// <summary>Ends with a database to work on; false where the connection broke before that was known.</summary>
    async Task<bool> HasDatabase(CancellationToken ct)
    {
        if (await Answers("purser", ct)) return true;
        try
        {
            await using var connection = new NpgsqlConnection(ConnectionStringTo("postgres") + ";Pooling=false");
            await connection.OpenAsync(ct);
            await using var create = new NpgsqlCommand("create database purser", connection);
            await create.ExecuteNonQueryAsync(ct);
            return true;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.DuplicateDatabase)
        {
            return true;
        }
        catch (PostgresException refused) when (!refused.IsTransient)
        {
            throw new StartFailure($"PostgreSQL refuses to create the database purser: {refused.MessageText}");
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    async Task Supervise(CancellationToken ct)
    {
        var said = "";
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(Glance, ct);
                if (folder.Running() is not null) continue;
                embedding.Say("PostgreSQL has stopped; starting it again.");
                await BringUp(ct);
                embedding.Say("PostgreSQL is back.");
                said = "";
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault) when (fault is StartFailure or IOException or UnauthorizedAccessException)
            {
                // What is wrong, a full disk for one, may be put right at any time: say it once, and keep trying.
                if (fault.Message != said) embedding.Say(fault.Message);
                said = fault.Message;
                await Task.WhenAny(Task.Delay(TimeSpan.FromSeconds(2), ct));
            }
        }
    }

    async Task Stop()
    {
        if (folder.Running() is null) return;
        var stopped = await PgCtl(["stop", "-w", "-m", "fast", "-t", "120"], CancellationToken.None);
        if (stopped.ExitCode != 0 && folder.Running() is not null)
            await PgCtl(["stop", "-w", "-m", "immediate", "-t", "30"], CancellationToken.None);
        if (endpoint.SocketFolder is { } sockets && sockets != folder.Root) Directory.Delete(sockets, recursive: true);
    }

    Task<Ran> PgCtl(string[] arguments, CancellationToken ct) => Programs.Run(
        binaries!.PgCtl, [.. arguments, "-s", "-D", folder.Root], folder.User, RecoveryTime + MourningTime, ct);

    string ConnectionStringTo(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = endpoint.Host,
        Port = endpoint.Port,
        Username = "purser",
        Password = folder.Password,
        Database = database,
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
    }.ConnectionString;

    // In the cluster's own folder nobody else can reach the socket, but its path must fit into a small fixed space.
    static Endpoint? SocketIn(string folder)
    {
        const int port = 5432;
        var longest = OperatingSystem.IsLinux() ? 107 : 103;
        return Encoding.UTF8.GetByteCount($"{folder}/.s.PGSQL.{port}") <= longest ? new(folder, port) : null;
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
