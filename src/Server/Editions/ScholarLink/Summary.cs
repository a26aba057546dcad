using System.Globalization;
using Purser.Core;
using Purser.Core.Catalog;
using Purser.Core.Ledger;
using Purser.Core.Pricing;
using Purser.Server.Catalog;
using Purser.Server.Gateway;
using Purser.Server.Identity;
using Purser.Server.Insight;
using Purser.Server.Ledger;
using Purser.Server.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Editions.ScholarLink;

/// <param name="BalanceMillicredits">A text, because it may be larger than the numbers of a browser.</param>
sealed record SummaryAnswer(
    string BalanceMillicredits, decimal BalanceCredits, decimal BalanceUsd, IReadOnlyList<PackageLine> Packages,
    IReadOnlyList<RateLine> ActiveRates, IReadOnlyList<EntryLine> RecentLedger, IReadOnlyList<UsageLine> RecentUsage);

sealed record PackageLine(string Code, string Name, string Description, decimal Credits, decimal BonusCredits, decimal PriceUsd);

/// <summary>Credits for a million tokens.</summary>
sealed record RateLine(string Model, string Provider, decimal InputCreditsPerMillion, decimal OutputCreditsPerMillion);

/// <param name="ReceiptUrl">Of a purchase, at Stripe.</param>
sealed record EntryLine(
    string Id, string Type, string AmountMillicredits, string BalanceMillicredits, string? Description, string? ReferenceId, string? ReceiptUrl,
    DateTimeOffset CreatedAt);

sealed record UsageLine(
    string Id, string Model, long InputTokens, long OutputTokens, string ChargedMillicredits, string Status, DateTimeOffset CreatedAt);

static class Summary
{
    const int Recent = 20;

    public static void MapSummary(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/billing/summary", Show).WithSummary("A user's balance, what can be bought, and what happened last").Produces<SummaryAnswer>();

    static async Task<IResult> Show(User user, Settings settings, Db db, CurrentCatalog catalog, TimeProvider time, CancellationToken ct)
    {
        var balance = (await db.Balance(user.Customer, catalog, time.Now(), ct))!;
        var entries = await db.LastLines(user.Customer, Recent, ct);
        var calls = await db.Calls(WalletId.Of(user.Customer), key: null, before: long.MaxValue, Recent, ct);
        // Without Stripe nothing was bought.
        var orders = settings.Stripe is { } stripe ? await db.OrdersOf(user.Customer, stripe.Livemode, after: null, Recent, ct) : [];
        var receipts = orders.ToDictionary(order => order.Reference, order => order.ReceiptUrl);
        return TypedResults.Json(
            new SummaryAnswer(
                Millicredits(balance.Balance),
                balance.Balance.ToDecimal(),
                Usd(balance.Usd),
                [.. catalog.Offer.Packages.Select(Line)],
                [.. catalog.Rates.Models.Select(model => Line(model, time.Now())).OfType<RateLine>()],
                entries.ConvertAll(entry => Line(entry, receipts)),
                calls.ConvertAll(Line)),
            ScholarLinkJson.Default.SummaryAnswer);
    }

    static PackageLine Line(Package package) => new(
        package.Code,
        package.Name,
        package.Description,
        (package.Credits + package.Bonus).ToDecimal(),
        package.Bonus.ToDecimal(),
        Usd(package.UnitPrice("usd", quantity: 1) is { } price ? price.Minor / 100m : 0));

    static RateLine? Line(ModelCard model, DateTimeOffset now)
    {
        var prices = model.At(now).Prices.Base.Listed.ToDictionary(price => price.Meter, price => price.Credits);
        return prices.TryGetValue(Meter.InputTokens, out var input) && prices.TryGetValue(Meter.OutputTokens, out var output)
            ? new(model.Rate.Name, model.Rate.Provider, input, output)
            : null;
    }

    static EntryLine Line(LedgerLine entry, Dictionary<string, string?> receipts) => new(
        entry.Id,
        entry.Type,
        Millicredits(entry.AmountMillicredits),
        Millicredits(entry.BalanceAfterMillicredits),
        entry.Description,
        entry.ReferenceId,
        entry.ReferenceId is { } order ? receipts.GetValueOrDefault(order) : null,
        entry.CreatedAt);

    static UsageLine Line(StoredCall stored) => new(
        stored.Call.Id.ToString(),
        stored.Call.Model,
        stored.Call.Used?.PromptTokens ?? 0,
        stored.Call.Used?.AnswerTokens ?? 0,
        Millicredits(stored.Charged),
        Names.Of(stored.Call.Ending),
        stored.Call.StartedAt);

    static string Millicredits(Credits credits) => Millicredits(credits.ToDecimal() * 1000);

    static string Millicredits(decimal millicredits) => millicredits.ToString("0.###", CultureInfo.InvariantCulture);

    // Cents are written out where there are none, too.
    static decimal Usd(decimal usd) => decimal.Round(usd, 2) + 0.00m;
}
