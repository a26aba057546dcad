using System.Text.Json;
using Purser.Core;
using Purser.Core.Pricing;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>What a request may ask a price for: an amount, or an operation, or a model's usage.</summary>
abstract record PricedRequest
{
    public Credits? Amount { get; init; }
    public string? Operation { get; init; }
    public Dictionary<string, decimal>? Quantities { get; init; }
    public string? Model { get; init; }
    public Dictionary<string, long>? Usage { get; init; }

    /// <summary>The service the model's provider gave, where it was not the ordinary one.</summary>
    public string? ServiceTier { get; init; }
}

sealed record QuoteLineAnswer(string Item, decimal Quantity, decimal UnitPrice, decimal Amount);

/// <summary>An itemised price as it is shown, stored and hashed: what was agreed cannot change with the catalog.</summary>
sealed record QuoteAnswer(int Catalog, string Subject, IReadOnlyList<QuoteLineAnswer> Lines)
{
    public static QuoteAnswer Of(Quote quote) => new(
        quote.CatalogVersion,
        quote.Subject,
        [.. quote.Lines.Select(line => new QuoteLineAnswer(line.Item, line.Quantity, line.UnitPrice, line.Amount))]);

    public static QuoteAnswer? Parse(string? json) =>
        json is null ? null : JsonSerializer.Deserialize(json, LedgerJson.Default.QuoteAnswer);

    public string ToJson() => JsonSerializer.Serialize(this, LedgerJson.Default.QuoteAnswer);
}

/// <summary>The price of a request: plain, or itemised from the catalog, or why there is none.</summary>
abstract record Price
{
    Price() { }

    public sealed record Plain(Credits Credits) : Price;

    public sealed record Itemised(Quote Total, string HeldFor) : Price;

    public sealed record None(Error Error) : Price;

    public Credits Amount => this switch
    {
        Plain plain => plain.Credits,
        Itemised itemised => itemised.Total.Amount,
        _ => Credits.Zero,
    };

    public QuoteAnswer? Quote => this is Itemised itemised ? QuoteAnswer.Of(itemised.Total) : null;

    /// <summary>What a hold remembers, to price its capture by the same.</summary>
    public string? Subject => this is Itemised itemised ? itemised.HeldFor : null;
}

static class Prices
{
    const string OfOperation = "operation:";
    const string OfModel = "model:";

    // Between a model and its service tier in what a hold remembers; neither has one in its name.
    const char TierMark = ' ';

    const int LongestName = 200;
    const int MostQuantities = 50;

    public static Price Of(PricedRequest request, RateCard rates, DateTimeOffset now)
    {
        CheckOneOfThree(request);
        if (request.Amount is { } amount) return new Price.Plain(amount);

        return request.Operation is { } operation
            ? Ask(rates, new PriceRequest.Operation(operation, request.Quantities ?? []), now)
            : Ask(rates, new PriceRequest.Model(request.Model!, request.Usage ?? []) { ServiceTier = request.ServiceTier }, now);
    }

    /// <summary>The price of what a hold was placed for, by what was used in the end.</summary>
    public static Price Of(CaptureRequest request, string? subject, RateCard rates, DateTimeOffset now)
    {
        request.ServiceTier.Short("service_tier", LongestName);
        if (request.Usage is { } usage && subject?.StartsWith(OfModel, StringComparison.Ordinal) == true)
        {
            var held = subject[OfModel.Length..].Split(TierMark);
            var tier = request.ServiceTier ?? held.ElementAtOrDefault(1);
            return Ask(rates, new PriceRequest.Model(held[0], usage) { ServiceTier = tier }, now);
        }

        if (request.Quantities is { } quantities && subject?.StartsWith(OfOperation, StringComparison.Ordinal) == true)
            return Ask(rates, new PriceRequest.Operation(subject[OfOperation.Length..], quantities), now);

        return request.Usage is not null
            ? new Price.None(Error.Invalid("usage", "This hold was not placed for a model: capture an amount."))
            : new Price.None(Error.Invalid("quantities", "This hold was not placed for an operation: capture an amount."));
    }

    /// <summary>Of a priced request, what was asked: the same for a retry, whatever the catalog says by then.</summary>
    public static Guid Fingerprint(this PricedRequest request, string kind, params ReadOnlySpan<string?> more) => Ledger.Fingerprint.Of(
    [
        kind,
        request.Amount?.ToString(),
        request.Operation,
        Ledger.Fingerprint.Sorted(request.Quantities),
        request.Model,
        Ledger.Fingerprint.Sorted(request.Usage),
        .. more,
        // Last, and only if there is one: a request from before there were tiers is still the same request.
        .. request.ServiceTier is { } tier ? [$"tier {tier}"] : Array.Empty<string?>(),
    ]);

    static void CheckOneOfThree(PricedRequest request)
    {
        var ways = (request.Amount is null ? 0 : 1) + (request.Operation is null ? 0 : 1) + (request.Model is null ? 0 : 1);
        if (ways != 1)
            throw new InvalidRequestException("amount", "Give exactly one of 'amount', 'operation' and 'model'.", "missing_member");
        if (request.Quantities is not null && request.Operation is null)
            throw new InvalidRequestException("quantities", "'quantities' goes with 'operation'.");
        if (request.Usage is not null && request.Model is null)
            throw new InvalidRequestException("usage", "'usage' goes with 'model'.");
        if (request.Model is not null && request.Usage is null)
            throw new InvalidRequestException("usage", "'usage' is required with 'model'.", "missing_member");

        if (request.ServiceTier is not null && request.Model is null)
            throw new InvalidRequestException("service_tier", "'service_tier' goes with 'model'.");

        request.Operation.Short("operation", LongestName);
        request.Model.Short("model", LongestName);
        request.ServiceTier.Short("service_tier", LongestName);
        CheckNames("quantities", request.Quantities?.Keys);
        CheckNames("usage", request.Usage?.Keys);
    }

    static void CheckNames(string param, ICollection<string>? names)
    {
        if (names?.Count > MostQuantities)
            throw new InvalidRequestException(param, $"'{param}' has at most {MostQuantities} members.");
        foreach (var name in names ?? [])
            if (name.Length is 0 or > LongestName) throw new InvalidRequestException(param, $"A name in '{param}' is too long or empty.");
    }

    static Price Ask(RateCard rates, PriceRequest request, DateTimeOffset now) => rates.Price(request, now) switch
    {
        Quotation.Priced priced => new Price.Itemised(priced.Quote, HeldFor(request, priced.Quote.Subject)),
        Quotation.Refused refused => new Price.None(
            Error.Invalid(refused.Param, refused.Message, JsonNamingPolicy.SnakeCaseLower.ConvertName(refused.Why.ToString()))),
        _ => throw new InvalidOperationException("A quotation is a price or a refusal."),
    };

    // A model by its full name: once another provider offers one of that name too, the bare one means nothing any more.
    static string HeldFor(PriceRequest request, string subject) => request switch
    {
        PriceRequest.Model { ServiceTier: { } tier } => $"{OfModel}{subject}{TierMark}{tier}",
        PriceRequest.Model => OfModel + subject,
        _ => OfOperation + subject,
    };
}
