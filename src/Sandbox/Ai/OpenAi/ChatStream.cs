using System.Text.Json;
using Purser.Sandbox.Ai.Steering;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>
/// A chat completion as chunks: the role, the pieces of all choices by turns, the reasons to stop, the usage.
/// </summary>
sealed class ChatStream(AiCall call, ChatRequest request, Family family)
{
    readonly string id = call.Id("chatcmpl-");
    readonly string model = Models.Answering(call.Model);
    readonly long created = call.At.ToUnixTimeSeconds();

    // Mistral reports without being asked, in the last chunk that has a choice.
    readonly UsageReport report = family == Family.Mistral && call.Report == UsageReport.Exact
        ? UsageReport.LastChoice : call.Report;

    /// <summary>Whether a chunk of its own tells the usage, for which all others have a null.</summary>
    bool UsageAtEnd => request.IncludeUsage && report is UsageReport.Exact or UsageReport.Null or UsageReport.Zero;

    public async Task Tell(Completion[] answers)
    {
        call.Report = report;
        await using var stream = new EventStream(call, WriteError);
        if (!await Think(stream, answers)) return;
        for (var i = 0; i < answers.Length; i++) WriteOpening(stream, answers[i], i);
        if (!await stream.Send()) return;

        var told = new int[answers.Length];
        for (var open = true; open;)
        {
            open = false;
            for (var i = 0; i < answers.Length; i++)
            {
                if (told[i] == answers[i].Text.Length) continue;
                if (await Piece(stream, answers[i], i, told[i]) is not { } end) return;
                told[i] = end;
                open |= end < answers[i].Text.Length;
            }
        }
        call.AddAudioOutput();
        for (var i = 0; i < answers.Length; i++) WriteReason(stream, answers, i);
        if (UsageAtEnd) WriteUsage(stream);
        stream.Done();
        await stream.Finish();
    }

    /// <summary>Only DeepSeek shows its thoughts; those of the others are produced, and cost, in silence.</summary>
    async ValueTask<bool> Think(EventStream stream, Completion[] answers)
    {
        for (var i = 0; i < answers.Length; i++)
        {
            var thoughts = answers[i].Reasoning;
            if (thoughts == 0) continue;
            if (family != Family.DeepSeek)
            {
                call.Usage.Reasoning += thoughts;
                call.Usage.Output += thoughts;
                continue;
            }
            var text = Prose.Of(thoughts, 0);
            for (var from = 0; from < text.Length;)
            {
                var end = Tokens.EndOfPiece(text, from, call.Behaviour.Chunks);
                var tokens = Tokens.OfLength(end) - Tokens.OfLength(from);
                if (!await stream.Next(tokens)) return false;
                call.Usage.Reasoning += tokens;
                var json = BeginDelta(stream, i);
                json.WriteString("reasoning_content"u8, text.AsSpan(from, end - from));
                EndDelta(stream, null, 0);
                if (!await stream.Send()) return false;
                from = end;
            }
        }
        return true;
    }

    void WriteOpening(EventStream stream, Completion answer, int index)
    {
        var json = BeginDelta(stream, index);
        json.WriteString("role"u8, "assistant"u8);
        if (answer.Tool is { } tool)
        {
            call.Usage.Output += answer.NameTokens;
            json.WriteNull("content"u8);
            json.WriteStartArray("tool_calls"u8);
            json.WriteStartObject();
            json.WriteNumber("index"u8, 0);
            json.WriteString("id"u8, ChatCompletions.ToolCallId(call, index));
            json.WriteString("type"u8, "function"u8);
            json.WriteStartObject("function"u8);
            json.WriteString("name"u8, tool.Name);
            json.WriteString("arguments"u8, ""u8);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
        }
        else
        {
            json.WriteString("content"u8, ""u8);
        }
        if (family == Family.OpenAi) json.WriteNull("refusal"u8);
        EndDelta(stream, null, 0);
    }

    /// <summary>One piece of one choice; where it ends in the text, or null when the stream is over.</summary>
    async ValueTask<int?> Piece(EventStream stream, Completion answer, int index, int from)
    {
        var end = Tokens.EndOfPiece(answer.Text, from, call.Behaviour.Chunks);
        if (!await stream.Next(Tokens.OfLength(end) - Tokens.OfLength(from))) return null;
        WritePiece(stream, answer, index, from, end);
        return await stream.Send() ? end : null;
    }

    void WritePiece(EventStream stream, Completion answer, int index, int from, int end)
    {
        var json = BeginDelta(stream, index);
        var piece = answer.Text.AsSpan(from, end - from);
        if (answer.Tool is null)
        {
            json.WriteString("content"u8, piece);
        }
        else
        {
            json.WriteStartArray("tool_calls"u8);
            json.WriteStartObject();
            json.WriteNumber("index"u8, 0);
            json.WriteStartObject("function"u8);
            json.WriteString("arguments"u8, piece);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
        }
        EndDelta(stream, null, piece.Length);
    }

    void WriteReason(EventStream stream, Completion[] answers, int index)
    {
        BeginDelta(stream, index);
        EndDelta(stream, answers[index].Finish, 0, last: index == answers.Length - 1);
    }

    Utf8JsonWriter BeginDelta(EventStream stream, int index)
    {
        var json = stream.Begin();
        WriteFrame(json);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, index);
        json.WriteStartObject("delta"u8);
        return json;
    }

    void EndDelta(EventStream stream, Finish? finish, int length, bool last = false)
    {
        var json = stream.Json;
        json.WriteEndObject();
        json.WriteNull("logprobs"u8);
        if (finish is { } reason) json.WriteString("finish_reason"u8, ChatCompletions.Reason(reason));
        else json.WriteNull("finish_reason"u8);
        json.WriteEndObject();
        json.WriteEndArray();
        if (report == UsageReport.EveryChunk || (last && report == UsageReport.LastChoice))
        {
            ChatUsage.Write(json, call, family);
        }
        else if (UsageAtEnd)
        {
            json.WriteNull("usage"u8);
        }
        if (last && family == Family.Groq && report == UsageReport.Exact) WriteGroq(json);
        if (request.Obfuscate) json.WriteString("obfuscation"u8, Obfuscation.For(length));
        stream.End();
    }

    void WriteUsage(EventStream stream)
    {
        var json = stream.Begin();
        WriteFrame(json);
        json.WriteStartArray("choices"u8);
        json.WriteEndArray();
        ChatUsage.Write(json, call, family);
        if (request.Obfuscate) json.WriteString("obfuscation"u8, Obfuscation.For(0));
        stream.End();
    }

    void WriteFrame(Utf8JsonWriter json)
    {
        json.WriteString("id"u8, id);
        json.WriteString("object"u8, "chat.completion.chunk"u8);
        json.WriteNumber("created"u8, created);
        json.WriteString("model"u8, model);
        if (family == Family.OpenAi) json.WriteString("service_tier"u8, call.ServiceTier);
        json.WriteString("system_fingerprint"u8, "fp_sandbox"u8);
    }

    /// <summary>Groq tells the usage in a place of its own, whether asked or not.</summary>
    void WriteGroq(Utf8JsonWriter json)
    {
        json.WriteStartObject("x_groq"u8);
        json.WriteString("id"u8, call.RequestId);
        json.WriteStartObject("usage"u8);
        ChatUsage.WriteMembers(json, call.Usage, family);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    void WriteError(EventStream stream)
    {
        var json = stream.Begin();
        OpenAiDialect.WriteMember(json, call.Steered("500"));
        stream.End();
    }
}
