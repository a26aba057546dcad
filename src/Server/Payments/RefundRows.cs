using System.Globalization;
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
/// <param name="Sources">From where its credits are taken, once that is decided.</param>
/// <param name="AtStripe">It was made there, and only followed here.</param>
sealed record RefundRow(
    Id<Refund> Id, Id<Order> Order, string? StripeId, RefundState State, long Minor, Credits Credits, long? Hold, RefundSources? Sources,
    string Reason, bool AtStripe, string? Failure, Guid? RequestKey, Guid? Request, DateTimeOffset CreatedAt);

/// <summary>Money and credits that went back, or are on their way.</summary>
sealed record Gone(long Minor, Credits Credits);

/// <summary>Where credits are taken from, as it is kept: <c>coming:MICROS,LOT:MICROS,…</c></summary>
static class Spreads
{
    const string Coming = "coming";

    public static string Write(RefundSources sources) => string.Join(',',
    [
        string.Create(CultureInfo.InvariantCulture, $"{Coming}:{sources.Coming.Micros}"),
        .. sources.Lots.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Lot}:{part.Amount.Micros}")),
    ]);

    public static RefundSources? Read(string? text)
    {
        if (text is null) return null;

        var parts = text.Split(',').Select(part => part.Split(':')).ToList();
        return new(
            new(long.Parse(parts[0][1], CultureInfo.InvariantCulture)),
            [.. parts.Skip(1).Select(part => (
                long.Parse(part[0], CultureInfo.InvariantCulture),
                new Credits(long.Parse(part[1], CultureInfo.InvariantCulture))))]);
    }
}

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

    public static Task<List<RefundRow>> PendingRefunds(this Db db, Id<Order> order, CancellationToken ct) =>
        db.All($"select * from refund where order_id = {order} and state = 1 order by created_at, id", Read, ct);

    public static Task<List<RefundRow>> RefundsUnderWay(
        this Db db, bool livemode, DateTimeOffset until, Guid after, int limit, CancellationToken ct) => db.All($"""
        select * from refund
        where state = 1 and livemode = {livemode} and created_at <= {until} and id > {after}
        order by id limit {limit}
        """, Read, ct);

    /// <summary>What went back of an order, or is on its way: by refunds, and by disputes that were lost.</summary>
    public static async Task<Gone> Gone(this Db db, Id<Order> order, Id<Refund>? except, CancellationToken ct)
    {
        var other = except?.Value;
        return (await db.One($"""
            select coalesce(sum(minor), 0)::bigint, coalesce(sum(credits), 0)::bigint
            from (
              select minor, credits from refund
              where order_id = {order} and state in (1, 2) and id is distinct from {other}::uuid
              union all
              select minor, credits from dispute where order_id = {order} and state = 3
            ) gone
            """, row => new Gone(row.GetInt64(0), row.GetCredits(1)), ct))!;
    }

    public static Task InsertRefund(this Db db, RefundRow refund, CancellationToken ct) => db.Run($"""
        insert into refund (id, order_id, livemode, stripe_id, state, minor, credits, reason, at_stripe, request_key, request,
          created_at)
        select {refund.Id}, id, livemode, {refund.StripeId}, {(short)refund.State}, {refund.Minor}, {refund.Credits},
          {refund.Reason}, {refund.AtStripe}, {refund.RequestKey}, {refund.Request}, {refund.CreatedAt}
        from orders where id = {refund.Order}
        on conflict (stripe_id) do nothing
        """, ct);

    /// <summary>
    /// Writes down from where it takes credits, and what was set aside for it, before Stripe is asked and before the first
    /// is taken. What it moves may have become less by that.
    /// </summary>
    public static Task<RefundRow> Decide(
        this Db db, RefundRow refund, RefundSources sources, CancellationToken ct) => db.Transact(async tx =>
    {
        await tx.Run($"""
            update refund set
              minor = {refund.Minor}, credits = {sources.Total}, hold = {refund.Hold}, spread = {Spreads.Write(sources)}
            where id = {refund.Id}
            """, ct);
        if (refund.Sources is null) await tx.Forgo(refund.Order, sources.Coming, ct);
        return refund with { Credits = sources.Total, Sources = sources };
    }, ct);

    /// <summary>It fails: the months that it would have taken are to come again, whoever takes them next.</summary>
    public static async Task<RefundRow> Reclaim(this Db db, RefundRow refund, CancellationToken ct)
    {
        if (refund.Sources is not { } sources || sources.Coming == Credits.Zero) return refund;

        var rest = sources with { Coming = Credits.Zero };
        return await db.Transact(async tx =>
        {
            await tx.Run($"update refund set spread = {Spreads.Write(rest)} where id = {refund.Id}", ct);
            await tx.Reclaim(refund.Order, sources.Coming, ct);
            return refund with { Sources = rest };
        }, ct);
    }

    public static async Task<RefundRow> Named(this Db db, RefundRow refund, string stripeId, CancellationToken ct)
    {
        await db.Run($"update refund set stripe_id = {stripeId} where id = {refund.Id} and stripe_id is null", ct);
        return refund with { StripeId = stripeId };
    }

    /// <summary>Moves a refund on, and its order's sums with it.</summary>
    public static Task<bool> Settle(this Db db, RefundRow refund, RefundState to, string? failure, CancellationToken ct) =>
        db.Transact(async tx =>
        {
            await tx.Run($"update refund set state = {(short)to}, failure = {failure} where id = {refund.Id}", ct);
            await tx.AddUp(refund.Order, ct);
            return true;
        }, ct);

    public static Task<bool> AddUp(this Db db, Id<Order> id, CancellationToken ct) => db.Transact(async tx =>
    {
        await tx.AddUp(id, ct);
        return true;
    }, ct);

    /// <summary>What went back of an order, and whether it is disputed, from what became of its refunds and disputes.</summary>
    public static async Task AddUp(this Tx tx, Id<Order> id, CancellationToken ct)
    {
        var order = (await tx.One($"select * from orders where id = {id} for update", Orders.Read, ct))!;
        var gone = (await tx.One($"""
            select coalesce(sum(minor), 0)::bigint, coalesce(sum(credits), 0)::bigint
            from (
              select minor, credits from refund where order_id = {id} and state = 2
              union all
              select minor, credits from dispute where order_id = {id} and state = 3
            ) gone
            """, row => new Gone(row.GetInt64(0), row.GetCredits(1)), ct))!;
        var open = await tx.All($"select 1 from dispute where order_id = {id} and state = 1 limit 1", row => row.GetInt32(0), ct);
        // A bank may dispute what was refunded before: no more is gone than was paid.
        var summed = order with
        {
            RefundedMinor = Math.Min(gone.Minor, order.Received.Minor), Returned = gone.Credits, Disputed = open.Count > 0,
        };
        await tx.Run($"""
            update orders set
              refunded_minor = {summed.RefundedMinor}, returned = {summed.Returned}, disputed = {summed.Disputed},
              state = {(short)summed.State}
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
        Spreads.Read(row.Text(row.GetOrdinal("spread"))),
        row.GetString(row.GetOrdinal("reason")),
        row.GetBoolean(row.GetOrdinal("at_stripe")),
        row.Text(row.GetOrdinal("failure")),
        row.Maybe<Guid>(row.GetOrdinal("request_key")),
        row.Maybe<Guid>(row.GetOrdinal("request")),
        row.GetInstant(row.GetOrdinal("created_at")));
}
