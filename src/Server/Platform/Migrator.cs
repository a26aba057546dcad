using Npgsql;

namespace Purser.Server.Platform;

/// <summary>Runs the files of Migrations/ in order, once each. There is no way down: write the next file.</summary>
static class Migrator
{
    // Any constant will do; it only has to be the same in every process that migrates.
    const long Lock = 7_341_120_866;

    public static async Task Migrate(NpgsqlDataSource source, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await Execute(connection, $"select pg_advisory_xact_lock({Lock})", ct);
        await Execute(connection, """
            create table if not exists migration (name text primary key, at timestamptz not null default now())
            """, ct);

        foreach (var (name, sql) in Files())
        {
            if (await Claim(connection, name, ct)) await Execute(connection, sql, ct);
        }

        await transaction.CommitAsync(ct);
    }

    /// <summary>Whether every file that this server knows has run; one of a newer server may have too.</summary>
    public static async Task<bool> IsUpToDate(Db db, CancellationToken ct)
    {
        var run = await db.All($"select name from migration", row => row.GetString(0), ct);
        return Files().All(file => run.Contains(file.Name));
    }

    static IEnumerable<(string Name, string Sql)> Files()
    {
        var assembly = typeof(Migrator).Assembly;
        var names = assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal));
        foreach (var name in names.Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return (name, reader.ReadToEnd());
        }
    }

    static async Task<bool> Claim(NpgsqlConnection connection, string name, CancellationToken ct)
    {
        Sql sql = $"insert into migration (name) values ({name}) on conflict do nothing";
        await using var command = sql.On(connection);
        return await command.ExecuteNonQueryAsync(ct) == 1;
    }

    static async Task Execute(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
