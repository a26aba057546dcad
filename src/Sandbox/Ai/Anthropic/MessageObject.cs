using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.Anthropic;

/// <summary>A message and its blocks, empty as a stream begins them or with all that is in them.</summary>
sealed class MessageObject(AiCall call, MessageRequest request, Completion answer)
{
    const int PlaceholderTokens = 1;

    public string Signature => Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(call.Id("sig_")));

    public void Write(Utf8JsonWriter json, bool ended)
    {
        json.WriteStartObject();
        json.WriteString("model"u8, call.Model);
        json.WriteString("id"u8, call.Id("msg_"));
        json.WriteString("type"u8, "message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteStartArray("content"u8);
        if (ended) WriteContent(json);
        json.WriteEndArray();
        if (ended) WriteStop(json);
        else WriteNoStop(json);
        call.WriteUsage(json, (writer, usage) => WriteUsage(writer, usage, ended));
        json.WriteEndObject();
    }

    void WriteContent(Utf8JsonWriter json)
    {
        if (answer.Reasoning > 0) WriteThinking(json, Prose.Of(answer.Reasoning, 0), Signature);
        for (var i = 0; i < request.WebSearches; i++)
        {
            WriteSearch(json, i, """{"query":"sea"}""");
            WriteSearchResult(json, i);
        }
        if (answer.Tool is not null) WriteToolUse(json, ended: true);
        else WriteText(json, answer.Text);
    }

    public static void WriteThinking(Utf8JsonWriter json, ReadOnlySpan<byte> thoughts, string signature)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "thinking"u8);
        json.WriteString("thinking"u8, thoughts);
        json.WriteString("signature"u8, signature);
        json.WriteEndObject();
    }

    public static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> text)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "text"u8);
        json.WriteString("text"u8, text);
        json.WriteEndObject();
    }

    public void WriteToolUse(Utf8JsonWriter json, bool ended)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "tool_use"u8);
        json.WriteString("id"u8, call.Id("toolu_"));
        json.WriteString("name"u8, answer.Tool!.Name);
        json.WritePropertyName("input"u8);
        // An input that the limit cut off is no JSON any more; then there is none.
        json.WriteRawValue(ended && answer.Finish == Finish.ToolUse ? answer.Text : "{}"u8, skipInputValidation: true);
        json.WriteEndObject();
    }

    public void WriteSearch(Utf8JsonWriter json, int index, string input)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "server_tool_use"u8);
        json.WriteString("id"u8, SearchId(index));
        json.WriteString("name"u8, "web_search"u8);
        json.WritePropertyName("input"u8);
        json.WriteRawValue(input, skipInputValidation: true);
        json.WriteEndObject();
    }

    public void WriteSearchResult(Utf8JsonWriter json, int index)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "web_search_tool_result"u8);
        json.WriteString("tool_use_id"u8, SearchId(index));
        json.WriteStartArray("content"u8);
        json.WriteStartObject();
        json.WriteString("type"u8, "web_search_result"u8);
        json.WriteString("title"u8, "The sea"u8);
        json.WriteString("url"u8, "https://sea.example/"u8);
        json.WriteString("encrypted_content"u8, "c2Vh"u8);
        json.WriteNull("page_age"u8);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    string SearchId(int index) => $"{call.Id("srvtoolu_")}{index}";

    public void WriteStop(Utf8JsonWriter json)
    {
        json.WriteString("stop_reason"u8, answer.Finish switch
        {
            Finish.Stop => "end_turn"u8,
            Finish.StopSequence => "stop_sequence"u8,
            Finish.Length => "max_tokens"u8,
            Finish.ToolUse => "tool_use"u8,
        });
        if (answer.Stop is { } stop) json.WriteString("stop_sequence"u8, stop);
        else json.WriteNull("stop_sequence"u8);
    }

    static void WriteNoStop(Utf8JsonWriter json)
    {
        json.WriteNull("stop_reason"u8);
        json.WriteNull("stop_sequence"u8);
    }

    void WriteUsage(Utf8JsonWriter json, Usage usage, bool ended)
    {
        WriteInput(json, usage);
        json.WriteStartObject("cache_creation"u8);
        json.WriteNumber("ephemeral_5m_input_tokens"u8, usage.CacheWrite);
        json.WriteNumber("ephemeral_1h_input_tokens"u8, usage.CacheWriteHour);
        json.WriteEndObject();
        if (ended) WriteOutput(json, usage);
        else json.WriteNumber("output_tokens"u8, PlaceholderTokens);
        json.WriteString("service_tier"u8, call.ServiceTier);
        json.WriteString("inference_geo"u8, request.InferenceGeo);
    }

    /// <summary>The counts that the end of a stream repeats and corrects.</summary>
    public static void WriteDeltaUsage(Utf8JsonWriter json, Usage usage)
    {
        WriteInput(json, usage);
        WriteOutput(json, usage);
    }

    static void WriteInput(Utf8JsonWriter json, Usage usage)
    {
        var written = usage.CacheWrite + usage.CacheWriteHour;
        json.WriteNumber("input_tokens"u8, usage.Input - usage.Cached - written);
        json.WriteNumber("cache_creation_input_tokens"u8, written);
        json.WriteNumber("cache_read_input_tokens"u8, usage.Cached);
    }

    static void WriteOutput(Utf8JsonWriter json, Usage usage)
    {
        json.WriteNumber("output_tokens"u8, usage.Output);
        if (usage.Reasoning > 0)
        {
            json.WriteStartObject("output_tokens_details"u8);
            json.WriteNumber("thinking_tokens"u8, usage.Reasoning);
            json.WriteEndObject();
        }
        if (usage.WebSearches > 0)
        {
            json.WriteStartObject("server_tool_use"u8);
            json.WriteNumber("web_search_requests"u8, usage.WebSearches);
            json.WriteNumber("web_fetch_requests"u8, 0);
            json.WriteEndObject();
        }
    }
}
