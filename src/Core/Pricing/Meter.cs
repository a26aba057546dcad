using System.Collections.Frozen;

namespace Purser.Core.Pricing;

/// <summary>What a model's usage is counted in. Counts are disjoint, so that each is multiplied with one price.</summary>
public enum Meter
{
    InputTokens,
    CachedInputTokens,
    CacheWriteTokens,
    CacheWrite1hTokens,
    CacheWrite12hTokens,
    InputAudioTokens,
    CachedInputAudioTokens,
    InputImageTokens,
    OutputTokens,
    ReasoningTokens,
    OutputAudioTokens,
    OutputImageTokens,
    Seconds,
    Characters,
    Images,
    WebSearches,
    Requests,
}

public static class Meters
{
    // Before what is made from it: static members are set in the order in which they are written.
    public static IReadOnlyList<Meter> All { get; } = Enum.GetValues<Meter>();

    // For loops that run with every price.
    internal const Meter Last = Meter.Requests;

    static readonly FrozenDictionary<string, Meter> ByUsageKey = All.ToFrozenDictionary(UsageKey);

    public static bool TryParseUsage(string key, out Meter meter) => ByUsageKey.TryGetValue(key, out meter);

    /// <summary>The name of a count in a request's usage and in the lines of a quote.</summary>
    public static string UsageKey(this Meter meter) => meter switch
    {
        Meter.InputTokens => "input_tokens",
        Meter.CachedInputTokens => "cached_input_tokens",
        Meter.CacheWriteTokens => "cache_write_tokens",
        Meter.CacheWrite1hTokens => "cache_write_1h_tokens",
        Meter.CacheWrite12hTokens => "cache_write_12h_tokens",
        Meter.InputAudioTokens => "input_audio_tokens",
        Meter.CachedInputAudioTokens => "cached_input_audio_tokens",
        Meter.InputImageTokens => "input_image_tokens",
        Meter.OutputTokens => "output_tokens",
        Meter.ReasoningTokens => "reasoning_tokens",
        Meter.OutputAudioTokens => "output_audio_tokens",
        Meter.OutputImageTokens => "output_image_tokens",
        Meter.Seconds => "seconds",
        Meter.Characters => "characters",
        Meter.Images => "images",
        Meter.WebSearches => "web_searches",
        Meter.Requests => "requests",
    };

    /// <summary>The name of a price in the catalog: that of the count for tokens, of one of them for the rest.</summary>
    public static string CatalogKey(this Meter meter) => meter switch
    {
        Meter.Seconds or Meter.Characters or Meter.Images or Meter.Requests => meter.UsageKey()[..^1],
        Meter.WebSearches => meter.UsageKey()[..^2],
        _ => meter.UsageKey()[..^"_tokens".Length],
    };

    /// <summary>How many units a price in the catalog buys: a million tokens, but one second, one image.</summary>
    public static int Per(this Meter meter) => meter switch
    {
        Meter.Seconds or Meter.Characters or Meter.Images or Meter.WebSearches or Meter.Requests => 1,
        _ => 1_000_000,
    };

    /// <summary>Whether the count is part of the prompt, whose length decides about long-prompt prices.</summary>
    public static bool IsPrompt(this Meter meter) => meter <= Meter.InputImageTokens;
}
