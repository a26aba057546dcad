using Purser.Core.Pricing;

namespace Purser.Core.Catalog;

/// <summary>All that a product sells and asks for, as one catalog file declares it.</summary>
public sealed record Offer(string Name, Rates Rates)
{
    public IReadOnlyList<Package> Packages { get; init; } = [];
    public IReadOnlyList<Plan> Plans { get; init; } = [];

    public Package? Package(string code) => Packages.FirstOrDefault(package => package.Code == code);

    public Plan? Plan(string code) => Plans.FirstOrDefault(plan => plan.Code == code);
}

/// <summary>Something that is wrong with an offer.</summary>
/// <param name="Path">The keys of the catalog file that lead there, joined by dots, with indexes in brackets.</param>
public sealed record Fault(string Path, string Message);
