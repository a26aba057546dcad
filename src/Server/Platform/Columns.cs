using Npgsql;
using Purser.Core;

namespace Purser.Server.Platform;

/// <summary>Columns in the types of the ledger, and statements that take arrays.</summary>
static class Columns
{
    public static Id<T> GetId<T>(this NpgsqlDataReader row, int column) where T : IEntity => new(row.GetGuid(column));

    public static Credits GetCredits(this NpgsqlDataReader row, int column) => new(row.GetInt64(column));

    public static DateTimeOffset GetInstant(this NpgsqlDataReader row, int column) =>
        row.GetFieldValue<DateTimeOffset>(column);

    public static string? Text(this NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetString(column);

    public static T? Maybe<T>(this NpgsqlDataReader row, int column) where T : struct =>
        row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);
}

static class Batches
{
    public static void Add(this NpgsqlBatch batch, string sql, params ReadOnlySpan<object> columns)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var column in columns) command.Parameters.Add(new NpgsqlParameter { Value = column });
        batch.BatchCommands.Add(command);
    }
}
