using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Catalog;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>Whether a charge came as far as the ledger.</summary>
abstract record Charged
{
    Charged() { }

    /// <param name="Quote">Of what was priced by the catalog.</param>
    /// <param name="Uncharged">The price, where charging was off and nothing was taken.</param>
    public sealed record Decided(Outcome Outcome, QuoteAnswer? Quote, Credits? Uncharged) : Charged;

    public sealed record Priceless(Error Error) : Charged;
}

/// <summary>Prices charges and takes them to the ledger.</summary>
sealed class ChargeDesk(Lanes lanes, CurrentCatalog catalog, Charging charging, LedgerMetrics metrics, Db db)
{
    /// <param name="place">Where the key is that of a call for many charges: which of them this is.</param>
    public async Task<Charged> Decide(CustomerId customer, ChargeRequest request, string? idempotencyKey, int? place, DateTimeOffset now)
    {
        var wallet = WalletId.Of(customer);
        var reason = Texts.Reason(request.Reason);
        var reference = Texts.Reference(request.Reference);
        var asked = request.Fingerprint("charge", reason, reference);
        var key = place is { } at
            ? Fingerprint.PlaceKey(wallet, idempotencyKey!, at, asked)
            : Fingerprint.Key(wallet, idempotencyKey, asked, now);
        var price = Prices.Of(request, catalog.Rates, now);
        if (price is Price.None none)
        {
            // What is no longer priced may have been charged while it was.
            return await db.Replay(wallet, key, CancellationToken.None) is { } replay
                ? await Again(wallet, replay, priced: true)
                : new Charged.Priceless(none.Error);
        }

        var uncharged = !charging.IsOnFor(wallet);
        var command = new Command.Charge(price.Amount, price.Quote?.ToJson(), reason, reference) { Uncharged = uncharged };
        var rider = uncharged ? UnchargedRows.Riders.Of(new(wallet, price.Amount)) : null;
        var outcome = await lanes.Run(wallet, command, key, now, rider);
        if (outcome is Outcome.Done { Replayed: true }) return await Again(wallet, outcome, priced: price.Quote is not null);

        if (outcome is Outcome.Done { Receipt: var receipt }) metrics.Deducted(price.Quote?.Subject, receipt.Amount);
        return new Charged.Decided(outcome, price.Quote, uncharged && price.Amount > Credits.Zero ? price.Amount : null);
    }

    /// <summary>What was done before is shown as it was then, whatever prices and switches say now.</summary>
    async Task<Charged> Again(WalletId wallet, Outcome outcome, bool priced)
    {
        if (outcome is not Outcome.Done { Receipt: { Entry: { } seq } receipt }) return new Charged.Decided(outcome, null, null);

        var entry = new EntryId(wallet, seq);
        var quote = priced ? (await db.Entry(entry, CancellationToken.None))?.Quote : null;
        var uncharged = receipt.Amount == Credits.Zero ? await db.UnchargedOf(entry, CancellationToken.None) : null;
        return new Charged.Decided(outcome, quote, uncharged);
    }
}
