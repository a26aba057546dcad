using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

/// <summary>Every way in which the embedded PostgreSQL cannot start ends in one line that says what to do.</summary>
public sealed class EmbeddedPostgresFaultTests : IDisposable
{
    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_folder_without_its_programs_is_named() =>
        Assert.Contains(
            "PURSER_POSTGRES_BIN", await Fault(Embedding with { BinFolder = folder.Path }), StringComparison.Ordinal);

    [Fact]
    public async Task A_version_too_old_is_named()
    {
        foreach (var program in (string[])["postgres", "initdb", "pg_ctl"])
        {
            await File.WriteAllTextAsync(
                $"{folder.Path}/{program}", "#!/bin/sh\necho 'postgres (PostgreSQL) 13.4'\n", Cancel);
            File.SetUnixFileMode($"{folder.Path}/{program}", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        var fault = await Fault(Embedding with { BinFolder = folder.Path, DataFolder = $"{folder.Path}/data" });

        Assert.Contains("too old", fault, StringComparison.Ordinal);
        Assert.Contains("13", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_of_another_version_is_not_touched()
    {
        await GivenCluster();
        await File.WriteAllTextAsync($"{folder.Path}/postgres/PG_VERSION", "13\n", Cancel);

        Assert.Contains("written by PostgreSQL 13", await Fault(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_named()
    {
        await File.WriteAllTextAsync($"{folder.Path}/file", "", Cancel);

        var fault = await Fault(Embedding with { DataFolder = $"{folder.Path}/file/data" });

        Assert.Contains("Cannot write", fault, StringComparison.Ordinal);
        Assert.Contains("PURSER_DATA", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_PostgreSQL_says_when_it_does_not_start_is_passed_on()
    {
        await GivenCluster();
        await File.WriteAllTextAsync($"{folder.Path}/postgres/custom.conf", "no_such_setting = 1\n", Cancel);

        Assert.Contains("no_such_setting", await Fault(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lost_password_is_named()
    {
        await GivenCluster();
        File.Delete($"{folder.Path}/postgres-password");

        Assert.Contains("postgres-password is missing", await Fault(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_named()
    {
        await GivenCluster();
        await File.WriteAllTextAsync($"{folder.Path}/postgres-password", "not-the-one-it-was-made-with", Cancel);

        Assert.Contains("postgres-password is not the password", await Fault(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_is_not_mounted_is_not_begun_anew()
    {
        File.CreateSymbolicLink($"{folder.Path}/postgres", $"{folder.Path}/not-mounted");

        Assert.Contains("not-mounted, which is missing", await Fault(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_of_something_else_is_not_overwritten()
    {
        Directory.CreateDirectory($"{folder.Path}/postgres/photos");
        if (Environment.IsPrivilegedProcess)
        {
            await Programs.Run(
                "chown", ["-R", "nobody", $"{folder.Path}/postgres"], user: null, TimeSpan.FromSeconds(10), Cancel);
        }

        Assert.Contains("holds no PostgreSQL cluster", await Fault(), StringComparison.Ordinal);
        Assert.True(Directory.Exists($"{folder.Path}/postgres/photos"));
    }

    Embedding Embedding => Embedding.Of(Settings.FromEnvironment(Purpose.Tool), _ => { }) with
    {
        DataFolder = folder.Path,
        Durable = false,
    };

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    async Task GivenCluster() => await (await EmbeddedPostgres.Start(Embedding, Cancel)).DisposeAsync();

    /// <summary>The one line; and the folder is free again afterwards.</summary>
    async Task<string> Fault(Embedding? embedding = null)
    {
        var fault = await Assert.ThrowsAsync<StartFailure>(
            () => EmbeddedPostgres.Start(embedding ?? Embedding, Cancel));
        if (embedding is null) FolderLock.Take(folder.Path).Dispose();
        return Assert.Single(fault.Lines);
    }
}
