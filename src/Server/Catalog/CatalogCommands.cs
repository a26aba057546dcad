using Purser.Core.Catalog;

namespace Purser.Server.Catalog;

static class CatalogCommands
{
    /// <summary>
    /// <c>purser catalog check FILE</c>: every fault of a catalog, or what it comes to. Returns the exit code.
    /// </summary>
    public static int Check(string file, TextWriter output)
    {
        switch (CatalogFile.Read(file))
        {
            case CatalogReading.Faulty(var faults):
                foreach (var fault in faults) output.WriteLine(fault);
                output.WriteLine(faults.Count == 1 ? "1 fault" : $"{faults.Count} faults");
                return 1;
            case CatalogReading.Sound(var offer, _, _):
                output.WriteLine($"{file}: {Summary(offer)}");
                return 0;
            default:
                throw new InvalidOperationException("A reading is sound or faulty.");
        }
    }

    static string Summary(Offer offer)
    {
        var (operations, models) = (offer.Rates.Operations, offer.Rates.Models);
        var providers = models.DistinctBy(model => model.Provider).Count();
        return $"no faults; {offer.Packages.Count} packages, {offer.Plans.Count} plans, {operations.Count} operations, "
            + $"{models.Count} models of {providers} providers";
    }
}
