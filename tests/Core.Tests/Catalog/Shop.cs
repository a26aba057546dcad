using Purser.Core.Catalog;
using Purser.Core.Pricing;

namespace Purser.Core.Tests.Catalog;

/// <summary>A small, sound offer. A test says with <c>with</c> what is wrong with its own.</summary>
static class Shop
{
    public static readonly Package Package =
        new("starter", "Starter", 1000.Credits, 100.Credits, [new(999, "usd")]) { MaxQuantity = 100 };

    public static readonly Plan Plan = new("pro", "Pro")
    {
        Prices = [new(Interval.Month, new(1900, "usd"))],
        Included = 1000.Credits,
    };

    public static readonly OperationRate Operation = new("chapter", "Chapter", 0, 0) { Units = [new("words", 1, 10)] };

    public static readonly Prices Prices = Of((Meter.InputTokens, 2), (Meter.OutputTokens, 10));

    public static readonly ModelRate Model = ModelOf(Prices);

    public static readonly Rates Rates = new(0.001m, Rounding.Exact, 1, 0, Credits.Max);

    public static Prices Of(params (Meter Meter, decimal Usd)[] prices) =>
        new(prices.ToDictionary(price => price.Meter, price => price.Usd));

    public static ModelRate ModelOf(Prices prices, params Window[] windows) => new("acme", "large")
    {
        Periods = [new(DateTimeOffset.MinValue, prices) { Windows = windows }],
    };

    public static IEnumerable<string> Faults(Package package) => Faults(new Offer("Shop", Rates) { Packages = [package] });

    public static IEnumerable<string> Faults(params Plan[] plans) => Faults(new Offer("Shop", Rates) { Plans = plans });

    public static IEnumerable<string> Faults(Rates rates) => Faults(new Offer("Shop", rates));

    public static IEnumerable<string> Faults(OperationRate operation) => Faults(Rates with { Operations = [operation] });

    public static IEnumerable<string> Faults(params ModelRate[] models) => Faults(Rates with { Models = models });

    static IEnumerable<string> Faults(Offer offer) => OfferFaults.In(offer).Select(fault => fault.Path);
}
