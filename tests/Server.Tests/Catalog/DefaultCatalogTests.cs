using System.Globalization;
using Purser.Core.Catalog;
using Purser.Core.Pricing;
using Purser.Server.Catalog;

namespace Purser.Server.Tests.Catalog;

public sealed class DefaultCatalogTests
{
    static readonly string DefaultFile = Path.Combine(Checkout.Root, "catalogs", "default.yaml");
    static readonly Offer Offer = Assert.IsType<CatalogReading.Sound>(CatalogFile.Read(DefaultFile)).Offer;
    static readonly RateCard Card = new(1, Offer.Rates);
    static readonly DateTimeOffset Evening = new(2026, 11, 20, 18, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Every_catalog_we_ship_is_without_faults()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Checkout.Root, "catalogs"), "*.yaml"))
        {
            using var output = new StringWriter();
            Assert.True(CatalogCommands.Check(file, output) == 0, output.ToString());
        }
    }

    [Fact]
    public void It_holds_a_whole_product()
    {
        Assert.True(Offer.Packages.Count >= 3 && Offer.Packages.Any(package => package.Bonus > Core.Credits.Zero));
        Assert.True(Offer.Plans.Count >= 3 && Offer.Plans.Any(plan => plan.Default));
        Assert.True(Offer.Rates.Operations.Count >= 8);
        Assert.Equal(7, Offer.Rates.Models.DistinctBy(model => model.Provider).Count());
        Assert.True(Offer.Rates.Models.Count >= 110);
    }

    // USD for the usage, from the providers' price pages; the card multiplies with its markup.
    [Theory]
    [InlineData("gpt-4o-mini", "0.75", "input_tokens:1000000 output_tokens:1000000")]
    [InlineData("gpt-4o", "1.25", "cached_input_tokens:1000000")]
    [InlineData("gpt-6.2-astra", "8", "cached_input_tokens:1000000")]
    [InlineData("gpt-6.1-terra", "2.5", "cache_write_tokens:1000000")]
    [InlineData("gpt-6.1-terra", "0.25", "cache_write_12h_tokens:100000")]
    [InlineData("gpt-5.5", "1.36", "input_tokens:272000")]
    [InlineData("gpt-5.5", "2.72001", "input_tokens:272001")]
    [InlineData("claude-opus-4-8", "30", "cache_write_1h_tokens:1000000 output_tokens:800000")]
    [InlineData("claude-sonnet-5-5", "0.2", "cached_input_tokens:1000000")]
    [InlineData("claude-haiku-5-5", "0.5", "cached_input_tokens:1000000")]
    [InlineData("gemini-2.5-flash", "1", "input_audio_tokens:1000000")]
    [InlineData("gemini-3.8-flash", "0.75", "input_tokens:1000000", "2026-12-31T23:59:59Z")]
    [InlineData("gemini-3.8-flash", "1.5", "input_tokens:1000000", "2027-01-01T00:00:00Z")]
    [InlineData("gemini-3.8-flash", "1.5", "cached_input_tokens:1000000", "2027-01-01T00:00:00Z")]
    [InlineData("deepseek-flash", "0.3", "input_tokens:1000000", "2026-11-20T01:00:00Z")]
    [InlineData("deepseek-flash", "0.15", "input_tokens:1000000", "2026-11-20T04:00:00Z")]
    [InlineData("deepseek-v4-pro", "1.32", "input_tokens:1000000", "2026-11-20T09:59:59Z")]
    [InlineData("deepseek-v4-pro", "0.66", "input_tokens:1000000", "2026-11-21T09:00:00Z")]
    [InlineData("grok-4.7", "0.8", "input_tokens:200000")]
    [InlineData("grok-4.5", "0.4", "input_tokens:200000")]
    [InlineData("openai/gpt-oss-120b", "0.15", "input_tokens:1000000")]
    [InlineData("whisper-1", "0.006", "seconds:60")]
    [InlineData("dall-e-3", "0.04", "images:1")]
    [InlineData("tts-1", "0.015", "characters:1000")]
    [InlineData("gpt-image-1", "40", "output_image_tokens:1000000")]
    public void A_model_costs_what_its_provider_says(string model, string usd, string usage, string? at = null)
    {
        var now = at is null ? Evening : DateTimeOffset.Parse(at, CultureInfo.InvariantCulture);
        var counts = usage.Split(' ').Select(count => count.Split(':'))
            .ToDictionary(count => count[0], count => long.Parse(count[1], CultureInfo.InvariantCulture));

        var quote = Assert.IsType<Quotation.Priced>(Card.Price(new PriceRequest.Model(model, counts), now)).Quote;

        Assert.Equal(decimal.Parse(usd, CultureInfo.InvariantCulture) * 1.2m * 1000, quote.Amount.ToDecimal());
    }

    [Fact]
    public void Every_model_has_a_price_for_what_it_reads_or_makes() =>
        Assert.All(Card.Models, model => Assert.NotEmpty(model.At(Evening).Prices.Base.Listed));

    [Fact]
    public void No_price_of_a_longer_prompt_is_below_the_ordinary_one()
    {
        foreach (var model in Card.Models)
        {
            var prices = model.At(Evening).Prices;
            var ordinary = prices.Base.Listed.ToDictionary(price => price.Meter, price => price.Credits);
            foreach (var (_, dearer) in prices.LongPrompts)
                Assert.All(dearer.Listed, price => Assert.True(price.Credits >= ordinary[price.Meter], model.Rate.FullName));
        }
    }
}
