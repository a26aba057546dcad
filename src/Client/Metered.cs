using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>
/// What credits are taken or held for. Exactly one of: an <see cref="Amount"/>, an <see cref="Operation"/> of the catalog
/// with its <see cref="Quantities"/>, or a <see cref="Model"/> with its <see cref="Usage"/>.
/// </summary>
public abstract record Metered : Command
{
    private protected Metered() { }

    /// <summary>Credits, with at most six decimals.</summary>
    public decimal? Amount { get; init => field = Checked.Credits(value); }

    /// <summary>An operation that the catalog prices: <c>chapter</c>.</summary>
    public string? Operation { get; init; }

    /// <summary>How much of it: <c>new() { ["words"] = 1_200 }</c>.</summary>
    public Dictionary<string, decimal>? Quantities { get; init; }

    /// <summary>A model that the catalog prices, as <c>provider/model</c> or alone where that is clear.</summary>
    public string? Model { get; init; }

    /// <summary>What was used of it.</summary>
    public Usage? Usage { get; init; }

    /// <summary>The service that its provider gave, such as <c>priority</c>. Left out, the ordinary one.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>Why, for people to read.</summary>
    public string? Reason { get; init; }

    /// <summary>Your own name for what it stands for, such as a document.</summary>
    public string? Reference { get; init; }

    internal void Check()
    {
        var named = (Amount is null ? 0 : 1) + (Operation is null ? 0 : 1) + (Model is null ? 0 : 1);
        if (named != 1) throw new ArgumentException("Say exactly one of Amount, Operation and Model.");
        Parts.Check(Operation, Quantities, Model, Usage, ServiceTier);
    }
}

/// <summary>
/// What was used of a model, in counts that do not overlap: cached tokens are not input tokens, reasoning tokens are not
/// output tokens. Only what is set is sent; what is not counts as zero.
/// </summary>
public sealed record Usage
{
    /// <summary>Tokens of text that went in, without those that another count here has.</summary>
    public long? InputTokens { get; init; }

    /// <summary>Tokens that went in and were read from the provider's cache.</summary>
    public long? CachedInputTokens { get; init; }

    /// <summary>Tokens that went in and were written to the provider's cache.</summary>
    public long? CacheWriteTokens { get; init; }

    /// <summary>The same, to stay for an hour.</summary>
    [JsonPropertyName("cache_write_1h_tokens")]
    public long? CacheWrite1hTokens { get; init; }

    /// <summary>The same, to stay for twelve hours.</summary>
    [JsonPropertyName("cache_write_12h_tokens")]
    public long? CacheWrite12hTokens { get; init; }

    /// <summary>Tokens of sound that went in.</summary>
    public long? InputAudioTokens { get; init; }

    /// <summary>Tokens of sound that went in and were read from the provider's cache.</summary>
    public long? CachedInputAudioTokens { get; init; }

    /// <summary>Tokens of pictures that went in.</summary>
    public long? InputImageTokens { get; init; }

    /// <summary>Tokens of text that came out.</summary>
    public long? OutputTokens { get; init; }

    /// <summary>Tokens that the model thought with.</summary>
    public long? ReasoningTokens { get; init; }

    /// <summary>Tokens of sound that came out.</summary>
    public long? OutputAudioTokens { get; init; }

    /// <summary>Tokens of pictures that came out.</summary>
    public long? OutputImageTokens { get; init; }

    /// <summary>Seconds of sound or film.</summary>
    public long? Seconds { get; init; }

    /// <summary>Characters of text, where they are what is priced.</summary>
    public long? Characters { get; init; }

    /// <summary>Pictures, where they are what is priced.</summary>
    public long? Images { get; init; }

    /// <summary>Searches of the web that the provider made for the model.</summary>
    public long? WebSearches { get; init; }

    /// <summary>Calls, where they are what is priced.</summary>
    public long? Requests { get; init; }

    /// <summary>Whether any of it came out rather than went in.</summary>
    internal bool HasAnswer =>
        OutputTokens > 0 || ReasoningTokens > 0 || OutputAudioTokens > 0 || OutputImageTokens > 0 || Images > 0 || Seconds > 0;
}

/// <summary>How an amount came about.</summary>
public sealed record Quote
{
    /// <summary>The version of the catalog whose prices these are.</summary>
    public int Catalog { get; init; }

    /// <summary>What was priced: an operation, or a model as <c>provider/model</c>.</summary>
    public string? Subject { get; init; }

    /// <summary>What the amount is the sum of.</summary>
    public IReadOnlyList<QuoteLine> Lines { get => field ?? []; init; }
}

/// <summary>One part of a price.</summary>
public sealed record QuoteLine
{
    /// <summary>What is priced: <c>output_tokens</c>.</summary>
    public required string Item { get; init; }

    /// <summary>How much of it.</summary>
    public decimal Quantity { get; init; }

    /// <summary>Credits for one of it.</summary>
    public decimal UnitPrice { get; init; }

    /// <summary>Credits for this part.</summary>
    public decimal Amount { get; init; }
}

static class Parts
{
    /// <summary>Quantities belong to an operation and usage to a model; apart from each other they say nothing.</summary>
    public static void Check(
        string? operation, Dictionary<string, decimal>? quantities, string? model, Usage? usage, string? serviceTier)
    {
        if (quantities is not null && operation is null) throw new ArgumentException("Quantities are of an Operation.");
        if (usage is null != model is null)
            throw new ArgumentException("A Model is priced by its Usage, and Usage is of a Model.");
        if (serviceTier is not null && model is null) throw new ArgumentException("A ServiceTier is of a Model.");
    }
}
