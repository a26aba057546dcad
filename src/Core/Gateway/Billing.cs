using Purser.Core.Pricing;

namespace Purser.Core.Gateway;

/// <summary>A call as it is priced: by the prices that were in force when it was made, whatever has changed since.</summary>
/// <param name="Held">What was reserved for it, or would have been were charging on.</param>
public sealed record PricedCall(RateCard Rates, ModelCard Card, DateTimeOffset At, bool OwnKey, Credits Held);

/// <param name="Amount">Zero where nothing is charged.</param>
/// <param name="Used">By the meters that were charged; null where nothing is known.</param>
/// <param name="Cost">What the provider charges us for it.</param>
public sealed record Bill(Credits Amount, Quote? Quote, MeterCounts? Used, ProviderCost Cost);

public static class Billing
{
    public static Bill Of(PricedCall call, Settlement settlement, string? serviceTier) => settlement switch
    {
        Settlement.Nothing => new(Credits.Zero, null, null, ProviderCost.Zero),
        Settlement.Exact exact => Price(call, exact.Usage, serviceTier),
        // A guess of ours never costs more than what was reserved for it.
        Settlement.Estimate estimate => Capped(Price(call, estimate.Usage, serviceTier), call.Held),
        _ => throw new InvalidOperationException("A settlement is exact, an estimate or nothing."),
    };

    static Bill Capped(Bill bill, Credits held)
    {
        if (bill.Amount <= held || bill.Quote is not { } quote) return bill;

        // Its lines still add up to it.
        var cut = held.ToDecimal() - bill.Amount.ToDecimal();
        return bill with { Amount = held, Quote = quote with { Amount = held, Lines = [.. quote.Lines, new("hold_limit", 1, cut, cut)] } };
    }

    static Bill Price(PricedCall call, MeterCounts used, string? serviceTier)
    {
        if (call.OwnKey) return Bill(call, call.Rates.FeeAlone(call.Card), used, ProviderCost.Zero);

        // A tier without a price is billed as the ordinary one; to ask for one was refused.
        var period = call.Card.At(call.At);
        var tier = period.At(call.At, serviceTier) is null ? null : serviceTier;
        var prices = period.At(call.At, tier)!.For(used.PromptTokens);
        used.Fold(meter => prices[meter] is not null);
        var usage = used.ToUsage();
        // That nothing was used is known, and a fee may be due all the same.
        if (usage.Count == 0) usage[Meter.InputTokens.UsageKey()] = 0;
        var request = new PriceRequest.Model(call.Card.Rate.FullName, usage) { ServiceTier = tier };
        return Bill(call, call.Rates.Price(request, call.At), used, call.Rates.Cost(request, call.At));
    }

    // What was used has no price, or one above all that the catalog allows: then it is what the dearest was thought to be.
    static Bill Bill(PricedCall call, Quotation quotation, MeterCounts used, ProviderCost cost) =>
        quotation is Quotation.Priced { Quote: var quote }
            ? new(quote.Amount, quote, used, cost)
            : new(call.Held, null, used, cost);
}
