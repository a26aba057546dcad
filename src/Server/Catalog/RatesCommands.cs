using System.Text;
using System.Text.Json;
using Purser.Core.Catalog;
using Purser.Core.Pricing;

namespace Purser.Server.Catalog;

static class RatesCommands
{
    // Those whose names in LiteLLM's list are known to mean what they mean here.
    static readonly string[] Providers = ["openai", "anthropic", "google", "mistral", "deepseek", "xai", "groq"];

    /// <summary>
    /// <c>purser rates import FILE [--apply]</c>: shows what LiteLLM's list would change in the rate card of a catalog, and
    /// changes it if told to. Returns the exit code.
    /// </summary>
    public static int Import(string file, string catalogFile, bool apply, TextWriter output)
    {
        if (CatalogFile.Read(catalogFile) is not CatalogReading.Sound catalog)
        {
            output.WriteLine($"{catalogFile} has faults; correct those first (purser catalog check).");
            return 1;
        }

        var ours = catalog.Offer.Rates.Models.Select(model => model.Provider);
        var list = new LiteLlmList(ours.Concat(Providers).ToHashSet());
        if (Read(file, list) is { } fault)
        {
            output.WriteLine($"{file}: {fault}");
            return 1;
        }

        var difference = RateDifference.Between(catalog.Offer.Rates.Models, list.Models);
        Show(difference, list, output);
        if (difference.Added.Count + difference.Changed.Count == 0)
        {
            output.WriteLine($"{catalogFile} needs no change.");
            return 0;
        }

        if (apply) return Write(catalogFile, catalog, difference, list, output);
        output.WriteLine($"Nothing is written. With --apply, {catalogFile} is.");
        return 0;
    }

    static string? Read(string file, LiteLlmList list)
    {
        try
        {
            using var stream = File.OpenRead(file);
            using var document = JsonDocument.Parse(stream);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return "This is not a JSON object of models.";
            list.Read(document.RootElement);
            return null;
        }
        catch (JsonException exception)
        {
            return $"This is not JSON: {exception.Message}";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"The file cannot be read: {exception.Message}";
        }
    }

    static void Show(RateDifference difference, LiteLlmList list, TextWriter output)
    {
        foreach (var model in difference.Added) output.WriteLine($"added     {model.FullName}: {Prices(model)}");
        foreach (var change in difference.Changed) output.WriteLine($"changed   {change}");
        foreach (var (model, why) in difference.ByHand) output.WriteLine($"by hand   {model}: {why}");
        foreach (var (key, why) in list.Skipped) output.WriteLine($"skipped   {key}: {why}");
        foreach (var (field, count) in list.LeftOut)
            output.WriteLine($"skipped   {field} of {count} models: the card has no such price");
        if (list.OtherProviders.Count > 0)
        {
            output.Write($"skipped   {list.OtherProviders.Values.Sum()} entries of {list.OtherProviders.Count} other providers: ");
            output.WriteLine(string.Join(", ", list.OtherProviders.Keys));
        }

        output.WriteLine($"untouched {difference.Untouched} models of the card");
        output.Write($"{difference.Added.Count} added, {difference.Changed.Count} prices changed, ");
        output.WriteLine($"{difference.ByHand.Count} by hand, {list.Skipped.Count} skipped");
    }

    static string Prices(ModelRate model) =>
        string.Join(", ", model.Periods[0].Prices.Usd.OrderBy(price => price.Key).Select(price =>
            FormattableString.Invariant($"{price.Key.CatalogKey()} {price.Value:0.############}")));

    static int Write(
        string catalogFile, CatalogReading.Sound catalog, RateDifference difference, LiteLlmList list, TextWriter output)
    {
        var text = CardEdit.Apply(catalog.Text, difference);
        // A card that could not be read back, or not as it was meant, would stop the next start of the server.
        if (CatalogFile.Parse(text, catalogFile) is not CatalogReading.Sound written || !Says(written.Offer, list))
        {
            output.WriteLine($"{catalogFile} is laid out in a way that cannot be edited; nothing is written.");
            return 1;
        }

        try
        {
            var draft = $"{catalogFile}.new";
            File.WriteAllText(draft, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            File.Move(draft, catalogFile, overwrite: true);
            output.WriteLine($"{catalogFile} is written. It takes effect when the server starts.");
            return 0;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            output.WriteLine($"{catalogFile} cannot be written: {refused.Message}");
            return 1;
        }
    }

    static bool Says(Offer offer, LiteLlmList list)
    {
        var rest = RateDifference.Between(offer.Rates.Models, list.Models);
        return rest.Added.Count + rest.Changed.Count == 0;
    }
}
