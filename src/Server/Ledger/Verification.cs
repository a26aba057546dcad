using System.Diagnostics;
using System.Text.Json.Serialization;
using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

sealed record DifferenceAnswer(string Customer, string Wallet, long Seq, string What);

/// <summary>What a verification found. At most <see cref="Verification.MostShown"/> differences are listed; all are counted.</summary>
sealed record VerificationAnswer(
    bool Ok, long Customers, long Wallets, long Entries, long Holds, long Budgets, long Lots, Credits Balance, Credits Held, Credits Owed,
    long DifferenceCount, IReadOnlyList<DifferenceAnswer> Differences, double Seconds);

/// <summary>
/// Recomputes the whole ledger as of one moment, bucket by bucket, while servers go on writing. Memory holds one bucket's
/// wallets and one entry, so a hot wallet with millions of entries costs time only.
/// </summary>
sealed class Verification(NpgsqlDataSource source)
{
    public const int MostShown = 200;

    readonly List<(WalletId Wallet, long Seq, string What)> shown = [];
    long customers, wallets, entries, holds, budgets, lots, differences;
    Credits balance, held, owed;

    public async Task<VerificationAnswer> Run(CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        await using var tx = await new Db(source).Snapshot(ct);
        // Where few customers do much, most buckets are empty, and the planner would read whole tables to find that out of each.
        await tx.Run($"set local enable_seqscan = off", ct);
        customers = await Count(tx, $"select count(*) from customer", ct);
        budgets = await Count(tx, $"select count(*) from budget", ct);
        var used = await UsedBuckets(tx, ct);
        // A bucket is compared as a whole. Who takes it for small, as the planner does where much is new, compares each row with each.
        await tx.Run($"set local enable_nestloop = off", ct);
        foreach (var bucket in used)
        {
            await VerifyBucket(tx, bucket, ct);
            await VerifyHolds(tx, bucket, ct);
            await VerifyBudgets(tx, bucket, ct);
            await VerifyCommands(tx, bucket, ct);
        }

        return new(
            differences == 0, customers, wallets, entries, holds, budgets, lots, balance, held, owed, differences,
            await Named(tx, ct), Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Those in which anything is, whose wallet is there or not.</summary>
    static Task<List<int>> UsedBuckets(Tx tx, CancellationToken ct) => tx.All($"""
        select b from generate_series(0, {WalletId.Buckets - 1}) b
        where exists (select from wallet where bucket = b) or exists (select from entry where bucket = b)
          or exists (select from hold where bucket = b) or exists (select from lot where bucket = b)
          or exists (select from command where bucket = b) or exists (select from budget where bucket = b)
        order by b
        """, row => row.GetInt32(0), ct);

    /// <summary>A captured hold says what its entry took; any other has none, and each that an entry names is there.</summary>
    async Task VerifyHolds(Tx tx, int bucket, CancellationToken ct)
    {
        var wrong = await tx.All($"""
            select coalesce(h.wallet_id, e.wallet_id), coalesce(h.number, e.hold), h.state, h.captured, e.seq, -e.amount
            from (select wallet_id, number, state, captured from hold where bucket = {bucket}) h
            full join (select wallet_id, hold, seq, amount from entry where bucket = {bucket} and hold is not null) e
              on e.wallet_id = h.wallet_id and e.hold = h.number
            where h.number is null or (h.state = {(short)HoldState.Captured}) <> (e.seq is not null)
              or h.captured <> coalesce(-e.amount, 0)
            """, row => (Wallet: new WalletId(row.GetGuid(0)), Number: row.GetInt64(1), What: Said(row)), ct);
        foreach (var hold in wrong) Differs(hold.Wallet, 0, $"hold {hold.Number} {hold.What}");

        static string Said(NpgsqlDataReader row)
        {
            var entry = row.Maybe<long>(4) is { } seq
                ? $"entry {seq} took {row.GetCredits(5)} for it"
                : "no entry took anything for it";
            return row.Maybe<short>(2) is { } state
                ? $"is stored as {((HoldState)state).Name()} with {row.GetCredits(3)}, and {entry}"
                : $"is missing, and {entry}";
        }
    }

    /// <summary>A budget holds and has used what its holds of the same period say; one without a limit counts nothing.</summary>
    async Task VerifyBudgets(Tx tx, int bucket, CancellationToken ct)
    {
        var wrong = await tx.All($"""
            select b.wallet_id, b.id, b.held, b.used, coalesce(h.held, 0)::bigint, coalesce(h.used, 0)::bigint
            from budget b
            left join (
              select wallet_id, budget, budget_period, sum(amount) filter (where state = 1) as held, sum(captured) as used
              from hold where bucket = {bucket} and budget is not null
              group by wallet_id, budget, budget_period
            ) h on h.wallet_id = b.wallet_id and h.budget = b.id and h.budget_period = b.period_start and b.amount is not null
            where b.bucket = {bucket} and (b.held <> coalesce(h.held, 0) or b.used <> coalesce(h.used, 0))
            """, row => (
                Wallet: new WalletId(row.GetGuid(0)), Id: row.GetId<Budget>(1), Held: row.GetCredits(2), Used: row.GetCredits(3),
                HoldsHeld: row.GetCredits(4), HoldsUsed: row.GetCredits(5)), ct);
        foreach (var budget in wrong)
        {
            Differs(
                budget.Wallet, 0, $"{budget.Id} is stored with {budget.Held} held and {budget.Used} used, "
                + $"and its holds say {budget.HoldsHeld} and {budget.HoldsUsed}");
        }

        var lost = await tx.All($"""
            select h.wallet_id, h.number from hold h
            where h.bucket = {bucket} and h.budget is not null and not exists (
              select from budget b where b.bucket = h.bucket and b.wallet_id = h.wallet_id and b.id = h.budget)
            """, row => (Wallet: new WalletId(row.GetGuid(0)), Number: row.GetInt64(1)), ct);
        foreach (var hold in lost) Differs(hold.Wallet, 0, $"hold {hold.Number} is in a budget that is missing");
    }

    /// <summary>What was answered under a key names an entry that somebody has, with that amount.</summary>
    async Task VerifyCommands(Tx tx, int bucket, CancellationToken ct)
    {
        var wrong = await tx.All($"""
            select c.entry, c.amount from command c
            where c.bucket = {bucket} and c.entry is not null and c.refusal is null
              and not exists (
                select from entry e
                where e.bucket = c.bucket and e.seq = c.entry and abs(e.amount) = abs(c.amount))
            """, row => (Entry: row.GetInt64(0), Amount: row.GetCredits(1)), ct);
        foreach (var (entry, amount) in wrong)
            Differs(default, entry, $"an answer in bucket {bucket} names an entry {entry} of {amount} that no wallet has");
    }

    async Task VerifyBucket(Tx tx, int bucket, CancellationToken ct)
    {
        var proofs = await Load(tx, bucket, ct);
        Proof? current = null;
        var of = default(WalletId);
        await using var command = new NpgsqlCommand("""
            select e.wallet_id, e.seq, e.kind, e.amount, e.balance, e.owed, e.at, e.reason, e.reference, e.hold, e.shortfall,
              e.lot, e.quote, e.hash, l.source, l.priority, l.expires_at, l.paid_minor, l.paid_currency
            from entry e
            left join lot l on l.bucket = e.bucket and l.wallet_id = e.wallet_id and l.seq = e.seq
            where e.bucket = $1
            order by e.wallet_id, e.seq
            """, tx.Connection);
        command.CommandTimeout = 0;
        command.Parameters.Add(new() { Value = bucket });
        await using (var rows = await command.ExecuteReaderAsync(ct))
        {
            while (await rows.ReadAsync(ct))
            {
                var entry = ReadEntry(rows);
                entries++;
                if (current is null || entry.Id.Wallet != of)
                {
                    of = entry.Id.Wallet;
                    if (!proofs.TryGetValue(of, out current))
                    {
                        Differs(of, entry.Id.Seq, "an entry is there whose wallet is missing");
                        proofs.Add(of, current = new(Wallet.Empty(of), Credits.Zero, [], 0));
                    }
                }

                current.Next(entry);
            }
        }

        foreach (var proof in proofs.Values)
            foreach (var one in proof.Close()) Differs(one.Wallet, one.Seq, one.What);
    }

    async Task<Dictionary<WalletId, Proof>> Load(Tx tx, int bucket, CancellationToken ct)
    {
        var rows = await tx.All($"""
            select w.id, w.balance, w.held, w.owed, w.frozen_at is not null, w.seq, w.holds, w.at, w.head, w.lots_due,
              coalesce(p.seq, 0)
            from wallet w
            left join projection p on p.bucket = w.bucket and p.wallet_id = w.id
            where w.bucket = {bucket}
            """, row => (Wallet: BatchRows.ReadWallet(row), Projected: row.GetInt64(10)), ct);
        var open = await tx.All($"""
            select wallet_id, sum(amount)::bigint, count(*) from hold where bucket = {bucket} and state = 1 group by wallet_id
            """, row => (Wallet: new WalletId(row.GetGuid(0)), Sum: row.GetCredits(1), Count: row.GetInt64(2)), ct);
        var stored = await tx.All($"""
            select wallet_id, seq, source, priority, expires_at, paid_minor, paid_currency, amount, remaining, reversed
            from lot where bucket = {bucket}
            """, row => (Wallet: new WalletId(row.GetGuid(0)), Lot: LotRows.ReadLot(row)), ct);

        var lost = await tx.All($"""
            select wallet_id, seq, day, kind, amount from lot_day where bucket = {bucket}
            """, row => (Wallet: new WalletId(row.GetGuid(0)), Burn: new Burn(
                row.GetInt64(1), row.GetFieldValue<DateOnly>(2), (EntryKind)row.GetInt16(3), row.GetCredits(4))), ct);

        var openByWallet = open.ToDictionary(one => one.Wallet, one => one.Sum);
        var lotsByWallet = stored.ToLookup(one => one.Wallet, one => one.Lot);
        var burnsByWallet = lost.ToLookup(one => one.Wallet, one => one.Burn);
        wallets += rows.Count;
        holds += open.Sum(one => one.Count);
        lots += stored.Count;
        foreach (var (wallet, _) in rows)
        {
            balance += wallet.Balance;
            held += wallet.Held;
            owed += wallet.Owed;
        }

        var proofs = rows.ToDictionary(one => one.Wallet.Id, one => new Proof(
            one.Wallet, openByWallet.GetValueOrDefault(one.Wallet.Id), [.. lotsByWallet[one.Wallet.Id]], one.Projected)
        {
            Burns = [.. burnsByWallet[one.Wallet.Id]],
        });
        foreach (var orphan in openByWallet.Keys.Concat(lotsByWallet.Select(group => group.Key)).Distinct())
            if (!proofs.ContainsKey(orphan)) Differs(orphan, 0, "holds or lots are there whose wallet is missing");
        return proofs;
    }

    void Differs(WalletId wallet, long seq, string what)
    {
        differences++;
        if (shown.Count < MostShown) shown.Add((wallet, seq, what));
    }

    async Task<IReadOnlyList<DifferenceAnswer>> Named(Tx tx, CancellationToken ct)
    {
        var ids = shown.Select(one => one.Wallet.Value).Distinct().ToArray();
        var found = await tx.All($"""
            select wallet_id, id from customer where wallet_id = any({ids})
            """, row => (Wallet: new WalletId(row.GetGuid(0)), Name: row.GetString(1)), ct);
        var names = found.ToDictionary(one => one.Wallet, one => one.Name);
        return [.. shown.Select(one => new DifferenceAnswer(
            names.GetValueOrDefault(one.Wallet, ""), one.Wallet.ToString(), one.Seq, one.What))];
    }

    static async Task<long> Count(Tx tx, Sql sql, CancellationToken ct) =>
        (await tx.All(sql, row => row.GetInt64(0), ct)).Single();

    static Entry ReadEntry(NpgsqlDataReader row)
    {
        GrantTerms? terms = null;
        if (row.Maybe<short>(14) is { } source)
        {
            terms = new(
                (GrantSource)source,
                row.GetInt32(15),
                row.IsDBNull(16) ? null : row.GetInstant(16),
                row.Maybe<long>(17) is { } minor ? new(minor, row.GetString(18)) : null);
        }

        return new(
            new(new(row.GetGuid(0)), row.GetInt64(1)),
            (EntryKind)row.GetInt16(2),
            row.GetCredits(3),
            row.GetCredits(4),
            row.GetCredits(5),
            row.GetInstant(6),
            row.Text(7),
            row.Text(8),
            row.Maybe<long>(9),
            new(row.Maybe<long>(10) ?? 0),
            row.Maybe<long>(11),
            row.Text(12),
            terms,
            Hash.Of(row.GetFieldValue<byte[]>(13)));
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(CreditsConverter)])]
[JsonSerializable(typeof(VerificationAnswer))]
sealed partial class VerificationJson : JsonSerializerContext;
