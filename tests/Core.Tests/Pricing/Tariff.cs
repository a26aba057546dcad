using Purser.Core.Pricing;

namespace Purser.Core.Tests.Pricing;

/// <summary>A small price list: a credit is worth a tenth of a cent, and providers' prices are passed on as they are.</summary>
static class Tariff
{
    public static readonly Rates Rates = new(0.001m, Rounding.Exact, Markup: 1, BaseFee: 0, Credits.Max);

    public static readonly ModelRate Model = Priced((Meter.InputTokens, 2m), (Meter.OutputTokens, 10m));

    public static readonly OperationRate Chapter = new("chapter", "Chapter", BaseFee: 0, Minimum: 0)
    {
        Units = [new("words", Credits: 1, Each: 10)],
    };

    public static ModelRate Priced(params (Meter Meter, decimal Usd)[] prices) => new("acme", "large")
    {
        Periods = [new(DateTimeOffset.MinValue, Of(prices))],
    };

    public static Prices Of(params (Meter Meter, decimal Usd)[] prices) =>
        new(prices.ToDictionary(price => price.Meter, price => price.Usd));

    public static Rates Of(ModelRate model) => Rates with { Models = [model] };

    public static Quotation Worst(this ModelRate model, CallBound bound) => Of(model).Worst(bound);

    public static Quotation Worst(this Rates rates, CallBound bound)
    {
        var card = new RateCard(1, rates);
        return card.WorstCase(card.Models[0], bound, Given.Noon);
    }

    public static long? MostOutput(this Rates rates, CallBound bound, Credits amount)
    {
        var card = new RateCard(1, rates);
        return card.MostOutput(card.Models[0], bound, amount, Given.Noon);
    }

    public static Quotation Use(this ModelRate model, params (string Key, long Count)[] usage) =>
        (Rates with { Models = [model] }).Use(model.FullName, usage);

    public static Quotation Use(this Rates rates, string model, params (string Key, long Count)[] usage) =>
        rates.UseAt(Given.Noon, model, usage);

    public static Quotation UseAt(
        this Rates rates, DateTimeOffset now, string model, params (string Key, long Count)[] usage) =>
        new RateCard(1, rates).Price(
            new PriceRequest.Model(model, usage.ToDictionary(count => count.Key, count => count.Count)), now);

    public static Quotation Do(this OperationRate operation, params (string Unit, decimal Quantity)[] quantities) =>
        (Rates with { Operations = [operation] }).Do(operation.Code, quantities);

    public static Quotation Do(this Rates rates, string operation, params (string Unit, decimal Quantity)[] quantities) =>
        new RateCard(1, rates).Price(
            new PriceRequest.Operation(operation, quantities.ToDictionary(one => one.Unit, one => one.Quantity)), Given.Noon);

    public static Quote Quote(this Quotation quotation) => Assert.IsType<Quotation.Priced>(quotation).Quote;

    public static decimal Amount(this Quotation quotation) => quotation.Quote().Amount.ToDecimal();

    public static (PricingRefusal Why, string Param) Refusal(this Quotation quotation)
    {
        var refused = Assert.IsType<Quotation.Refused>(quotation);
        return (refused.Why, refused.Param);
    }
}
