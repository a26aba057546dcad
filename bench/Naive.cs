using Npgsql;

namespace Purser.Bench;

/// <summary>
/// What one would write first: a transaction for each charge, that takes from a guarded balance and inserts a line with
/// a unique key. The baseline that the lanes are measured against.
/// </summary>
sealed class Naive(string connectionString, int wallets) : IAsyncDisposable
{
    readonly NpgsqlDataSource source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString)
    {
        MaxPoolSize = 64,
        MinPoolSize = 64,
        MaxAutoPrepare = 20,
        AutoPrepareMinUsages = 1,
    });

    public async Task Prepare()
    {
        await Run("""
            drop table if exists naive_wallet, naive_entry, naive_hold;
            create table naive_wallet (id int primary key, balance bigint not null, held bigint not null default 0,
              check (balance >= held)) with (fillfactor = 50);
            create table naive_entry (id bigserial primary key, wallet_id int not null, amount bigint not null,
              balance bigint not null, key text not null, at timestamptz not null default now(),
              unique (wallet_id, key));
            create table naive_hold (id bigserial primary key, wallet_id int not null, amount bigint not null,
              state smallint not null default 1, key text not null, unique (wallet_id, key));
            """);
        await Run($"insert into naive_wallet (id, balance) select i, 1000000000000 from generate_series(0, {wallets - 1}) i");
        await Run("vacuum analyze naive_wallet");
        await Run("checkpoint");
    }

    public Func<CancellationToken, Task<int>> Charges()
    {
        var random = new Random();
        return async ct =>
        {
            await using var connection = await source.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            var wallet = random.Next(wallets);
            var balance = (long)(await One(connection,
                "update naive_wallet set balance = balance - $1 where id = $2 and balance - held >= $1 returning balance",
                1000L, wallet))!;
            await One(connection,
                "insert into naive_entry (wallet_id, amount, balance, key) values ($1, $2, $3, $4) returning id",
                wallet, -1000L, balance, Guid.CreateVersion7().ToString());
            await transaction.CommitAsync(ct);
            return 1;
        };
    }

    public Func<CancellationToken, Task<int>> Pairs()
    {
        var random = new Random();
        return async ct =>
        {
            var wallet = random.Next(wallets);
            var hold = await Hold(wallet, ct);
            await Capture(wallet, hold, ct);
            return 1;
        };
    }

    public async Task<bool> Holds()
    {
        await using var connection = await source.OpenConnectionAsync();
        return (bool)(await One(connection, """
            select coalesce(sum(1000000000000 - w.balance), 0) = (select coalesce(-sum(amount), 0) from naive_entry)
            from naive_wallet w
            """))!;
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();

    async Task<long> Hold(int wallet, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await One(connection,
            "update naive_wallet set held = held + $1 where id = $2 and balance - held >= $1 returning held", 1000L, wallet);
        var hold = (long)(await One(connection,
            "insert into naive_hold (wallet_id, amount, key) values ($1, $2, $3) returning id",
            wallet, 1000L, Guid.CreateVersion7().ToString()))!;
        await transaction.CommitAsync(ct);
        return hold;
    }

    async Task Capture(int wallet, long hold, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await One(connection, "update naive_hold set state = 2 where id = $1 and state = 1 returning id", hold);
        var balance = (long)(await One(connection,
            "update naive_wallet set balance = balance - $1, held = held - $2 where id = $3 returning balance",
            700L, 1000L, wallet))!;
        await One(connection,
            "insert into naive_entry (wallet_id, amount, balance, key) values ($1, $2, $3, $4) returning id",
            wallet, -700L, balance, Guid.CreateVersion7().ToString());
        await transaction.CommitAsync(ct);
    }

    static async Task<object?> One(NpgsqlConnection connection, string sql, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        return await command.ExecuteScalarAsync();
    }

    async Task Run(string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
