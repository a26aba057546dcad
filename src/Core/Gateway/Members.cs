using System.Collections.Frozen;
using System.Text;
using System.Text.Json;

namespace Purser.Core.Gateway;

/// <summary>The members of requests that a price depends on.</summary>
enum Member : byte
{
    Other,
    Audio,
    Background,
    CacheControl,
    Container,
    Conversation,
    Data,
    FileData,
    FileId,
    FileUrl,
    Id,
    ImageUrl,
    IncludeUsage,
    InferenceGeo,
    Input,
    InputAudio,
    MaxCompletionTokens,
    MaxOutputTokens,
    MaxTokens,
    MaxToolCalls,
    MaxUses,
    McpServers,
    Messages,
    Modalities,
    Model,
    N,
    Prediction,
    PreviousResponseId,
    Prompt,
    PromptCacheRetention,
    Quality,
    SearchParameters,
    ServiceTier,
    Size,
    Source,
    Speed,
    Stream,
    StreamOptions,
    System,
    Tools,
    Ttl,
    Type,
    Url,
    VideoUrl,
    WebSearchOptions,
}

static class Members
{
    const int Longest = 32;

    static readonly FrozenDictionary<string, Member> ByName = Enum.GetValues<Member>()
        .Where(member => member != Member.Other)
        .ToFrozenDictionary(Name);

    static readonly FrozenDictionary<string, Member>.AlternateLookup<ReadOnlySpan<char>> BySpan =
        ByName.GetAlternateLookup<ReadOnlySpan<char>>();

    static readonly FrozenDictionary<string, Member>.AlternateLookup<ReadOnlySpan<char>> BySpelling =
        ByName.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();

    public static string Name(Member member) => JsonNamingPolicy.SnakeCaseLower.ConvertName(member.ToString());

    /// <summary>Which one the reader stands at, however it is escaped.</summary>
    public static Member Of(ref Utf8JsonReader json) => In(BySpan, ref json);

    /// <summary>Which one a provider might take it for that does not tell large letters from small ones.</summary>
    public static Member Like(ref Utf8JsonReader json) => In(BySpelling, ref json);

    static Member In(FrozenDictionary<string, Member>.AlternateLookup<ReadOnlySpan<char>> members, ref Utf8JsonReader json)
    {
        Span<char> name = stackalloc char[Longest];
        if (json.ValueIsEscaped)
        {
            // A character takes at most six bytes.
            if (json.ValueSpan.Length > Longest * 6) return Member.Other;
            Span<char> unescaped = stackalloc char[json.ValueSpan.Length];
            return members.TryGetValue(unescaped[..json.CopyString(unescaped)], out var escaped) ? escaped : Member.Other;
        }

        if (json.ValueSpan.Length > Longest || !Encoding.UTF8.TryGetChars(json.ValueSpan, name, out var length)) return Member.Other;
        return members.TryGetValue(name[..length], out var member) ? member : Member.Other;
    }
}
