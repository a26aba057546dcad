using System.Buffers;
using System.IO.Pipelines;
using Purser.Core.Gateway;

namespace Purser.Server.Gateway;

/// <summary>
/// Passes a provider's events on as they come, each byte for byte, and reads its usage as it passes. The last event waits
/// until the call is settled, so that a caller who has read it finds the balance as it is.
/// </summary>
sealed class StreamRelay(Call call, HttpContext http, Patience patience, Drains drains) : IDisposable
{
    // Pictures come in one event.
    const int LongestEvent = 64 << 20;

    // The longest answers of today's models, event by event, are half of it.
    const long MostDrained = 64 << 20;

    static ReadOnlySpan<byte> NullUsage => ",\"usage\":null"u8;

    readonly PipeWriter caller = http.Response.BodyWriter;
    // Usage that the caller did not ask for, and that came because we did, is kept from him.
    readonly bool hidesUsage = call.Request.Wire == Wire.ChatCompletions
        && call.Target.Provider.Facts.AskedForUsage
        && call.Request.StreamOptions is not { IncludeUsage.Value: true };

    readonly CancellationTokenSource patienceLeft = new();
    long drained;
    bool callerLeft;
    bool ended;
    bool failed;

    /// <summary>Whether a usage was told behind which none follows.</summary>
    public bool UsageIsWhole { get; private set; }

    /// <summary>Reads to the end, whoever ends it, and says who did.</summary>
    /// <param name="settle">Called once, before the last event is passed on.</param>
    public async Task Run(Stream answer, Func<Ending, Task> settle)
    {
        using var buffer = new PooledBytes();
        using (http.RequestAborted.UnsafeRegister(static relay => ((StreamRelay)relay!).CallerLeft(), this))
        {
            var how = await Copy(answer, buffer);
            await settle(how);
            await Finish(how, buffer);
        }
    }

    public void Dispose() => patienceLeft.Dispose();

    async Task<Ending> Copy(Stream answer, PooledBytes buffer)
    {
        try
        {
            while (!ended)
            {
                patienceLeft.CancelAfter(call.Took < patience.Call ? patience.Silence : TimeSpan.Zero);
                if (buffer.Length > LongestEvent || await buffer.Read(answer, patienceLeft.Token) is not (> 0 and var read)) break;
                if (callerLeft && (drained += read) > MostDrained) break;

                call.SawFirstByte();
                buffer.Consume(PassOn(buffer.Span));
                await Flush();
            }
        }
        catch (Exception e) when (e is OperationCanceledException || ProviderCalls.IsBroken(e))
        {
            return callerLeft ? Ending.CallerLeft : Ending.ProviderFailed;
        }
        finally
        {
            drains.Left(this);
        }

        if (failed) return Ending.ProviderFailed;
        if (callerLeft) return Ending.CallerLeft;
        // Some providers close without a last word.
        return ended || UsageIsWhole ? Ending.Finished : Ending.ProviderFailed;
    }

    /// <summary>Passes whole events on, but for the last of all; gives the bytes that are done with.</summary>
    int PassOn(ReadOnlySpan<byte> buffer)
    {
        var done = 0;
        while (ServerEvents.First(buffer[done..], out var data) is > 0 and var length)
        {
            var kind = call.Answer.Event(data);
            failed |= kind == EventKind.Error;
            UsageIsWhole |= kind is EventKind.UsageOnly or EventKind.End || call.Answer.UsageIsFinal;
            if (kind == EventKind.End)
            {
                ended = true;
                return done;
            }

            if (!(hidesUsage && kind == EventKind.UsageOnly)) Write(buffer.Slice(done, length));
            done += length;
        }

        return done;
    }

    void Write(ReadOnlySpan<byte> events)
    {
        if (callerLeft) return;

        if (hidesUsage)
        {
            // Within a text the quotes would be escaped: these bytes are nothing but this member.
            while (events.IndexOf(NullUsage) is >= 0 and var at)
            {
                caller.Write(events[..at]);
                events = events[(at + NullUsage.Length)..];
            }
        }

        caller.Write(events);
    }

    async Task Flush()
    {
        if (callerLeft) return;

        try
        {
            var flushed = await caller.FlushAsync(http.RequestAborted);
            if (flushed.IsCompleted || flushed.IsCanceled) CallerLeft();
        }
        catch (OperationCanceledException)
        {
            CallerLeft();
        }
    }

    /// <summary>What the provider does next is up to it: we stop reading, or read on for the usage alone.</summary>
    void CallerLeft()
    {
        // The connection tells of it, and so may a write that fails.
        if (Interlocked.Exchange(ref callerLeft, true)) return;

        if (call.EndsWithCaller || !drains.Enter(this)) patienceLeft.Cancel();
    }

    async Task Finish(Ending how, PooledBytes rest)
    {
        if (callerLeft) return;

        if (how == Ending.ProviderFailed && !failed)
        {
            var error = new GatewayError(StatusCodes.Status502BadGateway, "provider_failed", $"{call.Target.Provider.Facts.Name} broke off its answer.");
            caller.Write(error.Event(call.Target.Provider.Facts.Dialect, http.TraceIdentifier));
        }

        Write(rest.Span);
        await Flush();
    }
}

/// <summary>Answers that are read to their end although nobody waits for them: so many at a time, each of
/// no more bytes than an answer can have, for no longer than a call may take.</summary>
sealed class Drains
{
    const int Most = 500;

    readonly HashSet<object> draining = [];

    public bool Enter(object relay)
    {
        lock (draining) return draining.Count < Most && draining.Add(relay);
    }

    public void Left(object relay)
    {
        lock (draining) draining.Remove(relay);
    }
}
