using System.Text;
using Purser.Core.Catalog;

namespace Purser.Server.Catalog;

/// <summary>What reading a catalog file comes to: an offer, or everything that is wrong with the file.</summary>
abstract record CatalogReading
{
    CatalogReading() { }

    /// <param name="Digest">The same for files that say the same; see <see cref="Node.Digest"/>.</param>
    public sealed record Sound(Offer Offer, string Text, byte[] Digest) : CatalogReading;

    /// <param name="Faults">One line each, with file, line and column.</param>
    public sealed record Faulty(IReadOnlyList<string> Faults) : CatalogReading;
}

static class CatalogFile
{
    static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static CatalogReading Read(string file)
    {
        try
        {
            // Bytes, because reading text would take other encodings by their first two bytes and accept them.
            return Parse(Utf8.GetString(File.ReadAllBytes(file)).TrimStart('\uFEFF'), file);
        }
        catch (DecoderFallbackException)
        {
            return new CatalogReading.Faulty([$"{file}:1:1: The file is not UTF-8 text."]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new CatalogReading.Faulty([$"{file}:1:1: The file cannot be read: {exception.Message}"]);
        }
    }

    public static CatalogReading Parse(string text, string file)
    {
        var faults = new FaultList();
        if (YamlReader.Read(text, faults) is not { } root || Section.Root(root, faults) is not { } catalog)
            return new CatalogReading.Faulty(faults.In(file));

        var offer = CatalogReader.Read(catalog);
        foreach (var fault in OfferFaults.In(offer)) faults.Add(fault);
        return faults.Any
            ? new CatalogReading.Faulty(faults.In(file))
            : new CatalogReading.Sound(offer, text, root.Digest());
    }
}
