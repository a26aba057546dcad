using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Core.Payments;
using Purser.Server.Catalog;
using Purser.Server.Ledger;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

sealed record RechargeRequest
{
    public string? Package { get; init; }
    public string? Currency { get; init; }
    public Credits? Threshold { get; init; }
    public int? DailyMaxOrders { get; init; }
    public long? MonthlyMaxMinor { get; init; }
    public bool? Enabled { get; init; }
}

/// <param name="State">What it would do now: buy, enough, in_flight, backing_off, daily_ceiling, monthly_ceiling, switched_off.</param>
/// <param name="WhyOff">What switched it off, where it was not a person.</param>
sealed record RechargeAnswer(
    string Package, string Currency, Credits Threshold, int DailyMaxOrders, long MonthlyMaxMinor, bool Enabled, string State, string? WhyOff);

sealed record RechargeRow(CustomerId Customer, string Package, string Currency, RechargeTerms Terms, DateTimeOffset Since, string? WhyOff);

/// <summary>
/// Buys a package when credits run low, off-session, with the card that the customer paid with before. One attempt at a
/// time; ceilings refuse; a card that declines is left alone for longer and longer, and then for good.
/// </summary>
sealed class Recharges(
    StripeClient stripe, StripeCustomers customers, Fulfilment fulfilment, OrderCredits credits, CustomerLocks locks,
    CurrentCatalog catalog, Db db, TimeProvider time, ILogger<Recharges> log)
{
    const int AtOnce = 100;
    const int MostOrders = 1000;

    sealed record Past(int Today, long MinorThisMonth);

    sealed record Attempt(OrderState State, string? Failure, DateTimeOffset At);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPut("/v1/customers/{customer}/auto-recharge", Put).WithTags("Payments")
            .WithSummary("Buy a package whenever available credits fall under a threshold").Produces<RechargeAnswer>();
        routes.MapGet("/v1/customers/{customer}/auto-recharge", Show).WithTags("Payments")
            .WithSummary("The settings, and what they would do now").Produces<RechargeAnswer>();
    }

    static async Task<IResult> Put(
        CustomerId customer, RechargeRequest request, Recharges recharges, Db db, HttpContext http, CancellationToken ct)
    {
        var row = recharges.Read(customer, request);
        if (!await db.Exists(customer, ct)) return Error.NotFound("customer").Answer(http);

        await recharges.Keep(row, ct);
        return TypedResults.Ok(await recharges.Answer(row, ct));
    }

    static async Task<IResult> Show(CustomerId customer, Recharges recharges, HttpContext http, CancellationToken ct) =>
        await recharges.Find(customer, ct) is { } row
            ? TypedResults.Ok(await recharges.Answer(row, ct))
            : Error.NotFound("auto-recharge").Answer(http);

    /// <summary>Every customer whose credits are low, once.</summary>
    public async Task Round(DateTimeOffset now, CancellationToken ct)
    {
        var low = await db.All($"""
            select a.* from auto_recharge a
            left join wallet w on w.bucket = a.bucket and w.id = a.wallet_id
            where a.enabled and a.livemode = {stripe.Livemode} and coalesce(w.balance - w.held, 0) < a.threshold
            limit {AtOnce}
            """, Read, ct);
        foreach (var row in low)
        {
            try
            {
                await locks.Hold(row.Customer, () => Attend(row, now, ct), ct);
            }
            catch (Exception e) when (e is RefusedException or InvalidOperationException)
            {
                // One customer's trouble is not the next one's.
                log.RechargeFailed(e, row.Customer.Value);
            }
        }
    }

    async Task<bool> Attend(RechargeRow row, DateTimeOffset now, CancellationToken ct)
    {
        if (await InFlight(row.Customer, ct) is { } underWay) return await Pursue(underWay, ct);
        if (catalog.Offer.Package(row.Package) is not { } package
            || OrderTerms.Of(package, 1, row.Currency, catalog.Rates.Version) is not { } terms)
            return await SwitchOff(row, "package_not_sold", ct);

        var decision = AutoRecharge.Decide(row.Terms, await Facts(row, now, ct), terms.Total.Minor, now);
        if (decision == RechargeDecision.SwitchedOff) return await SwitchOff(row, "declined", ct);
        if (decision != RechargeDecision.Buy) return false;

        terms = terms with { Kind = OrderKind.Recharge };
        var order = new OrderRow(
            Id<Order>.New(now), row.Customer, stripe.Livemode, OrderKind.Recharge, terms, terms.Total, terms.Credits, now);
        await db.Insert(order, ct);
        return await Pursue(order, ct);
    }

    /// <summary>Takes an attempt further, from wherever a server that died may have left it.</summary>
    async Task<bool> Pursue(OrderRow order, CancellationToken ct)
    {
        if (order.PaymentIntent is { } known)
        {
            await fulfilment.Intent(known, ct);
            return true;
        }

        var customer = await customers.Of(order.Customer, ct) ?? throw new InvalidOperationException($"{order.Customer} is gone.");
        if (await CardOf(customer, ct) is not { } card) return await Failed(order, null, "no_payment_method", ct);

        try
        {
            var intent = await stripe.Post("/v1/payment_intents", Form(order, customer, card), $"purser-recharge-{order.Id}", ct);
            await db.Change(order.Id, known => known with { PaymentIntent = intent.Id }, ct);
            await fulfilment.Intent(intent.Id, ct);
            return true;
        }
        catch (StripeException e) when (e.Fault is StripeFault.Declined or StripeFault.Invalid or StripeFault.Missing)
        {
            return await Failed(order, e.PaymentIntent, e.DeclineCode ?? e.Code ?? "declined", ct);
        }
    }

    static StripeForm Form(OrderRow order, string customer, string card) => new()
    {
        { "amount", order.Money.Minor },
        { "currency", order.Money.Currency },
        { "customer", customer },
        { "payment_method", card },
        { "off_session", true },
        { "confirm", true },
        { "description", order.Terms.Name },
        { $"metadata[{Fulfilment.OrderKey}]", order.Reference },
        { $"metadata[{Fulfilment.CustomerKey}]", order.Customer.Value },
    };

    async Task<bool> Failed(OrderRow order, string? intent, string code, CancellationToken ct)
    {
        await db.Change(order.Id, known => known with { PaymentIntent = known.PaymentIntent ?? intent, Failure = code }, ct);
        if (AutoRecharge.SwitchesOff(code) && await Find(order.Customer, ct) is { } row) await SwitchOff(row, code, ct);
        return false;
    }

    // The one that invoices are paid with, or else the one that was used last.
    async Task<string?> CardOf(string customer, CancellationToken ct)
    {
        var fetched = await stripe.Get($"/v1/customers/{customer}", null, ct);
        if (fetched.Child("invoice_settings")?.Reference("default_payment_method") is { } chosen) return chosen;

        var methods = await stripe.Get($"/v1/customers/{customer}/payment_methods", new() { { "limit", 1 } }, ct);
        return methods.First("data").MaybeId;
    }

    async Task<RechargeFacts> Facts(RechargeRow row, DateTimeOffset now, CancellationToken ct)
    {
        DateTimeOffset today = new(now.UtcDateTime.Date, TimeSpan.Zero);
        DateTimeOffset month = new(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero);
        var past = (await db.One($"""
            select count(*) filter (where created_at >= {today})::int,
              coalesce(sum(money_minor) filter (where state <> {(short)OrderState.Failed}), 0)::bigint
            from orders
            where customer = {row.Customer.Value} and livemode = {stripe.Livemode} and kind = {(short)OrderKind.Recharge}
              and created_at >= {month}
            """, rows => new Past(rows.GetInt32(0), rows.GetInt64(1)), ct))!;
        var attempts = await db.All($"""
            select state, failure, created_at from orders
            where customer = {row.Customer.Value} and livemode = {stripe.Livemode} and kind = {(short)OrderKind.Recharge}
              and created_at >= {row.Since}
            order by created_at desc limit {AutoRecharge.MostFailures}
            """, rows => new Attempt((OrderState)rows.GetInt16(0), rows.Text(1), rows.GetInstant(2)), ct);
        var failures = attempts.TakeWhile(attempt => attempt.State == OrderState.Failed).ToList();
        return new(
            await credits.Available(row.Customer, ct),
            await InFlight(row.Customer, ct) is not null,
            past.Today,
            past.MinorThisMonth,
            failures.Count,
            failures.FirstOrDefault()?.At);
    }

    Task<OrderRow?> InFlight(CustomerId customer, CancellationToken ct) => db.One($"""
        select * from orders
        where customer = {customer.Value} and livemode = {stripe.Livemode} and kind = {(short)OrderKind.Recharge} and state = 1
        """, Orders.Read, ct);

    RechargeRow Read(CustomerId customer, RechargeRequest request)
    {
        var code = request.Package.Needed("package");
        if (catalog.Offer.Package(code) is not { } package)
            throw new InvalidRequestException("package", $"There is no package '{code}': GET /v1/packages lists them.", "unknown_package");

        var currency = request.Currency ?? package.Prices[0].Currency;
        if (package.UnitPrice(currency, 1) is not { } price)
            throw new InvalidRequestException("currency", $"It is not sold in '{request.Currency}'.", "unknown_currency");

        var threshold = request.Threshold.Needed("threshold");
        if (threshold <= Credits.Zero || threshold > Credits.Max)
            throw new InvalidRequestException("threshold", "'threshold' is more than nothing.");

        var daily = request.DailyMaxOrders.Needed("daily_max_orders");
        if (daily is < 1 or > MostOrders) throw new InvalidRequestException("daily_max_orders", $"'daily_max_orders' is 1 to {MostOrders}.");

        var monthly = request.MonthlyMaxMinor.Needed("monthly_max_minor");
        if (monthly < price.Minor)
            throw new InvalidRequestException("monthly_max_minor", $"'monthly_max_minor' is at least the package's price, {price.Minor}.");

        return new(customer, code, currency, new(threshold, daily, monthly, request.Enabled.Needed("enabled")), time.Now(), null);
    }

    async Task Keep(RechargeRow row, CancellationToken ct)
    {
        var wallet = WalletId.Of(row.Customer);
        await db.Run($"""
            insert into auto_recharge (customer, livemode, bucket, wallet_id, package, currency, threshold, daily_max_orders,
              monthly_max_minor, enabled, since)
            values ({row.Customer.Value}, {stripe.Livemode}, {wallet.Bucket}, {wallet.Value}, {row.Package}, {row.Currency},
              {row.Terms.Threshold}, {row.Terms.DailyMaxOrders}, {row.Terms.MonthlyMaxMinor}, {row.Terms.Enabled}, {row.Since})
            on conflict (customer, livemode) do update set
              package = excluded.package, currency = excluded.currency, threshold = excluded.threshold,
              daily_max_orders = excluded.daily_max_orders, monthly_max_minor = excluded.monthly_max_minor,
              enabled = excluded.enabled, since = excluded.since, why_off = null
            """, ct);
    }

    async Task<bool> SwitchOff(RechargeRow row, string why, CancellationToken ct)
    {
        log.SwitchedOff(row.Customer.Value, why);
        await db.Run($"""
            update auto_recharge set enabled = false, why_off = {why}
            where customer = {row.Customer.Value} and livemode = {stripe.Livemode} and enabled
            """, ct);
        return false;
    }

    Task<RechargeRow?> Find(CustomerId customer, CancellationToken ct) => db.One($"""
        select * from auto_recharge where customer = {customer.Value} and livemode = {stripe.Livemode}
        """, Read, ct);

    async Task<RechargeAnswer> Answer(RechargeRow row, CancellationToken ct)
    {
        var now = time.Now();
        var price = catalog.Offer.Package(row.Package)?.UnitPrice(row.Currency, 1)?.Minor ?? 0;
        var decision = AutoRecharge.Decide(row.Terms, await Facts(row, now, ct), price, now);
        return new(
            row.Package, row.Currency, row.Terms.Threshold, row.Terms.DailyMaxOrders, row.Terms.MonthlyMaxMinor, row.Terms.Enabled,
            Names.Of(decision), row.WhyOff);
    }

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

static partial class Log
{
    [LoggerMessage(2041, LogLevel.Warning, "Auto-recharge of customer {Customer} failed and is tried again")]
    public static partial void RechargeFailed(this ILogger log, Exception failure, string customer);

    [LoggerMessage(2042, LogLevel.Warning, "Auto-recharge of customer {Customer} is switched off ({Why}): PUT …/auto-recharge switches it on again")]
    public static partial void SwitchedOff(this ILogger log, string customer, string why);
}
