using Purser.Core;
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

static class RechargeEndpoints
{
    const int MostOrders = 1000;

    public static void MapRecharges(this IEndpointRouteBuilder routes)
    {
        routes.MapPut("/v1/customers/{customer}/auto-recharge", Put).WithTags("Payments")
            .WithSummary("Buy a package whenever available credits fall under a threshold").Produces<RechargeAnswer>();
        routes.MapGet("/v1/customers/{customer}/auto-recharge", Show).WithTags("Payments")
            .WithSummary("The settings, and what they would do now").Produces<RechargeAnswer>();
    }

    static async Task<IResult> Put(
        CustomerId customer, RechargeRequest request, Recharges recharges, CurrentCatalog catalog, StripeClient stripe, Db db,
        TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var row = Read(customer, request, catalog.Offer, time.Now());
        if (!await db.Exists(customer, ct)) return Error.NotFound("customer").Answer(http);

        await db.Keep(row, stripe.Livemode, ct);
        return TypedResults.Ok(await Answer((await db.Recharge(customer, stripe.Livemode, ct))!, recharges, time, ct));
    }

    static async Task<IResult> Show(
        CustomerId customer, Recharges recharges, StripeClient stripe, Db db, TimeProvider time, HttpContext http, CancellationToken ct) =>
        await db.Recharge(customer, stripe.Livemode, ct) is { } row
            ? TypedResults.Ok(await Answer(row, recharges, time, ct))
            : Error.NotFound("auto-recharge").Answer(http);

    static RechargeRow Read(CustomerId customer, RechargeRequest request, Core.Catalog.Offer offer, DateTimeOffset now)
    {
        var code = request.Package.Needed("package");
        if (offer.Package(code) is not { } package)
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

        return new(customer, code, currency, new(threshold, daily, monthly, request.Enabled.Needed("enabled")), now, null);
    }

    static async Task<RechargeAnswer> Answer(RechargeRow row, Recharges recharges, TimeProvider time, CancellationToken ct) => new(
        row.Package, row.Currency, row.Terms.Threshold, row.Terms.DailyMaxOrders, row.Terms.MonthlyMaxMinor, row.Terms.Enabled,
        Names.Of(await recharges.Decide(row, time.Now(), ct)), row.WhyOff);
}
