using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Core.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <param name="Since">When it was switched on: what failed before is forgotten.</param>
/// <param name="WhyOff">What switched it off, where it was not a person.</param>
sealed record RechargeRow(CustomerId Customer, string Package, string Currency, RechargeTerms Terms, DateTimeOffset Since, string? WhyOff);

/// <param name="MinorThisMonth">In the currency that is bought in now.</param>
sealed record PastRecharges(int Today, long MinorThisMonth);

sealed record RechargeAttempt(OrderState State, DateTimeOffset At);

static class RechargeRows
{
    public static Task<RechargeRow?> Recharge(this Db db, CustomerId customer, bool livemode, CancellationToken ct) => db.One($"""
        select * from auto_recharge where customer = {customer.Value} and livemode = {livemode}
        """, Read, ct);

    /// <summary>Keeps settings. What failed is forgotten only where they switch it on: saving them again is no new card.</summary>
    public static Task Keep(this Db db, RechargeRow row, bool livemode, CancellationToken ct)
    {
        var wallet = WalletId.Of(row.Customer);
        return db.Run($"""
            insert into auto_recharge (customer, livemode, bucket, wallet_id, package, currency, threshold, daily_max_orders,
              monthly_max_minor, enabled, since, next_at)
            values ({row.Customer.Value}, {livemode}, {wallet.Bucket}, {wallet.Value}, {row.Package}, {row.Currency},
              {row.Terms.Threshold}, {row.Terms.DailyMaxOrders}, {row.Terms.MonthlyMaxMinor}, {row.Terms.Enabled}, {row.Since},
              {row.Since})
            on conflict (customer, livemode) do update set
              package = excluded.package, currency = excluded.currency, threshold = excluded.threshold,
              daily_max_orders = excluded.daily_max_orders, monthly_max_minor = excluded.monthly_max_minor,
              enabled = excluded.enabled, next_at = excluded.next_at, why_off = null,
              since = case when auto_recharge.enabled then auto_recharge.since else excluded.since end
            """, ct);
    }

    /// <summary>Who is low and may be bought for, those first who have waited longest.</summary>
    public static async Task<List<CustomerId>> LowWallets(
        this Db db, bool livemode, DateTimeOffset now, int limit, CancellationToken ct) => await db.All($"""
        select a.customer from auto_recharge a
        left join wallet w on w.bucket = a.bucket and w.id = a.wallet_id
        where a.enabled and a.livemode = {livemode} and a.next_at <= {now} and coalesce(w.balance - w.held, 0) < a.threshold
        order by a.next_at limit {limit}
        """, row => CustomerId.Parse(row.GetString(0), null), ct);

    public static Task RechargeNotBefore(
        this Db db, CustomerId customer, bool livemode, DateTimeOffset at, CancellationToken ct) => db.Run($"""
        update auto_recharge set next_at = {at} where customer = {customer.Value} and livemode = {livemode}
        """, ct);

    public static Task SwitchRechargeOff(
        this Db db, CustomerId customer, bool livemode, string why, CancellationToken ct) => db.Run($"""
        update auto_recharge set enabled = false, why_off = {why}
        where customer = {customer.Value} and livemode = {livemode} and enabled
        """, ct);

    public static Task<OrderRow?> RechargeUnderWay(this Db db, CustomerId customer, bool livemode, CancellationToken ct) => db.One($"""
        select * from orders
        where customer = {customer.Value} and livemode = {livemode} and kind = {(short)OrderKind.Recharge} and state = 1
        """, Orders.Read, ct);

    public static async Task<PastRecharges> PastRecharges(
        this Db db, RechargeRow row, bool livemode, DateTimeOffset now, CancellationToken ct)
    {
        DateTimeOffset today = new(now.UtcDateTime.Date, TimeSpan.Zero);
        DateTimeOffset month = new(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero);
        return (await db.One($"""
            select count(*) filter (where created_at >= {today})::int,
              coalesce(sum(money_minor) filter (where state <> {(short)OrderState.Failed} and currency = {row.Currency}), 0)::bigint
            from orders
            where customer = {row.Customer.Value} and livemode = {livemode} and kind = {(short)OrderKind.Recharge}
              and created_at >= {month}
            """, rows => new PastRecharges(rows.GetInt32(0), rows.GetInt64(1)), ct))!;
    }

    public static Task<List<RechargeAttempt>> LastRecharges(
        this Db db, RechargeRow row, bool livemode, int limit, CancellationToken ct) => db.All($"""
        select state, created_at from orders
        where customer = {row.Customer.Value} and livemode = {livemode} and kind = {(short)OrderKind.Recharge}
          and created_at >= {row.Since}
        order by created_at desc limit {limit}
        """, rows => new RechargeAttempt((OrderState)rows.GetInt16(0), rows.GetInstant(1)), ct);

    static RechargeRow Read(NpgsqlDataReader row) => new(
        CustomerId.Parse(row.GetString(row.GetOrdinal("customer")), null),
        row.GetString(row.GetOrdinal("package")),
        row.GetString(row.GetOrdinal("currency")),
        new(
            row.GetCredits(row.GetOrdinal("threshold")),
            row.GetInt32(row.GetOrdinal("daily_max_orders")),
            row.GetInt64(row.GetOrdinal("monthly_max_minor")),
            row.GetBoolean(row.GetOrdinal("enabled"))),
        row.GetInstant(row.GetOrdinal("since")),
        row.Text(row.GetOrdinal("why_off")));
}
