using Npgsql;
using Purser.Core;
using Purser.Core.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>Months that were paid for at once, as they are stored.</summary>
sealed record PaidMonthsRow(PaidMonths Months, string Subscription, Id<Order> Order, string Currency, Credits Forgone);

static class PaidMonthRows
{
    public static Task Begin(
        this Db db, PaidMonths months, string subscription, OrderRow order, string currency, CancellationToken ct) => db.Run($"""
        insert into paid_months (identity, subscription, order_id, livemode, currency, anchor, month, months_left, coming,
          minor_left, next_at)
        values ({months.Identity}, {subscription}, {order.Id}, {order.Livemode}, {currency}, {months.Months.Anchor},
          {months.Month}, {months.Left}, {months.Coming}, {months.Minor}, {NextAt(months)})
        on conflict (identity) do nothing
        """, ct);

    public static Task<PaidMonthsRow?> PaidMonths(this Db db, string identity, CancellationToken ct) =>
        db.One($"select * from paid_months where identity = {identity}", Read, ct);

    public static Task<List<PaidMonthsRow>> PaidMonthsOf(this Db db, Id<Order> order, CancellationToken ct) =>
        db.All($"select * from paid_months where order_id = {order} order by identity", Read, ct);

    /// <summary>Who has months that begin; not while they are paused, or their payment is in question.</summary>
    public static Task<List<(string Identity, CustomerId Customer)>> DueMonths(
        this Db db, bool livemode, DateTimeOffset now, string after, int limit, CancellationToken ct) => db.All($"""
        select p.identity, o.customer
        from paid_months p join orders o on o.id = p.order_id join subscription s on s.id = p.subscription
        where p.next_at <= {now} and p.livemode = {livemode} and p.identity > {after} and not o.disputed
          and s.status <> {(short)SubscriptionStatus.Paused}
        order by p.identity limit {limit}
        """, row => (row.GetString(0), CustomerId.Parse(row.GetString(1), null)), ct);

    /// <summary>A month has come: what is left of the others.</summary>
    public static Task Advance(this Db db, PaidMonthsRow before, PaidMonths rest, CancellationToken ct) => db.Run($"""
        update paid_months set
          month = {rest.Month}, months_left = {rest.Left}, coming = {rest.Coming}, minor_left = {rest.Minor}, next_at = {NextAt(rest)}
        where identity = {rest.Identity} and month = {before.Months.Month}
        """, ct);

    /// <summary>No more of them come. Their money may still go back.</summary>
    public static Task End(this Db db, string identity, CancellationToken ct) =>
        db.Run($"update paid_months set next_at = null where identity = {identity}", ct);

    /// <summary>Their time was given back at Stripe, and their money with it.</summary>
    public static async Task GiveBackMonths(this Tx tx, string subscription, Credits atMost, CancellationToken ct)
    {
        var rows = await tx.All($"""
            select * from paid_months where subscription = {subscription} and coming > 0 order by order_id desc, identity for update
            """, Read, ct);
        foreach (var row in rows)
        {
            var gone = Credits.Min(atMost, row.Months.Coming);
            var left = row.Months.Coming - gone;
            var minor = (long)((Int128)row.Months.Minor * left.Micros / row.Months.Coming.Micros);
            await tx.Run($"""
                update paid_months set coming = {left}, minor_left = {minor} where identity = {row.Months.Identity}
                """, ct);
            atMost -= gone;
        }
    }

    /// <summary>A refund takes months before they come.</summary>
    public static async Task Forgo(this Tx tx, Id<Order> order, Credits credits, CancellationToken ct)
    {
        var rows = await tx.All($"select * from paid_months where order_id = {order} order by identity for update", Read, ct);
        foreach (var row in rows)
        {
            var gone = Credits.Min(credits, row.Months.Coming);
            await tx.Run($"""
                update paid_months set coming = coming - {gone}, forgone = forgone + {gone} where identity = {row.Months.Identity}
                """, ct);
            credits -= gone;
        }
    }

    /// <summary>The refund failed: they come after all.</summary>
    public static async Task Reclaim(this Tx tx, Id<Order> order, Credits credits, CancellationToken ct)
    {
        var rows = await tx.All($"select * from paid_months where order_id = {order} order by identity for update", Read, ct);
        foreach (var row in rows)
        {
            var back = Credits.Min(credits, row.Forgone);
            await tx.Run($"""
                update paid_months set coming = coming + {back}, forgone = forgone - {back} where identity = {row.Months.Identity}
                """, ct);
            credits -= back;
        }
    }

    static DateTimeOffset? NextAt(PaidMonths months) => months.Left > 0 ? months.NextAt : null;

    static PaidMonthsRow Read(NpgsqlDataReader row) => new(
        new(
            row.GetString(row.GetOrdinal("identity")),
            new(row.GetInstant(row.GetOrdinal("anchor"))),
            row.GetInt32(row.GetOrdinal("month")),
            row.GetInt32(row.GetOrdinal("months_left")),
            row.GetCredits(row.GetOrdinal("coming")),
            row.GetInt64(row.GetOrdinal("minor_left"))),
        row.GetString(row.GetOrdinal("subscription")),
        row.GetId<Order>(row.GetOrdinal("order_id")),
        row.GetString(row.GetOrdinal("currency")),
        row.GetCredits(row.GetOrdinal("forgone")));
}
