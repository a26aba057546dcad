using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>What a chat completion is asked for.</summary>
sealed record ChatRequest
{
    public required Ask Ask { get; init; }
    public required int Choices { get; init; }

    /// <summary>The last chunk of a stream tells the usage.</summary>
    public required bool IncludeUsage { get; init; }

    public required bool Obfuscate { get; init; }

    public static ChatRequest Read(JsonElement body, AiCall call)
    {
        var family = Families.Of(call.BareModel)!.Value;
        RefuseWhatTheFamilyDoes(body, family, call);
        var messages = body.Member("messages") ?? throw OpenAiDialect.Missing("messages");
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            throw OpenAiDialect.Invalid("messages", "empty_array", "Invalid 'messages': empty array. Expected an "
                + "array with minimum length 1, but got an empty array instead.");
        }
        var options = body.Member("stream_options") ?? default;
        return new()
        {
            Ask = new()
            {
                Behaviour = call.Behaviour,
                Prompt = CountPrompt(body, messages, call.Usage),
                Limit = Limit(body),
                Reasoning = call.Behaviour.Reasoning
                    ?? Families.Reasoning(call.BareModel, body.Text("reasoning_effort")),
                Stops = Stops(body),
                Tool = ChosenTool(body, messages),
                Schema = Schema(body),
            },
            Choices = OpenAiDialect.Copies(body),
            IncludeUsage = options.Flag("include_usage"),
            Obfuscate = family == Family.OpenAi && !options.Denied("include_obfuscation"),
        };
    }

    static void RefuseWhatTheFamilyDoes(JsonElement body, Family family, AiCall call)
    {
        if (body.Member("stream_options") is not null)
        {
            if (family == Family.Mistral)
            {
                throw new AiError(422, "invalid_request_error", "body.stream_options: Extra inputs are not permitted");
            }
            if (!call.Streamed)
            {
                throw new AiError(400, "invalid_request_error",
                    "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
                {
                    Param = "stream_options",
                };
            }
        }
        if (family == Family.OpenAi && body.Member("max_tokens") is not null && Families.Thinks(call.BareModel))
        {
            throw OpenAiDialect.Invalid("max_tokens", "unsupported_parameter", "Unsupported parameter: 'max_tokens' is "
                + "not supported with this model. Use 'max_completion_tokens' instead.");
        }
    }

    static int? Limit(JsonElement body)
    {
        foreach (var name in (ReadOnlySpan<string>)["max_completion_tokens", "max_tokens"])
        {
            if (body.Whole(name) is not { } limit) continue;
            return limit < 1 ? throw OpenAiDialect.BelowMinimum(name, 1, limit) : limit;
        }
        return null;
    }

    static byte[] CountPrompt(JsonElement body, JsonElement messages, Usage usage)
    {
        byte[] prompt = [];
        usage.Input = Tokens.PerRequest;
        foreach (var message in messages.EnumerateArray())
        {
            usage.Input += Tokens.PerMessage + Tokens.Of(message.Member("name") ?? default);
            var content = message.Member("content") ?? default;
            Contents.Count(content, usage);
            foreach (var made in message.Items("tool_calls"))
            {
                var function = made.Member("function") ?? default;
                usage.Input += Tokens.Of(function.Member("name") ?? default)
                    + Tokens.Of(function.Member("arguments") ?? default);
            }
            if (message.Text("role") == "user") prompt = Contents.LastText(content);
        }
        foreach (var tool in body.Items("tools")) usage.Input += Tokens.Of(tool);
        if (body.Member("response_format")?.Member("json_schema") is { } schema) usage.Input += Tokens.Of(schema);
        return prompt;
    }

    static byte[][] Stops(JsonElement body) => body.Member("stop") switch
    {
        { ValueKind: JsonValueKind.String } one => [one.Utf8()],
        { ValueKind: JsonValueKind.Array } several => [.. several.EnumerateArray()
            .Where(stop => stop.ValueKind == JsonValueKind.String).Select(stop => stop.Utf8())],
        _ => [],
    };

    /// <summary>
    /// The named one, or the first; but where the choice is free, only to answer a person: what a tool has returned is
    /// answered in words, so that a conversation ends.
    /// </summary>
    static Tool? ChosenTool(JsonElement body, JsonElement messages)
    {
        var tools = body.Items("tools");
        var choice = body.Member("tool_choice") ?? default;
        if (tools.Length == 0 || Is(choice, "none")) return null;
        var answersPerson = messages[messages.GetArrayLength() - 1].Text("role") == "user";
        if (choice.ValueKind != JsonValueKind.Object && !Is(choice, "required") && !answersPerson) return null;
        var named = choice.Member("function")?.Text("name");
        foreach (var tool in tools)
        {
            if (tool.Member("function") is { } function && function.Text("name") is { } name
                && (named is null || named == name)) return new(name, function.Member("parameters") ?? default);
        }
        return null;
    }

    static bool Is(JsonElement choice, string word) =>
        choice.ValueKind == JsonValueKind.String && choice.ValueEquals(word);

    static JsonElement? Schema(JsonElement body)
    {
        var format = body.Member("response_format") ?? default;
        return format.Text("type") switch
        {
            "json_object" => default(JsonElement),
            "json_schema" => format.Member("json_schema")?.Member("schema") ?? default,
            _ => null,
        };
    }
}
