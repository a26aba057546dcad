using Npgsql;
using Purser.Server.Catalog;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Catalog;

public sealed class CatalogVersionsTests : IAsyncLifetime
{
    const string Cheap = "credit: { usd: 0.001 }\noperations: { chat: { name: Chat, flat: 1 } }\n";
    const string Dear = "credit: { usd: 0.001 }\noperations: { chat: { name: Chat, flat: 2 } }\n";

    readonly TestFolder folder = new();
    Postgres postgres = null!;
    NpgsqlDataSource source = null!;

    string File => Path.Combine(folder.Path, "shop.yaml");

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        source = NpgsqlDataSource.Create(postgres.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await source.DisposeAsync();
        await postgres.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task A_changed_catalog_is_a_new_version_and_an_unchanged_one_is_not()
    {
        Assert.Equal(1, await Load(Cheap));
        Assert.Equal(1, await Load(Cheap));
        Assert.Equal(2, await Load(Dear));
        Assert.Equal(2, await Load(Dear));
    }

    [Fact]
    public async Task Comments_and_layout_make_no_new_version()
    {
        var first = await Load(Cheap);

        Assert.Equal(first, await Load($"# Autumn prices\n{Cheap.Replace("{ ", "{   ", StringComparison.Ordinal)}\n"));
    }

    [Fact]
    public async Task A_catalog_that_goes_back_has_its_old_number_again()
    {
        await Load(Cheap);
        await Load(Dear);

        Assert.Equal(1, await Load(Cheap));
        Assert.Equal(2, await Load(Dear));
        Assert.Equal(2L, await Scalar("select count(*) from catalog_version"));
    }

    [Fact]
    public async Task Servers_that_start_at_once_agree_on_the_version()
    {
        System.IO.File.WriteAllText(File, Cheap);

        var versions = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Task.Run(LoadFile)));

        Assert.Equal([1], versions.Distinct());
        Assert.Equal(1L, await Scalar("select count(*) from catalog_version"));
    }

    [Fact]
    public async Task A_version_is_kept_as_it_was_written_and_never_changed()
    {
        await Load(Cheap);

        Assert.Equal(Cheap, await Scalar("select content from catalog_version where number = 1"));
        await Assert.ThrowsAsync<PostgresException>(() => Scalar("update catalog_version set content = 'x'"));
        await Assert.ThrowsAsync<PostgresException>(() => Scalar("delete from catalog_version"));
        await Assert.ThrowsAsync<PostgresException>(() => Scalar("truncate catalog_version"));
    }

    [Fact]
    public async Task A_faulty_catalog_stops_the_start_with_every_fault()
    {
        var failure = await Assert.ThrowsAsync<StartFailure>(() => Load("colour: blue\nname: ''\n"));

        Assert.Equal(4, failure.Lines.Count);
        Assert.Equal(0L, await Scalar("select count(*) from catalog_version"));
    }

    Task<int> Load(string yaml)
    {
        System.IO.File.WriteAllText(File, yaml);
        return LoadFile();
    }

    async Task<int> LoadFile()
    {
        var catalog = new CurrentCatalog(File, new Db(source), TimeProvider.System);
        catalog.Read();
        await catalog.Load(TestContext.Current.CancellationToken);
        return catalog.Rates.Version;
    }

    async Task<object?> Scalar(string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}
