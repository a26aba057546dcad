using System.Text.Json;

namespace Purser.Core.Gateway;

/// <summary>What one event of a stream is.</summary>
public enum EventKind
{
    Content,

    /// <summary>It has usage and nothing else, and comes only where it was asked for.</summary>
    UsageOnly,

    /// <summary>The provider failed, and says so within its answer.</summary>
    Error,

    /// <summary>Nothing comes after it.</summary>
    End,
}

/// <summary>Reads a provider's answer as it passes: its usage, and how much text it brought.</summary>
public sealed class AnswerReader(Wire wire)
{
    /// <summary>Null until the provider has told any.</summary>
    public ReportedUsage? Usage { get; private set; }

    /// <summary>Anthropic tells usage at the start, and once more, with all of the answer, at the end.</summary>
    public bool UsageIsFinal { get; private set; }

    /// <summary>Bytes of text that were produced, as they stand in the answer's JSON.</summary>
    public long ProducedBytes { get; private set; }

    /// <summary>Seconds of sound, as the answer itself tells them.</summary>
    public decimal? Duration { get; private set; }

    /// <summary>Pictures in the answer.</summary>
    public int Pictures { get; private set; }

    /// <summary>Searches of the web that OpenAI made: its usage does not tell them, they are parts of the answer.</summary>
    public int Searches { get; private set; }

    /// <summary>Whether the usage is of all that came: it tells of an answer, and none came after it.</summary>
    public bool UsageIsOfAll => Usage is not null && Usage.Tells(wire) && ProducedBytes == producedByUsage;

    string? tier;
    long producedByUsage;

    /// <summary>One event of a stream.</summary>
    public EventKind Event(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty) return EventKind.Content;
        if (data.StartsWith("[DONE]"u8)) return EventKind.End;

        try
        {
            return Read(data, stream: true);
        }
        catch (Exception e) when (IsNoJson(e))
        {
            // What is no JSON is the provider's own affair, and has no usage.
            return EventKind.Content;
        }
    }

    /// <summary>A whole answer. False where it is no JSON: it then says nothing about its usage.</summary>
    public bool Whole(ReadOnlySpan<byte> body)
    {
        try
        {
            Read(body, stream: false);
            return true;
        }
        catch (Exception e) when (IsNoJson(e))
        {
            return false;
        }
    }

    // The second is what .NET says of text that is no Unicode, once somebody wants to have it.
    static bool IsNoJson(Exception e) => e is JsonException or InvalidOperationException;

    EventKind Read(ReadOnlySpan<byte> data, bool stream)
    {
        var json = new Utf8JsonReader(data, new() { MaxDepth = 256, AllowMultipleValues = false });
        var kind = EventKind.Content;
        var choices = -1;
        var name = Said.Other;
        var place = new Place();
        var (usageNamed, usageIn) = (false, false);
        var (searches, itemIsDone) = (0, false);
        var producedBefore = ProducedBytes;
        while (json.Read())
        {
            switch (json.TokenType)
            {
                case JsonTokenType.PropertyName:
                    name = Names.Of(ref json);
                    continue;
                case JsonTokenType.StartObject when name == Said.Usage && (place.IsTop(json.CurrentDepth) || place.IsChoice(json.CurrentDepth)):
                    UsageIsFinal = wire == Wire.Messages && json.CurrentDepth == 1;
                    TakeUsage(ref json);
                    usageIn = true;
                    break;
                case JsonTokenType.Null when name == Said.Usage && place.IsTop(json.CurrentDepth):
                    usageNamed = true;
                    break;
                case JsonTokenType.StartObject when name == Said.Error && place.IsTop(json.CurrentDepth):
                    kind = EventKind.Error;
                    break;
                case JsonTokenType.StartObject when json.CurrentDepth == 2 && choices >= 0:
                    choices++;
                    break;
                case JsonTokenType.StartArray when json.CurrentDepth == 1 && name == Said.Choices:
                    choices = Math.Max(choices, 0);
                    break;
                case JsonTokenType.String:
                    if (name == Said.ServiceTier && place.IsTop(json.CurrentDepth)) tier = json.GetString();
                    kind = TakeText(ref json, name, stream) ?? kind;
                    if (name == Said.Type && wire == Wire.Responses) searches += Search(ref json, place, ref itemIsDone);
                    break;
                case JsonTokenType.Number when name == Said.Duration && json.TryGetDecimal(out var length):
                    Duration = length;
                    break;
            }

            place.Enter(json.TokenType, json.CurrentDepth, name);
            name = Said.Other;
        }

        Usage?.TakeTier(tier);
        if (usageIn) producedByUsage = ProducedBytes;
        // What an error says is no answer.
        if (kind == EventKind.Error) ProducedBytes = producedBefore;
        // One by one as they are done, and once more all of them at the end.
        Searches = kind == EventKind.End || !stream ? Math.Max(Searches, searches) : Searches + (itemIsDone ? searches : 0);
        return (usageIn || usageNamed) && choices == 0 && kind == EventKind.Content ? EventKind.UsageOnly : kind;
    }

    void TakeUsage(ref Utf8JsonReader json)
    {
        // Anthropic's counts are cumulative, each by itself; of the others the last object tells all.
        var told = Usage is null || wire != Wire.Messages ? new() : Usage;
        told.Read(ref json);
        if (told.HasCounts) Usage = told;
    }

    EventKind? TakeText(ref Utf8JsonReader json, Said name, bool stream)
    {
        switch (name)
        {
            case Said.Type when json.CurrentDepth == 1 && stream:
                return KindOf(ref json);
            case Said.Picture:
                Pictures++;
                break;
            case Said.Produced when wire != Wire.Responses || !stream:
            case Said.Delta when wire is Wire.Responses or Wire.Transcriptions:
                ProducedBytes += json.ValueSpan.Length;
                break;
        }

        return null;
    }

    // To open a page that was found, or to look for something in it, is no search.
    static int Search(ref Utf8JsonReader json, Place place, ref bool itemIsDone)
    {
        itemIsDone |= json.CurrentDepth == 1 && json.ValueTextEquals("response.output_item.done"u8);
        if (!place.IsOutput) return 0;
        if (json.ValueTextEquals("web_search_call"u8)) return 1;

        return json.ValueTextEquals("open_page"u8) || json.ValueTextEquals("find_in_page"u8) ? -1 : 0;
    }

    static EventKind? KindOf(ref Utf8JsonReader json)
    {
        if (json.ValueTextEquals("error"u8) || json.ValueTextEquals("response.failed"u8)) return EventKind.Error;
        return json.ValueTextEquals("message_stop"u8) || json.ValueTextEquals("response.completed"u8)
            || json.ValueTextEquals("response.incomplete"u8) || json.ValueTextEquals("transcript.text.done"u8)
            || json.ValueTextEquals("image_generation.completed"u8)
            ? EventKind.End
            : null;
    }

    /// <summary>
    /// Where in the answer something stands. An answer repeats what the caller wrote, his metadata and the schemas of his tools:
    /// what he calls "usage" or "service_tier" there is none.
    /// </summary>
    struct Place
    {
        Said outer;
        Said inner;

        /// <summary>Directly in the answer, or in the one that an event brings.</summary>
        public readonly bool IsTop(int depth) => depth == 1 || (depth == 2 && outer == Said.Answer);

        /// <summary>Directly in one of several choices, where some providers tell their usage.</summary>
        public readonly bool IsChoice(int depth) => depth == 3 && outer == Said.Choices;

        /// <summary>In what was produced, or in a part of it that an event brings.</summary>
        public readonly bool IsOutput => outer is Said.Output or Said.Item || (outer == Said.Answer && inner == Said.Output);

        public void Enter(JsonTokenType token, int depth, Said name)
        {
            if (token is not (JsonTokenType.StartObject or JsonTokenType.StartArray)) return;

            if (depth == 1) (outer, inner) = (name, Said.Other);
            else if (depth == 2) inner = name;
        }
    }

    enum Said : byte
    {
        Other,
        Answer,
        Item,
        Output,
        Usage,
        Error,
        Choices,
        Type,
        ServiceTier,
        Delta,
        Duration,
        Picture,
        Produced,
    }

    static class Names
    {
        public static Said Of(ref Utf8JsonReader json)
        {
            var name = json.ValueSpan;
            return name.Length switch
            {
                3 when name.SequenceEqual("url"u8) => Said.Picture,
                4 when name.SequenceEqual("item"u8) => Said.Item,
                4 when name.SequenceEqual("type"u8) => Said.Type,
                4 when name.SequenceEqual("text"u8) => Said.Produced,
                5 when name.SequenceEqual("usage"u8) => Said.Usage,
                5 when name.SequenceEqual("error"u8) => Said.Error,
                5 when name.SequenceEqual("delta"u8) => Said.Delta,
                6 when name.SequenceEqual("output"u8) => Said.Output,
                7 when name.SequenceEqual("choices"u8) => Said.Choices,
                7 when name.SequenceEqual("content"u8) => Said.Produced,
                7 when name.SequenceEqual("message"u8) => Said.Answer,
                7 when name.SequenceEqual("refusal"u8) => Said.Produced,
                8 when name.SequenceEqual("response"u8) => Said.Answer,
                8 when name.SequenceEqual("thinking"u8) => Said.Produced,
                8 when name.SequenceEqual("duration"u8) => Said.Duration,
                8 when name.SequenceEqual("b64_json"u8) => Said.Picture,
                9 when name.SequenceEqual("arguments"u8) => Said.Produced,
                9 when name.SequenceEqual("reasoning"u8) => Said.Produced,
                12 when name.SequenceEqual("partial_json"u8) => Said.Produced,
                12 when name.SequenceEqual("service_tier"u8) => Said.ServiceTier,
                17 when name.SequenceEqual("reasoning_content"u8) => Said.Produced,
                _ => Said.Other,
            };
        }
    }
}
