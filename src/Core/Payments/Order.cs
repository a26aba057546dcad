using Purser.Core.Catalog;

namespace Purser.Core.Payments;

/// <summary>How an order came about. The numbers are stored: never renumber.</summary>
public enum OrderKind
{
    Package = 1,
    Plan = 2,

    /// <summary>A further period of a subscription.</summary>
    Renewal = 3,

    /// <summary>A package that was bought because credits ran low.</summary>
    Recharge = 4,
}

/// <summary>The numbers are stored: never renumber.</summary>
public enum OrderState
{
    Open = 1,
    Paid = 2,
    Refunded = 3,
    PartiallyRefunded = 4,
    Disputed = 5,
    Expired = 6,
    Failed = 7,
}

/// <summary>One purchase attempt.</summary>
public sealed class Order : IEntity
{
    public static string Prefix => "ord";

    Order() { }
}

/// <summary>
/// What was offered, as it stood in the catalog when the order was made. Whatever the catalog says later, this is what
/// the customer paid for.
/// </summary>
/// <param name="Code">Of the package or plan.</param>
/// <param name="Total">What all of it costs before taxes and discounts at Stripe.</param>
/// <param name="Credits">What it brings, bonus included; of a plan, each month.</param>
public sealed record OrderTerms(
    OrderKind Kind, string Code, string Name, int Quantity, Money UnitPrice, Money Total, Credits Credits, int CatalogVersion)
{
    public Interval? Interval { get; init; }

    /// <summary>Days after which a package's credits expire, where they do.</summary>
    public int? ValidDays { get; init; }

    public int TrialDays { get; init; }

    /// <summary>Names what a customer has one open session for.</summary>
    public string Offer => Kind is OrderKind.Plan or OrderKind.Renewal ? "plan" : $"package:{Code}:{Quantity}";

    /// <summary>Null where the package is not sold in that currency or quantity.</summary>
    public static OrderTerms? Of(Package package, int quantity, string currency, int catalogVersion)
    {
        if (quantity < 1 || quantity > package.MaxQuantity || package.UnitPrice(currency, quantity) is not { } price) return null;

        var each = package.Credits + package.Bonus;
        return new(
            OrderKind.Package, package.Code, package.Name, quantity, price, price with { Minor = price.Minor * quantity },
            new(each.Micros * quantity), catalogVersion)
        {
            ValidDays = package.ValidDays,
        };
    }

    /// <summary>Null where the plan has no such price.</summary>
    public static OrderTerms? Of(Plan plan, Interval interval, string currency, int catalogVersion) =>
        plan.Price(interval, currency) is { } price
            ? new(OrderKind.Plan, plan.Code, plan.Name, 1, price, price, plan.Included, catalogVersion)
            {
                Interval = interval,
                TrialDays = plan.TrialDays,
            }
            : null;
}

/// <summary>What has become of an order.</summary>
/// <param name="Money">What it costs.</param>
/// <param name="Refunded">What went back, pending refunds not included.</param>
public sealed record OrderFacts(
    DateTimeOffset? PaidAt, Money Money, long Refunded, bool Disputed, bool Expired, string? Failure)
{
    /// <summary>That money arrived outweighs whatever was thought before: a session may be paid while it is being expired.</summary>
    public OrderState State => this switch
    {
        { PaidAt: null, Expired: true } => OrderState.Expired,
        { PaidAt: null, Failure: not null } => OrderState.Failed,
        { PaidAt: null } => OrderState.Open,
        { Disputed: true } => OrderState.Disputed,
        { Refunded: > 0 } when Refunded >= Money.Minor => OrderState.Refunded,
        { Refunded: > 0 } => OrderState.PartiallyRefunded,
        _ => OrderState.Paid,
    };
}
