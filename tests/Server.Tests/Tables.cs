using Npgsql;

namespace Purser.Server.Tests;

/// <summary>Straight to the database, past the server.</summary>
static class Tables
{
    public static async Task Run(string connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create($"{connectionString};Pooling=false;Command Timeout=120");
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The first column of every row.</summary>
    public static async Task<List<T>> Read<T>(string connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create($"{connectionString};Pooling=false");
        await using var command = source.CreateCommand(sql);
        await using var rows = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var read = new List<T>();
        while (await rows.ReadAsync(TestContext.Current.CancellationToken)) read.Add(rows.GetFieldValue<T>(0));
        return read;
    }
}
