using Purser.Core.Pricing;

namespace Purser.Core.Gateway;

public abstract record Bounded
{
    Bounded() { }

    /// <param name="MayBeLimited">The caller set no limit to the answer: then one may be set, to what there is to pay for it.</param>
    public sealed record Known(CallBound Bound, bool MayBeLimited) : Bounded;

    public sealed record Unknown(string Param, string Message) : Bounded;
}

/// <summary>What a call may use at most, from what its request says.</summary>
public static class Bounding
{
    /// <summary>Less of an answer is not worth asking for.</summary>
    public const int LeastOutput = 16;

    // What providers put around the turns of a conversation, and around descriptions of tools.
    const int Frame = 32;
    const int FrameOfTurn = 16;
    const int FrameOfTools = 1024;

    // No provider counts more tokens for a second of sound, and no format that people can understand has fewer bytes for it.
    const int SoundTokensPerSecond = 32;
    const int LeastSoundBytesPerSecond = 500;

    /// <param name="soundSeconds">Of the sound that is to be written down, at most.</param>
    public static Bounded Of(CallRequest request, ModelCard card, long soundSeconds, DateTimeOffset now)
    {
        if (request.Unbounded && card.Rate.Context is null)
        {
            return new Bounded.Unknown(
                "model", $"The catalog does not say how much {card.Rate.FullName} reads at most: it lacks context. What the provider adds has no bound.");
        }

        var prices = card.At(now).Prices.Base;
        var bound = Prompt(request, card) with
        {
            CacheWrites = request.CacheWrites,
            WebSearches = request.Searches,
            ServiceTiers = Tiers(request, card, now),
        };
        switch (request.Wire)
        {
            case Wire.Embeddings:
                return new Bounded.Known(bound, MayBeLimited: false);
            case Wire.Images when prices[Meter.InputTokens] is null && request.Finer is var (member, asked):
                return new Bounded.Unknown(member, $"The catalog has one price for a picture of {card.Rate.FullName}, and none for '{asked}': leave '{member}' out.");
            case Wire.Images when prices[Meter.InputTokens] is null:
                // Sold by the piece, whatever was read for it.
                return new Bounded.Known(new() { Pictures = request.Choices, ServiceTiers = bound.ServiceTiers }, MayBeLimited: false);
            case Wire.Images:
                return new Bounded.Known(bound with { Pictures = request.Choices }, MayBeLimited: false);
            case Wire.Transcriptions when prices[Meter.Seconds] is not null:
                return new Bounded.Known(new() { Seconds = soundSeconds }, MayBeLimited: false);
            case Wire.Transcriptions:
                bound = bound with { AudioTokens = checked(soundSeconds * SoundTokensPerSecond) };
                break;
        }

        if (MostOutput(request, card) is not { } output)
        {
            return new Bounded.Unknown(
                "max_tokens", $"The catalog does not say how long an answer of {card.Rate.FullName} is at most: set a limit.");
        }

        bound = bound with { OutputTokens = output, AudioOut = request.Speaks };
        return new Bounded.Known(bound, MayBeLimited: request.MaxOutput is null && request.Wire is Wire.ChatCompletions or Wire.Responses);
    }

    /// <summary>Tokens of an answer that was expected and did not come: they are paid for, and no limit holds for them.</summary>
    public static long MostRejected(CallRequest request) => request.Predicts ? request.TextBytes : 0;

    /// <summary>The tokens of a prompt by its length: a guess, for where nobody tells.</summary>
    public static long EstimatedPrompt(CallRequest request) =>
        ((request.TextBytes + Settling.BytesPerToken - 1) / Settling.BytesPerToken) + (request.Pictures * 1000L)
        + (request.SoundBytes / LeastSoundBytesPerSecond * SoundTokensPerSecond / 10);

    // A token is at least one byte of text. What does not fit into the model's context is refused by its provider.
    static CallBound Prompt(CallRequest request, ModelCard card)
    {
        var context = Math.Max(card.Rate.Context ?? long.MaxValue, request.LeastContext);
        if (request.Unbounded) return new() { TextTokens = checked(context * (1 + request.Searches)) };

        var text = request.TextBytes + Frame + (FrameOfTurn * (long)request.Turns) + (request.Tools ? FrameOfTools : 0);
        return new()
        {
            TextTokens = Math.Min(text, context),
            ImageTokens = Math.Min(request.Pictures * card.MostImageTokens, context),
            AudioTokens = request.Wire == Wire.Transcriptions
                ? 0
                : Math.Min(request.SoundBytes * SoundTokensPerSecond / LeastSoundBytesPerSecond, context),
        };
    }

    static long? MostOutput(CallRequest request, ModelCard card)
    {
        // What is asked for beyond what is possible is refused by the provider, or has become possible.
        var most = request.MaxOutput ?? card.MostOutput;
        return most is { } each ? (each * request.Choices) + MostRejected(request) : null;
    }

    // Which service it was, the answer tells. OpenAI may give a faster one where the account is set so.
    static IReadOnlyList<string?> Tiers(CallRequest request, ModelCard card, DateTimeOffset now)
    {
        const string Faster = "priority";
        switch (request.ServiceTier)
        {
            case "standard_only":
                return [null];
            case null or "auto":
                var mayBeFaster = request.Wire != Wire.Messages && card.At(now).ServiceTiers.Any(tier => tier.Name == Faster);
                return mayBeFaster ? [null, Faster] : [null];
            case { } ordinary when ServiceTier.IsOrdinary(ordinary):
                return [null];
            case { } asked:
                return [asked, null];
        }
    }
}
