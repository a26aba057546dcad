using Npgsql;
using Purser.Core;
using Purser.Core.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <param name="Credits">What a lost one has taken.</param>
/// <param name="Hold">What is frozen while it is open.</param>
/// <param name="Sources">From where its credits are taken, once that is decided.</param>
/// <param name="Round">Names what is done for it in the ledger: it may be frozen and decided several times.</param>
sealed record DisputeRow(
    string Id, Id<Order> Order, DisputeState State, long Minor, Credits Credits, long? Hold, RefundSources? Sources, int Round,
    string Reason)
{
    public string Name => $"dispute:{Id}:{Round}";

    public string Why(DisputeState to) => $"dispute ({Reason}) {Names.Of(to)}";
}

static class DisputeRows
{
    public static Task<DisputeRow?> Dispute(this Db db, string id, CancellationToken ct) =>
        db.One($"select * from dispute where id = {id}", Read, ct);

    public static Task<List<DisputeRow>> OpenDisputes(this Db db, Id<Order> order, CancellationToken ct) =>
        db.All($"select * from dispute where order_id = {order} and state = 1 order by id", Read, ct);

    /// <summary>All that are not decided as far as is known here, in the order of their ids.</summary>
    public static Task<List<DisputeRow>> OpenDisputes(this Db db, bool livemode, string after, int limit, CancellationToken ct) => db.All($"""
        select * from dispute where state = 1 and livemode = {livemode} and id > {after} order by id limit {limit}
        """, Read, ct);

    public static Task<DisputeRow?> LostDispute(this Db db, Id<Order> order, CancellationToken ct) =>
        db.One($"select * from dispute where order_id = {order} and state = 3 order by created_at desc limit 1", Read, ct);

    public static async Task<DisputeRow> InsertDispute(
        this Db db, DisputeRow dispute, bool livemode, DateTimeOffset now, CancellationToken ct)
    {
        await db.Run($"""
            insert into dispute (id, order_id, livemode, state, minor, credits, reason, created_at)
            values ({dispute.Id}, {dispute.Order}, {livemode}, {(short)dispute.State}, {dispute.Minor}, {dispute.Credits},
              {dispute.Reason}, {now})
            on conflict (id) do nothing
            """, ct);
        return (await db.Dispute(dispute.Id, ct))!;
    }

    public static async Task<DisputeRow> Thaw(this Db db, DisputeRow dispute, CancellationToken ct)
    {
        await db.Run($"update dispute set hold = null, round = {dispute.Round + 1} where id = {dispute.Id}", ct);
        return dispute with { Hold = null, Round = dispute.Round + 1 };
    }

    public static Task KeepFrozen(this Db db, DisputeRow dispute, long hold, CancellationToken ct) =>
        db.Run($"update dispute set hold = {hold} where id = {dispute.Id}", ct);

    /// <summary>Writes down from where it takes credits, before the first is taken.</summary>
    /// <param name="forgone">Of months to come, what it takes now.</param>
    public static Task<DisputeRow> Decide(
        this Db db, DisputeRow dispute, RefundSources sources, Credits forgone, CancellationToken ct) => db.Transact(async tx =>
    {
        await tx.Run($"""
            update dispute set credits = {sources.Total}, spread = {Spreads.Write(sources)} where id = {dispute.Id}
            """, ct);
        await tx.Forgo(dispute.Order, forgone, ct);
        return dispute with { Credits = sources.Total, Sources = sources };
    }, ct);

    /// <summary>Moves a dispute on, and its order's sums with it.</summary>
    public static Task<bool> Settle(this Db db, DisputeRow dispute, DisputeState to, CancellationToken ct) => db.Transact(async tx =>
    {
        // What a lost one has taken is still its own; all else begins anew.
        if (to == DisputeState.Lost)
        {
            await tx.Run($"update dispute set state = {(short)to} where id = {dispute.Id}", ct);
        }
        else
        {
            await tx.Run($"""
                update dispute set state = {(short)to}, credits = 0, hold = null, spread = null, round = {dispute.Round + 1}
                where id = {dispute.Id}
                """, ct);
            if (dispute.Sources is { } sources) await tx.Reclaim(dispute.Order, sources.Coming, ct);
        }

        await tx.AddUp(dispute.Order, ct);
        return true;
    }, ct);

    static DisputeRow Read(NpgsqlDataReader row) => new(
        row.GetString(row.GetOrdinal("id")),
        row.GetId<Order>(row.GetOrdinal("order_id")),
        (DisputeState)row.GetInt16(row.GetOrdinal("state")),
        row.GetInt64(row.GetOrdinal("minor")),
        row.GetCredits(row.GetOrdinal("credits")),
        row.Maybe<long>(row.GetOrdinal("hold")),
        Spreads.Read(row.Text(row.GetOrdinal("spread"))),
        row.GetInt32(row.GetOrdinal("round")),
        row.GetString(row.GetOrdinal("reason")));
}
