using System.Text.RegularExpressions;
using Purser.Core.Payments;

namespace Purser.Core.Catalog;

/// <summary>Everything that is wrong with an offer's meaning, whatever file or form it came in.</summary>
public static partial class OfferFaults
{
    // Stripe takes amounts of at most eight digits.
    const long MostMinor = 99_999_999;

    const int MostDays = 3650;
    const int MostQuantity = 10_000;

    public static IEnumerable<Fault> In(Offer offer) =>
    [
        .. NameFaults(offer.Name, "name"),
        .. offer.Packages.SelectMany(In),
        .. offer.Plans.SelectMany(In),
        .. PlanFaults(offer.Plans),
        .. RateFaults.In(offer.Rates),
    ];

    static IEnumerable<Fault> In(Package package)
    {
        var path = $"packages.{package.Code}";
        foreach (var fault in CodeFaults(package.Code, path)) yield return fault;
        foreach (var fault in NameFaults(package.Name, $"{path}.name")) yield return fault;
        if (package.Credits <= Credits.Zero) yield return new($"{path}.credits", "A package has credits.");
        if (package.Bonus < Credits.Zero) yield return new($"{path}.bonus", "A bonus is not negative.");
        if (package.Prices.Count == 0)
            yield return new($"{path}.price_minor", "A package has a price in at least one currency.");
        foreach (var price in package.Prices)
            foreach (var fault in MoneyFaults(price, $"{path}.price_minor.{price.Currency}")) yield return fault;

        if (package.ValidDays is < 1 or > MostDays)
            yield return new($"{path}.valid_days", $"valid_days is 1 to {MostDays}.");
        if (package.MaxQuantity is < 1 or > MostQuantity)
            yield return new($"{path}.max_quantity", $"max_quantity is 1 to {MostQuantity}.");
        else if ((package.Credits + package.Bonus).ToDecimal() * package.MaxQuantity > Credits.Max.ToDecimal())
            yield return new($"{path}.max_quantity", "So many of it are more credits than a wallet can hold.");

        foreach (var fault in DiscountFaults(package, path)) yield return fault;
    }

    static IEnumerable<Fault> DiscountFaults(Package package, string path)
    {
        var before = new QuantityDiscount(1, 0);
        for (var i = 0; i < package.Discounts.Count; i++)
        {
            var discount = package.Discounts[i];
            var at = $"{path}.discounts[{i}]";
            if (discount.PercentOff is <= 0 or >= 100)
                yield return new($"{at}.percent", "percent is more than 0 and less than 100.");
            else if (discount.PercentOff <= before.PercentOff)
                yield return new($"{at}.percent", "percent is more than in the discount before.");
            if (discount.From <= before.From)
                yield return new($"{at}.from", "from is 2 or more, and more than in the discount before.");
            if (discount.From > package.MaxQuantity)
                yield return new($"{at}.from", "No order can reach it: max_quantity is less.");

            before = discount;
        }
    }

    static IEnumerable<Fault> In(Plan plan)
    {
        var path = $"plans.{plan.Code}";
        foreach (var fault in CodeFaults(plan.Code, path)) yield return fault;
        foreach (var fault in NameFaults(plan.Name, $"{path}.name")) yield return fault;
        foreach (var price in plan.Prices)
        {
            var interval = price.Interval == Interval.Month ? "month" : "year";
            foreach (var fault in MoneyFaults(price.Money, $"{path}.price_minor.{interval}.{price.Money.Currency}"))
                yield return fault;
        }

        if (plan.Included < Credits.Zero) yield return new($"{path}.included.credits", "credits are not negative.");
        if (plan.Rollover == Rollover.Capped && plan.RolloverCap is null)
            yield return new($"{path}.included.rollover", "A capped rollover needs its rollover_cap.");
        if (plan.Rollover != Rollover.Capped && plan.RolloverCap is not null)
            yield return new($"{path}.included.rollover_cap", "Only a capped rollover has a cap.");
        if (plan.RolloverCap < plan.Included)
            yield return new($"{path}.included.rollover_cap", "The cap is less than a month's credits.");

        foreach (var fault in TrialFaults(plan, path)) yield return fault;
        foreach (var name in plan.Entitlements.Keys)
            foreach (var fault in CodeFaults(name, $"{path}.entitlements.{name}")) yield return fault;
    }

    static IEnumerable<Fault> TrialFaults(Plan plan, string path)
    {
        // Stripe's limit is two years.
        if (plan.TrialDays is < 0 or > 730) yield return new($"{path}.trial.days", "A trial has 1 to 730 days.");
        if (plan.TrialCredits < Credits.Zero) yield return new($"{path}.trial.credits", "credits are not negative.");
        if (plan.TrialDays > 0 && plan.Prices.Count == 0)
            yield return new($"{path}.trial", "A free plan needs no trial.");
    }

    static IEnumerable<Fault> PlanFaults(IReadOnlyList<Plan> plans)
    {
        foreach (var plan in plans.Where(plan => plan.Default).Skip(1))
            yield return new($"plans.{plan.Code}.default", "Only one plan is the default.");
        foreach (var plan in plans.Where(plan => plan.Default && plan.Prices.Count > 0))
            yield return new($"plans.{plan.Code}.default", "The default plan is a free one: nobody has paid for it.");
    }

    static IEnumerable<Fault> MoneyFaults(Money money, string path)
    {
        if (!Money.IsCurrency(money.Currency))
            yield return new(path, $"'{money.Currency}' is not a currency: three lower-case letters, such as usd.");
        if (money.Minor is < 1 or > MostMinor)
            yield return new(path, $"A price is 1 to {MostMinor} in the currency's smallest unit: 999 for $9.99.");
        if (money.Minor % Currencies.Step(money.Currency) != 0)
            yield return new(path, $"Stripe takes {money.Currency} in steps of {Currencies.Step(money.Currency)} of its smallest unit.");
    }

    static IEnumerable<Fault> NameFaults(string name, string path)
    {
        if (name.Length is < 1 or > 120) yield return new(path, "A name has 1 to 120 characters.");
    }

    internal static IEnumerable<Fault> CodeFaults(string code, string path)
    {
        if (!Code().IsMatch(code))
            yield return new(path, $"'{code}' is not a code: 1 to 64 of a-z 0-9 _ -, a letter or digit first.");
    }

    [GeneratedRegex(@"^[a-z0-9][a-z0-9_-]{0,63}\z")]
    private static partial Regex Code();
}
