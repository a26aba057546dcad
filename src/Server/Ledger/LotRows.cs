using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>
/// The stored lots, and what the entries after them say. Entries never change, so following them needs no lock on the
/// wallet; that only one follows at a time is the lock on the row of projection.
/// </summary>
static class LotRows
{
    const string Columns = """
        l.wallet_id, l.seq, l.source, l.priority, l.expires_at, l.paid_minor, l.paid_currency, l.amount, l.remaining,
        l.reversed
        """;

    // How far the wallet is comes with its head: an entry that is written while its lots are read is followed another time.
    const string LockHeads = """
        select p.wallet_id, p.seq, w.seq
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id) u
        join projection p on p.bucket = u.bucket and p.wallet_id = u.id
        join wallet w on w.bucket = u.bucket and w.id = u.id
        order by p.bucket, p.wallet_id
        for update of p
        """;

    const string ReadHeads = """
        select p.wallet_id, p.seq, w.seq
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id) u
        join projection p on p.bucket = u.bucket and p.wallet_id = u.id
        join wallet w on w.bucket = u.bucket and w.id = u.id
        """;

    // Lots that came in with entries not followed yet are there in full, so they are among those with something left.
    const string FindLots = $"""
        select {Columns}
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id) u
        join lot l on l.bucket = u.bucket and l.wallet_id = u.id
        where l.remaining > 0
        """;

    const string FindSpentLots = $"""
        select {Columns}
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id, unnest($3::bigint[]) as seq) u
        join lot l on l.bucket = u.bucket and l.wallet_id = u.id and l.seq = u.seq
        where l.remaining = 0
        """;

    const string FindOldLots = $"""
        select {Columns}
        from lot l
        where l.bucket = $1 and l.wallet_id = $2 and l.seq < $3 and (l.remaining = 0 or l.seq = any($4))
        order by l.seq desc
        limit $5
        """;

    const string FindMovements = """
        select e.wallet_id, e.seq, e.amount, e.lot, e.kind, e.at
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id, unnest($3::bigint[]) as seq,
          unnest($4::bigint[]) as until) u
        join entry e on e.bucket = u.bucket and e.wallet_id = u.id and e.seq > u.seq and e.seq <= u.until
        order by e.bucket, e.wallet_id, e.seq
        """;

    const string PutLots = """
        insert into lot (bucket, wallet_id, seq, source, priority, expires_at, paid_minor, paid_currency, amount,
          remaining, reversed)
        select unnest($1::int[]), unnest($2::uuid[]), unnest($3::bigint[]), unnest($4::smallint[]),
          unnest($5::int[]), unnest($6::timestamptz[]), unnest($7::bigint[]), unnest($8::text[]),
          unnest($9::bigint[]), unnest($10::bigint[]), unnest($11::bigint[])
        on conflict (bucket, wallet_id, seq) do update
        set remaining = excluded.remaining, reversed = excluded.reversed
        """;

    const string AddToDays = """
        insert into lot_day as d (bucket, wallet_id, seq, day, kind, amount)
        select unnest($1::int[]), unnest($2::uuid[]), unnest($3::bigint[]), unnest($4::date[]), unnest($5::smallint[]),
          unnest($6::bigint[])
        on conflict (bucket, wallet_id, seq, day, kind) do update set amount = d.amount + excluded.amount
        """;

    const string MoveHeads = """
        update projection p set seq = u.seq
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as id, unnest($3::bigint[]) as seq) u
        where p.bucket = u.bucket and p.wallet_id = u.id
        """;

    const string FindLagging = """
        select p.wallet_id
        from projection p
        join wallet w on w.bucket = p.bucket and w.id = p.wallet_id
        where p.bucket = $1 and w.seq > p.seq
        order by p.wallet_id
        limit $2
        for update of p skip locked
        """;

    const int WalletsAtOnce = 500;

    // Of one wallet, so that a hot one that lags far behind is followed in pieces that fit in memory.
    const long EntriesAtOnce = 20_000;

    /// <summary>The lots of wallets that this transaction has locked, up to date with their last entry.</summary>
    /// <param name="named">Lots that are wanted even where nothing is left of them.</param>
    public static async Task<Dictionary<WalletId, Lots>> CatchUp(
        NpgsqlConnection connection, List<Wallet> wallets, ICollection<(WalletId Wallet, long Seq)> named, CancellationToken ct)
    {
        var stored = await Load(connection, LockHeads, [.. wallets.Select(wallet => wallet.Id)], named, ct);
        await Follow(connection, stored, long.MaxValue / 2, ct);
        return stored.ToDictionary(one => one.Key, one => one.Value.Lots);
    }

    /// <summary>The lots of one wallet, up to date as of this snapshot.</summary>
    public static async Task<Lots> Read(NpgsqlConnection connection, WalletId wallet, CancellationToken ct)
    {
        var stored = await Load(connection, ReadHeads, [wallet], [], ct);
        await Follow(connection, stored, long.MaxValue / 2, ct);
        return stored.TryGetValue(wallet, out var followed) ? followed.Lots : new([]);
    }

    /// <summary>Lots with nothing left, newest first.</summary>
    /// <param name="spentSince">Those that the stored rows do not know to be spent yet.</param>
    public static async Task<List<Lot>> Spent(
        NpgsqlConnection connection, WalletId wallet, HashSet<long> spentSince, long before, int limit, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(FindOldLots, wallet.Bucket, wallet.Value, before, spentSince.ToArray(), limit);
        await using var rows = await batch.ExecuteReaderAsync(ct);
        var spent = new List<Lot>();
        while (await rows.ReadAsync(ct)) spent.Add(ReadLot(rows) with { Remaining = Credits.Zero });
        return spent;
    }

    /// <summary>Follows the entries of one bucket a little further; true where more is to be done.</summary>
    public static async Task<bool> FollowBucket(NpgsqlConnection connection, int bucket, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var lagging = await Lagging(connection, bucket, ct);
        if (lagging.Length == 0) return false;

        var stored = await Load(connection, LockHeads, lagging, [], ct);
        var full = await Follow(connection, stored, EntriesAtOnce, ct);
        await using var batch = new NpgsqlBatch(connection);
        AddPuts(batch, [.. from one in stored from lot in one.Value.Lots.Changed select (one.Key, lot)]);
        AddBurns(batch, [.. from one in stored from burn in one.Value.Lots.Burns select (one.Key, burn)]);
        AddHeads(batch, [.. from one in stored select (one.Key, one.Value.Head)]);
        await batch.ExecuteNonQueryAsync(ct);
        await transaction.CommitAsync(ct);
        return full || lagging.Length == WalletsAtOnce;
    }

    /// <summary>What a batch did to lots: brought some in, and, where it had them at hand, burnt and expired.</summary>
    public static void AddWrites(NpgsqlBatch batch, List<Account> changed)
    {
        var lots = new List<(WalletId, Lot)>();
        var heads = new List<(WalletId, long)>();
        var burns = new List<(WalletId, Burn)>();
        foreach (var account in changed)
        {
            var id = account.Wallet.Id;
            if (account.Lots is { } all)
            {
                lots.AddRange(all.Changed.Select(lot => (id, lot)));
                burns.AddRange(all.Burns.Select(burn => (id, burn)));
                heads.Add((id, account.Wallet.Seq));
            }
            else
            {
                foreach (var entry in account.Entries)
                    if (Lot.Of(Movement.Of(entry)) is { } lot) lots.Add((id, lot));
            }
        }

        AddPuts(batch, lots);
        AddBurns(batch, burns);
        AddHeads(batch, heads);
    }

    static async Task<WalletId[]> Lagging(NpgsqlConnection connection, int bucket, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(FindLagging, bucket, WalletsAtOnce);
        await using var rows = await batch.ExecuteReaderAsync(ct);
        var lagging = new List<WalletId>();
        while (await rows.ReadAsync(ct)) lagging.Add(new(rows.GetGuid(0)));
        return [.. lagging];
    }

    static async Task<Dictionary<WalletId, Followed>> Load(
        NpgsqlConnection connection,
        string heads,
        WalletId[] ids,
        ICollection<(WalletId Wallet, long Seq)> named,
        CancellationToken ct)
    {
        var buckets = Array.ConvertAll(ids, id => id.Bucket);
        var guids = Array.ConvertAll(ids, id => id.Value);
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(heads, buckets, guids);
        batch.Add(FindLots, buckets, guids);
        batch.Add(
            FindSpentLots,
            named.Select(lot => lot.Wallet.Bucket).ToArray(),
            named.Select(lot => lot.Wallet.Value).ToArray(),
            named.Select(lot => lot.Seq).ToArray());

        await using var rows = await batch.ExecuteReaderAsync(ct);
        var stored = new Dictionary<WalletId, Followed>();
        while (await rows.ReadAsync(ct)) stored.Add(new(rows.GetGuid(0)), new(rows.GetInt64(1), rows.GetInt64(2)));
        do
        {
            while (await rows.ReadAsync(ct)) stored[new(rows.GetGuid(0))].Add(ReadLot(rows));
        }
        while (await rows.NextResultAsync(ct));

        return stored;
    }

    static async Task<bool> Follow(
        NpgsqlConnection connection, Dictionary<WalletId, Followed> stored, long atMost, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(
            FindMovements,
            stored.Keys.Select(id => id.Bucket).ToArray(),
            stored.Keys.Select(id => id.Value).ToArray(),
            stored.Values.Select(followed => followed.Head).ToArray(),
            stored.Values.Select(followed => Math.Min(followed.Last, followed.Head + atMost)).ToArray());

        await using var rows = await batch.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
        {
            stored[new(rows.GetGuid(0))].Follow(new(rows.GetInt64(1), rows.GetCredits(2), rows.Maybe<long>(3), Terms: null)
            {
                Kind = (EntryKind)rows.GetInt16(4),
                At = rows.GetInstant(5),
            });
        }

        return stored.Values.Any(followed => followed.Head < followed.Last);
    }

    static void AddPuts(NpgsqlBatch batch, List<(WalletId Wallet, Lot Lot)> lots)
    {
        if (lots.Count == 0) return;

        batch.Add(
            PutLots,
            lots.ConvertAll(one => one.Wallet.Bucket).ToArray(),
            lots.ConvertAll(one => one.Wallet.Value).ToArray(),
            lots.ConvertAll(one => one.Lot.Seq).ToArray(),
            lots.ConvertAll(one => (short)one.Lot.Terms.Source).ToArray(),
            lots.ConvertAll(one => one.Lot.Terms.Priority).ToArray(),
            lots.ConvertAll(one => one.Lot.Terms.ExpiresAt).ToArray(),
            lots.ConvertAll(one => one.Lot.Terms.Paid?.Minor).ToArray(),
            lots.ConvertAll(one => one.Lot.Terms.Paid?.Currency).ToArray(),
            lots.ConvertAll(one => one.Lot.Amount.Micros).ToArray(),
            lots.ConvertAll(one => one.Lot.Remaining.Micros).ToArray(),
            lots.ConvertAll(one => one.Lot.Reversed.Micros).ToArray());
    }

    // In the order of the rows, as their locks are taken.
    static void AddBurns(NpgsqlBatch batch, List<(WalletId Wallet, Burn Burn)> burns)
    {
        if (burns.Count == 0) return;

        var rows = burns
            .OrderBy(one => one.Wallet.Value).ThenBy(one => one.Burn.Lot).ThenBy(one => one.Burn.Day).ThenBy(one => one.Burn.Kind)
            .ToList();
        batch.Add(
            AddToDays,
            rows.ConvertAll(one => one.Wallet.Bucket).ToArray(),
            rows.ConvertAll(one => one.Wallet.Value).ToArray(),
            rows.ConvertAll(one => one.Burn.Lot).ToArray(),
            rows.ConvertAll(one => one.Burn.Day).ToArray(),
            rows.ConvertAll(one => (short)one.Burn.Kind).ToArray(),
            rows.ConvertAll(one => one.Burn.Amount.Micros).ToArray());
    }

    static void AddHeads(NpgsqlBatch batch, List<(WalletId Wallet, long Seq)> heads)
    {
        if (heads.Count == 0) return;

        batch.Add(
            MoveHeads,
            heads.ConvertAll(one => one.Wallet.Bucket).ToArray(),
            heads.ConvertAll(one => one.Wallet.Value).ToArray(),
            heads.ConvertAll(one => one.Seq).ToArray());
    }

    public static Lot ReadLot(NpgsqlDataReader row)
    {
        Money? paid = row.Maybe<long>(5) is { } minor ? new(minor, row.GetString(6)) : null;
        DateTimeOffset? expiry = row.IsDBNull(4) ? null : row.GetInstant(4);
        return new(
            row.GetInt64(1),
            new((GrantSource)row.GetInt16(2), row.GetInt32(3), expiry, paid),
            row.GetCredits(7),
            row.GetCredits(8),
            row.GetCredits(9));
    }

    /// <summary>The lots of one wallet on the way from the head that is stored to the last entry.</summary>
    sealed class Followed(long head, long last)
    {
        readonly Dictionary<long, Lot> ahead = [];

        public long Head { get; private set; } = head;

        /// <summary>The wallet's last entry when the head was read: its lots have been there since.</summary>
        public long Last => last;

        public Lots Lots { get; } = new([]);

        public void Add(Lot lot)
        {
            if (lot.Seq <= Head) Lots.Add(lot);
            else ahead.Add(lot.Seq, lot);
        }

        public void Follow(Movement movement)
        {
            var lot = ahead.GetValueOrDefault(movement.Seq);
            Lots.Follow(movement with { Terms = lot?.Terms });
            // Where lots are followed from the beginning once more, what was reversed of them is known before.
            if (lot is not null && lot.Reversed != Credits.Zero) Lots.MarkReversed(lot.Seq, lot.Reversed);
            Head = movement.Seq;
        }
    }
}
