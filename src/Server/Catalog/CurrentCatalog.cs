using Purser.Core.Catalog;
using Purser.Core.Pricing;
using Purser.Server.Platform;

namespace Purser.Server.Catalog;

/// <summary>The catalog in force. It is read once, when the server starts: servers beside it must agree on prices.</summary>
sealed class CurrentCatalog(string file, Db db, TimeProvider time)
{
    CatalogReading.Sound? read;
    Offer? offer;
    RateCard? exact;
    RateCard? ceil;

    /// <summary>How sums become amounts, where it is to be otherwise than the catalog says.</summary>
    public Switch<Rounding?> RoundingMode { get; } = new(
        "BILLING_ROUNDING_MODE",
        "catalog, exact or ceil",
        new() { ["catalog"] = null, ["exact"] = Rounding.Exact, ["ceil"] = Rounding.Ceil },
        "catalog");

    public Offer Offer => offer ?? throw NotLoaded();

    /// <summary>The prices of <see cref="Offer"/>, and the number of its version.</summary>
    public RateCard Rates => ((RoundingMode.Value ?? Offer.Rates.Rounding) == Rounding.Exact ? exact : ceil) ?? throw NotLoaded();

    /// <summary>Reads and checks the catalog. It needs no database, so it may go on beside the migrations.</summary>
    public void Read() => read = CatalogFile.Read(file) switch
    {
        CatalogReading.Sound sound => sound,
        CatalogReading.Faulty([var fault]) => throw new StartFailure($"{fault} Correct it, or name another catalog with PURSER_CATALOG."),
        CatalogReading.Faulty faulty => throw new StartFailure(
            [.. faulty.Faults, "The catalog cannot be used: correct it, or name another one with PURSER_CATALOG."]),
        _ => throw new InvalidOperationException("A reading is sound or faulty."),
    };

    /// <summary>Puts what was read in force and records it; once, after the migrations and before the first request.</summary>
    public async Task Load(CancellationToken ct)
    {
        var catalog = read ?? throw NotLoaded();
        var version = await db.Number(catalog, time.Now(), ct);
        offer = catalog.Offer;
        exact = new(version, offer.Rates with { Rounding = Rounding.Exact });
        ceil = new(version, offer.Rates with { Rounding = Rounding.Ceil });
    }

    static InvalidOperationException NotLoaded() => new("The catalog is used before it is loaded.");
}
