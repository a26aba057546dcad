using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Identity;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

sealed record ChargeUnchargedRequest
{
    public string? Customer { get; init; }
    public int? Limit { get; init; }
    public string? After { get; init; }
}

sealed record WaiveRequest
{
    public string? Customer { get; init; }
    public string? Reason { get; init; }
}

/// <param name="Id">The entry that recorded it and took nothing.</param>
/// <param name="Charge">The entry that charged it in the end.</param>
sealed record UnchargedAnswer(
    string Id, string Customer, Credits Amount, string State, DateTimeOffset At, string? Charge, string? Reason, QuoteAnswer? Quote);

/// <param name="Refused">Whose customers cannot pay for it; it stays open.</param>
/// <param name="Last">Where to go on, with <c>after</c>.</param>
sealed record ChargedAnswer(int Charged, Credits Amount, int Refused, bool HasMore, string? Last);

sealed record WaivedAnswer(long Waived, Credits Amount);

/// <summary>Usage that was not charged because charging was switched off: an operator charges it later, or waives it.</summary>
static class UnchargedEndpoints
{
    const int Ordinary = 200;
    const int Most = 1000;

    public static void MapUncharged(this IEndpointRouteBuilder routes)
    {
        var uncharged = routes.MapGroup("/v1/uncharged").WithTags("Ledger").AdminOnly();
        uncharged.MapGet("/", List).WithSummary("Usage that was not charged, oldest first").Produces<Page<UnchargedAnswer>>()
            .WithQuery("state", "open, charging, charged or waived; open, if left out.")
            .WithQuery("customer", "Only this customer's.");
        uncharged.MapPost("/charge", Charge).Once().WithSummary("Charge what is open, the oldest first, once each").Produces<ChargedAnswer>();
        uncharged.MapPost("/waive", Waive).Once().WithSummary("Close what is open: it is never charged").Produces<WaivedAnswer>();
    }

    static async Task<IResult> List(Db db, HttpContext http, CancellationToken ct)
    {
        var state = UnchargedState.Open;
        if (http.Request.Query.TryGetValue("state", out var given))
        {
            state = Names.Parse<UnchargedState>(given)
                ?? throw new InvalidRequestException("state", "'state' is open, charging, charged or waived.");
        }

        var limit = Paging.Limit(http);
        var wallet = Of(http.Request.Query["customer"]);
        var after = Paging.After<EntryId>(http, id => wallet is null || id.Wallet == wallet);
        var rows = await db.Uncharged(state, wallet, after, limit + 1, ct);
        return TypedResults.Ok(rows.ConvertAll(Answer).Page(limit));
    }

    static async Task<IResult> Charge(
        ChargeUnchargedRequest request, Charging charging, Lanes lanes, LedgerMetrics metrics, Db db, TimeProvider time, HttpContext http,
        CancellationToken ct)
    {
        if (!charging.Enabled.Value)
        {
            return Error.Of(ErrorType.Conflict, "charging_off", $"{charging.Enabled.Name} is off: nothing is charged until it is on again.")
                .Answer(http);
        }

        var of = Of(request.Customer);
        if (of is { } asked && !charging.IsOnFor(asked))
        {
            return Error.Of(ErrorType.Conflict, "charging_off", "Billing is not rolled out to this customer: nothing is charged until it is.")
                .Answer(http);
        }

        var limit = request.Limit ?? Ordinary;
        if (limit is < 1 or > Most) throw new InvalidRequestException("limit", $"'limit' is a number from 1 to {Most}.");
        EntryId? after = request.After is null ? null
            : EntryId.TryParse(request.After, null, out var id) ? id
            : throw new InvalidRequestException("after", "'after' is the id of the last one that was looked at.");

        var open = (await db.Uncharged(UnchargedState.Open, of, after, limit + 1, ct)).Page(limit);
        // Those that a server which died had begun with come first.
        var begun = after is null ? await db.Uncharged(UnchargedState.Charging, of, null, Most, ct) : [];
        var now = time.Now();
        // What those owe whom billing is not rolled out to stays open, and is passed over.
        var due = begun.Concat(open.Data).Where(usage => charging.IsOnFor(usage.Entry.Wallet));
        var outcomes = await Task.WhenAll(due.Select(usage => ChargeOne(usage.Entry, lanes, metrics, db, now)));
        return TypedResults.Ok(new ChargedAnswer(
            outcomes.Count(one => one is not null && one != Credits.Zero),
            new(outcomes.Sum(one => one?.Micros ?? 0)),
            outcomes.Count(one => one == Credits.Zero),
            open.HasMore,
            open.Data is [.., var last] ? last.Entry.ToString() : null));
    }

    /// <summary>What was charged; zero where it was refused; nothing where another had decided before, or the outcome is not known yet.</summary>
    static async Task<Credits?> ChargeOne(EntryId entry, Lanes lanes, LedgerMetrics metrics, Db db, DateTimeOffset now)
    {
        if (await db.Claim(entry, CancellationToken.None) is not { } usage) return null;

        // Whoever else is at it has the same key, as long as it has not been refused since.
        var identity = $"uncharged:{entry.Seq}:{usage.Attempts}";
        var key = Fingerprint.OwnKey(entry.Wallet, identity, Fingerprint.Of("uncharged", identity));
        var command = new Command.Charge(usage.Amount, usage.Quote, "charged later", entry.ToString());
        switch (await lanes.Run(entry.Wallet, command, key, now))
        {
            case Outcome.Done { Receipt: var receipt, Replayed: var replayed }:
                await db.Charged(entry, receipt.Entry!.Value, now);
                if (replayed) return null;

                metrics.Deducted(QuoteAnswer.Parse(usage.Quote)?.Subject, receipt.Amount);
                return receipt.Amount;
            case Outcome.Refused:
                await db.Refused(usage);
                return Credits.Zero;
            default:
                return null;
        }
    }

    static async Task<IResult> Waive(WaiveRequest request, Db db, TimeProvider time, CancellationToken ct)
    {
        var reason = Texts.Reason(request.Reason.Needed("reason"))!;
        var (count, amount) = await db.Waive(Of(request.Customer), reason, time.Now(), ct);
        return TypedResults.Ok(new WaivedAnswer(count, amount));
    }

    static WalletId? Of(string? customer)
    {
        if (string.IsNullOrEmpty(customer)) return null;

        return CustomerId.TryParse(customer, null, out var id)
            ? WalletId.Of(id)
            : throw new InvalidRequestException("customer", "'customer' is not the id of a customer.");
    }

    static UnchargedAnswer Answer(UnchargedUsage usage) => new(
        usage.Entry.ToString(),
        usage.Customer,
        usage.Amount,
        Names.Of(usage.State),
        usage.At,
        usage.Charge is { } seq ? new EntryId(usage.Entry.Wallet, seq).ToString() : null,
        usage.Reason,
        QuoteAnswer.Parse(usage.Quote));
}
