using System.Text;
using Purser.Core.Gateway;
using Purser.Core.Pricing;
using Purser.Core.Tests.Pricing;

namespace Purser.Core.Tests.Gateway;

/// <summary>What a call may use at most.</summary>
public sealed class BoundingTests
{
    [Fact]
    public void A_picture_that_is_sold_by_the_piece_needs_no_price_for_what_was_read_for_it()
    {
        var request = Understood(Wire.Images, """{"model":"large","prompt":"A sea","n":2}""");

        var bound = Known(request, Tariff.Priced((Meter.Images, 0.04m))).Bound;

        Assert.Equal((0, 2), (bound.TextTokens, bound.Pictures));
    }

    [Fact]
    public void A_picture_that_is_sold_by_the_token_is_made_of_a_prompt()
    {
        var request = Understood(Wire.Images, """{"model":"large","prompt":"A sea"}""");

        var bound = Known(request, Tariff.Priced((Meter.InputTokens, 5m), (Meter.OutputImageTokens, 40m)) with { MaxOutput = 10_000 }).Bound;

        Assert.True(bound.TextTokens > 0);
    }

    static CallRequest Understood(Wire wire, string json) =>
        Assert.IsType<RequestReading.Understood>(RequestReader.Read(wire, Encoding.UTF8.GetBytes(json))).Request;

    static Bounded.Known Known(CallRequest request, ModelRate model) => Assert.IsType<Bounded.Known>(
        Bounding.Of(request, new RateCard(1, Tariff.Rates with { Models = [model] }).Models[0], soundSeconds: 0, Given.Noon));
}
