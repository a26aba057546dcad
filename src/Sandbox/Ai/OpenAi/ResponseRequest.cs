using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>What a response is asked for. The body stays at hand, because the answer repeats much of it.</summary>
sealed record ResponseRequest
{
    const int LimitMin = 16;

    public required JsonElement Body { get; init; }
    public required Ask Ask { get; init; }
    public required int WebSearches { get; init; }
    public required bool Obfuscate { get; init; }

    public static ResponseRequest Read(JsonElement body, AiCall call)
    {
        if (body.Flag("background"))
        {
            throw OpenAiDialect.Invalid("background", "unsupported_parameter",
                "The sandbox has no background responses.");
        }
        var input = body.Member("input") ?? throw OpenAiDialect.Missing("input");
        var limit = body.Whole("max_output_tokens");
        if (limit < LimitMin) throw OpenAiDialect.BelowMinimum("max_output_tokens", LimitMin, limit.Value);
        var effort = body.Member("reasoning")?.Text("effort");
        var search = Array.Exists(body.Items("tools"),
            tool => tool.Text("type")?.StartsWith("web_search", StringComparison.Ordinal) == true);
        return new()
        {
            Body = body,
            Ask = new()
            {
                Behaviour = call.Behaviour,
                Prompt = CountPrompt(body, input, call.Usage),
                Limit = limit,
                Reasoning = call.Behaviour.Reasoning ?? Families.Reasoning(call.BareModel, effort),
                Tool = ChosenTool(body, input),
                Schema = Schema(body),
            },
            WebSearches = call.Behaviour.WebSearches ?? (search ? 1 : 0),
            Obfuscate = body.Member("stream_options")?.Denied("include_obfuscation") != true,
        };
    }

    static byte[] CountPrompt(JsonElement body, JsonElement input, Usage usage)
    {
        usage.Input = Tokens.PerRequest;
        if (body.Member("instructions") is { } instructions) usage.Input += Tokens.PerMessage + Tokens.Of(instructions);
        foreach (var tool in body.Items("tools")) usage.Input += Tokens.Of(tool);
        if (Format(body).Member("schema") is { } schema) usage.Input += Tokens.Of(schema);
        if (input.ValueKind != JsonValueKind.Array)
        {
            usage.Input += Tokens.PerMessage + Tokens.Of(input);
            return Contents.LastText(input);
        }
        byte[] prompt = [];
        foreach (var item in input.EnumerateArray())
        {
            usage.Input += Tokens.PerMessage;
            CountItem(item, usage);
            if (item.Text("role") == "user") prompt = Contents.LastText(item.Member("content") ?? default);
        }
        return prompt;
    }

    static void CountItem(JsonElement item, Usage usage)
    {
        if (item.Member("content") is { } content) Contents.Count(content, usage);
        else if (item.Member("output") is { } output) Contents.Count(output, usage);
        else if (item.Member("arguments") is { } arguments)
        {
            usage.Input += Tokens.Of(item.Member("name") ?? default) + Tokens.Of(arguments);
        }
        else usage.Input += Tokens.Of(item);
    }

    /// <summary>As for chat: the first or the named one, but what a tool has returned is answered in words.</summary>
    static Tool? ChosenTool(JsonElement body, JsonElement input)
    {
        var choice = body.Member("tool_choice") ?? default;
        var word = choice.ValueKind == JsonValueKind.String ? choice.GetString() : null;
        var named = choice.ValueKind == JsonValueKind.Object ? choice.Text("name") : null;
        if (word == "none") return null;
        var last = input.ValueKind == JsonValueKind.Array && input.GetArrayLength() > 0
            ? input[input.GetArrayLength() - 1] : default;
        var answersPerson = last.ValueKind == JsonValueKind.Undefined || last.Text("role") == "user";
        if (named is null && word != "required" && !answersPerson) return null;
        foreach (var tool in body.Items("tools"))
        {
            if (tool.Text("type") == "function" && tool.Text("name") is { } name && (named is null || named == name))
            {
                return new(name, tool.Member("parameters") ?? default);
            }
        }
        return null;
    }

    static JsonElement Format(JsonElement body) => body.Member("text")?.Member("format") ?? default;

    static JsonElement? Schema(JsonElement body) => Format(body).Text("type") switch
    {
        "json_object" => default(JsonElement),
        "json_schema" => Format(body).Member("schema") ?? default,
        _ => null,
    };
}
