using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Catalog;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>What is read of wallets outside the lanes, and the one thing that is written: whether they are frozen.</summary>
static class WalletRows
{
    public static async Task<bool> Exists(this Db db, CustomerId customer, CancellationToken ct) =>
        await db.One($"select id from customer where id = {customer.Value}", row => row.GetString(0), ct) is not null;

    /// <summary>
    /// A customer whose wallet was never used has one all the same, with nothing in it. What is held by the clock: a hold
    /// that is overdue keeps nothing, as in <see cref="HoldRows.FindOverdue"/>.
    /// </summary>
    public static Task<BalanceAnswer?> Balance(
        this Db db, CustomerId customer, CurrentCatalog catalog, DateTimeOffset now, CancellationToken ct)
    {
        var wallet = WalletId.Of(customer);
        return db.One($"""
            select coalesce(w.balance, 0), coalesce(w.owed, 0), coalesce(w.held, 0) - case when w.held > 0 then (
              select coalesce(sum(h.amount), 0)::bigint
              from (select * from hold where state = 1 and expires_at <= {now} order by expires_at limit 10000) h
              where h.bucket = w.bucket and h.wallet_id = w.id) else 0 end
            from customer c
            left join wallet w on w.bucket = {wallet.Bucket} and w.id = {wallet.Value}
            where c.id = {customer.Value}
            """, row =>
        {
            var (balance, owed, held) = (row.GetCredits(0), row.GetCredits(1), row.GetCredits(2));
            var usd = balance.ToDecimal() * catalog.Offer.Rates.UsdPerCredit;
            return new BalanceAnswer(customer.Value, balance, held, balance - held, owed, usd);
        }, ct);
    }

    public static Task<EntryAnswer?> Entry(this Db db, EntryId id, CancellationToken ct) => db.One($"""
        select wallet_id, seq, kind, amount, balance, reason, reference, at, hash, owed, hold, shortfall, lot, quote
        from entry where bucket = {id.Wallet.Bucket} and wallet_id = {id.Wallet.Value} and seq = {id.Seq}
        """, ReadEntry, ct);

    public static Task<List<EntryAnswer>> Entries(this Db db, WalletId wallet, long before, int limit, CancellationToken ct) =>
        db.All($"""
            select wallet_id, seq, kind, amount, balance, reason, reference, at, hash, owed, hold, shortfall, lot, quote
            from entry where bucket = {wallet.Bucket} and wallet_id = {wallet.Value} and seq < {before}
            order by seq desc limit {limit}
            """, ReadEntry, ct);

    /// <summary>The prices of entries, by their numbers; of those that were priced by the catalog.</summary>
    public static async Task<Dictionary<long, QuoteAnswer>> Quotes(this Db db, WalletId wallet, long[] entries, CancellationToken ct)
    {
        var rows = await db.All($"""
            select seq, quote from entry
            where bucket = {wallet.Bucket} and wallet_id = {wallet.Value} and seq = any({entries}) and quote is not null
            """, row => (Seq: row.GetInt64(0), Quote: QuoteAnswer.Parse(row.GetString(1))!), ct);
        return rows.ToDictionary(row => row.Seq, row => row.Quote);
    }

    public static Task<HoldStateAnswer?> Hold(this Db db, HoldId id, DateTimeOffset now, CancellationToken ct) => db.One($"""
        select h.wallet_id, h.number, h.amount, h.state, h.captured, h.expires_at, h.subject, h.reason, h.reference,
          h.available_after, h.budget, h.budget_period, h.uncharged, c.id
        from hold h join customer c on c.wallet_id = h.wallet_id
        where h.bucket = {id.Wallet.Bucket} and h.wallet_id = {id.Wallet.Value} and h.number = {id.Number}
        """, row =>
    {
        var hold = HoldRows.ReadHold(row);
        var state = hold.Overdue(now) ? HoldState.Expired : hold.State;
        return new HoldStateAnswer(
            hold.Id.ToString(), row.GetString(13), hold.Amount, state.Name(), hold.Captured, hold.ExpiresAt, hold.Reason, hold.Reference);
    }, ct);

    /// <summary>What a hold was placed for; null where there is no such hold.</summary>
    public static Task<HeldFor?> Subject(this Db db, HoldId id, CancellationToken ct) => db.One($"""
        select subject from hold where bucket = {id.Wallet.Bucket} and wallet_id = {id.Wallet.Value} and number = {id.Number}
        """, row => new HeldFor(row.Text(0)), ct);

    /// <summary>What was answered under a key, if it was used.</summary>
    public static async Task<Outcome?> Replay(this Db db, WalletId wallet, CommandKey key, CancellationToken ct)
    {
        var answer = await db.One($"""
            select key, request, refusal, entry, hold, amount, balance, available, rest, missing, at
            from command where bucket = {wallet.Bucket} and key = {key.Key}
            """, BatchRows.ReadAnswer, ct);
        return answer is null ? null
            : answer.Request == key.Request ? answer.Outcome(replayed: true)
            : new Outcome.KeyReused();
    }

    /// <summary>Those that burn next come first; those that are spent come last, newest first.</summary>
    public static async Task<List<LotAnswer>> Lots(this Db db, WalletId wallet, long? after, int limit, CancellationToken ct)
    {
        await using var read = await db.Snapshot(ct);
        var lots = await LotRows.Read(read.Connection, wallet, ct);
        var live = lots.Left.ToList();
        var at = after is { } seq ? live.FindIndex(lot => lot.Seq == seq) : -1;
        var page = after is not null && at < 0 ? [] : live.Skip(at + 1).Take(limit).ToList();
        if (page.Count < limit)
        {
            var spent = lots.InOrder.Where(lot => lot.Remaining == Credits.Zero).Select(lot => lot.Seq).ToHashSet();
            var before = after is not null && at < 0 ? after.Value : long.MaxValue;
            var rest = await LotRows.Spent(read.Connection, wallet, spent, before, limit - page.Count, ct);
            page.AddRange(rest);
        }

        return await Described(read, wallet, page, ct);
    }

    public static async Task<FreezeAnswer?> Freeze(this Db db, CustomerId customer, CancellationToken ct)
    {
        var wallet = WalletId.Of(customer);
        return await db.One($"""
            select w.frozen_at, w.frozen_reason
            from customer c
            left join wallet w on w.bucket = {wallet.Bucket} and w.id = {wallet.Value}
            where c.id = {customer.Value}
            """, row => new FreezeAnswer(
                customer.Value, !row.IsDBNull(0), row.Text(1), row.IsDBNull(0) ? null : row.GetInstant(0)), ct);
    }

    /// <summary>
    /// Takes effect with the next batch, of every server: one that has read the wallet by then notices when it writes.
    /// False: no such customer.
    /// </summary>
    public static Task<bool> SetFrozen(
        this Db db, CustomerId customer, DateTimeOffset? since, string? reason, CancellationToken ct)
    {
        var wallet = WalletId.Of(customer);
        return db.Transact(async tx =>
        {
            await BatchRows.Open(tx.Connection, [wallet], ct);
            // Freezing what is frozen keeps the time since when it is.
            return await tx.Run($"""
                update wallet
                set frozen_at = case when {since}::timestamptz is null then null else coalesce(frozen_at, {since}::timestamptz) end,
                  frozen_reason = {reason}
                where bucket = {wallet.Bucket} and id = {wallet.Value}
                """, ct) == 1;
        }, ct);
    }

    static async Task<List<LotAnswer>> Described(Tx tx, WalletId wallet, List<Lot> lots, CancellationToken ct)
    {
        var seqs = lots.Select(lot => lot.Seq).ToArray();
        var texts = await tx.All($"""
            select seq, reason, reference, at from entry
            where bucket = {wallet.Bucket} and wallet_id = {wallet.Value} and seq = any({seqs})
            """, row => (Seq: row.GetInt64(0), Reason: row.Text(1), Reference: row.Text(2), At: row.GetInstant(3)), ct);
        var bySeq = texts.ToDictionary(text => text.Seq);
        return lots.ConvertAll(lot => new LotAnswer(
            new EntryId(wallet, lot.Seq).ToString(), lot.Amount, lot.Remaining, lot.Reversed, lot.Terms.Source.Name(), lot.Terms.Priority,
            lot.Terms.ExpiresAt, lot.Terms.Paid.Answer(), bySeq[lot.Seq].Reason, bySeq[lot.Seq].Reference, bySeq[lot.Seq].At));
    }

    static EntryAnswer ReadEntry(NpgsqlDataReader row)
    {
        var wallet = new WalletId(row.GetGuid(0));
        var owed = row.GetCredits(9);
        return new(
            new EntryId(wallet, row.GetInt64(1)).ToString(),
            row.GetInt64(1),
            ((EntryKind)row.GetInt16(2)).Name(),
            row.GetCredits(3),
            row.GetCredits(4),
            row.Text(5),
            row.Text(6),
            row.GetInstant(7),
            Convert.ToHexStringLower(row.GetFieldValue<byte[]>(8)),
            owed == Credits.Zero ? null : owed,
            row.Maybe<long>(10) is { } hold ? new HoldId(wallet, hold).ToString() : null,
            row.Maybe<long>(11) is { } shortfall ? new Credits(shortfall) : null,
            row.Maybe<long>(12) is { } lot ? new EntryId(wallet, lot).ToString() : null,
            QuoteAnswer.Parse(row.Text(13)));
    }
}

/// <param name="Subject">Null where it was placed for an amount.</param>
sealed record HeldFor(string? Subject);
