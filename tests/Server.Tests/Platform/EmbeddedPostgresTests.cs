using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class EmbeddedPostgresTests : IDisposable
{
    readonly TestFolder folder = new();
    readonly List<string> said = [];

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_new_cluster_is_durable_private_and_checks_what_it_reads()
    {
        await using var postgres = await Start(Embedding with { Durable = true });

        Assert.Equal("on", await Show(postgres, "fsync"));
        Assert.Equal("on", await Show(postgres, "full_page_writes"));
        Assert.Equal("on", await Show(postgres, "synchronous_commit"));
        Assert.Equal("on", await Show(postgres, "data_checksums"));
        Assert.Equal("UTF8", await Show(postgres, "server_encoding"));
        Assert.Equal("", await Show(postgres, "listen_addresses"));
        Assert.Equal("scram-sha-256", await Read(postgres, "select distinct auth_method from pg_hba_file_rules"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode($"{folder.Path}/postgres-password"));
    }

    [Fact]
    public async Task It_stops_when_disposed_and_continues_where_it_stopped()
    {
        int process;
        await using (var first = await Start())
        {
            process = first.Process;
            await Run(first, "create table kept (value int); insert into kept values (42)");
        }

        await Processes.HasEnded(process);
        await using var second = await Start();
        Assert.Equal("42", await Read(second, "select value from kept"));
    }

    [Fact]
    public async Task One_that_still_runs_after_its_server_was_killed_is_taken_over()
    {
        await using var server = ServerProcess.Start(["server"], ("PURSER_DATA", folder.Path), ("PURSER_PORT", "0"),
            ("PURSER_MODE", "development"));
        await server.WaitReady();
        await server.Kill();
        var left = PostmasterIn(folder.Path);

        await using (var postgres = await Start()) Assert.Equal(left, postgres.Process);

        await Processes.HasEnded(left);
    }

    [Fact]
    public async Task One_that_is_killed_comes_back_by_itself_with_all_that_was_committed()
    {
        await using var postgres = await Start(Embedding with { Durable = true });
        await Run(postgres, "create table kept (value int); insert into kept values (42)");
        var first = postgres.Process;

        Process.GetProcessById(first).Kill();

        await Eventually.Holds(() => Answers(postgres));
        Assert.NotEqual(first, postgres.Process);
        Assert.Equal("42", await Read(postgres, "select value from kept"));
        Assert.Contains(said, line => line.Contains("starting it again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_that_died_together_with_its_server_recovers_at_the_next_start()
    {
        await using var server = ServerProcess.Start(["server"], ("PURSER_DATA", folder.Path), ("PURSER_PORT", "0"),
            ("PURSER_MODE", "development"));
        await server.WaitReady();
        await server.Kill();
        Process.GetProcessById(PostmasterIn(folder.Path)).Kill();

        await using var postgres = await Start();

        Assert.True(await Answers(postgres));
    }

    [Fact]
    public async Task A_second_start_on_the_same_data_is_refused()
    {
        await using var postgres = await Start();

        var fault = await Assert.ThrowsAsync<StartFailure>(() => Start());

        Assert.Contains("already runs", Assert.Single(fault.Lines), StringComparison.Ordinal);
        Assert.True(await Answers(postgres));
    }

    [Fact]
    public async Task A_command_beside_a_server_uses_its_cluster_and_leaves_it_running()
    {
        await using var postgres = await Start();

        await using (var borrowed = await EmbeddedPostgres.Borrow(Embedding, Cancel))
            Assert.Equal("1", await Read(borrowed, "select 1"));

        Assert.True(await Answers(postgres));
    }

    [Fact]
    public async Task A_command_without_a_server_stops_what_it_started()
    {
        int process;
        await using (var borrowed = await EmbeddedPostgres.Borrow(Embedding, Cancel)) process = borrowed.Process;

        await Processes.HasEnded(process);
    }

    [Fact]
    public async Task A_process_that_inherited_its_number_does_not_keep_it_from_starting()
    {
        await (await Start()).DisposeAsync();
        await File.WriteAllLinesAsync($"{folder.Path}/postgres/postmaster.pid",
            [$"{Environment.ProcessId}", $"{folder.Path}/postgres", "0", "5432", $"{folder.Path}/postgres", ""],
            Cancel);

        await using var postgres = await Start();

        Assert.True(await Answers(postgres));
    }

    [Fact]
    public async Task A_first_start_that_was_interrupted_leaves_nothing_in_the_way()
    {
        Directory.CreateDirectory($"{folder.Path}/postgres.new/base");

        await using var postgres = await Start();

        Assert.True(await Answers(postgres));
        Assert.False(Directory.Exists($"{folder.Path}/postgres.new"));
    }

    [Theory]
    [InlineData("with a space, a comma and a ' quote")]
    [InlineData("so-deep-that-the-path-of-a-socket-does-not-fit-into-the-hundred-and-seven-bytes-it-may-have")]
    public async Task Any_folder_will_do(string name)
    {
        var socketFolders = SocketFolders();
        await using (var postgres = await Start(Embedding with { DataFolder = $"{folder.Path}/{name}" }))
            Assert.True(await Answers(postgres));

        Assert.Equal(socketFolders, SocketFolders());
    }

    [Fact]
    public async Task Settings_of_the_operator_count_but_durability_is_not_among_them()
    {
        await (await Start()).DisposeAsync();
        await File.WriteAllTextAsync($"{folder.Path}/postgres/custom.conf", "work_mem = '7MB'\nfsync = off\n", Cancel);

        await using var postgres = await Start(Embedding with { Durable = true });

        Assert.Equal("7MB", await Show(postgres, "work_mem"));
        Assert.Equal("on", await Show(postgres, "fsync"));
    }

    [Fact]
    public async Task As_root_it_runs_as_somebody_else()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root has to.");

        await using var postgres = await Start();

        Assert.NotEqual("0", UserOf(postgres.Process));
    }

    [Fact]
    public async Task As_root_in_a_folder_that_nobody_else_can_enter_it_lives_elsewhere_and_says_so()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root has such folders.");
        File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        await (await Start()).DisposeAsync();
        await using var again = await Start();

        Assert.True(await Answers(again));
        var target = new DirectoryInfo($"{folder.Path}/postgres").LinkTarget;
        Assert.StartsWith("/var/lib/purser/", target, StringComparison.Ordinal);
        Assert.Contains("/var/lib/purser/", Assert.Single(said), StringComparison.Ordinal);
    }

    Embedding Embedding => Embedding.Of(Settings.FromEnvironment(Purpose.Tool), said.Add) with
    {
        DataFolder = folder.Path,
        Durable = false,
    };

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    Task<EmbeddedPostgres> Start(Embedding? embedding = null) => EmbeddedPostgres.Start(embedding ?? Embedding, Cancel);

    static Task<string> Show(EmbeddedPostgres postgres, string setting) =>
        Read(postgres, $"select current_setting('{setting}')");

    static async Task<string> Read(EmbeddedPostgres postgres, string sql)
    {
        await using var source = NpgsqlDataSource.Create($"{postgres.ConnectionString};Pooling=false");
        await using var command = source.CreateCommand(sql);
        return Convert.ToString(await command.ExecuteScalarAsync(Cancel), CultureInfo.InvariantCulture) ?? "";
    }

    static async Task Run(EmbeddedPostgres postgres, string sql) => await Read(postgres, sql);

    static async Task<bool> Answers(EmbeddedPostgres postgres)
    {
        try { return await Read(postgres, "select 1") == "1"; }
        catch (NpgsqlException) { return false; }
    }

    static int PostmasterIn(string dataFolder) =>
        int.Parse(File.ReadLines($"{dataFolder}/postgres/postmaster.pid").First(), CultureInfo.InvariantCulture);

    static string UserOf(int process) =>
        File.ReadLines($"/proc/{process}/status").Single(line => line.StartsWith("Uid:", StringComparison.Ordinal))
            .Split('\t')[1];

    static string[] SocketFolders() => [.. Directory.GetDirectories("/tmp", "purser-????????????").Order()];
}
