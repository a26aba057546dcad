using Purser.Core.Catalog;

namespace Purser.Core.Payments;

/// <summary>The months of a subscription, counted from one moment, so that a 31st comes back after a February.</summary>
public readonly record struct Months(DateTimeOffset Anchor)
{
    /// <summary>
    /// Those of a period that ends then: counted from what its subscription is counted from, or, where that has moved
    /// since, back from its end.
    /// </summary>
    public static Months Until(DateTimeOffset end, DateTimeOffset anchor)
    {
        var months = new Months(anchor);
        return months[months.At(end)] == end ? months : new(end);
    }

    public DateTimeOffset this[int number] => Anchor.AddMonths(number);

    /// <summary>The number of the month in which a moment lies.</summary>
    public int At(DateTimeOffset at)
    {
        var number = ((at.Year - Anchor.Year) * 12) + at.Month - Anchor.Month;
        return this[number] <= at ? number : number - 1;
    }
}

/// <summary>Months that were paid for at once, and whose credits come as each begins.</summary>
/// <param name="Month">The number of the next one.</param>
/// <param name="Left">How many there are still to come.</param>
/// <param name="Coming">What they bring together.</param>
/// <param name="Minor">What was paid for them.</param>
public sealed record PaidMonths(string Identity, Months Months, int Month, int Left, Credits Coming, long Minor)
{
    const int InYear = 12;

    public DateTimeOffset NextAt => Months[Month];

    public DateTimeOffset End => Months[Month + Left];

    /// <summary>
    /// What the next month brings: an equal share, and the last one what is left. It is named by how many are left, which
    /// is so whatever the months are counted from when its invoice is looked at again.
    /// </summary>
    /// <param name="plan">What the customer is on: it says what happens to credits that are left.</param>
    public InvoiceGrant Next(Plan plan) => InvoiceCredits.Grant(
        $"{Identity}:m{InYear - Left}", plan, new(Coming.Micros / Left), Months[Month + 1], Minor / Left, $"{plan.Name}, included");

    public PaidMonths Rest => this with
    {
        Month = Month + 1,
        Left = Left - 1,
        Coming = new(Coming.Micros - (Coming.Micros / Left)),
        Minor = Minor - (Minor / Left),
    };
}
