namespace Purser.Core.Catalog;

public enum Interval { Month, Year }

/// <summary>What happens to included credits that are left at the end of a month.</summary>
public enum Rollover
{
    /// <summary>They expire.</summary>
    None,

    /// <summary>They stay, but no more than the cap in all.</summary>
    Capped,

    /// <summary>They stay.</summary>
    Full,
}

/// <summary>A subscription. One without prices is free and needs no checkout.</summary>
public sealed record Plan(string Code, string Name)
{
    public string Description { get; init; } = "";

    /// <summary>Whether customers without a subscription are on it.</summary>
    public bool Default { get; init; }

    public IReadOnlyList<PlanPrice> Prices { get; init; } = [];

    /// <summary>Credits granted each month, of a yearly subscription too.</summary>
    public Credits Included { get; init; }

    public Rollover Rollover { get; init; }

    /// <summary>The most that is left standing where rollover is capped.</summary>
    public Credits? RolloverCap { get; init; }

    public int TrialDays { get; init; }

    /// <summary>Credits of the trial, in place of a month's.</summary>
    public Credits TrialCredits { get; init; }

    public IReadOnlyDictionary<string, Entitlement> Entitlements { get; init; } = new Dictionary<string, Entitlement>();

    public Money? Price(Interval interval, string currency) =>
        Prices.FirstOrDefault(price => price.Interval == interval && price.Money.Currency == currency)?.Money;
}

public sealed record PlanPrice(Interval Interval, Money Money);

/// <summary>Something a plan allows: the product asks for it by name and decides what it means.</summary>
public abstract record Entitlement
{
    Entitlement() { }

    public sealed record Flag(bool Value) : Entitlement;

    public sealed record Number(decimal Value) : Entitlement;

    public sealed record Text(string Value) : Entitlement;
}
