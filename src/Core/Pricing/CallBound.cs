namespace Purser.Core.Pricing;

/// <summary>How long what a call writes into its provider's cache may be kept there, at most.</summary>
public enum CacheWrites
{
    None,
    Minutes,
    Hour,
    HalfDay,
}

/// <summary>What a call to a model may use at most, known before it is made.</summary>
public sealed record CallBound
{
    /// <summary>Tokens of the prompt that are text, and whatever else is billed as if it were.</summary>
    public long TextTokens { get; init; }

    /// <summary>Tokens of the prompt that are sound. A provider may bill them as text, but never more of them.</summary>
    public long AudioTokens { get; init; }

    /// <summary>Tokens of the prompt that are pictures. A provider may bill them as text, but never more of them.</summary>
    public long ImageTokens { get; init; }

    public CacheWrites CacheWrites { get; init; }

    /// <summary>Tokens of all answers together, with the reasoning.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Whether an answer may be spoken.</summary>
    public bool AudioOut { get; init; }

    /// <summary>Pictures made: each is billed as one, or in tokens, of which a model has a maximum.</summary>
    public long Pictures { get; init; }

    public long Seconds { get; init; }

    public long WebSearches { get; init; }

    /// <summary>
    /// The services that the provider may give, by their names in the catalog and nothing for the ordinary one. Which of them
    /// it gave is known afterwards only.
    /// </summary>
    public IReadOnlyList<string?> ServiceTiers { get; init; } = [null];

    public long PromptTokens => TextTokens + AudioTokens + ImageTokens;
}
