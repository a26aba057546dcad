using System.Text.Json;
using Purser.Core.Pricing;

namespace Purser.Core.Gateway;

/// <summary>
/// What a provider says was used, under the names it has for it. OpenAI's counts contain one another: cached tokens are
/// part of the prompt, reasoning is part of the answer. Anthropic's do not.
/// </summary>
public sealed class ReportedUsage
{
    long? prompt;
    long? completion;
    long? total;
    long cached;
    long cacheHits;
    long written;
    long promptAudio;
    long promptImages;
    long reasoning;
    long completionAudio;
    long completionImages;

    // Anthropic's.
    long? input;
    long? output;
    long? cacheRead;
    long? cacheCreation;
    long? written5m;
    long? written1h;

    decimal? seconds;
    long searches;

    public string? ServiceTier { get; private set; }

    /// <summary>An object without any count is no usage.</summary>
    public bool HasCounts { get; private set; }

    /// <summary>Whether it says how long the answer was, of what has one that is counted in tokens. Only a zero that is there is one.</summary>
    public bool Tells(Wire wire) => wire switch
    {
        Wire.ChatCompletions or Wire.Responses or Wire.Messages => completion is not null || output is not null,
        _ => HasCounts,
    };

    /// <summary>Takes a usage object over: what it names replaces what was there, because counts of a stream are cumulative.</summary>
    /// <param name="json">Stands at the object's opening brace; at its end afterwards.</param>
    public void Read(ref Utf8JsonReader json)
    {
        var outside = json.CurrentDepth;
        var group = "";
        var name = "";
        while (json.Read())
        {
            switch (json.TokenType)
            {
                case JsonTokenType.PropertyName:
                    name = json.GetString()!;
                    break;
                case JsonTokenType.StartObject when json.CurrentDepth == outside + 1:
                    group = name;
                    break;
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    json.Skip();
                    break;
                case JsonTokenType.EndObject:
                    if (json.CurrentDepth == outside) return;
                    group = "";
                    break;
                case JsonTokenType.Number:
                    Take(group, name, json.TryGetDecimal(out var number) ? number : 0);
                    break;
                case JsonTokenType.String when group.Length == 0 && name is "service_tier" or "inference_geo" or "speed":
                    TakeTier(json.GetString());
                    break;
            }
        }
    }

    /// <summary>The tier that was really used, which may be another than was asked for.</summary>
    public void TakeTier(string? tier)
    {
        if (tier is not (null or "auto" or "default" or "standard" or "global" or "not_available") && IsName(tier)) ServiceTier = tier;
    }

    // It is kept for ever: what no provider would call a tier is none.
    static bool IsName(string tier) => tier.Length is > 0 and <= 64 && !tier.AsSpan().ContainsAnyExceptInRange('!', '~');

    void Take(string group, string name, decimal value)
    {
        HasCounts = true;
        var count = (long)Math.Clamp(Math.Ceiling(value), 0, Quantities.Max);
        switch (group, name)
        {
            case ("", "prompt_tokens"): prompt = count; break;
            case ("", "completion_tokens"): completion = count; break;
            case ("", "total_tokens"): total = count; break;
            case ("", "input_tokens"): input = count; break;
            case ("", "output_tokens"): output = count; break;
            case ("", "cache_read_input_tokens"): cacheRead = count; break;
            case ("", "cache_creation_input_tokens"): cacheCreation = count; break;
            case ("cache_creation", "ephemeral_5m_input_tokens"): written5m = count; break;
            case ("cache_creation", "ephemeral_1h_input_tokens"): written1h = count; break;
            case ("", "prompt_cache_hit_tokens"): cacheHits = count; break;
            case ("", "seconds"): seconds = Math.Clamp(value, 0, Quantities.Max); break;
            case ("server_tool_use", "web_search_requests"): searches = count; break;
            default: TakeDetail(group, name, count); break;
        }
    }

    void TakeDetail(string group, string name, long count)
    {
        switch (group, name)
        {
            case ("prompt_tokens_details" or "input_tokens_details" or "input_token_details", "cached_tokens"): cached = count; break;
            case ("prompt_tokens_details" or "input_tokens_details" or "input_token_details", "cache_write_tokens"): written = count; break;
            case ("prompt_tokens_details" or "input_tokens_details" or "input_token_details", "audio_tokens"): promptAudio = count; break;
            case ("prompt_tokens_details" or "input_tokens_details" or "input_token_details", "image_tokens"): promptImages = count; break;
            case ("completion_tokens_details" or "output_tokens_details", "reasoning_tokens"): reasoning = count; break;
            case ("completion_tokens_details" or "output_tokens_details", "audio_tokens"): completionAudio = count; break;
            case ("completion_tokens_details" or "output_tokens_details", "image_tokens"): completionImages = count; break;
        }
    }

    /// <summary>The same in counts that do not overlap.</summary>
    /// <param name="longest">How long what was written to the cache stays, where the provider does not say.</param>
    public MeterCounts Disjoint(Wire wire, CacheWrites longest)
    {
        var counts = new MeterCounts();
        if (wire == Wire.Messages) Anthropic(counts);
        else OpenAi(counts, longest);
        counts[Meter.WebSearches] = searches;
        if (seconds is { } length) counts[Meter.Seconds] = (long)Math.Ceiling(length);
        return counts;
    }

    void Anthropic(MeterCounts counts)
    {
        counts[Meter.InputTokens] = input ?? 0;
        counts[Meter.CachedInputTokens] = cacheRead ?? 0;
        counts[Meter.CacheWrite1hTokens] = written1h ?? 0;
        // The sum without its parts was written for five minutes.
        counts[Meter.CacheWriteTokens] = Math.Max(written5m ?? 0, (cacheCreation ?? 0) - (written1h ?? 0));
        counts[Meter.OutputTokens] = output ?? 0;
    }

    void OpenAi(MeterCounts counts, CacheWrites longest)
    {
        var promptTokens = prompt ?? input ?? 0;
        var rest = promptTokens;
        counts[Meter.CachedInputTokens] = Part(ref rest, Math.Max(cached, cacheHits));
        // Written tokens are told unadjusted: together with the cached ones they may be more than the prompt.
        counts[longest == CacheWrites.HalfDay ? Meter.CacheWrite12hTokens : Meter.CacheWriteTokens] = Part(ref rest, written);
        counts[Meter.InputAudioTokens] = Part(ref rest, promptAudio);
        counts[Meter.InputImageTokens] = Part(ref rest, promptImages);
        counts[Meter.InputTokens] = rest;

        var completionTokens = completion ?? output ?? 0;
        // Some providers leave what was thought out of the answer, and only the total has it.
        var beside = Math.Max(0, (total ?? 0) - promptTokens - completionTokens);
        var answer = completionTokens;
        counts[Meter.ReasoningTokens] = beside > 0 ? Math.Max(beside, reasoning) : Part(ref answer, reasoning);
        counts[Meter.OutputAudioTokens] = Part(ref answer, completionAudio);
        counts[Meter.OutputImageTokens] = Part(ref answer, completionImages);
        counts[Meter.OutputTokens] = answer;
    }

    static long Part(ref long whole, long part)
    {
        var taken = Math.Min(whole, part);
        whole -= taken;
        return taken;
    }
}
