using Purser.Core.Pricing;

namespace Purser.Core.Gateway;

/// <summary>The calls that are spoken, each with its own members and its own way to report usage.</summary>
public enum Wire
{
    ChatCompletions = 1,
    Responses = 2,
    Embeddings = 3,
    Transcriptions = 4,
    Images = 5,
    Messages = 6,
    CountTokens = 7,
}

/// <summary>Where something stands in the bytes of a request.</summary>
public readonly record struct Slice(int From, int Length);

/// <summary>What a request says about what it may cost, and where in its bytes it says so. Nothing of it is a prompt.</summary>
public sealed record CallRequest(Wire Wire, string Model, Slice ModelAt)
{
    /// <summary>Where its first member begins.</summary>
    public int Opening { get; init; }

    public bool Stream { get; init; }

    /// <summary>What the caller says of the length of an answer. Chat has two names for it.</summary>
    public IReadOnlyList<Limit> Limits { get; init; } = [];

    /// <summary>Most tokens of one answer. Two names for one limit: the provider refuses both at once, or takes one of them.</summary>
    public long? MaxOutput => Limits.Max(limit => limit.Tokens);

    /// <summary>Where the caller wrote null for it.</summary>
    public Slice? NullMaxOutputAt => Limits.FirstOrDefault(limit => limit.Tokens is null)?.At;

    /// <summary>Answers or pictures that are asked for at once.</summary>
    public int Choices { get; init; } = 1;

    public string? ServiceTier { get; init; }

    public StreamOptions? StreamOptions { get; init; }

    public CacheWrites CacheWrites { get; init; }

    /// <summary>The request names something that the provider adds to the prompt, of a length nobody here knows.</summary>
    public bool Unbounded { get; init; }

    /// <summary>Bytes of the request that are no picture and no sound.</summary>
    public int TextBytes { get; init; }

    /// <summary>Turns of the conversation: each adds a few tokens of its own.</summary>
    public int Turns { get; init; }

    public bool Tools { get; init; }

    public int Pictures { get; init; }

    /// <summary>Bytes of sound in the prompt.</summary>
    public long SoundBytes { get; init; }

    /// <summary>Where the sound stands that is to be written down.</summary>
    public Slice? Sound { get; init; }

    /// <summary>Whether the answer may be spoken.</summary>
    public bool Speaks { get; init; }

    /// <summary>An expected answer, whose rejected tokens are paid for like those of the answer.</summary>
    public bool Predicts { get; init; }

    /// <summary>What says that pictures are to be larger than usual, or better.</summary>
    public (string Member, string Asked)? Finer { get; init; }

    /// <summary>Tokens that the model reads at least, whatever the catalog says: some headers let it read more than usual.</summary>
    public long LeastContext { get; init; }

    /// <summary>Searches of the web that the provider may make.</summary>
    public int Searches { get; init; }

    /// <summary>The same for a provider that heeds chat's limit under one name only: under the other it limits nothing.</summary>
    public CallRequest Heeding(string name) => Wire == Wire.ChatCompletions && Limits.Any(limit => limit.Name != name)
        ? this with { Limits = [.. Limits.Where(limit => limit.Name == name)] }
        : this;
}

/// <summary>A limit to the length of an answer, as the caller wrote it.</summary>
/// <param name="Tokens">Null where he wrote null.</param>
public sealed record Limit(string Name, long? Tokens, Slice At);

/// <summary>The member <c>stream_options</c> as the caller wrote it.</summary>
/// <param name="At">The whole value.</param>
/// <param name="IsObject">False for null.</param>
/// <param name="IncludeUsage">The value of <c>include_usage</c>, and where it stands.</param>
public sealed record StreamOptions(Slice At, bool IsObject, bool IsEmpty, (bool? Value, Slice At)? IncludeUsage);

/// <summary>Why a request cannot be forwarded. Declared in order of precedence.</summary>
public enum RequestRefusal
{
    NotJson,
    DuplicateMember,
    WrongType,
    MissingMember,
    NotMetered,
}

public abstract record RequestReading
{
    RequestReading() { }

    public sealed record Understood(CallRequest Request) : RequestReading;

    /// <param name="Param">The member at fault, where there is one.</param>
    public sealed record Refused(RequestRefusal Why, string? Param, string Message) : RequestReading;
}
