using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.Anthropic;

/// <summary>What a message is asked for.</summary>
sealed record MessageRequest
{
    const int ThinkingMin = 1024;
    const int UsualThinking = 32;

    public required Ask Ask { get; init; }
    public required int WebSearches { get; init; }
    public required string InferenceGeo { get; init; }

    public static string ModelOf(JsonElement body) =>
        body.Text("model") is { Length: > 0 } model ? model : throw AnthropicDialect.Invalid("model: Field required");

    public static MessageRequest Read(JsonElement body, AiCall call)
    {
        var limit = body.Whole("max_tokens") ?? throw AnthropicDialect.Invalid("max_tokens: Field required");
        if (limit < 1) throw AnthropicDialect.Invalid("max_tokens: Input should be greater than or equal to 1");
        var messages = Messages(body);
        var search = Array.Exists(body.Items("tools"),
            tool => tool.Text("type")?.StartsWith("web_search_", StringComparison.Ordinal) == true);
        return new()
        {
            Ask = new()
            {
                Behaviour = call.Behaviour,
                Prompt = LastOfUser(messages),
                Limit = limit,
                Reasoning = call.Behaviour.Reasoning ?? Thinking(body, limit),
                Stops = [.. body.Items("stop_sequences")
                    .Where(stop => stop.ValueKind == JsonValueKind.String).Select(stop => stop.Utf8())],
                Tool = ChosenTool(body, messages),
                Schema = body.Member("output_config")?.Member("format")?.Member("schema"),
            },
            WebSearches = call.Behaviour.WebSearches ?? (search ? 1 : 0),
            InferenceGeo = body.Text("inference_geo") ?? "not_available",
        };
    }

    public static JsonElement[] Messages(JsonElement body) => body.Member("messages") switch
    {
        null => throw AnthropicDialect.Invalid("messages: Field required"),
        { ValueKind: JsonValueKind.Array } all when all.GetArrayLength() > 0 => [.. all.EnumerateArray()],
        _ => throw AnthropicDialect.Invalid("messages: at least one message is required"),
    };

    static int Thinking(JsonElement body, int limit)
    {
        if (body.Member("thinking") is not { } thinking) return 0;
        if (thinking.Text("type") == "adaptive") return UsualThinking;
        if (thinking.Text("type") != "enabled") return 0;
        var budget = thinking.Whole("budget_tokens")
            ?? throw AnthropicDialect.Invalid("thinking.enabled.budget_tokens: Field required");
        if (budget < ThinkingMin)
        {
            throw AnthropicDialect.Invalid(
                $"thinking.enabled.budget_tokens: Input should be greater than or equal to {ThinkingMin}");
        }
        return budget < limit ? UsualThinking
            : throw AnthropicDialect.Invalid("`max_tokens` must be greater than `thinking.budget_tokens`.");
    }

    static byte[] LastOfUser(JsonElement[] messages)
    {
        var last = Array.FindLast(messages, message => message.Text("role") == "user");
        return Contents.LastText(last.Member("content") ?? default);
    }

    /// <summary>
    /// The named one, or the first that has a schema; but where the choice is free, what a tool has returned is
    /// answered in words, so that a conversation ends.
    /// </summary>
    static Tool? ChosenTool(JsonElement body, JsonElement[] messages)
    {
        var choice = body.Member("tool_choice") ?? default;
        if (choice.Text("type") == "none") return null;
        var free = choice.Text("type") is null or "auto";
        if (free && Returned(messages[^1])) return null;
        var named = choice.Text("name");
        foreach (var tool in body.Items("tools"))
        {
            if (tool.Text("name") is { } name && tool.Member("input_schema") is { } schema
                && (named is null || named == name)) return new(name, schema);
        }
        return null;
    }

    static bool Returned(JsonElement message) =>
        Array.Exists(message.Items("content"), block => block.Text("type") == "tool_result");
}
