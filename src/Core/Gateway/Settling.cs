namespace Purser.Core.Gateway;

/// <summary>How a call came to its end. The numbers are stored: never renumber.</summary>
public enum Ending
{
    /// <summary>The whole answer arrived.</summary>
    Finished = 1,

    /// <summary>The provider answered with an error.</summary>
    ProviderRefused = 2,

    /// <summary>The provider could not be reached, or said nothing in time.</summary>
    ProviderSilent = 3,

    /// <summary>The provider's answer broke off, or ended in an error.</summary>
    ProviderFailed = 4,

    /// <summary>The caller went before the answer was whole.</summary>
    CallerLeft = 5,

    /// <summary>The server that made the call is gone.</summary>
    ServerLost = 6,
}

/// <summary>What a provider does when its caller hangs up, as far as it is known.</summary>
public enum Disconnect
{
    /// <summary>It stops, and bills what it has produced: so does the estimate.</summary>
    Cancel,

    /// <summary>It goes on, and bills all of it: the answer is read to its end, for its usage.</summary>
    Drain,
}

/// <summary>What is known of a call once it has ended.</summary>
/// <param name="Usage">What the provider told, however much of it.</param>
/// <param name="ProducedBytes">Bytes of text that came.</param>
/// <param name="GuessedInput">What went in, by its length.</param>
public sealed record Ended(Ending How, MeterCounts? Usage, bool UsageIsWhole, long ProducedBytes, MeterCounts GuessedInput)
{
    /// <summary>What is asked for is text: an answer that has none, and tells no usage, is none.</summary>
    public bool IsText { get; init; }
}

public abstract record Settlement
{
    Settlement() { }

    /// <summary>Charge what the provider says.</summary>
    public sealed record Exact(MeterCounts Usage) : Settlement;

    /// <summary>Charge what can be seen of it, at most what is held.</summary>
    public sealed record Estimate(MeterCounts Usage) : Settlement;

    /// <summary>Charge nothing: nothing was delivered.</summary>
    public sealed record Nothing : Settlement;
}

public static class Settling
{
    /// <summary>Text of most languages has about four bytes for a token.</summary>
    public const int BytesPerToken = 4;

    public static Settlement Decide(Ended call) => call.How switch
    {
        Ending.ProviderRefused or Ending.ProviderSilent => new Settlement.Nothing(),
        Ending.Finished when call is { IsText: true, Usage: null, ProducedBytes: 0 } => new Settlement.Nothing(),
        Ending.Finished => call.Usage is { } whole && call.UsageIsWhole
            ? new Settlement.Exact(whole)
            : new Settlement.Estimate(Estimate(call)),
        Ending.ProviderFailed when call.Usage is { } billed && call.UsageIsWhole => new Settlement.Exact(billed),
        // It failed before it had produced anything: what it says it has read is not worth anything to anybody.
        Ending.ProviderFailed or Ending.ServerLost when call.ProducedBytes == 0 => new Settlement.Nothing(),
        Ending.ProviderFailed or Ending.CallerLeft or Ending.ServerLost => call.Usage is { } told && call.UsageIsWhole
            ? new Settlement.Exact(told)
            : new Settlement.Estimate(Estimate(call)),
    };

    static MeterCounts Estimate(Ended call)
    {
        var counts = call.Usage is { PromptTokens: > 0 } told ? told : call.GuessedInput;
        if (call.Usage is { } half && counts != half) counts[Pricing.Meter.OutputTokens] = half.AnswerTokens;

        var seen = (call.ProducedBytes + BytesPerToken - 1) / BytesPerToken;
        if (counts.AnswerTokens < seen) counts[Pricing.Meter.OutputTokens] += seen - counts.AnswerTokens;
        return counts;
    }
}
