using Purser.Core.Pricing;

namespace Purser.Core.Gateway;

/// <summary>What was used, by meter.</summary>
public sealed class MeterCounts
{
    readonly long[] byMeter = new long[Meters.All.Count];

    public long this[Meter meter]
    {
        get => byMeter[(int)meter];
        set => byMeter[(int)meter] = value;
    }

    public long PromptTokens
    {
        get
        {
            var sum = 0L;
            foreach (var meter in Meters.All)
                if (meter.IsPrompt()) sum += this[meter];
            return sum;
        }
    }

    public long AnswerTokens =>
        this[Meter.OutputTokens] + this[Meter.ReasoningTokens] + this[Meter.OutputAudioTokens] + this[Meter.OutputImageTokens];

    /// <summary>As a price is asked for it: what there is none of is left out.</summary>
    public Dictionary<string, long> ToUsage()
    {
        var usage = new Dictionary<string, long>();
        foreach (var meter in Meters.All)
            if (this[meter] > 0) usage[meter.UsageKey()] = this[meter];

        return usage;
    }

    /// <summary>
    /// Counts for which a model has no price are counted as what they are a kind of: an answer that was given is never
    /// without a price, and never free.
    /// </summary>
    public void Fold(Func<Meter, bool> isPriced)
    {
        foreach (var meter in Meters.All)
        {
            if (this[meter] == 0 || isPriced(meter) || Kind(meter) is not { } kind) continue;

            this[kind] += this[meter];
            this[meter] = 0;
        }
    }

    static Meter? Kind(Meter meter) => meter switch
    {
        Meter.InputTokens or Meter.OutputTokens => null,
        Meter.OutputAudioTokens or Meter.OutputImageTokens or Meter.ReasoningTokens => Meter.OutputTokens,
        Meter.Seconds or Meter.Characters or Meter.Images or Meter.WebSearches or Meter.Requests => null,
        _ => Meter.InputTokens,
    };
}
