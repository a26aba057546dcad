using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>A response as events: every item is added, filled and done, and all events are numbered.</summary>
sealed class ResponseStream(AiCall call, ResponseRequest request, ResponseObject response)
{
    int events;
    int items;

    public async Task Tell(Completion answer)
    {
        await using var stream = new EventStream(call, WriteError);
        WriteState(stream, "response.created"u8, ended: false);
        WriteState(stream, "response.in_progress"u8, ended: false);
        if (answer.Reasoning > 0)
        {
            call.Usage.Reasoning = answer.Reasoning;
            call.Usage.Output = answer.Reasoning;
            WriteItem(stream, added: true, response.WriteReasoning);
            WriteItem(stream, added: false, response.WriteReasoning);
        }
        for (var i = 0; i < request.WebSearches; i++) WriteSearch(stream, i);
        if (!await stream.Send()) return;

        var told = answer.Tool is null ? await TellText(stream, answer) : await TellCall(stream, answer);
        if (!told) return;
        WriteState(stream, response.Incomplete ? "response.incomplete"u8 : "response.completed"u8, ended: true);
        await stream.Finish();
    }

    void WriteSearch(EventStream stream, int index)
    {
        call.Usage.WebSearches++;
        WriteItem(stream, added: true, json => response.WriteSearch(json, index, "in_progress"u8));
        foreach (var name in (ReadOnlySpan<string>)["in_progress", "searching", "completed"])
        {
            Begin(stream, System.Text.Encoding.ASCII.GetBytes($"response.web_search_call.{name}"));
            stream.Json.WriteNumber("output_index"u8, items);
            stream.Json.WriteString("item_id"u8, response.SearchId(index));
            stream.End();
        }
        WriteItem(stream, added: false, json => response.WriteSearch(json, index, "completed"u8));
    }

    async ValueTask<bool> TellText(EventStream stream, Completion answer)
    {
        WriteItem(stream, added: true, json => response.WriteMessage(json, ended: false));
        WritePart(stream, "response.content_part.added"u8, ended: false);
        if (!await TellPieces(stream, answer.Text, WriteTextDelta)) return false;
        BeginContent(stream, "response.output_text.done"u8);
        stream.Json.WriteString("text"u8, answer.Text);
        EndWithLogprobs(stream);
        WritePart(stream, "response.content_part.done"u8, ended: true);
        WriteItem(stream, added: false, json => response.WriteMessage(json, ended: true));
        return true;
    }

    async ValueTask<bool> TellCall(EventStream stream, Completion answer)
    {
        call.Usage.Output += answer.NameTokens;
        WriteItem(stream, added: true, json => response.WriteFunction(json, ended: false));
        if (!await TellPieces(stream, answer.Text, WriteArgumentsDelta)) return false;
        BeginOfItem(stream, "response.function_call_arguments.done"u8, response.FunctionId);
        stream.Json.WriteString("arguments"u8, answer.Text);
        stream.Json.WriteString("name"u8, answer.Tool!.Name);
        stream.End();
        WriteItem(stream, added: false, json => response.WriteFunction(json, ended: true));
        return true;
    }

    delegate void PieceWriter(EventStream stream, ReadOnlySpan<byte> piece);

    async ValueTask<bool> TellPieces(EventStream stream, byte[] text, PieceWriter write)
    {
        for (var from = 0; from < text.Length;)
        {
            var end = Tokens.EndOfPiece(text, from, call.Behaviour.Chunks);
            if (!await stream.Next(Tokens.OfLength(end) - Tokens.OfLength(from))) return false;
            write(stream, text.AsSpan(from, end - from));
            if (!await stream.Send()) return false;
            from = end;
        }
        return true;
    }

    void WriteTextDelta(EventStream stream, ReadOnlySpan<byte> piece)
    {
        BeginContent(stream, "response.output_text.delta"u8);
        stream.Json.WriteString("delta"u8, piece);
        if (request.Obfuscate) stream.Json.WriteString("obfuscation"u8, Obfuscation.For(piece.Length));
        EndWithLogprobs(stream);
    }

    void WriteArgumentsDelta(EventStream stream, ReadOnlySpan<byte> piece)
    {
        BeginOfItem(stream, "response.function_call_arguments.delta"u8, response.FunctionId);
        stream.Json.WriteString("delta"u8, piece);
        if (request.Obfuscate) stream.Json.WriteString("obfuscation"u8, Obfuscation.For(piece.Length));
        stream.End();
    }

    void WriteState(EventStream stream, ReadOnlySpan<byte> name, bool ended)
    {
        Begin(stream, name);
        stream.Json.WritePropertyName("response"u8);
        response.Write(stream.Json, ended);
        stream.End();
    }

    void WriteItem(EventStream stream, bool added, Action<Utf8JsonWriter> write)
    {
        Begin(stream, added ? "response.output_item.added"u8 : "response.output_item.done"u8);
        stream.Json.WriteNumber("output_index"u8, items);
        stream.Json.WritePropertyName("item"u8);
        write(stream.Json);
        stream.End();
        if (!added) items++;
    }

    void WritePart(EventStream stream, ReadOnlySpan<byte> name, bool ended)
    {
        BeginContent(stream, name);
        stream.Json.WritePropertyName("part"u8);
        response.WriteText(stream.Json, ended);
        stream.End();
    }

    void BeginContent(EventStream stream, ReadOnlySpan<byte> name)
    {
        BeginOfItem(stream, name, response.MessageId);
        stream.Json.WriteNumber("content_index"u8, 0);
    }

    void BeginOfItem(EventStream stream, ReadOnlySpan<byte> name, string item)
    {
        Begin(stream, name);
        stream.Json.WriteString("item_id"u8, item);
        stream.Json.WriteNumber("output_index"u8, items);
    }

    void Begin(EventStream stream, ReadOnlySpan<byte> name) =>
        stream.Begin(name).WriteNumber("sequence_number"u8, events++);

    static void EndWithLogprobs(EventStream stream)
    {
        stream.Json.WriteStartArray("logprobs"u8);
        stream.Json.WriteEndArray();
        stream.End();
    }

    void WriteError(EventStream stream)
    {
        var error = call.Steered("500");
        Begin(stream, "error"u8);
        stream.Json.WriteString("code"u8, error.Code ?? error.Type);
        stream.Json.WriteString("message"u8, error.Message);
        stream.Json.WriteString("param"u8, error.Param);
        stream.End();
    }
}
