using System.Collections.ObjectModel;
using System.Text.Json;

namespace Purser.Client;

/// <summary>Credits on offer, once.</summary>
public sealed class Packages
{
    readonly Transport transport;

    internal Packages(Transport transport) => this.transport = transport;

    /// <summary>All packages.</summary>
    /// <param name="cancellationToken">Gives up at once.</param>
    public IAsyncEnumerable<Package> ListAsync(CancellationToken cancellationToken = default) => transport.List(
        "v1/packages", Paging.Largest, Wire.Default.PagePackage, package => package.Code, cancellationToken);
}

/// <summary>Subscriptions on offer.</summary>
public sealed class Plans
{
    readonly Transport transport;

    internal Plans(Transport transport) => this.transport = transport;

    /// <summary>All plans.</summary>
    /// <param name="cancellationToken">Gives up at once.</param>
    public IAsyncEnumerable<Plan> ListAsync(CancellationToken cancellationToken = default) => transport.List(
        "v1/plans", Paging.Largest, Wire.Default.PagePlan, plan => plan.Code, cancellationToken);
}

/// <summary>Credits that can be bought once.</summary>
public sealed record Package
{
    /// <summary>Its name in the catalog.</summary>
    public required string Code { get; init; }

    /// <summary>Its name, for people to read.</summary>
    public string? Name { get; init; }

    /// <summary>What it is good for, for people to read.</summary>
    public string? Description { get; init; }

    /// <summary>How many credits are paid for.</summary>
    public required decimal Credits { get; init; }

    /// <summary>How many come on top.</summary>
    public decimal Bonus { get; init; }

    /// <summary>Both together.</summary>
    public decimal TotalCredits { get; init; }

    /// <summary>What it costs, in each currency it is sold in.</summary>
    public IReadOnlyList<Money> Prices { get => field ?? []; init; }

    /// <summary>How many of it one order may hold.</summary>
    public int MaxQuantity { get; init; }

    /// <summary>What larger orders save, in order of their size.</summary>
    public IReadOnlyList<QuantityDiscount> Discounts { get => field ?? []; init; }

    /// <summary>Days after which its credits expire, where they do.</summary>
    public int? ValidDays { get; init; }
}

/// <summary>An order of at least so many packages costs so much less, all of them.</summary>
/// <param name="From">The smallest such order.</param>
/// <param name="Percent">How much of the price of one it saves.</param>
public sealed record QuantityDiscount(int From, decimal Percent);

/// <summary>How often a subscription is paid.</summary>
public enum Interval
{
    /// <summary>An interval that this client is too old to know.</summary>
    Unknown,

    /// <summary>Every month.</summary>
    Month,

    /// <summary>Every year.</summary>
    Year,
}

/// <summary>What becomes of included credits that are left at the end of a month.</summary>
public enum Rollover
{
    /// <summary>Something that this client is too old to know.</summary>
    Unknown,

    /// <summary>They expire.</summary>
    None,

    /// <summary>They stay, but no more than <see cref="IncludedCredits.RolloverCap"/> in all.</summary>
    Capped,

    /// <summary>They stay.</summary>
    Full,
}

/// <summary>A subscription that can be had. One without prices is free.</summary>
public sealed record Plan
{
    /// <summary>Its name in the catalog.</summary>
    public required string Code { get; init; }

    /// <summary>Its name, for people to read.</summary>
    public string? Name { get; init; }

    /// <summary>What it is good for, for people to read.</summary>
    public string? Description { get; init; }

    /// <summary>Whether customers without a subscription are on it.</summary>
    public bool Default { get; init; }

    /// <summary>What it costs, for each interval and currency it is sold in.</summary>
    public IReadOnlyList<PlanPrice> Prices { get => field ?? []; init; }

    /// <summary>The credits that it brings each month, paid by the year or not.</summary>
    public IncludedCredits? Included { get; init; }

    /// <summary>How it can be tried, if it can.</summary>
    public Trial? Trial { get; init; }

    /// <summary>What else it allows, as the catalog declares it: true, 25 or "docx".</summary>
    public IReadOnlyDictionary<string, JsonElement> Entitlements
    {
        get => field ?? ReadOnlyDictionary<string, JsonElement>.Empty;
        init;
    }
}

/// <summary>What a plan costs.</summary>
/// <param name="Interval">How often it is paid.</param>
/// <param name="Minor">Cents, where the currency has them.</param>
/// <param name="Currency">ISO 4217 in lower case.</param>
public sealed record PlanPrice(Interval Interval, long Minor, string Currency);

/// <summary>The credits that a plan brings each month.</summary>
/// <param name="Credits">How many.</param>
/// <param name="Rollover">What becomes of those that are left at the end of a month.</param>
/// <param name="RolloverCap">The most that is left standing where rollover is capped.</param>
public sealed record IncludedCredits(decimal Credits, Rollover Rollover, decimal? RolloverCap);

/// <summary>How a plan can be tried.</summary>
/// <param name="Days">For how long.</param>
/// <param name="Credits">With how many credits, in place of a month's.</param>
public sealed record Trial(int Days, decimal Credits);
