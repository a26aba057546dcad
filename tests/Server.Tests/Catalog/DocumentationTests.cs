using System.Text.RegularExpressions;
using Purser.Core.Pricing;
using Purser.Server.Catalog;

namespace Purser.Server.Tests.Catalog;

public sealed partial class DocumentationTests
{
    static readonly string Text = File.ReadAllText(Path.Combine(Checkout.Root, "docs", "catalog.md"));

    [Fact]
    public void The_examples_of_the_documentation_are_one_catalog_without_faults()
    {
        var reading = CatalogFile.Parse(Examples, "docs/catalog.md");

        Assert.Equal([], reading is CatalogReading.Faulty faulty ? faulty.Faults : []);
    }

    [Theory]
    [InlineData(":")]
    [InlineData("{")]
    [InlineData("\n")]
    [InlineData("\"")]
    [InlineData("-9")]
    [InlineData("99999999999999")]
    [InlineData("\u0000")]
    [InlineData("")]
    public void A_damaged_catalog_has_faults_or_prices_and_never_throws(string damage)
    {
        for (var place = 0; place < Examples.Length; place += 7)
        {
            var yaml = string.Concat(Examples.AsSpan(0, place), damage, Examples.AsSpan(place + 1));

            if (CatalogFile.Parse(yaml, "damaged.yaml") is CatalogReading.Sound(var offer, _, _))
                Assert.NotEmpty(new RateCard(1, offer.Rates).Models);
        }
    }

    [Fact]
    public void Every_meter_is_documented_under_both_of_its_names() =>
        Assert.All(Meters.All, meter =>
        {
            Assert.Contains($"`{meter.CatalogKey()}`", Text, StringComparison.Ordinal);
            Assert.Contains($"`{meter.UsageKey()}`", Text, StringComparison.Ordinal);
        });

    static string Examples { get; } = string.Concat(Example().Matches(Text).Select(example => example.Groups[1].Value));

    [GeneratedRegex("```yaml\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();
}
