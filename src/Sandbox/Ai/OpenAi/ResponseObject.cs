using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>The response object and its output items, at each stage in which a stream shows them.</summary>
sealed class ResponseObject(AiCall call, ResponseRequest request, Completion answer)
{
    static readonly string[] Repeated =
    [
        "instructions", "max_output_tokens", "max_tool_calls", "metadata", "previous_response_id", "prompt_cache_key",
        "safety_identifier", "temperature", "top_p", "user",
    ];

    public string ReasoningId { get; } = call.Id("rs_");
    public string MessageId { get; } = call.Id("msg_");
    public string FunctionId { get; } = call.Id("fc_");

    public string SearchId(int index) => $"{call.Id("ws_")}{index}";

    public bool Incomplete => answer.Finish == Finish.Length;

    /// <summary>Begun, without an output, or ended, with all of it.</summary>
    public void Write(Utf8JsonWriter json, bool ended)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, call.Id("resp_"));
        json.WriteString("object"u8, "response"u8);
        json.WriteNumber("created_at"u8, call.At.ToUnixTimeSeconds());
        json.WriteString("status"u8, !ended ? "in_progress"u8 : Incomplete ? "incomplete"u8 : "completed"u8);
        json.WriteBoolean("background"u8, false);
        json.WriteNull("error"u8);
        WriteIncompleteDetails(json, ended);
        json.WriteString("model"u8, Models.Answering(call.Model));
        json.WriteStartArray("output"u8);
        if (ended) WriteOutput(json);
        json.WriteEndArray();
        json.WriteString("service_tier"u8, ended ? call.ServiceTier : "auto");
        json.WriteString("truncation"u8, "disabled"u8);
        if (ended) call.WriteUsage(json, WriteUsage);
        else json.WriteNull("usage"u8);
        // Behind what the provider says itself, as OpenAI has them.
        WriteRepeated(json);
        json.WriteEndObject();
    }

    void WriteIncompleteDetails(Utf8JsonWriter json, bool ended)
    {
        if (ended && Incomplete)
        {
            json.WriteStartObject("incomplete_details"u8);
            json.WriteString("reason"u8, "max_output_tokens"u8);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("incomplete_details"u8);
        }
    }

    void WriteRepeated(Utf8JsonWriter json)
    {
        foreach (var name in Repeated) WriteRepeated(json, name, name == "metadata" ? "{}" : "null");
        WriteRepeated(json, "parallel_tool_calls", "true");
        WriteRepeated(json, "store", "true");
        WriteRepeated(json, "tool_choice", "\"auto\"");
        WriteRepeated(json, "tools", "[]");
        WriteRepeated(json, "text", """{"format":{"type":"text"},"verbosity":"medium"}""");
        WriteRepeated(json, "reasoning", """{"effort":null,"summary":null}""");
    }

    void WriteRepeated(Utf8JsonWriter json, string name, string usual)
    {
        json.WritePropertyName(name);
        if (request.Body.Member(name) is { } given) given.WriteTo(json);
        else json.WriteRawValue(usual, skipInputValidation: true);
    }

    void WriteOutput(Utf8JsonWriter json)
    {
        if (answer.Reasoning > 0) WriteReasoning(json);
        for (var i = 0; i < request.WebSearches; i++) WriteSearch(json, i, "completed"u8);
        if (answer.Tool is not null) WriteFunction(json, ended: true);
        else WriteMessage(json, ended: true);
    }

    public void WriteReasoning(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, ReasoningId);
        json.WriteString("type"u8, "reasoning"u8);
        json.WriteStartArray("summary"u8);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    public void WriteSearch(Utf8JsonWriter json, int index, ReadOnlySpan<byte> status)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, SearchId(index));
        json.WriteString("type"u8, "web_search_call"u8);
        json.WriteString("status"u8, status);
        json.WriteStartObject("action"u8);
        json.WriteString("type"u8, "search"u8);
        json.WriteString("query"u8, "sea"u8);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    public void WriteMessage(Utf8JsonWriter json, bool ended)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, MessageId);
        json.WriteString("type"u8, "message"u8);
        json.WriteString("status"u8, Status(ended));
        json.WriteStartArray("content"u8);
        if (ended) WriteText(json, ended: true);
        json.WriteEndArray();
        json.WriteString("role"u8, "assistant"u8);
        json.WriteEndObject();
    }

    public void WriteText(Utf8JsonWriter json, bool ended)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "output_text"u8);
        json.WriteStartArray("annotations"u8);
        json.WriteEndArray();
        json.WriteStartArray("logprobs"u8);
        json.WriteEndArray();
        json.WriteString("text"u8, ended ? answer.Text : []);
        json.WriteEndObject();
    }

    public void WriteFunction(Utf8JsonWriter json, bool ended)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, FunctionId);
        json.WriteString("type"u8, "function_call"u8);
        json.WriteString("status"u8, Status(ended));
        json.WriteString("arguments"u8, ended ? answer.Text : []);
        json.WriteString("call_id"u8, call.Id("call_"));
        json.WriteString("name"u8, answer.Tool!.Name);
        json.WriteEndObject();
    }

    ReadOnlySpan<byte> Status(bool ended) => !ended ? "in_progress"u8 : Incomplete ? "incomplete"u8 : "completed"u8;

    static void WriteUsage(Utf8JsonWriter json, Usage usage)
    {
        json.WriteNumber("input_tokens"u8, usage.Input);
        json.WriteStartObject("input_tokens_details"u8);
        json.WriteNumber("cache_write_tokens"u8, usage.CacheWrite);
        json.WriteNumber("cached_tokens"u8, usage.Cached);
        json.WriteEndObject();
        json.WriteNumber("output_tokens"u8, usage.Output);
        json.WriteStartObject("output_tokens_details"u8);
        json.WriteNumber("reasoning_tokens"u8, usage.Reasoning);
        json.WriteEndObject();
        json.WriteNumber("total_tokens"u8, usage.Input + usage.Output);
    }
}
