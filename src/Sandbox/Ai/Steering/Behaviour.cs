namespace Purser.Sandbox.Ai.Steering;

/// <summary>How an answer tells what it used. What was really used is recorded in any case.</summary>
enum UsageReport
{
    Exact,
    Absent,
    Null,
    Zero,
    EveryChunk,
    LastChoice,
}

/// <summary>
/// What one call is asked to do out of the ordinary, by the name of its model, the queue of its account or its header.
/// Counts of chunks are of those that carry an answer; the frame around them does not count.
/// </summary>
sealed record Behaviour
{
    public static readonly Behaviour Usual = new();

    public bool Echo { get; init; }
    public int? Tokens { get; init; }
    public int? Chunks { get; init; }
    public int? Reasoning { get; init; }
    public string? ServiceTier { get; init; }

    public int? Cached { get; init; }
    public int? CacheWrite { get; init; }
    public int? CacheWriteHour { get; init; }
    public int AudioInput { get; init; }
    public int AudioOutput { get; init; }
    public int? WebSearches { get; init; }
    public UsageReport? Report { get; init; }

    public TimeSpan FirstByte { get; init; }
    public TimeSpan Slow { get; init; }

    public string? Error { get; init; }
    public string? RetryAfter { get; init; }
    public bool Timeout { get; init; }

    public int? ErrorAfter { get; init; }
    public int? CutAfter { get; init; }
    public int? EndAfter { get; init; }
    public int? HangAfter { get; init; }
}
