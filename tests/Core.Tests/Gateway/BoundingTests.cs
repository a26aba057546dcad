using System.Text;
using Purser.Core.Gateway;
using Purser.Core.Pricing;
using Purser.Core.Tests.Audio;
using Purser.Core.Tests.Pricing;

namespace Purser.Core.Tests.Gateway;

/// <summary>What a call may use at most.</summary>
public sealed class BoundingTests
{
    static readonly ModelRate Model = Tariff.Model with { Context = 100_000, MaxOutput = 1_000 };

    static CallRequest Chat(string more = "") => Understood(
        Wire.ChatCompletions, $$"""{"model":"large","messages":[{"role":"user","content":"Hello"}]{{more}}}""");

    [Fact]
    public void A_picture_that_is_sold_by_the_piece_needs_no_price_for_what_was_read_for_it()
    {
        var request = Understood(Wire.Images, """{"model":"large","prompt":"A sea","n":2}""");

        var bound = Known(request, Tariff.Priced((Meter.Images, 0.04m))).Bound;

        Assert.Equal((0, 2), (bound.TextTokens, bound.Pictures));
    }

    [Theory]
    [InlineData(""","size":"1024x1024","quality":"standard" """, null)]
    [InlineData(""","size":"1792x1024" """, "size")]
    [InlineData(""","quality":"hd" """, "quality")]
    public void A_picture_that_is_sold_by_the_piece_has_one_price_and_is_not_sold_finer(string more, string? param)
    {
        var request = Understood(Wire.Images, $$"""{"model":"large","prompt":"A sea"{{more}}}""");

        Assert.Equal(param, (Bounds(request, Tariff.Priced((Meter.Images, 0.04m))) as Bounded.Unknown)?.Param);
        Known(request, Tariff.Priced((Meter.InputTokens, 5m), (Meter.OutputImageTokens, 40m)) with { MaxOutput = 10_000 });
    }

    [Fact]
    public void A_limit_beyond_what_the_catalog_knows_is_held_as_it_is_forwarded() =>
        Assert.Equal(5_000, Known(Chat(""","max_tokens":5000"""), Model).Bound.OutputTokens);

    [Fact]
    public void A_context_that_is_longer_for_once_is_held()
    {
        var request = Understood(
            Wire.Messages, $$"""{"model":"large","max_tokens":9,"messages":[{"role":"user","content":"{{new string('x', 300_000)}}"}]}""");

        Assert.Equal(100_000, Known(request, Model).Bound.TextTokens);
        Assert.InRange(Known(request with { LeastContext = 1_000_000 }, Model).Bound.TextTokens, 300_000, 301_000);
    }

    [Fact]
    public void A_picture_that_is_sold_by_the_token_is_made_of_a_prompt()
    {
        var request = Understood(Wire.Images, """{"model":"large","prompt":"A sea"}""");

        var bound = Known(request, Tariff.Priced((Meter.InputTokens, 5m), (Meter.OutputImageTokens, 40m)) with { MaxOutput = 10_000 }).Bound;

        Assert.True(bound.TextTokens > 0);
    }

    [Fact]
    public void What_is_rejected_of_a_prediction_is_paid_for_on_top_of_every_limit()
    {
        var plain = Chat(""","max_tokens":50""");
        var predicting = Chat(""","max_tokens":50,"prediction":{"type":"content","content":"Hello"}""");

        Assert.Equal((0, predicting.TextBytes), (Bounding.MostRejected(plain), Bounding.MostRejected(predicting)));
        Assert.Equal(50, Known(plain, Model).Bound.OutputTokens);
        Assert.Equal(50 + predicting.TextBytes, Known(predicting, Model).Bound.OutputTokens);
    }

    [Fact]
    public void A_sound_is_as_long_as_its_file_and_a_begun_second_counts()
    {
        var file = SoundFiles.Wav(samples: 8000 * 23 / 10);
        var request = new CallRequest(Wire.Transcriptions, "large", default) { Sound = new(10, file.Length) };

        Assert.Equal(new(3, 3), SoundLength.Of(request, (byte[])[.. new byte[10], .. file, .. new byte[10]]));
    }

    [Fact]
    public void Of_a_sound_of_no_known_kind_only_the_most_is_known()
    {
        var request = new CallRequest(Wire.Transcriptions, "large", default) { Sound = new(0, 5_001) };

        Assert.Equal(new(null, 11), SoundLength.Of(request, new byte[5_001]));
    }

    static CallRequest Understood(Wire wire, string json) =>
        Assert.IsType<RequestReading.Understood>(RequestReader.Read(wire, Encoding.UTF8.GetBytes(json))).Request;

    static Bounded.Known Known(CallRequest request, ModelRate model) => Assert.IsType<Bounded.Known>(Bounds(request, model));

    static Bounded Bounds(CallRequest request, ModelRate model) =>
        Bounding.Of(request, new RateCard(1, Tariff.Rates with { Models = [model] }).Models[0], soundSeconds: 0, Given.Noon);
}
