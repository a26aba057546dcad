using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.Anthropic;

/// <summary>
/// A message as events: the empty message, each block begun, filled and stopped, and the counts at the end.
/// </summary>
sealed class MessageStream(AiCall call, MessageRequest request, MessageObject message)
{
    int blocks;

    public async Task Tell(Completion answer)
    {
        await using var stream = new EventStream(call, WriteError);
        stream.Begin("message_start"u8);
        stream.Json.WritePropertyName("message"u8);
        message.Write(stream.Json, ended: false);
        stream.End();
        if (answer.Reasoning > 0 && !await Think(stream, answer)) return;
        for (var i = 0; i < request.WebSearches; i++) Search(stream, i);

        if (answer.Tool is not null)
        {
            call.Usage.Output += answer.NameTokens;
            BeginBlock(stream, json => message.WriteToolUse(json, ended: false));
        }
        else
        {
            BeginBlock(stream, json => MessageObject.WriteText(json, []));
        }
        if (!await stream.Send()) return;
        PieceWriter write = answer.Tool is null ? WriteText : WriteInput;
        if (!await TellPieces(stream, answer.Text, write)) return;
        EndBlock(stream);
        WriteEnd(stream);
        await stream.Finish();
    }

    async ValueTask<bool> Think(EventStream stream, Completion answer)
    {
        BeginBlock(stream, json => MessageObject.WriteThinking(json, [], ""));
        if (!await stream.Send()) return false;
        if (!await TellPieces(stream, Prose.Of(answer.Reasoning, 0), WriteThought)) return false;
        BeginDelta(stream, "signature_delta"u8);
        stream.Json.WriteString("signature"u8, message.Signature);
        EndDelta(stream);
        EndBlock(stream);
        return true;
    }

    void Search(EventStream stream, int index)
    {
        call.Usage.WebSearches++;
        call.Usage.Input += Tokens.PerSearch;
        BeginBlock(stream, json => message.WriteSearch(json, index, "{}"));
        WriteInput(stream, """{"query":"sea"}"""u8);
        EndBlock(stream);
        BeginBlock(stream, json => message.WriteSearchResult(json, index));
        EndBlock(stream);
    }

    delegate void PieceWriter(EventStream stream, ReadOnlySpan<byte> piece);

    async ValueTask<bool> TellPieces(EventStream stream, byte[] text, PieceWriter write)
    {
        for (var from = 0; from < text.Length;)
        {
            var end = Tokens.EndOfPiece(text, from, call.Behaviour.Chunks);
            var tokens = Tokens.OfLength(end) - Tokens.OfLength(from);
            if (!await stream.Next(tokens)) return false;
            write(stream, text.AsSpan(from, end - from));
            if (!await stream.Send()) return false;
            from = end;
        }
        return true;
    }

    void WriteText(EventStream stream, ReadOnlySpan<byte> piece)
    {
        BeginDelta(stream, "text_delta"u8);
        stream.Json.WriteString("text"u8, piece);
        EndDelta(stream);
    }

    void WriteInput(EventStream stream, ReadOnlySpan<byte> piece)
    {
        BeginDelta(stream, "input_json_delta"u8);
        stream.Json.WriteString("partial_json"u8, piece);
        EndDelta(stream);
    }

    void WriteThought(EventStream stream, ReadOnlySpan<byte> piece)
    {
        call.Usage.Reasoning += Tokens.OfLength(piece.Length);
        BeginDelta(stream, "thinking_delta"u8);
        stream.Json.WriteString("thinking"u8, piece);
        EndDelta(stream);
    }

    /// <summary>The first block is followed by a ping, as at Anthropic.</summary>
    void BeginBlock(EventStream stream, Action<Utf8JsonWriter> write)
    {
        stream.Begin("content_block_start"u8);
        stream.Json.WriteNumber("index"u8, blocks);
        stream.Json.WritePropertyName("content_block"u8);
        write(stream.Json);
        stream.End();
        if (blocks > 0) return;
        stream.Begin("ping"u8);
        stream.End();
    }

    void EndBlock(EventStream stream)
    {
        stream.Begin("content_block_stop"u8).WriteNumber("index"u8, blocks++);
        stream.End();
    }

    void BeginDelta(EventStream stream, ReadOnlySpan<byte> type)
    {
        stream.Begin("content_block_delta"u8).WriteNumber("index"u8, blocks);
        stream.Json.WriteStartObject("delta"u8);
        stream.Json.WriteString("type"u8, type);
    }

    static void EndDelta(EventStream stream)
    {
        stream.Json.WriteEndObject();
        stream.End();
    }

    void WriteEnd(EventStream stream)
    {
        var json = stream.Begin("message_delta"u8);
        json.WriteStartObject("delta"u8);
        message.WriteStop(json);
        json.WriteEndObject();
        call.WriteUsage(json, MessageObject.WriteDeltaUsage);
        stream.End();
        stream.Begin("message_stop"u8);
        stream.End();
    }

    void WriteError(EventStream stream)
    {
        stream.Begin("error"u8);
        AnthropicDialect.WriteMembers(stream.Json, call.Steered("529"), call.RequestId);
        stream.End();
    }
}
