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
        v1.MapPost("/charges", ChargeMany).WithSummary("Up to 1,000 charges, each decided on its own, by its idempotency_key or the call's Idempotency-Key and its place")
            .Produces<BulkAnswer>();
        v1.MapPost("/estimates", Estimate).WithSummary("What an operation or a model's usage would cost, line by line")
            .Produces<EstimateAnswer>();
    }

    static async Task<IResult> Charge(
        CustomerId customer, ChargeRequest request, ChargeDesk desk, TimeProvider time, HttpContext http) =>
        await desk.Decide(customer, request, http.IdempotencyKey(), place: null, time.Now()) switch
        {
            Charged.Priceless priceless => priceless.Error.Answer(http),
            Charged.Decided decided => decided.Outcome.Reply(http, receipt =>
                TypedResults.Created((string?)null, Answer(WalletId.Of(customer), receipt, decided))),
            _ => throw new InvalidOperationException("A charge is decided or has no price."),
        };

    static async Task<IResult> ChargeMany(
        BulkRequest request, ChargeDesk desk, Db db, ILogger<BulkRequest> log, TimeProvider time, HttpContext http)
    {
        var charges = request.Charges ?? throw new InvalidRequestException("charges", "'charges' is required.", "missing_member");
        if (charges.Count is 0 or > MostAtOnce)
            throw new InvalidRequestException("charges", $"'charges' has 1 to {MostAtOnce} members.");
        if (charges.FindIndex(charge => charge is null) is >= 0 and var missing)
            throw new InvalidRequestException($"charges[{missing}]", "A charge is an object.");

        var now = time.Now();
        var call = http.IdempotencyKey();
        var again = call is not null && await db.AskedBefore(http, call, Asked(charges), now);
        // All are in their lanes before the first is waited for, so that they share transactions.
        var decided = await Task.WhenAll(charges.Select((charge, place) => ChargeOne(charge, call, place, desk, log, now)));
        // What the first call did not get done is done by this one, which is then no replay.
        if (again && !decided.Any(one => one.Anew)) http.Response.Headers[Answers.Replayed] = "true";
        return TypedResults.Ok(new BulkAnswer([.. from one in decided select one.Result is { Error: { } error } failed
            ? failed with { Error = error with { RequestId = http.TraceIdentifier } }
            : one.Result]));
    }

    /// <summary>What a call asks for, however its JSON is laid out.</summary>
    static Guid Asked(List<BulkChargeRequest> charges) => Fingerprint.Of([.. charges.SelectMany(charge => new[]
    {
        charge.Customer,
        charge.IdempotencyKey,
        charge.Fingerprint("charge", charge.Reason, charge.Reference).ToString(),
    })]);

    /// <param name="call">The key of the call: with its place there it names a charge that has no key of its own.</param>
    /// <returns>And whether asking again has made a difference, or will.</returns>
    static async Task<(BulkResult Result, bool Anew)> ChargeOne(
        BulkChargeRequest request, string? call, int place, ChargeDesk desk, ILogger log, DateTimeOffset now)
    {
        try
        {
            var name = request.Customer.Needed("customer");
            if (!CustomerId.TryParse(name, null, out var customer))
                return (Failed(Error.Invalid("customer", "'customer' is not the id of a customer.")), false);

            var charged = call is not null && request.IdempotencyKey is null
                ? await desk.Decide(customer, request, call, place, now)
                : await desk.Decide(
                    customer, request, request.IdempotencyKey.Needed("idempotency_key").Short("idempotency_key", LongestKey), place: null, now);
            return charged switch
            {
                Charged.Priceless priceless => (Failed(priceless.Error), false),
                Charged.Decided { Outcome: Outcome.Done done } decided =>
                    (new(Answer(WalletId.Of(customer), done.Receipt, decided), null, done.Replayed ? true : null), !done.Replayed),
                Charged.Decided { Outcome: var outcome } => (Failed(outcome.ToError()), outcome switch
                {
                    Outcome.Refused refused => !refused.Replayed && !refused.Why.LeavesKeyFree(),
                    Outcome.KeyReused => false,
                    _ => true,
                }),
                _ => throw new InvalidOperationException("A charge is decided or has no price."),
            };
        }
        catch (InvalidRequestException invalid)
        {
            // One charge that cannot be read is that one's error: the others are decided on their own.
            return (Failed(invalid.Error), false);
        }
        catch (Exception failure) when (failure is PostgresException or InvalidOperationException)
        {
            // So is one whose wallet was damaged behind our back.
            log.ChargeFailed(failure, request.Customer);
            return (Failed(Error.Of(ErrorType.Internal, "internal", "Something failed on our side. Quote the request id.")), true);
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
        var now = time.Now();
        var price = Prices.Of(request, catalog.Rates, now);
        if (price is Price.None none) return none.Error.Answer(http);

        bool? affordable = null;
        if (request.Customer is { } name)
        {
            if (!CustomerId.TryParse(name, null, out var customer))
                throw new InvalidRequestException("customer", "'customer' is not the id of a customer.");
            if (await db.Balance(customer, catalog, now, ct) is not { } balance) return Error.NotFound("customer").Answer(http);

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
