using Npgsql;
using Purser.Core;
using Purser.Core.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>Money on its way back.</summary>
sealed class Refund : IEntity
{
    public static string Prefix => "ref";

    Refund() { }
}

/// <summary>The numbers are stored: never renumber.</summary>
enum RefundState
{
    Pending = 1,
    Succeeded = 2,
    Failed = 3,
}

/// <param name="Hold">The credits that wait for its end.</param>
/// <param name="Spread">From which lots its credits are taken, once that is decided.</param>
/// <param name="AtStripe">It was made there, and only followed here.</param>
sealed record RefundRow(
    Id<Refund> Id, Id<Order> Order, string? StripeId, RefundState State, long Minor, Credits Credits, long? Hold, string? Spread,
    string Reason, bool AtStripe, string? Failure, Guid? RequestKey, Guid? Request, DateTimeOffset CreatedAt);

static class RefundRows
{
    public static Task<RefundRow?> Refund(this Db db, Id<Refund> id, CancellationToken ct) =>
        db.One($"select * from refund where id = {id}", Read, ct);

    public static Task<RefundRow?> RefundAtStripe(this Db db, string id, CancellationToken ct) =>
        db.One($"select * from refund where stripe_id = {id}", Read, ct);

    public static Task<RefundRow?> RefundOfRequest(this Db db, Guid key, CancellationToken ct) =>
        db.One($"select * from refund where request_key = {key}", Read, ct);

    public static Task<List<RefundRow>> Refunds(this Db db, Id<Order> order, CancellationToken ct) =>
        db.All($"select * from refund where order_id = {order} order by created_at, id", Read, ct);

    public static Task<List<RefundRow>> PendingRefunds(this Db db, Id<Order> order, Id<Refund>? except, CancellationToken ct)
    {
        var other = except?.Value;
        return db.All($"""
            select * from refund where order_id = {order} and state = 1 and id is distinct from {other}::uuid
            """, Read, ct);
    }

    public static Task<List<RefundRow>> RefundsUnderWay(this Db db, DateTimeOffset until, int limit, CancellationToken ct) =>
        db.All($"select * from refund where state = 1 and created_at <= {until} order by created_at limit {limit}", Read, ct);

    public static Task InsertRefund(this Db db, RefundRow refund, CancellationToken ct) => db.Run($"""
        insert into refund (id, order_id, livemode, stripe_id, state, minor, credits, reason, at_stripe, request_key, request,
          created_at)
        select {refund.Id}, id, livemode, {refund.StripeId}, {(short)refund.State}, {refund.Minor}, {refund.Credits},
          {refund.Reason}, {refund.AtStripe}, {refund.RequestKey}, {refund.Request}, {refund.CreatedAt}
        from orders where id = {refund.Order}
        on conflict (stripe_id) do nothing
        """, ct);

    /// <summary>What was set aside for it; what it moves may have become less by that, before Stripe is asked.</summary>
    public static async Task<RefundRow> KeepAside(this Db db, RefundRow refund, CancellationToken ct)
    {
        await db.Run($"""
            update refund set minor = {refund.Minor}, credits = {refund.Credits}, hold = {refund.Hold} where id = {refund.Id}
            """, ct);
        return refund;
    }

    public static async Task<RefundRow> Named(this Db db, RefundRow refund, string stripeId, CancellationToken ct)
    {
        await db.Run($"update refund set stripe_id = {stripeId} where id = {refund.Id} and stripe_id is null", ct);
        return refund with { StripeId = stripeId };
    }

    /// <summary>The first that decides from which lots it is taken has decided.</summary>
    public static async Task<RefundRow> Decided(this Db db, RefundRow refund, string spread, CancellationToken ct)
    {
        await db.Run($"update refund set spread = {spread} where id = {refund.Id} and spread is null", ct);
        return (await db.Refund(refund.Id, ct))!;
    }

    /// <summary>Moves a refund on, and its order's sums with it; false where somebody else did so before.</summary>
    public static Task<bool> Settle(this Db db, RefundRow refund, RefundState to, string? failure, CancellationToken ct) =>
        db.Transact(async tx =>
        {
            var moved = await tx.Run($"""
                update refund set state = {(short)to}, failure = {failure} where id = {refund.Id} and state = {(short)refund.State}
                """, ct) == 1;
            if (!moved) return false;

            var sign = (refund.State, to) switch
            {
                (RefundState.Pending, RefundState.Succeeded) => 1,
                (RefundState.Succeeded, RefundState.Failed) => -1,
                _ => 0,
            };
            if (sign != 0) await tx.MoveSums(refund.Order, sign * refund.Minor, sign * refund.Credits.Micros, ct);
            return true;
        }, ct);

    public static async Task MoveSums(this Tx tx, Id<Order> id, long minor, long micros, CancellationToken ct)
    {
        var order = (await tx.One($"select * from orders where id = {id} for update", Orders.Read, ct))!;
        var moved = order with { RefundedMinor = order.RefundedMinor + minor, Returned = new(order.Returned.Micros + micros) };
        await tx.Run($"""
            update orders set refunded_minor = {moved.RefundedMinor}, returned = {moved.Returned}, state = {(short)moved.State}
            where id = {id}
            """, ct);
    }

    static RefundRow Read(NpgsqlDataReader row) => new(
        row.GetId<Refund>(row.GetOrdinal("id")),
        row.GetId<Order>(row.GetOrdinal("order_id")),
        row.Text(row.GetOrdinal("stripe_id")),
        (RefundState)row.GetInt16(row.GetOrdinal("state")),
        row.GetInt64(row.GetOrdinal("minor")),
        row.GetCredits(row.GetOrdinal("credits")),
        row.Maybe<long>(row.GetOrdinal("hold")),
        row.Text(row.GetOrdinal("spread")),
        row.GetString(row.GetOrdinal("reason")),
        row.GetBoolean(row.GetOrdinal("at_stripe")),
        row.Text(row.GetOrdinal("failure")),
        row.Maybe<Guid>(row.GetOrdinal("request_key")),
        row.Maybe<Guid>(row.GetOrdinal("request")),
        row.GetInstant(row.GetOrdinal("created_at")));
}
