using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Catalog;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

sealed record HoldRequest : PricedRequest
{
    public string? Reason { get; init; }
    public string? Reference { get; init; }
    public int? ExpiresIn { get; init; }
}

sealed record CaptureRequest
{
    public Credits? Amount { get; init; }
    public Dictionary<string, decimal>? Quantities { get; init; }
    public Dictionary<string, long>? Usage { get; init; }

    /// <summary>The service the model's provider gave in the end; without it, the one the hold was placed for.</summary>
    public string? ServiceTier { get; init; }
}

/// <summary>It has no members: whoever names an amount does not mean to give all of it back.</summary>
sealed record ReleaseRequest;

static class HoldEndpoints
{
    const int OrdinarySeconds = 600;
    const int LongestSeconds = 86_400;

    public static void MapHolds(this IEndpointRouteBuilder routes)
    {
        var v1 = routes.MapGroup("/v1").WithTags("Holds");
        v1.MapPost("/customers/{customer}/holds", Place).WithSummary("Reserve credits for a running operation")
            .Produces<HoldAnswer>(StatusCodes.Status201Created)
            .Produces<ErrorBody>(StatusCodes.Status402PaymentRequired);
        v1.MapPost("/holds/{hold}/capture", Capture).WithSummary("Charge what was used and give the rest back")
            .Produces<CaptureAnswer>(StatusCodes.Status201Created);
        v1.MapPost("/holds/{hold}/release", Release).WithSummary("Give all of it back")
            .Produces<ReleaseAnswer>();
        v1.MapGet("/holds/{hold}", Get).WithSummary("Read a hold")
            .Produces<HoldStateAnswer>();
    }

    static async Task<IResult> Place(
        CustomerId customer, HoldRequest request, Lanes lanes, Charging charging, CurrentCatalog catalog, Db db, TimeProvider time, HttpContext http)
    {
        var now = time.Now();
        var seconds = request.ExpiresIn ?? OrdinarySeconds;
        if (seconds is < 1 or > LongestSeconds)
            throw new InvalidRequestException("expires_in", $"'expires_in' is a number of seconds from 1 to {LongestSeconds}.");

        var wallet = WalletId.Of(customer);
        var reason = Texts.Reason(request.Reason);
        var reference = Texts.Reference(request.Reference);
        var expiresIn = TimeSpan.FromSeconds(seconds);
        var asked = request.Fingerprint("hold", expiresIn.ToString(), reason, reference);
        var key = Fingerprint.Key(wallet, http.IdempotencyKey(), asked, now);
        var price = Prices.Of(request, catalog.Rates, now);
        if (price is Price.None none && await db.Replay(wallet, key, CancellationToken.None) is not { })
            return none.Error.Answer(http);

        var command = new Command.PlaceHold(price.Amount, expiresIn, price.Subject, reason, reference)
        {
            Uncharged = !charging.IsOnFor(wallet),
        };
        var outcome = await lanes.Run(wallet, command, key, now);
        return outcome.Reply(http, receipt => TypedResults.Created((string?)null, new HoldAnswer(
            new HoldId(wallet, receipt.Hold!.Value).ToString(), receipt.Amount, receipt.At + expiresIn, receipt.Available)));
    }

    static async Task<IResult> Capture(
        HoldId hold, CaptureRequest request, Lanes lanes, Charging charging, LedgerMetrics metrics, CurrentCatalog catalog, Db db,
        TimeProvider time, HttpContext http)
    {
        var ways = (request.Amount is null ? 0 : 1) + (request.Quantities is null ? 0 : 1) + (request.Usage is null ? 0 : 1);
        if (ways != 1)
            throw new InvalidRequestException("amount", "Give exactly one of 'amount', 'usage' and 'quantities'.", "missing_member");
        if (request.ServiceTier is not null && request.Usage is null)
            throw new InvalidRequestException("service_tier", "'service_tier' goes with 'usage'.");

        var now = time.Now();
        var asked = Fingerprint.Of(
        [
            "capture",
            hold.Number.ToString(null, null),
            request.Amount?.ToString(),
            Fingerprint.Sorted(request.Quantities),
            Fingerprint.Sorted(request.Usage),
            .. request.ServiceTier is { } tier ? [tier] : Array.Empty<string?>(),
        ]);
        var key = Fingerprint.Key(hold.Wallet, http.IdempotencyKey(), asked, now);
        var price = await PriceOf(hold, request, catalog, db, now);
        if (price is Price.None none && await db.Replay(hold.Wallet, key, CancellationToken.None) is not { })
            return none.Error.Answer(http);

        var usage = new PricedUsage(hold.Wallet, price.Amount);
        var command = new Command.Capture(hold.Number, price.Amount, price.Quote?.ToJson()) { Uncharged = !charging.IsOnFor(hold.Wallet) };
        var outcome = await lanes.Run(hold.Wallet, command, key, now, UnchargedRows.Riders.Of(usage));
        if (outcome is Outcome.Done { Replayed: false, Receipt: var charged }) metrics.Deducted(price.Quote?.Subject, charged.Amount);
        var (quote, uncharged) = outcome switch
        {
            Outcome.Done { Replayed: true, Receipt: { Entry: { } seq } before } => (
                (await db.Entry(new(hold.Wallet, seq), CancellationToken.None))?.Quote,
                before.Amount == Credits.Zero ? await db.UnchargedOf(new(hold.Wallet, seq), CancellationToken.None) : null),
            Outcome.Done { Receipt: var taken } => (price.Quote, usage.IsUncharged(taken) ? usage.Price : (Credits?)null),
            _ => (price.Quote, null),
        };
        return outcome.Hidden(Refusal.CustomerUnknown, Refusal.HoldUnknown).Reply(http, receipt => TypedResults.Created((string?)null, new CaptureAnswer(
            new EntryId(hold.Wallet, receipt.Entry!.Value).ToString(),
            receipt.Amount, receipt.Rest, receipt.Missing, receipt.Balance, receipt.Available, quote, uncharged)));
    }

    static async Task<IResult> Release(HoldId hold, ReleaseRequest? _, Lanes lanes, TimeProvider time, HttpContext http)
    {
        var now = time.Now();
        var asked = Fingerprint.Of("release", hold.Number.ToString(null, null));
        var key = Fingerprint.Key(hold.Wallet, http.IdempotencyKey(), asked, now);
        var outcome = await lanes.Run(hold.Wallet, new Command.Release(hold.Number), key, now);
        return outcome.Hidden(Refusal.CustomerUnknown, Refusal.HoldUnknown).Reply(http, receipt =>
            TypedResults.Ok(new ReleaseAnswer(hold.ToString(), receipt.Rest, receipt.Available)));
    }

    static async Task<IResult> Get(HoldId hold, Db db, TimeProvider time, HttpContext http, CancellationToken ct) =>
        await db.Hold(hold, time.Now(), ct) is { } found ? TypedResults.Ok(found) : Error.NotFound("hold").Answer(http);

    static async Task<Price> PriceOf(HoldId hold, CaptureRequest request, CurrentCatalog catalog, Db db, DateTimeOffset now)
    {
        if (request.Amount is { } amount) return new Price.Plain(amount);

        return await db.Subject(hold, CancellationToken.None) is { } held
            ? Prices.Of(request, held.Subject, catalog.Rates, now)
            : new Price.None(Error.NotFound("hold"));
    }

    /// <summary>A hold's id that names no wallet is an unknown hold: nobody asked about a customer.</summary>
    static Outcome Hidden(this Outcome outcome, Refusal why, Refusal instead) =>
        outcome is Outcome.Refused refused && refused.Why == why ? refused with { Why = instead } : outcome;
}
