using Purser.Core.Pricing;

namespace Purser.Core.Gateway;

/// <summary>What is known of a call's usage: what the provider told, and where it tells nothing, what can be counted.</summary>
public static class Reporting
{
    // Of speech, which is what is written down.
    const int SoundTokensPerSecond = 10;

    /// <summary>Null where the provider told nothing that can be priced.</summary>
    /// <param name="soundSeconds">The length of the sound that was sent, where it is known to the second.</param>
    public static MeterCounts? Told(CallRequest request, ModelCard card, AnswerReader answer, long? soundSeconds, DateTimeOffset at)
    {
        var told = answer.Usage?.Disjoint(request.Wire, request.CacheWrites);
        var prices = card.At(at).Prices.Base;
        if (request.Wire == Wire.Images && prices[Meter.Images] is not null)
        {
            // Pictures by the piece: there are as many as there are in the answer.
            told ??= new();
            told[Meter.Images] = answer.Pictures;
        }

        if (request.Wire == Wire.Responses && told is not null) told[Meter.WebSearches] = answer.Searches;

        if (request.Wire == Wire.Transcriptions && prices[Meter.Seconds] is not null && told is null)
        {
            var seconds = answer.Duration is { } length ? (long)Math.Ceiling(Math.Clamp(length, 0, Quantities.Max)) : soundSeconds;
            if (seconds is { } known) told = new() { [Meter.Seconds] = known };
        }

        return told;
    }

    /// <summary>A guess at the way in, for where nobody tells.</summary>
    /// <param name="mostSoundSeconds">Of the sound that is to be written down, at most.</param>
    /// <param name="searches">Of the web, as far as they were seen.</param>
    public static MeterCounts Guess(CallRequest request, ModelCard card, long mostSoundSeconds, int searches, DateTimeOffset at)
    {
        if (request.Wire != Wire.Transcriptions)
            return new() { [Meter.InputTokens] = Bounding.EstimatedPrompt(request), [Meter.WebSearches] = searches };

        return card.At(at).Prices.Base[Meter.Seconds] is not null
            ? new() { [Meter.Seconds] = mostSoundSeconds }
            : new() { [Meter.InputAudioTokens] = mostSoundSeconds * SoundTokensPerSecond };
    }
}
