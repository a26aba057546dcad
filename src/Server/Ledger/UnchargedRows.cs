using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>What becomes of usage that was not charged when it was used. The numbers are stored: never renumber.</summary>
enum UnchargedState
{
    Open = 1,

    /// <summary>Decided, and on its way: it is charged, or open again.</summary>
    Charging = 2,

    Charged = 3,
    Waived = 4,
}

/// <summary>Usage that is being recorded: charged or not, the lane says.</summary>
sealed record PricedUsage(WalletId Wallet, Credits Price)
{
    /// <summary>Nothing was taken of it and nothing is missing: charging was off when it began or when it ended.</summary>
    public bool IsUncharged(Receipt receipt) =>
        Price > Credits.Zero && receipt.Entry is not null && receipt.Amount == Credits.Zero && receipt.Missing == Credits.Zero;
}

/// <param name="Attempts">How often it was refused: a refusal stays one under its key.</param>
sealed record UnchargedUsage(EntryId Entry, string Customer, Credits Amount, UnchargedState State, int Attempts, DateTimeOffset At)
{
    public long? Charge { get; init; }
    public string? Reason { get; init; }
    public string? Quote { get; init; }
}

static class UnchargedRows
{
    const string Insert = """
        insert into uncharged (bucket, wallet_id, seq, amount, state, at)
        select unnest($1::int[]), unnest($2::uuid[]), unnest($3::bigint[]), unnest($4::bigint[]), 1, unnest($5::timestamptz[])
        """;

    /// <summary>Written in the transaction of the entry that took nothing.</summary>
    public static readonly Riders<PricedUsage> Riders = new(Write);

    /// <summary>Of usage that was recorded, keeps what was not charged.</summary>
    public static void Write(NpgsqlBatch batch, List<(PricedUsage Usage, Receipt Receipt)> recorded)
    {
        var uncharged = recorded.FindAll(one => one.Usage.IsUncharged(one.Receipt));
        if (uncharged.Count == 0) return;

        batch.Add(
            Insert,
            BatchRows.Column(uncharged, one => one.Usage.Wallet.Bucket),
            BatchRows.Column(uncharged, one => one.Usage.Wallet.Value),
            BatchRows.Column(uncharged, one => one.Receipt.Entry!.Value),
            BatchRows.Column(uncharged, one => one.Usage.Price.Micros),
            BatchRows.Column(uncharged, one => one.Receipt.At));
    }

    /// <summary>The price of an entry that took nothing of it; null where it took what it cost.</summary>
    public static async Task<Credits?> UnchargedOf(this Db db, EntryId entry, CancellationToken ct)
    {
        var found = await db.All($"""
            select amount from uncharged
            where bucket = {entry.Wallet.Bucket} and wallet_id = {entry.Wallet.Value} and seq = {entry.Seq}
            """, row => row.GetCredits(0), ct);
        return found.Count == 0 ? null : found[0];
    }

    /// <summary>Oldest first.</summary>
    public static Task<List<UnchargedUsage>> Uncharged(
        this Db db, UnchargedState state, WalletId? wallet, EntryId? after, int limit, CancellationToken ct)
    {
        var (of, last, seq) = (wallet?.Value, after?.Wallet, after?.Seq ?? 0);
        return db.All($"""
            select u.wallet_id, u.seq, c.id, u.amount, u.state, u.attempts, u.at, u.charge, u.reason, e.quote
            from uncharged u
            join customer c on c.wallet_id = u.wallet_id
            join entry e on e.bucket = u.bucket and e.wallet_id = u.wallet_id and e.seq = u.seq
            where u.state = {(short)state} and ({of}::uuid is null or u.wallet_id = {of}::uuid)
              and ({last?.Value}::uuid is null or (u.at, u.bucket, u.wallet_id, u.seq) > (
                select at, bucket, wallet_id, seq from uncharged
                where bucket = {last?.Bucket}::int and wallet_id = {last?.Value}::uuid and seq = {seq}))
            order by u.at, u.bucket, u.wallet_id, u.seq limit {limit}
            """, Read, ct);
    }

    /// <summary>Decides that it is charged; null where it was charged or waived already.</summary>
    public static Task<UnchargedUsage?> Claim(this Db db, EntryId entry, CancellationToken ct) => db.One($"""
        update uncharged u set state = {(short)UnchargedState.Charging}
        from customer c, entry e
        where u.bucket = {entry.Wallet.Bucket} and u.wallet_id = {entry.Wallet.Value} and u.seq = {entry.Seq} and u.state <= 2
          and c.wallet_id = u.wallet_id and e.bucket = u.bucket and e.wallet_id = u.wallet_id and e.seq = u.seq
        returning u.wallet_id, u.seq, c.id, u.amount, u.state, u.attempts, u.at, u.charge, u.reason, e.quote
        """, Read, ct);

    public static Task Charged(this Db db, EntryId entry, long charge, DateTimeOffset now) => db.Run($"""
        update uncharged set state = {(short)UnchargedState.Charged}, charge = {charge}, ended_at = {now}
        where bucket = {entry.Wallet.Bucket} and wallet_id = {entry.Wallet.Value} and seq = {entry.Seq} and state = 2
        """, CancellationToken.None);

    /// <summary>It was refused, and may be charged or waived another time.</summary>
    public static Task Refused(this Db db, UnchargedUsage usage) => db.Run($"""
        update uncharged set state = {(short)UnchargedState.Open}, attempts = attempts + 1
        where bucket = {usage.Entry.Wallet.Bucket} and wallet_id = {usage.Entry.Wallet.Value} and seq = {usage.Entry.Seq} and state = 2
          and attempts = {usage.Attempts}
        """, CancellationToken.None);

    /// <summary>Closes what is open, of one customer or of all; how many, and what it came to.</summary>
    public static async Task<(long Count, Credits Amount)> Waive(this Db db, WalletId? wallet, string reason, DateTimeOffset now, CancellationToken ct)
    {
        var of = wallet?.Value;
        var waived = await db.All($"""
            with waived as (
              update uncharged set state = {(short)UnchargedState.Waived}, reason = {reason}, ended_at = {now}
              where state = 1 and ({of}::uuid is null or wallet_id = {of}::uuid)
              returning amount
            )
            select count(*), coalesce(sum(amount), 0)::bigint from waived
            """, row => (row.GetInt64(0), row.GetCredits(1)), ct);
        return waived.Single();
    }

    static UnchargedUsage Read(NpgsqlDataReader row) => new(
        new(new(row.GetGuid(0)), row.GetInt64(1)), row.GetString(2), row.GetCredits(3), (UnchargedState)row.GetInt16(4), row.GetInt32(5),
        row.GetInstant(6))
    {
        Charge = row.Maybe<long>(7),
        Reason = row.Text(8),
        Quote = row.Text(9),
    };
}
