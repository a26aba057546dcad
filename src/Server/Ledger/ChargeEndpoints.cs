using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Catalog;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

record ChargeRequest : PricedRequest
{
    public string? Reason { get; init; }
    public string? Reference { get; init; }
}

sealed record BulkChargeRequest : ChargeRequest
{
    public string? Customer { get; init; }
    public string? IdempotencyKey { get; init; }
}

sealed record BulkRequest
{
    public List<BulkChargeRequest>? Charges { get; init; }
}

sealed record EstimateRequest : PricedRequest
{
    public string? Customer { get; init; }
}

static class ChargeEndpoints
{
    const int MostAtOnce = 1000;
    const int LongestKey = 255;

    public static void MapCharges(this IEndpointRouteBuilder routes)
    {
        var v1 = routes.MapGroup("/v1").WithTags("Ledger");
        v1.MapPost("/customers/{customer}/charges", Charge).WithSummary("Charge an amount, an operation or a model's usage")
            .Produces<ChargeAnswer>(StatusCodes.Status201Created)
            .Produces<ErrorBody>(StatusCodes.Status402PaymentRequired);
        v1.MapPost("/charges", ChargeMany).WithSummary("Up to 1,000 charges, each decided on its own")
            .Produces<BulkAnswer>();
        v1.MapPost("/estimates", Estimate).WithSummary("What an operation or a model's usage would cost, line by line")
            .Produces<EstimateAnswer>();
    }

    static async Task<IResult> Charge(
        CustomerId customer, ChargeRequest request, ChargeDesk desk, TimeProvider time, HttpContext http) =>
        await desk.Decide(customer, request, http.IdempotencyKey(), time.Now()) switch
        {
            Charged.Priceless priceless => priceless.Error.Answer(http),
            Charged.Decided decided => decided.Outcome.Reply(http, receipt =>
                TypedResults.Created((string?)null, Answer(WalletId.Of(customer), receipt, decided))),
            _ => throw new InvalidOperationException("A charge is decided or has no price."),
        };

    static async Task<IResult> ChargeMany(
        BulkRequest request, ChargeDesk desk, ILogger<BulkRequest> log, TimeProvider time, HttpContext http)
    {
        var charges = request.Charges ?? throw new InvalidRequestException("charges", "'charges' is required.", "missing_member");
        if (charges.Count is 0 or > MostAtOnce)
            throw new InvalidRequestException("charges", $"'charges' has 1 to {MostAtOnce} members.");
        if (charges.FindIndex(charge => charge is null) is >= 0 and var missing)
            throw new InvalidRequestException($"charges[{missing}]", "A charge is an object.");

        // Each charge has a key of its own; one for the whole call does no harm, but must be one.
        http.IdempotencyKey();
        var now = time.Now();
        // All are in their lanes before the first is waited for, so that they share transactions.
        var running = charges.ConvertAll(charge => ChargeOne(charge, desk, log, now));
        var results = await Task.WhenAll(running);
        return TypedResults.Ok(new BulkAnswer(
            [.. results.Select(one => one.Error is { } error ? one with { Error = error with { RequestId = http.TraceIdentifier } } : one)]));
    }

    static async Task<BulkResult> ChargeOne(BulkChargeRequest request, ChargeDesk desk, ILogger log, DateTimeOffset now)
    {
        try
        {
            var name = request.Customer.Needed("customer");
            if (!CustomerId.TryParse(name, null, out var customer))
                return Failed(Error.Invalid("customer", "'customer' is not the id of a customer."));

            var key = request.IdempotencyKey.Needed("idempotency_key").Short("idempotency_key", LongestKey);
            return await desk.Decide(customer, request, key, now) switch
            {
                Charged.Priceless priceless => Failed(priceless.Error),
                Charged.Decided { Outcome: Outcome.Done done } decided =>
                    new(Answer(WalletId.Of(customer), done.Receipt, decided), null, done.Replayed ? true : null),
                Charged.Decided decided => Failed(decided.Outcome.ToError()),
                _ => throw new InvalidOperationException("A charge is decided or has no price."),
            };
        }
        catch (InvalidRequestException invalid)
        {
            // One charge that cannot be read is that one's error: the others are decided on their own.
            return Failed(invalid.Error);
        }
        catch (Exception failure) when (failure is PostgresException or InvalidOperationException)
        {
            // So is one whose wallet was damaged behind our back.
            log.ChargeFailed(failure, request.Customer);
            return Failed(Error.Of(ErrorType.Internal, "internal", "Something failed on our side. Quote the request id."));
        }

        static BulkResult Failed(Error error) => new(null, error, null);
    }

    static async Task<IResult> Estimate(
        EstimateRequest request, CurrentCatalog catalog, Db db, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        if (request.Amount is not null) throw new InvalidRequestException("amount", "An estimate is for an operation or a model.");
        if (request.Operation is null == request.Model is null)
            throw new InvalidRequestException("operation", "Give either 'operation' or 'model'.", "missing_member");

        http.IdempotencyKey();
        var price = Prices.Of(request, catalog.Rates, time.Now());
        if (price is Price.None none) return none.Error.Answer(http);

        bool? affordable = null;
        if (request.Customer is { } name)
        {
            if (!CustomerId.TryParse(name, null, out var customer))
                throw new InvalidRequestException("customer", "'customer' is not the id of a customer.");
            if (await db.Balance(customer, catalog, ct) is not { } balance) return Error.NotFound("customer").Answer(http);

            affordable = price.Amount <= balance.Available;
        }

        var usd = price.Amount.ToDecimal() * catalog.Offer.Rates.UsdPerCredit;
        return TypedResults.Ok(new EstimateAnswer(price.Amount, usd, price.Quote!.Lines, affordable));
    }

    static ChargeAnswer Answer(WalletId wallet, Receipt receipt, Charged.Decided decided) => new(
        new EntryId(wallet, receipt.Entry!.Value).ToString(), receipt.Amount, receipt.Balance, receipt.Available, decided.Quote, decided.Uncharged);
}

static partial class Log
{
    [LoggerMessage(1021, LogLevel.Error, "One charge of several failed, of customer {Customer}: run ./purser verify")]
    public static partial void ChargeFailed(this ILogger log, Exception failure, string? customer);
}
