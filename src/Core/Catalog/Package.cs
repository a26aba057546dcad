using Purser.Core.Payments;

namespace Purser.Core.Catalog;

/// <summary>Credits that are bought once.</summary>
/// <param name="Bonus">Credits on top of those that are paid for.</param>
/// <param name="Prices">One for each currency it is sold in.</param>
public sealed record Package(string Code, string Name, Credits Credits, Credits Bonus, IReadOnlyList<Money> Prices)
{
    public string Description { get; init; } = "";

    /// <summary>How many of it one order may hold.</summary>
    public int MaxQuantity { get; init; } = 1;

    /// <summary>Days after which its credits expire, where they do.</summary>
    public int? ValidDays { get; init; }

    /// <summary>In order of quantity.</summary>
    public IReadOnlyList<QuantityDiscount> Discounts { get; init; } = [];

    /// <summary>
    /// What one of them costs in an order of that many: the discount is taken from the price of one and rounded there,
    /// because an order's total has to be a unit price times a quantity.
    /// </summary>
    public Money? UnitPrice(string currency, int quantity)
    {
        if (Prices.FirstOrDefault(price => price.Currency == currency) is not { Currency: not null } price) return null;

        var percentOff = Discounts.LastOrDefault(discount => discount.From <= quantity)?.PercentOff ?? 0;
        return price with { Minor = Discounted(price, percentOff) };
    }

    // To the step in which its currency is taken.
    static long Discounted(Money price, decimal percentOff)
    {
        var step = Currencies.Step(price.Currency);
        return (long)Math.Round(price.Minor * (100 - percentOff) / 100 / step, MidpointRounding.AwayFromZero) * step;
    }
}

/// <summary>An order of at least so many packages costs so much less, all of them.</summary>
public sealed record QuantityDiscount(int From, decimal PercentOff);
