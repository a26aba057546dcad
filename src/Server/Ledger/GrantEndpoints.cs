using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

sealed record PaidRequest
{
    public long? Minor { get; init; }
    public string? Currency { get; init; }
}

sealed record GrantRequest
{
    public Credits? Amount { get; init; }
    public string? Source { get; init; }
    public string? Reason { get; init; }
    public int? Priority { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public PaidRequest? Paid { get; init; }
    public string? Reference { get; init; }
}

sealed record AdjustmentRequest
{
    public Credits? Amount { get; init; }
    public string? Reason { get; init; }
}

sealed record ReversalRequest
{
    public Credits? Amount { get; init; }
    public string? Grant { get; init; }
    public string? Reason { get; init; }
    public string? Reference { get; init; }
}

/// <summary>Credits that come in, are corrected, or are taken back.</summary>
static class GrantEndpoints
{
    public static void MapGrants(this IEndpointRouteBuilder routes)
    {
        var customer = routes.MapGroup("/v1/customers/{customer}").WithTags("Ledger");
        customer.MapPost("/grants", Grant).WithSummary("Bring credits in")
            .Produces<GrantAnswer>(StatusCodes.Status201Created);
        customer.MapPost("/adjustments", Adjust).WithSummary("Correct a balance, up or down")
            .Produces<EntryAnswer>(StatusCodes.Status201Created);
        customer.MapPost("/reversals", Reverse).WithSummary("Take back credits whose payment was returned; what is spent becomes owed")
            .Produces<ReversalAnswer>(StatusCodes.Status201Created);
    }

    static async Task<IResult> Grant(CustomerId customer, GrantRequest request, Lanes lanes, TimeProvider time, HttpContext http)
    {
        var now = time.Now();
        var terms = Terms(request);
        var command = new Command.Grant(
            request.Amount.Needed("amount"), terms, Texts.Reason(request.Reason), Texts.Reference(request.Reference));
        var wallet = WalletId.Of(customer);
        var asked = Fingerprint.Of(
            "grant",
            command.Amount.ToString(),
            $"{terms.Source} {terms.Priority} {terms.ExpiresAt:O} {terms.Paid}",
            command.Reason,
            command.Reference);
        var outcome = await lanes.Run(wallet, command, Fingerprint.Key(wallet, http.IdempotencyKey(), asked, now), now);
        return outcome.Reply(http, receipt =>
        {
            var id = new EntryId(wallet, receipt.Entry!.Value);
            return TypedResults.Created((string?)null, new GrantAnswer(
                id.ToString(), receipt.Amount, receipt.Rest, receipt.Balance, receipt.Available, terms.Source.Name(), terms.Priority,
                terms.ExpiresAt, terms.Paid.Answer(), command.Reason, command.Reference, receipt.At));
        });
    }

    static async Task<IResult> Adjust(
        CustomerId customer, AdjustmentRequest request, Lanes lanes, Db db, TimeProvider time, HttpContext http)
    {
        var now = time.Now();
        var command = new Command.Adjust(request.Amount.Needed("amount"), Texts.Reason(request.Reason.Needed("reason"))!);
        var wallet = WalletId.Of(customer);
        var asked = Fingerprint.Of("adjustment", command.Amount.ToString(), command.Reason);
        var outcome = await lanes.Run(wallet, command, Fingerprint.Key(wallet, http.IdempotencyKey(), asked, now), now);
        if (outcome is not Outcome.Done { Receipt: var receipt }) return outcome.Reply(http, _ => throw new InvalidOperationException());

        var entry = await db.Entry(new(wallet, receipt.Entry!.Value), CancellationToken.None);
        return outcome.Reply(http, _ => TypedResults.Created((string?)null, entry));
    }

    static async Task<IResult> Reverse(
        CustomerId customer, ReversalRequest request, Lanes lanes, TimeProvider time, HttpContext http)
    {
        var now = time.Now();
        var wallet = WalletId.Of(customer);
        var command = new Command.Reverse(
            request.Amount.Needed("amount"),
            GrantOf(wallet, request.Grant),
            Texts.Reason(request.Reason.Needed("reason"))!,
            Texts.Reference(request.Reference));
        var asked = Fingerprint.Of("reversal", command.Amount.ToString(), request.Grant, command.Reason, command.Reference);
        var outcome = await lanes.Run(wallet, command, Fingerprint.Key(wallet, http.IdempotencyKey(), asked, now), now);
        return outcome.Reply(http, receipt => TypedResults.Created((string?)null, new ReversalAnswer(
            new EntryId(wallet, receipt.Entry!.Value).ToString(), receipt.Amount, receipt.Missing, receipt.Balance, receipt.Available)));
    }

    static GrantTerms Terms(GrantRequest request)
    {
        if (!Enum.TryParse<GrantSource>(request.Source.Needed("source"), ignoreCase: true, out var source) || source.Name() != request.Source)
            throw new InvalidRequestException("source", "'source' is purchase, subscription, promotion, referral or adjustment.");

        var priority = request.Priority ?? GrantTerms.OrdinaryPriority;
        if (priority is < 0 or > GrantTerms.LastPriority)
            throw new InvalidRequestException("priority", $"'priority' is a number from 0, which burns first, to {GrantTerms.LastPriority}.");
        // A replay comes late, and answers as the first time; so only what could never have been is refused here.
        if (request.ExpiresAt is { Year: >= 9999 })
            throw new InvalidRequestException("expires_at", "Leave 'expires_at' out for credits that do not expire.");

        return new(source, priority, request.ExpiresAt, Paid(request.Paid));
    }

    static Money? Paid(PaidRequest? paid)
    {
        if (paid is null) return null;

        var minor = paid.Minor.Needed("paid.minor");
        var currency = paid.Currency.Needed("paid.currency");
        if (minor < 0) throw new InvalidRequestException("paid.minor", "'paid.minor' is a number of cents, or of the currency's smallest unit.");
        if (!Money.IsCurrency(currency)) throw new InvalidRequestException("paid.currency", "'paid.currency' is a currency as Stripe spells it: usd, eur, jpy.");

        return new(minor, currency);
    }

    static long? GrantOf(WalletId wallet, string? grant)
    {
        if (grant is null) return null;

        // The grant of another customer is as unknown as one that never was; numbers begin at one.
        return EntryId.TryParse(grant, null, out var id)
            ? id.Wallet == wallet ? id.Seq : 0
            : throw new InvalidRequestException("grant", "'grant' is the id of a grant.");
    }
}

/// <summary>The free texts of a command.</summary>
static class Texts
{
    const int Longest = 500;

    public static string? Reason(string? text) => text.Short("reason", Longest);

    public static string? Reference(string? text) => text.Short("reference", Longest);
}
