using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>
/// POST /chat/completions: reads the request, makes the answers, and tells them as a whole or as a stream.
/// </summary>
static class ChatCompletions
{
    public static async Task Create(AiCall call)
    {
        using var body = JsonDocument.Parse(call.Body);
        var root = body.RootElement;
        if (!await call.Begin(OpenAiDialect.ModelOf(root), root.Flag("stream"))) return;
        var request = ChatRequest.Read(root, call);
        ServiceTiers.Choose(call, root);
        Steer(call);
        var answers = new Completion[request.Choices];
        for (var i = 0; i < answers.Length; i++) answers[i] = Completion.Of(request.Ask, i);

        var family = Families.Of(call.BareModel)!.Value;
        if (call.Streamed) await new ChatStream(call, request, family).Tell(answers);
        else await Whole(call, answers, family);
    }

    /// <summary>The parts of the usage that nobody could work out from the request.</summary>
    static void Steer(AiCall call)
    {
        call.Usage.Cached = call.Behaviour.Cached ?? 0;
        call.Usage.CacheWrite = call.Behaviour.CacheWrite ?? 0;
        call.Usage.AudioInput += call.Behaviour.AudioInput;
        call.Usage.Input += call.Behaviour.AudioInput;
    }

    static async Task Whole(AiCall call, Completion[] answers, Family family)
    {
        var longest = 0L;
        foreach (var answer in answers)
        {
            call.Usage.Reasoning += answer.Reasoning;
            call.Usage.Output += answer.Count;
            longest = Math.Max(longest, answer.Chunks(call.Behaviour.Chunks));
        }
        call.AddAudioOutput();
        if (!await call.Produce(longest)) return;

        var json = call.BeginJson();
        json.WriteStartObject();
        json.WriteString("id"u8, call.Id("chatcmpl-"));
        json.WriteString("object"u8, "chat.completion"u8);
        json.WriteNumber("created"u8, call.At.ToUnixTimeSeconds());
        json.WriteString("model"u8, Models.Answering(call.Model));
        json.WriteStartArray("choices"u8);
        for (var i = 0; i < answers.Length; i++) WriteChoice(json, call, answers[i], i, family);
        json.WriteEndArray();
        ChatUsage.Write(json, call, family);
        if (family == Family.OpenAi) json.WriteString("service_tier"u8, call.ServiceTier);
        json.WriteString("system_fingerprint"u8, "fp_sandbox"u8);
        if (family == Family.Groq)
        {
            json.WriteStartObject("x_groq"u8);
            json.WriteString("id"u8, call.RequestId);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        await call.EndJson(json);
    }

    static void WriteChoice(Utf8JsonWriter json, AiCall call, Completion answer, int index, Family family)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, index);
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        if (family == Family.DeepSeek && answer.Reasoning > 0)
        {
            json.WriteString("reasoning_content"u8, Prose.Of(answer.Reasoning, 0));
        }
        if (answer.Tool is { } tool)
        {
            json.WriteNull("content"u8);
            json.WriteStartArray("tool_calls"u8);
            json.WriteStartObject();
            json.WriteString("id"u8, ToolCallId(call, index));
            json.WriteString("type"u8, "function"u8);
            json.WriteStartObject("function"u8);
            json.WriteString("name"u8, tool.Name);
            json.WriteString("arguments"u8, answer.Text);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
        }
        else
        {
            json.WriteString("content"u8, answer.Text);
        }
        if (family == Family.OpenAi)
        {
            json.WriteNull("refusal"u8);
            json.WriteStartArray("annotations"u8);
            json.WriteEndArray();
        }
        json.WriteEndObject();
        json.WriteNull("logprobs"u8);
        json.WriteString("finish_reason"u8, Reason(answer.Finish));
        json.WriteEndObject();
    }

    public static string ToolCallId(AiCall call, int index) => $"{call.Id("call_")}{index}";

    public static ReadOnlySpan<byte> Reason(Finish finish) => finish switch
    {
        Finish.Stop or Finish.StopSequence => "stop"u8,
        Finish.Length => "length"u8,
        Finish.ToolUse => "tool_calls"u8,
    };
}
