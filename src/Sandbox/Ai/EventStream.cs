using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Purser.Sandbox.Ai.Records;

namespace Purser.Sandbox.Ai;

/// <summary>
/// An answer as server-sent events, each chunk sent by itself, and between the chunks the faults that were asked for.
/// </summary>
sealed class EventStream(AiCall call, Action<EventStream> writeError) : IAsyncDisposable
{
    readonly PipeWriter output = Start(call);
    readonly Utf8JsonWriter json = call.JsonWriter();
    int chunks;
    long pending;

    static PipeWriter Start(AiCall call)
    {
        call.Http.Response.ContentType = "text/event-stream; charset=utf-8";
        call.Http.Response.Headers.CacheControl = "no-cache";
        return call.Http.Response.BodyWriter;
    }

    public Utf8JsonWriter Json => json;

    /// <summary>The data of an event to be written, an object, without a name.</summary>
    public Utf8JsonWriter Begin()
    {
        output.Write("data: "u8);
        json.Reset();
        json.WriteStartObject();
        return json;
    }

    /// <summary>The same with a name, which the object repeats as its type.</summary>
    public Utf8JsonWriter Begin(ReadOnlySpan<byte> name)
    {
        output.Write("event: "u8);
        output.Write(name);
        output.Write("\ndata: "u8);
        json.Reset();
        json.WriteStartObject();
        json.WriteString("type"u8, name);
        return json;
    }

    /// <summary>The type in the data alone, as where OpenAI names no events.</summary>
    public Utf8JsonWriter BeginTyped(ReadOnlySpan<byte> type)
    {
        Begin().WriteString("type"u8, type);
        return json;
    }

    public void End()
    {
        json.WriteEndObject();
        json.Flush();
        output.Write("\n\n"u8);
    }

    public void Done() => output.Write("data: [DONE]\n\n"u8);

    /// <summary>Before a chunk that carries so many tokens. False when the stream ends here.</summary>
    public async ValueTask<bool> Next(long tokens)
    {
        var behaviour = call.Behaviour;
        if (behaviour.CutAfter == chunks)
        {
            await call.Cut();
            return false;
        }
        if (behaviour.EndAfter == chunks)
        {
            call.End(Outcome.Cut);
            return false;
        }
        if (behaviour.HangAfter == chunks)
        {
            await call.Hang();
            return false;
        }
        if (behaviour.ErrorAfter == chunks)
        {
            call.End(Outcome.Failed);
            writeError(this);
            await output.FlushAsync(call.Left);
            return false;
        }
        if (!await call.Wait(behaviour.Slow)) return false;
        chunks++;
        pending = tokens;
        call.Usage.Output += tokens;
        return true;
    }

    /// <summary>Sends what was written. False when the caller has left, who then did not get this chunk.</summary>
    public async ValueTask<bool> Send()
    {
        await output.FlushAsync(CancellationToken.None);
        if (!call.Left.IsCancellationRequested)
        {
            pending = 0;
            return true;
        }
        call.Usage.Output -= pending;
        call.End(Outcome.Cancelled);
        return false;
    }

    /// <summary>The end of a whole answer.</summary>
    public async Task Finish()
    {
        call.End(Outcome.Finished);
        await output.FlushAsync(CancellationToken.None);
    }

    public ValueTask DisposeAsync() => json.DisposeAsync();
}
