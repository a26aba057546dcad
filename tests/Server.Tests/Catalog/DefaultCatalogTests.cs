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
    [InlineData("claude-opus-4-8", "0.01", "web_searches:1")]
    public void A_model_costs_what_its_provider_says(string model, string usd, string usage, string? at = null)
    {
        var now = at is null ? Evening : DateTimeOffset.Parse(at, CultureInfo.InvariantCulture);
        var quote = Assert.IsType<Quotation.Priced>(Card.Price(new PriceRequest.Model(model, Counts(usage)), now)).Quote;

        Assert.Equal(decimal.Parse(usd, CultureInfo.InvariantCulture) * 1.2m * 1000, quote.Amount.ToDecimal());
    }

    [Theory]
    [InlineData("gpt-4o", "priority", "4.25", "input_tokens:1000000")]
    [InlineData("gpt-5.5", "priority", "75", "output_tokens:1000000")]
    [InlineData("gpt-5.5", "flex", "0.68", "input_tokens:272000")]
    [InlineData("gpt-5.5", "flex", "2.72001", "input_tokens:272001")]
    [InlineData("gpt-5.4", "default", "0.25", "input_tokens:100000")]
    public void A_service_tier_costs_what_its_provider_says(string model, string tier, string usd, string usage)
    {
        var request = new PriceRequest.Model(model, Counts(usage)) { ServiceTier = tier };

        var quote = Assert.IsType<Quotation.Priced>(Card.Price(request, Evening)).Quote;

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
            var period = model.At(Evening);
            foreach (var prices in period.ServiceTiers.Select(tier => tier.Prices).Prepend(period.Prices))
            {
                var ordinary = prices.Base.Listed.ToDictionary(price => price.Meter, price => price.Credits);
                foreach (var (_, dearer) in prices.LongPrompts)
                    Assert.All(dearer.Listed, price => Assert.True(price.Credits >= ordinary[price.Meter], model.Rate.FullName));
            }
        }
    }

    [Fact]
    public void The_worst_case_of_a_call_is_known_for_every_model_but_one_whose_limits_nobody_knows()
    {
        var unknown = Card.Models.Where(model => WorstCase(model) is not Quotation.Priced).Select(model => model.Rate.FullName);

        Assert.Equal(["mistral/mistral-small-2603"], unknown);
    }

    [Fact]
    public void No_picture_takes_more_tokens_than_the_largest_of_its_provider() =>
        Assert.All(Card.Models, model => Assert.InRange(model.MostImageTokens, 1_500, 50_000));

    // A call that reads and writes as much as it can, in whichever service; of pictures, sound and text what the model has.
    static Quotation? WorstCase(ModelCard model)
    {
        var reads = model.IsPriced(Meter.InputTokens, Evening);
        var paints = model.IsPriced(Meter.OutputImageTokens, Evening);
        var answers = model.IsPriced(Meter.OutputTokens, Evening) && !paints;
        var speaks = answers && model.IsPriced(Meter.OutputAudioTokens, Evening);
        // What only speaks is not called for an answer.
        if (answers && !speaks && model.MostOutput is null) return null;

        return Card.WorstCase(
            model,
            new()
            {
                TextTokens = reads ? model.Rate.Context ?? 1_000_000 : 0,
                ImageTokens = reads ? model.MostImageTokens : 0,
                OutputTokens = answers ? model.MostOutput ?? 0 : 0,
                AudioOut = speaks,
                Pictures = paints || model.IsPriced(Meter.Images, Evening) ? 1 : 0,
                Seconds = model.IsPriced(Meter.Seconds, Evening) ? 60 : 0,
                ServiceTiers = [null, .. model.At(Evening).ServiceTiers.Select(tier => tier.Name)],
            },
            Evening);
    }

    static Dictionary<string, long> Counts(string usage) => usage.Split(' ').Select(count => count.Split(':'))
        .ToDictionary(count => count[0], count => long.Parse(count[1], CultureInfo.InvariantCulture));
}
