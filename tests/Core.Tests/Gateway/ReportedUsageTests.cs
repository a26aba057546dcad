using System.Text;
using Purser.Core.Gateway;
using Purser.Core.Pricing;

namespace Purser.Core.Tests.Gateway;

/// <summary>What providers say, and what of it is charged: each token once, under the price it has.</summary>
public sealed class ReportedUsageTests
{
    [Theory]
    [InlineData("""{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}""", "input_tokens=100 output_tokens=20")]
    [InlineData("""{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":80}}""",
        "input_tokens=20 cached_input_tokens=80 output_tokens=20")]
    [InlineData("""{"prompt_tokens":100,"completion_tokens":20,"completion_tokens_details":{"reasoning_tokens":15}}""",
        "input_tokens=100 output_tokens=5 reasoning_tokens=15")]
    [InlineData("""{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":80,"cache_write_tokens":50}}""",
        "cached_input_tokens=80 cache_write_tokens=20 output_tokens=20")]
    [InlineData("""{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":500}}""",
        "cached_input_tokens=100 output_tokens=20")]
    [InlineData("""{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"audio_tokens":60},"completion_tokens_details":{"audio_tokens":12}}""",
        "input_tokens=40 input_audio_tokens=60 output_tokens=8 output_audio_tokens=12")]
    [InlineData("""{"prompt_tokens":100,"completion_tokens":20,"completion_tokens_details":{"accepted_prediction_tokens":5,"rejected_prediction_tokens":9}}""",
        "input_tokens=100 output_tokens=20")]
    [InlineData("""{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}""", "")]
    public void Parts_of_a_count_are_not_counted_twice(string usage, string counts) => Assert.Equal(counts, Read(Wire.ChatCompletions, usage));

    [Fact]
    public void What_was_thought_beside_the_answer_is_found_in_the_total()
    {
        Assert.Equal(
            "input_tokens=32 output_tokens=9 reasoning_tokens=330",
            Read(Wire.ChatCompletions, """
                {"prompt_tokens":32,"completion_tokens":9,"total_tokens":371,"completion_tokens_details":{"reasoning_tokens":330}}
                """));
        Assert.Equal(
            "input_tokens=10 output_tokens=5 reasoning_tokens=85",
            Read(Wire.ChatCompletions, """{"prompt_tokens":10,"completion_tokens":5,"total_tokens":100}"""));
    }

    [Fact]
    public void A_cache_that_is_told_in_two_ways_is_counted_once() => Assert.Equal(
        "input_tokens=30 cached_input_tokens=70 output_tokens=4",
        Read(Wire.ChatCompletions, """
            {"prompt_tokens":100,"completion_tokens":4,"prompt_cache_hit_tokens":70,"prompt_cache_miss_tokens":30,
             "prompt_tokens_details":{"cached_tokens":70}}
            """));

    [Theory]
    [InlineData("""{"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":900,"output_tokens":50}""",
        "input_tokens=10 cached_input_tokens=900 output_tokens=50")]
    [InlineData("""{"input_tokens":10,"cache_creation_input_tokens":300,"cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"output_tokens":50}""",
        "input_tokens=10 cache_write_tokens=100 cache_write_1h_tokens=200 output_tokens=50")]
    [InlineData("""{"input_tokens":10,"cache_creation_input_tokens":300,"cache_creation":null,"output_tokens":50}""",
        "input_tokens=10 cache_write_tokens=300 output_tokens=50")]
    public void Anthropics_counts_stand_beside_one_another(string usage, string counts) => Assert.Equal(counts, Read(Wire.Messages, usage));

    [Theory]
    [InlineData("""{"type":"duration","seconds":12.2}""", "seconds=13")]
    [InlineData("""{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,"audio_tokens":10},"output_tokens":45,"total_tokens":59}""",
        "input_tokens=4 input_audio_tokens=10 output_tokens=45")]
    public void A_transcription_is_counted_by_its_length_or_by_tokens(string usage, string counts) =>
        Assert.Equal(counts, Read(Wire.Transcriptions, usage));

    [Fact]
    public void Counts_without_a_price_are_counted_as_what_they_are_a_kind_of()
    {
        var counts = new MeterCounts { [Meter.InputTokens] = 1, [Meter.InputImageTokens] = 10, [Meter.CachedInputTokens] = 100, [Meter.OutputAudioTokens] = 5 };

        counts.Fold(meter => meter is Meter.InputTokens or Meter.CachedInputTokens or Meter.OutputTokens);

        Assert.Equal("input_tokens=11 cached_input_tokens=100 output_tokens=5", Text(counts));
    }

    static string Read(Wire wire, string usage)
    {
        var reader = new AnswerReader(wire);
        Assert.True(reader.Whole(Encoding.UTF8.GetBytes($$"""{"usage":{{usage}}}""")));
        return Text(reader.Usage!.Disjoint(wire, CacheWrites.None));
    }

    static string Text(MeterCounts counts) => string.Join(' ', counts.ToUsage().Select(one => $"{one.Key}={one.Value}"));
}
