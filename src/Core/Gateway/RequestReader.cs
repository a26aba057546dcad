using System.Buffers.Text;
using System.Text.Json;
using Purser.Core.Pricing;

namespace Purser.Core.Gateway;

/// <summary>
/// Reads a request once, from front to back, and keeps what its price depends on. A member that is read may stand there
/// only once: of two, the provider might take the other.
/// </summary>
public ref struct RequestReader
{
    // Schemas of tools nest; what nests deeper than this is no request.
    const int Deepest = 256;

    readonly Wire wire;
    readonly ReadOnlySpan<byte> body;
    readonly Member[] openedBy = new Member[Deepest + 2];
    readonly Block[] blocks = new Block[Deepest + 2];
    Utf8JsonReader json;
    Member member;
    ulong seen;
    RequestReading.Refused? refused;

    CallRequest request;
    bool hasModel;
    long payload;
    bool unbounded;
    int pictures;
    int turns;
    long soundBytes;
    CacheWrites cacheWrites;
    HostedTools hosted = new();

    RequestReader(Wire wire, ReadOnlySpan<byte> body)
    {
        this.wire = wire;
        this.body = body;
        json = new(body, new() { MaxDepth = Deepest });
        request = new(wire, "", default);
    }

    public static RequestReading Read(Wire wire, ReadOnlySpan<byte> body)
    {
        try
        {
            return new RequestReader(wire, body).Run();
        }
        catch (JsonException)
        {
            return new RequestReading.Refused(RequestRefusal.NotJson, null, "The body is not valid JSON.");
        }
        catch (InvalidOperationException)
        {
            // What .NET says of text that is no Unicode, once somebody wants to have it.
            return new RequestReading.Refused(RequestRefusal.NotJson, null, "The body is not valid UTF-8.");
        }
    }

    RequestReading Run()
    {
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            return new RequestReading.Refused(RequestRefusal.NotJson, null, "The body must be a JSON object.");

        request = request with { Opening = (int)json.BytesConsumed };
        while (refused is null && json.Read() && json.TokenType == JsonTokenType.PropertyName) TakeMember();

        // Reading on to the end is what finds a second value behind the first.
        while (refused is null && json.Read())
        {
        }

        if (refused is null && !hasModel) Refuse(RequestRefusal.MissingMember, "model", "'model' is required.");
        if (refused is null && wire == Wire.Images && request is { Stream: true, Choices: > 1 })
            Refuse(RequestRefusal.NotMetered, "n", "A stream brings one picture: leave 'n' out, or 'stream'.");
        if (refused is null && hosted.Refusal(wire) is { } unmetered) Refuse(RequestRefusal.NotMetered, unmetered.Param, unmetered.Message);
        if (refused is not null) return refused;

        return new RequestReading.Understood(request with
        {
            CacheWrites = (CacheWrites)Math.Max((int)cacheWrites, (int)request.CacheWrites),
            Unbounded = unbounded || hosted.Unbounded,
            TextBytes = (int)(body.Length - payload),
            Turns = turns,
            Pictures = pictures,
            SoundBytes = soundBytes,
            Searches = hosted.Searches,
        });
    }

    void TakeMember()
    {
        member = Members.Of(ref json);
        if (member == Member.Other ? IsMisspelt("") : !IsFirst(member)) return;

        json.Read();
        switch (member)
        {
            case Member.Model when wire != Wire.Transcriptions:
                TakeModel();
                break;
            case Member.Stream:
                request = request with { Stream = Flag("stream") };
                break;
            case Member.StreamOptions when wire == Wire.ChatCompletions:
                TakeStreamOptions();
                break;
            case Member.MaxTokens when wire is Wire.ChatCompletions or Wire.Messages:
            case Member.MaxCompletionTokens when wire == Wire.ChatCompletions:
            case Member.MaxOutputTokens when wire == Wire.Responses:
                TakeMaxOutput();
                break;
            case Member.N when wire is Wire.ChatCompletions or Wire.Images:
                request = request with { Choices = (int)(Whole("n", 1, 128) ?? 1) };
                break;
            case Member.MaxToolCalls when wire == Wire.Responses:
                hosted.MostCalls = Whole("max_tool_calls", 0, 1000);
                break;
            case Member.ServiceTier:
                request = request with { ServiceTier = Text("service_tier") };
                break;
            case Member.InferenceGeo or Member.Speed when wire == Wire.Messages:
                TakeVariant();
                break;
            case Member.Tools:
                request = request with { Tools = true };
                TakeTools();
                break;
            default:
                TakeTheRest();
                break;
        }
    }

    void TakeTheRest()
    {
        switch (member)
        {
            case Member.Messages or Member.Input or Member.System or Member.CacheControl:
                TakeContent(member);
                break;
            case Member.Modalities or Member.Audio when json.TokenType != JsonTokenType.Null:
                request = request with { Speaks = request.Speaks || member == Member.Audio || ListHas("audio"u8) };
                Skip();
                break;
            case Member.Prediction when json.TokenType != JsonTokenType.Null:
                request = request with { Predicts = true };
                Skip();
                break;
            case Member.PromptCacheRetention:
                if (Text("prompt_cache_retention") is not (null or "in_memory" or "in-memory"))
                    cacheWrites = CacheWrites.HalfDay;
                break;
            case Member.PreviousResponseId or Member.Conversation or Member.Prompt or Member.Container
                when wire is Wire.Responses or Wire.Messages:
                unbounded |= json.TokenType != JsonTokenType.Null;
                Skip();
                break;
            case Member.Background when wire == Wire.Responses:
                if (Flag("background"))
                    Refuse(RequestRefusal.NotMetered, "background", "Background responses are not metered: leave 'background' out.");
                break;
            case Member.Size or Member.Quality when wire == Wire.Images:
                TakeFineness();
                break;
            case Member.WebSearchOptions or Member.McpServers or Member.SearchParameters when json.TokenType != JsonTokenType.Null:
                Refuse(RequestRefusal.NotMetered, Members.Name(member), $"'{Members.Name(member)}' is not metered: leave it out.");
                break;
            default:
                Skip();
                break;
        }
    }

    void TakeModel()
    {
        var from = (int)json.TokenStartIndex;
        if (Text("model") is not { Length: > 0 and <= 200 } name)
        {
            if (refused is null) Refuse(RequestRefusal.WrongType, "model", "'model' must be the name of a model.");
            return;
        }

        hasModel = true;
        request = request with { Model = name, ModelAt = new(from, (int)json.BytesConsumed - from) };
    }

    void TakeMaxOutput()
    {
        var at = Here();
        var name = Members.Name(member);
        var most = Whole(name, 1, int.MaxValue);
        request = request with { Limits = [.. request.Limits, new(name, most, at)] };
    }

    // Other prices for the same model, named elsewhere than in the service tier.
    void TakeVariant()
    {
        var name = Members.Name(member);
        if (Text(name) is { } variant and not ("global" or "standard"))
            request = request with { ServiceTier = variant };
    }

    // Pictures that are sold by the piece cost more where they are larger than usual, or better.
    void TakeFineness()
    {
        var name = Members.Name(member);
        if (Text(name) is { } asked and not ("auto" or "standard" or "256x256" or "512x512" or "1024x1024"))
            request = request with { Finer = (name, asked) };
    }

    void TakeStreamOptions()
    {
        var from = (int)json.TokenStartIndex;
        if (json.TokenType == JsonTokenType.Null)
        {
            request = request with { StreamOptions = new(Here(), IsObject: false, IsEmpty: true, null) };
            return;
        }

        if (json.TokenType != JsonTokenType.StartObject)
        {
            Refuse(RequestRefusal.WrongType, "stream_options", "'stream_options' must be an object.");
            return;
        }

        (bool?, Slice)? includeUsage = null;
        var empty = true;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            empty = false;
            var name = Members.Of(ref json);
            if (name == Member.Other && IsMisspelt("stream_options.")) return;
            json.Read();
            if (name != Member.IncludeUsage)
            {
                Skip();
                continue;
            }

            if (includeUsage is not null) Refuse(RequestRefusal.DuplicateMember, "stream_options.include_usage", "'include_usage' stands there twice.");
            includeUsage = (json.TokenType == JsonTokenType.Null ? null : Flag("stream_options.include_usage"), Here());
        }

        request = request with
        {
            StreamOptions = new(new(from, (int)json.BytesConsumed - from), IsObject: true, empty, includeUsage),
        };
    }

    void TakeTools()
    {
        if (json.TokenType != JsonTokenType.StartArray)
        {
            Skip();
            return;
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType == JsonTokenType.StartObject) TakeTool();
            else Skip();
        }
    }

    void TakeTool()
    {
        string? type = null;
        long? maxUses = null;
        var members = 0;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = Members.Of(ref json);
            if (name is Member.Type or Member.MaxUses && (members & (1 << (name == Member.Type ? 0 : 1))) != 0)
                Refuse(RequestRefusal.DuplicateMember, $"tools.{Members.Name(name)}", $"'{Members.Name(name)}' of a tool stands there twice.");
            json.Read();
            switch (name)
            {
                case Member.Type:
                    members |= 1;
                    type = Text("tools.type");
                    break;
                case Member.MaxUses:
                    members |= 2;
                    maxUses = Whole("tools.max_uses", 0, 1000);
                    break;
                case Member.CacheControl:
                    TakeContent(Member.CacheControl);
                    break;
                default:
                    Skip();
                    break;
            }
        }

        hosted.Add(wire, type, maxUses);
    }

    /// <summary>Walks what the model will read, for what in it is counted otherwise than by its length.</summary>
    void TakeContent(Member root)
    {
        if (json.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
        {
            Skip();
            return;
        }

        var outside = json.CurrentDepth;
        member = root;
        Open();
        while (json.Read())
        {
            switch (json.TokenType)
            {
                case JsonTokenType.PropertyName:
                    member = Members.Of(ref json);
                    if (member == Member.Input && wire == Wire.Messages) SkipArguments();
                    break;
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    if (json.CurrentDepth == outside + 1 && json.TokenType == JsonTokenType.StartObject) turns++;
                    Open();
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    CountFiles(blocks[json.CurrentDepth + 1]);
                    if (json.CurrentDepth == outside) return;
                    member = Member.Other;
                    break;
                case JsonTokenType.String:
                    TakeText();
                    break;
            }
        }
    }

    void Open()
    {
        var inside = json.CurrentDepth + 1;
        openedBy[inside] = member;
        blocks[inside] = default;
        if (member == Member.CacheControl) cacheWrites = Longer(cacheWrites, CacheWrites.Minutes);
        member = Member.Other;
    }

    void TakeText()
    {
        var parent = openedBy[json.CurrentDepth];
        switch (member)
        {
            case Member.Type:
                TakeType(ref blocks[json.CurrentDepth]);
                break;
            case Member.ImageUrl:
            case Member.Url when parent == Member.ImageUrl:
                TakePicture();
                break;
            case Member.Data when parent == Member.InputAudio:
                payload += json.ValueSpan.Length;
                soundBytes += Base64.GetMaxDecodedFromUtf8Length(json.ValueSpan.Length);
                break;
            // A source is a part of what says whether it is a picture.
            case Member.Data when parent == Member.Source:
                blocks[json.CurrentDepth - 1].Files++;
                blocks[json.CurrentDepth - 1].Bytes += json.ValueSpan.Length;
                break;
            case Member.Url or Member.FileId when parent == Member.Source:
                blocks[json.CurrentDepth - 1].Files++;
                break;
            case Member.Url when parent == Member.VideoUrl:
            case Member.FileId or Member.FileUrl or Member.VideoUrl:
            case Member.Id when parent == Member.Audio:
                unbounded = true;
                break;
            case Member.FileData:
                payload += json.ValueSpan.Length;
                unbounded = true;
                break;
            case Member.Ttl when parent == Member.CacheControl && !json.ValueTextEquals("5m"u8):
                cacheWrites = Longer(cacheWrites, CacheWrites.Hour);
                break;
        }
    }

    void TakePicture()
    {
        pictures++;
        if (json.ValueSpan.StartsWith("data:"u8)) payload += json.ValueSpan.Length;
    }

    // Of two types the provider might take the other.
    void TakeType(ref Block block)
    {
        block.IsPicture = !block.HasType && json.ValueTextEquals("image"u8);
        block.HasType = true;
        // It names something that the provider kept.
        if (json.ValueTextEquals("item_reference"u8)) unbounded = true;
    }

    // A document is text and pictures, as many as it has pages.
    void CountFiles(in Block block)
    {
        if (block.Files == 0) return;

        if (block.IsPicture) pictures += block.Files;
        else unbounded = true;
        payload += block.Bytes;
    }

    // What a tool was called with is text to the model, whatever it looks like.
    void SkipArguments()
    {
        json.Read();
        Skip();
        member = Member.Other;
    }

    static CacheWrites Longer(CacheWrites a, CacheWrites b) => a > b ? a : b;

    // Of "model" and "Model" some providers take the one, and some the other.
    bool IsMisspelt(string within)
    {
        if (Members.Like(ref json) is not (not Member.Other and var meant)) return false;

        Refuse(RequestRefusal.DuplicateMember, within + Members.Name(meant), $"'{within}{Members.Name(meant)}' is written in small letters.");
        return true;
    }

    bool IsFirst(Member one)
    {
        var bit = 1UL << (int)one;
        if ((seen & bit) != 0)
        {
            Refuse(RequestRefusal.DuplicateMember, Members.Name(one), $"'{Members.Name(one)}' stands there twice.");
            return false;
        }

        seen |= bit;
        return true;
    }

    readonly Slice Here() => new((int)json.TokenStartIndex, (int)(json.BytesConsumed - json.TokenStartIndex));

    bool Flag(string name)
    {
        if (json.TokenType is JsonTokenType.True or JsonTokenType.False) return json.GetBoolean();
        if (json.TokenType != JsonTokenType.Null) WrongType(name, "true or false");
        return false;
    }

    string? Text(string name)
    {
        if (json.TokenType == JsonTokenType.String) return json.GetString();
        if (json.TokenType != JsonTokenType.Null) WrongType(name, "a text");
        return null;
    }

    long? Whole(string name, long least, long most)
    {
        if (json.TokenType == JsonTokenType.Null) return null;
        if (json.TokenType == JsonTokenType.Number && json.TryGetInt64(out var number) && number >= least && number <= most)
            return number;

        WrongType(name, $"a whole number from {least} to {most}");
        return null;
    }

    bool ListHas(ReadOnlySpan<byte> word)
    {
        if (json.TokenType != JsonTokenType.StartArray) return false;

        var ahead = json;
        var has = false;
        while (ahead.Read() && ahead.TokenType != JsonTokenType.EndArray)
            has |= ahead.TokenType == JsonTokenType.String && ahead.ValueTextEquals(word);
        return has;
    }

    void Skip() => json.Skip();

    void WrongType(string name, string what)
    {
        Refuse(RequestRefusal.WrongType, name, $"'{name}' must be {what}.");
        Skip();
    }

    void Refuse(RequestRefusal why, string? param, string message) => refused ??= new(why, param, message);

    /// <summary>A part of a prompt: what it says it is, and the files that are in it.</summary>
    struct Block
    {
        public bool HasType;
        public bool IsPicture;
        public int Files;
        public long Bytes;
    }
}
