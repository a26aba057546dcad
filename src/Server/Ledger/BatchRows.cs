using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>What a batch needs to know before it decides.</summary>
sealed record Loaded(
    Dictionary<WalletId, Wallet> Wallets, Dictionary<WalletId, List<Hold>> Holds, Dictionary<Guid, Answer> Answers);

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

    public const string FindHolds = """
        select h.wallet_id, h.number, h.amount, h.state, h.captured, h.expires_at, h.subject, h.reason, h.reference,
          h.available_after
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as wallet_id, unnest($3::bigint[]) as number) u
        join hold h on h.bucket = u.bucket and h.wallet_id = u.wallet_id and h.number = u.number
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

    // Every change of a wallet moves one of these: an entry its seq, a hold that is placed its holds, one that ends its held.
    public const string UpdateUnchanged = """
        with written as (
          update wallet w
          set balance = u.balance, held = u.held, owed = u.owed, seq = u.seq, holds = u.holds, at = u.at, head = u.head,
            lots_due = u.lots_due
          from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id, unnest($3::bigint[]) as balance,
            unnest($4::bigint[]) as held, unnest($5::bigint[]) as owed, unnest($6::bigint[]) as seq,
            unnest($7::bigint[]) as holds, unnest($8::timestamptz[]) as at, unnest($9::bytea[]) as head,
            unnest($10::timestamptz[]) as lots_due, unnest($11::bigint[]) as was_seq, unnest($12::bigint[]) as was_holds,
            unnest($13::bigint[]) as was_held, unnest($14::boolean[]) as was_frozen) u
          where w.bucket = u.bucket and w.id = u.id and w.seq = u.was_seq and w.holds = u.was_holds and w.held = u.was_held
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

    public const string InsertHolds = """
        insert into hold (bucket, wallet_id, number, amount, state, captured, expires_at, available_after, subject,
          reason, reference)
        select unnest($1::int[]), unnest($2::uuid[]), unnest($3::bigint[]), unnest($4::bigint[]),
          unnest($5::smallint[]), unnest($6::bigint[]), unnest($7::timestamptz[]),
          unnest($8::bigint[]), unnest($9::text[]), unnest($10::text[]), unnest($11::text[])
        """;

    public const string UpdateHolds = """
        update hold h
        set state = u.state, captured = u.captured, available_after = u.available_after
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as wallet_id, unnest($3::bigint[]) as number,
          unnest($4::smallint[]) as state, unnest($5::bigint[]) as captured,
          unnest($6::bigint[]) as available_after) u
        where h.bucket = u.bucket and h.wallet_id = u.wallet_id and h.number = u.number
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

    public static async Task<Loaded> Lock(
        NpgsqlConnection connection, WalletId[] wallets, IReadOnlyList<Pending> commands, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add("begin");
        batch.Add(LockWallets, Buckets(wallets), Ids(wallets));
        AddFindKeys(batch, commands);
        var anyHolds = AddFindHolds(batch, commands);

        await using var rows = await batch.ExecuteReaderAsync(ct);
        var found = new Dictionary<WalletId, Wallet>(wallets.Length);
        while (await rows.ReadAsync(ct))
        {
            var wallet = ReadWallet(rows);
            found.Add(wallet.Id, wallet);
        }

        await rows.NextResultAsync(ct);
        var answers = new Dictionary<Guid, Answer>();
        while (await rows.ReadAsync(ct)) answers.TryAdd(rows.GetGuid(0), ReadAnswer(rows));

        var holds = new Dictionary<WalletId, List<Hold>>();
        if (!anyHolds) return new(found, holds, answers);

        await rows.NextResultAsync(ct);
        while (await rows.ReadAsync(ct))
        {
            var hold = ReadHold(rows);
            if (holds.TryGetValue(hold.Id.Wallet, out var list)) list.Add(hold);
            else holds.Add(hold.Id.Wallet, [hold]);
        }

        return new(found, holds, answers);
    }

    /// <summary>The wallets as they are, without a lock and without a look for keys.</summary>
    public static async Task<Dictionary<WalletId, Wallet>> Read(NpgsqlConnection connection, WalletId[] wallets, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(ReadWallets, Buckets(wallets), Ids(wallets));
        await using var rows = await batch.ExecuteReaderAsync(ct);
        var found = new Dictionary<WalletId, Wallet>(wallets.Length);
        while (await rows.ReadAsync(ct))
        {
            var wallet = ReadWallet(rows);
            found.Add(wallet.Id, wallet);
        }

        return found;
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

    public static async Task Write(
        NpgsqlConnection connection,
        List<Account> changed,
        List<(CommandKey Key, int Bucket, Answer Answer)> answers,
        bool locked,
        CancellationToken ct)
    {
        // One sync at the end: an error skips what follows, so it never reaches the commit.
        await using var batch = new NpgsqlBatch(connection);
        if (!locked) batch.Add("begin");
        AddWallets(batch, changed, locked);

        AddEntries(batch, [.. changed.SelectMany(account => account.Entries)]);
        AddKeys(batch, answers);
        AddHolds(batch, changed);
        LotRows.AddWrites(batch, changed);
        batch.Add("commit");
        await batch.ExecuteNonQueryAsync(ct);
    }

    static void AddFindKeys(NpgsqlBatch batch, IReadOnlyList<Pending> commands)
    {
        var keyed = commands.Where(pending => pending.Key is not null).ToArray();
        batch.Add(
            FindKeys,
            Array.ConvertAll(keyed, pending => pending.Wallet.Bucket),
            Array.ConvertAll(keyed, pending => pending.Key!.Value.Key));
    }

    static bool AddFindHolds(NpgsqlBatch batch, IReadOnlyList<Pending> commands)
    {
        var named = (from pending in commands
                     let number = NamedHold(pending.Command)
                     where number is not null
                     select new HoldId(pending.Wallet, number.Value)).Distinct().ToArray();
        if (named.Length == 0) return false;

        batch.Add(
            FindHolds,
            Array.ConvertAll(named, hold => hold.Wallet.Bucket),
            Array.ConvertAll(named, hold => hold.Wallet.Value),
            Array.ConvertAll(named, hold => hold.Number));
        return true;
    }

    static long? NamedHold(Command command) => command switch
    {
        Command.Capture capture => capture.Hold,
        Command.Release release => release.Hold,
        Command.ExpireHold expire => expire.Hold,
        Command.Reverse reverse => reverse.Hold,
        _ => null,
    };

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
                Column(changed, account => account.Before.Seq),
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

    static void AddHolds(NpgsqlBatch batch, List<Account> changed)
    {
        var placed = new List<Hold>();
        var ended = new List<Hold>();
        foreach (var account in changed)
        {
            foreach (var hold in account.ChangedHolds)
                (hold.Id.Number > account.Before.Holds ? placed : ended).Add(hold);
        }

        if (placed.Count > 0)
        {
            batch.Add(
                InsertHolds,
                Column(placed, hold => hold.Id.Wallet.Bucket),
                Column(placed, hold => hold.Id.Wallet.Value),
                Column(placed, hold => hold.Id.Number),
                Column(placed, hold => hold.Amount.Micros),
                Column(placed, hold => (short)hold.State),
                Column(placed, hold => hold.Captured.Micros),
                Column(placed, hold => hold.ExpiresAt),
                Column(placed, hold => hold.AvailableAfter?.Micros),
                Column(placed, hold => hold.Subject),
                Column(placed, hold => hold.Reason),
                Column(placed, hold => hold.Reference));
        }

        if (ended.Count == 0) return;

        batch.Add(
            UpdateHolds,
            Column(ended, hold => hold.Id.Wallet.Bucket),
            Column(ended, hold => hold.Id.Wallet.Value),
            Column(ended, hold => hold.Id.Number),
            Column(ended, hold => (short)hold.State),
            Column(ended, hold => hold.Captured.Micros),
            Column(ended, hold => hold.AvailableAfter?.Micros));
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

    public static Hold ReadHold(NpgsqlDataReader row) => new(
        new(new(row.GetGuid(0)), row.GetInt64(1)),
        row.GetCredits(2),
        (HoldState)row.GetInt16(3),
        row.GetCredits(4),
        row.GetInstant(5),
        row.Text(6),
        row.Text(7),
        row.Text(8),
        row.Maybe<long>(9) is { } after ? new Credits(after) : null);

    static int[] Buckets(WalletId[] wallets) => Array.ConvertAll(wallets, wallet => wallet.Bucket);

    static Guid[] Ids(WalletId[] wallets) => Array.ConvertAll(wallets, wallet => wallet.Value);

    static TValue[] Column<TRow, TValue>(List<TRow> rows, Func<TRow, TValue> value)
    {
        var column = new TValue[rows.Count];
        for (var i = 0; i < column.Length; i++) column[i] = value(rows[i]);
        return column;
    }
}
