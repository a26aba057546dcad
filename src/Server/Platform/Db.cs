using System.Data;
using Npgsql;

namespace Purser.Server.Platform;

sealed class Db(NpgsqlDataSource source)
{
    public async Task<T> Transact<T>(Func<Tx, Task<T>> work, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var result = await work(new Tx(connection));
        await transaction.CommitAsync(ct);
        return result;
    }

    /// <summary>Several reads that see one moment, until it is disposed.</summary>
    public async Task<Tx> Snapshot(CancellationToken ct)
    {
        var connection = await source.OpenConnectionAsync(ct);
        await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        return new(connection);
    }

    public async Task<T?> One<T>(Sql sql, Func<NpgsqlDataReader, T> read, CancellationToken ct) where T : class
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await new Tx(connection).One(sql, read, ct);
    }

    public async Task<List<T>> All<T>(Sql sql, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await new Tx(connection).All(sql, read, ct);
    }

    public async Task<int> Run(Sql sql, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await new Tx(connection).Run(sql, ct);
    }
}

sealed class Tx(NpgsqlConnection connection) : IAsyncDisposable
{
    public NpgsqlConnection Connection => connection;

    /// <summary>Closing ends what was not committed.</summary>
    public ValueTask DisposeAsync() => connection.DisposeAsync();

    public async Task<T?> One<T>(Sql sql, Func<NpgsqlDataReader, T> read, CancellationToken ct) where T : class
    {
        await using var command = sql.On(connection);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? read(row) : null;
    }

    public async Task<List<T>> All<T>(Sql sql, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        await using var command = sql.On(connection);
        await using var rows = await command.ExecuteReaderAsync(ct);
        var all = new List<T>();
        while (await rows.ReadAsync(ct)) all.Add(read(rows));
        return all;
    }

    public async Task<int> Run(Sql sql, CancellationToken ct)
    {
        await using var command = sql.On(connection);
        return await command.ExecuteNonQueryAsync(ct);
    }
}
