using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>What a batch needs to know before it decides.</summary>
sealed class Loaded
{
    readonly Dictionary<WalletId, List<Hold>> holds = [];
    readonly Dictionary<WalletId, List<Budget>> budgets = [];

    public Dictionary<WalletId, Wallet> Wallets { get; } = [];

    public Dictionary<Guid, Answer> Answers { get; } = [];

    public void Add(Wallet wallet) => Wallets.Add(wallet.Id, wallet);

    public void Add(Hold hold) => Of(holds, hold.Id.Wallet).Add(hold);

    /// <summary>One that is named, and that a named hold is in, is found twice.</summary>
    public void Add(WalletId wallet, Budget budget)
    {
        var known = Of(budgets, wallet);
        if (!known.Exists(one => one.Id == budget.Id)) known.Add(budget);
    }

    /// <summary>A hold with the budget that it is in.</summary>
    public void AddHold(NpgsqlDataReader row)
    {
        var hold = HoldRows.ReadHold(row);
        Add(hold);
        if (!row.IsDBNull(HoldRows.FirstOfBudget)) Add(hold.Id.Wallet, BudgetRows.ReadBudget(row, HoldRows.FirstOfBudget));
    }

    public IReadOnlyList<Hold> HoldsOf(WalletId wallet) => holds.GetValueOrDefault(wallet) ?? [];

    public IReadOnlyList<Budget> BudgetsOf(WalletId wallet) => budgets.GetValueOrDefault(wallet) ?? [];

    public Account Account(WalletId wallet, Lots? lots) => new(Wallets[wallet], HoldsOf(wallet), BudgetsOf(wallet), lots);

    static List<T> Of<T>(Dictionary<WalletId, List<T>> lists, WalletId wallet)
    {
        if (!lists.TryGetValue(wallet, out var list)) lists.Add(wallet, list = []);
        return list;
    }
}

/// <summary>What a batch writes.</summary>
sealed record Written(
    List<Account> Changed,
    List<(CommandKey Key, int Bucket, Answer Answer)> Answers,
    List<(Rider Rider, Receipt Receipt)> Riders);

/// <summary>
/// The statements of a lane. Each takes arrays and walks a primary key. Several unnest in one select list run side by
/// side and stream; as one function in the from clause they would be written to a store first, which costs half as much
/// again as the rest of the statement (docs/performance.md).
/// </summary>
static class BatchRows
{
    // The order by stands below the lock in the plan: rows are locked in the order of their ids, by every server.
    public const string LockWallets = """
        select w.id, w.balance, w.held, w.owed, w.frozen_at is not null, w.seq, w.holds, w.at, w.head, w.lots_due
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id) u
        join wallet w on w.bucket = u.bucket and w.id = u.id
        order by w.bucket, w.id
        for update of w
        """;

    // Without a lock: UpdateUnchanged tells whether that was too hopeful.
    public const string ReadWallets = """
        select w.id, w.balance, w.held, w.owed, w.frozen_at is not null, w.seq, w.holds, w.at, w.head, w.lots_due
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id) u
        join wallet w on w.bucket = u.bucket and w.id = u.id
        """;

    // After the locks: whoever wrote the key had the wallet, so two servers cannot both miss it.
    public const string FindKeys = """
        select c.key, c.request, c.refusal, c.entry, c.hold, c.amount, c.balance, c.available, c.rest, c.missing, c.at
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as key) u
        join command c on c.bucket = u.bucket and c.key = u.key
        """;

    public const string UpdateWallets = """
        update wallet w
        set balance = u.balance, held = u.held, owed = u.owed, seq = u.seq, holds = u.holds, at = u.at, head = u.head,
          lots_due = u.lots_due
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id, unnest($3::bigint[]) as balance,
          unnest($4::bigint[]) as held, unnest($5::bigint[]) as owed, unnest($6::bigint[]) as seq,
          unnest($7::bigint[]) as holds, unnest($8::timestamptz[]) as at, unnest($9::bytea[]) as head,
          unnest($10::timestamptz[]) as lots_due) u
        where w.bucket = u.bucket and w.id = u.id
        """;

    // Every change of a wallet moves one of these: an entry its head, a hold that is placed and a budget that is closed its
    // holds, a hold that ends its held. So they tell of its holds and budgets too.
    public const string UpdateUnchanged = """
        with written as (
          update wallet w
          set balance = u.balance, held = u.held, owed = u.owed, seq = u.seq, holds = u.holds, at = u.at, head = u.head,
            lots_due = u.lots_due
          from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id, unnest($3::bigint[]) as balance,
            unnest($4::bigint[]) as held, unnest($5::bigint[]) as owed, unnest($6::bigint[]) as seq,
            unnest($7::bigint[]) as holds, unnest($8::timestamptz[]) as at, unnest($9::bytea[]) as head,
            unnest($10::timestamptz[]) as lots_due, unnest($11::bytea[]) as was_head, unnest($12::bigint[]) as was_holds,
            unnest($13::bigint[]) as was_held, unnest($14::boolean[]) as was_frozen) u
          where w.bucket = u.bucket and w.id = u.id and w.head = u.was_head and w.holds = u.was_holds and w.held = u.was_held
            and (w.frozen_at is not null) = u.was_frozen
          returning 1
        )
        select refuse_stale(count(*), $15::bigint) from written
        """;

    public const string InsertEntries = """
        insert into entry (bucket, wallet_id, seq, kind, amount, balance, owed, at, hash, hold, shortfall, lot, reason,
          reference, quote)
        select unnest($1::int[]), unnest($2::uuid[]), unnest($3::bigint[]), unnest($4::smallint[]),
          unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::timestamptz[]),
          unnest($9::bytea[]), unnest($10::bigint[]), unnest($11::bigint[]), unnest($12::bigint[]),
          unnest($13::text[]), unnest($14::text[]), unnest($15::text[])
        """;

    public const string InsertKeys = """
        insert into command (bucket, key, request, refusal, entry, hold, amount, balance, available, rest, missing, at)
        select unnest($1::int[]), unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::smallint[]),
          unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::bigint[]),
          unnest($9::bigint[]), unnest($10::bigint[]), unnest($11::bigint[]),
          unnest($12::timestamptz[])
        """;

    const string OpenWallets = """
        with missing as (
          select u.bucket, u.id
          from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id) u
          join customer c on c.wallet_id = u.id
          order by u.bucket, u.id
        ), opened as (
          insert into wallet (bucket, id) select bucket, id from missing on conflict do nothing returning bucket, id
        )
        insert into projection (bucket, wallet_id) select bucket, id from opened on conflict do nothing
        """;

    /// <summary>
    /// What the commands need to be decided. Locked, in a transaction that is begun with it; otherwise as it is just now,
    /// without a look for keys.
    /// </summary>
    public static async Task<Loaded> Load(
        NpgsqlConnection connection, WalletId[] wallets, IReadOnlyList<Pending> commands, bool locked, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (locked) batch.Add("begin");
        batch.Add(locked ? LockWallets : ReadWallets, Buckets(wallets), Ids(wallets));
        var anyKeys = locked && AddFindKeys(batch, commands);
        var anyHolds = HoldRows.AddFind(batch, commands);
        var anyBudgets = BudgetRows.AddFind(batch, commands);

        await using var rows = await batch.ExecuteReaderAsync(ct);
        var loaded = new Loaded();
        while (await rows.ReadAsync(ct)) loaded.Add(ReadWallet(rows));

        if (anyKeys) await rows.NextResultAsync(ct);
        while (anyKeys && await rows.ReadAsync(ct)) loaded.Answers.TryAdd(rows.GetGuid(0), ReadAnswer(rows));

        if (anyHolds) await rows.NextResultAsync(ct);
        while (anyHolds && await rows.ReadAsync(ct)) loaded.AddHold(rows);

        if (anyBudgets) await rows.NextResultAsync(ct);
        while (anyBudgets && await rows.ReadAsync(ct)) loaded.Add(new(rows.GetGuid(0)), BudgetRows.ReadBudget(rows));
        return loaded;
    }

    /// <summary>The open holds of some wallets that are overdue, with their budgets.</summary>
    public static async Task<Loaded> Overdue(NpgsqlConnection connection, WalletId[] wallets, DateTimeOffset now, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(HoldRows.FindOverdue, now, Ids(wallets));
        await using var rows = await batch.ExecuteReaderAsync(ct);
        var loaded = new Loaded();
        while (await rows.ReadAsync(ct)) loaded.AddHold(rows);
        return loaded;
    }

    public static async Task Rollback(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("rollback", connection);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Opens the wallets of customers that have none yet.</summary>
    public static async Task Open(NpgsqlConnection connection, WalletId[] wallets, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(OpenWallets, Buckets(wallets), Ids(wallets));
        await batch.ExecuteNonQueryAsync(ct);
    }

    public static async Task Write(NpgsqlConnection connection, Written written, bool locked, CancellationToken ct)
    {
        // One sync at the end: an error skips what follows, so it never reaches the commit. Where no transaction was
        // begun, the sync is what commits; all up to it is one transaction.
        await using var batch = new NpgsqlBatch(connection);
        AddWallets(batch, written.Changed, locked);

        AddEntries(batch, [.. written.Changed.SelectMany(account => account.Entries)]);
        AddKeys(batch, written.Answers);
        HoldRows.AddWrites(batch, written.Changed);
        BudgetRows.AddWrites(batch, written.Changed);
        LotRows.AddWrites(batch, written.Changed);
        foreach (var kind in written.Riders.GroupBy(one => one.Rider.Kind))
            kind.Key.Add(batch, kind.Select(one => (one.Rider.Row, one.Receipt)));
        if (locked) batch.Add("commit");
        await batch.ExecuteNonQueryAsync(ct);
    }

    static bool AddFindKeys(NpgsqlBatch batch, IReadOnlyList<Pending> commands)
    {
        var keyed = commands.Where(pending => pending.Key is not null).ToArray();
        if (keyed.Length == 0) return false;

        batch.Add(
            FindKeys,
            Array.ConvertAll(keyed, pending => pending.Wallet.Bucket),
            Array.ConvertAll(keyed, pending => pending.Key!.Value.Key));
        return true;
    }

    static void AddWallets(NpgsqlBatch batch, List<Account> changed, bool locked)
    {
        if (changed.Count == 0) return;

        object[] columns =
        [
            Column(changed, account => account.Wallet.Id.Bucket),
            Column(changed, account => account.Wallet.Id.Value),
            Column(changed, account => account.Wallet.Balance.Micros),
            Column(changed, account => account.Wallet.Held.Micros),
            Column(changed, account => account.Wallet.Owed.Micros),
            Column(changed, account => account.Wallet.Seq),
            Column(changed, account => account.Wallet.Holds),
            Column(changed, account => account.Wallet.At),
            Column(changed, account => account.Wallet.Head.ToBytes()),
            Column(changed, account => account.Wallet.LotsDue),
        ];
        if (locked)
        {
            batch.Add(UpdateWallets, columns);
            return;
        }

        batch.Add(
            UpdateUnchanged,
            [
                .. columns,
                Column(changed, account => account.Before.Head.ToBytes()),
                Column(changed, account => account.Before.Holds),
                Column(changed, account => account.Before.Held.Micros),
                Column(changed, account => account.Before.Frozen),
                (long)changed.Count,
            ]);
    }

    static void AddEntries(NpgsqlBatch batch, List<Entry> entries)
    {
        if (entries.Count == 0) return;

        batch.Add(
            InsertEntries,
            Column(entries, entry => entry.Id.Wallet.Bucket),
            Column(entries, entry => entry.Id.Wallet.Value),
            Column(entries, entry => entry.Id.Seq),
            Column(entries, entry => (short)entry.Kind),
            Column(entries, entry => entry.Amount.Micros),
            Column(entries, entry => entry.Balance.Micros),
            Column(entries, entry => entry.Owed.Micros),
            Column(entries, entry => entry.At),
            Column(entries, entry => entry.Hash.ToBytes()),
            Column(entries, entry => entry.Hold),
            Column(entries, entry => entry.Shortfall == Credits.Zero ? null : (long?)entry.Shortfall.Micros),
            Column(entries, entry => entry.Lot),
            Column(entries, entry => entry.Reason),
            Column(entries, entry => entry.Reference),
            Column(entries, entry => entry.Quote));
    }

    static void AddKeys(NpgsqlBatch batch, List<(CommandKey Key, int Bucket, Answer Answer)> answers)
    {
        if (answers.Count == 0) return;

        batch.Add(
            InsertKeys,
            Column(answers, one => one.Bucket),
            Column(answers, one => one.Key.Key),
            Column(answers, one => one.Key.Request),
            Column(answers, one => (short?)one.Answer.Refusal),
            Column(answers, one => one.Answer.Receipt.Entry),
            Column(answers, one => one.Answer.Receipt.Hold),
            Column(answers, one => one.Answer.Receipt.Amount.Micros),
            Column(answers, one => one.Answer.Receipt.Balance.Micros),
            Column(answers, one => one.Answer.Receipt.Available.Micros),
            Column(answers, one => one.Answer.Receipt.Rest.Micros),
            Column(answers, one => one.Answer.Receipt.Missing.Micros),
            Column(answers, one => one.Answer.Receipt.At));
    }

    public static Wallet ReadWallet(NpgsqlDataReader row)
    {
        Span<byte> head = row.GetFieldValue<byte[]>(8);
        return new(
            new(row.GetGuid(0)),
            row.GetCredits(1),
            row.GetCredits(2),
            row.GetCredits(3),
            row.GetBoolean(4),
            row.GetInt64(5),
            row.GetInt64(6),
            row.GetInstant(7),
            Hash.Of(head),
            row.IsDBNull(9) ? null : row.GetInstant(9));
    }

    public static Answer ReadAnswer(NpgsqlDataReader row) => new(
        row.GetGuid(1),
        row.IsDBNull(2) ? null : (Refusal)row.GetInt16(2),
        new(
            row.GetInstant(10),
            row.Maybe<long>(3),
            row.Maybe<long>(4),
            row.GetCredits(5),
            row.GetCredits(6),
            row.GetCredits(7),
            row.GetCredits(8),
            row.GetCredits(9)));

    static int[] Buckets(WalletId[] wallets) => Array.ConvertAll(wallets, wallet => wallet.Bucket);

    static Guid[] Ids(WalletId[] wallets) => Array.ConvertAll(wallets, wallet => wallet.Value);

    public static TValue[] Column<TRow, TValue>(List<TRow> rows, Func<TRow, TValue> value)
    {
        var column = new TValue[rows.Count];
        for (var i = 0; i < column.Length; i++) column[i] = value(rows[i]);
        return column;
    }
}
