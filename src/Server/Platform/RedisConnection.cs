using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace Purser.Server.Platform;

/// <summary>
/// One connection to Redis. Commands of all callers go out one behind the other, without waiting for each other's
/// replies, which come back in the same order.
/// </summary>
sealed class RedisConnection : IAsyncDisposable
{
    const int MostWaiting = 10_000;

    static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(2);

    readonly Stream stream;
    readonly CancellationTokenSource over = new();
    readonly Channel<Asked> outgoing = Channel.CreateBounded<Asked>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    // Those that are on their way, the oldest first.
    readonly ConcurrentQueue<Asked> underway = new();
    int waiting;

    RedisConnection(Stream stream) => this.stream = stream;

    sealed record Asked(byte[] Command, TaskCompletionSource<RedisReply?> Reply)
    {
        public long SentAt { get; set; }
    }

    /// <summary>Whether somebody has waited for so long that nobody else needs to.</summary>
    public bool IsLate(TimeSpan patience) =>
        underway.TryPeek(out var oldest) && Stopwatch.GetElapsedTime(oldest.SentAt) > patience;

    public static async Task<RedisConnection> Open(RedisAddress address, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address.Host, address.Port, ct);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (address.Tls)
            {
                var secured = new SslStream(stream);
                await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = address.Host }, ct);
                stream = secured;
            }

            return new(stream);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>What a command looks like on its way.</summary>
    public static byte[] Written(params ReadOnlySpan<string> words)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
        foreach (var word in words)
            text.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>The reply, or null once the connection has ended without one; null at once where too many wait already.</summary>
    public Task<RedisReply?>? Ask(byte[] command)
    {
        if (Volatile.Read(ref waiting) >= MostWaiting) return null;

        var asked = new Asked(command, new(TaskCreationOptions.RunContinuationsAsynchronously));
        if (!outgoing.Writer.TryWrite(asked)) return null;

        Interlocked.Increment(ref waiting);
        return asked.Reply.Task;
    }

    /// <summary>Carries commands and replies until the connection ends, and throws why.</summary>
    public async Task Run(CancellationToken ct)
    {
        using var ends = ct.UnsafeRegister(static own => ((RedisConnection)own!).over.Cancel(), this);
        Task[] work = [Write(), Read(), Watch()];
        try
        {
            await await Task.WhenAny(work);
        }
        finally
        {
            await over.CancelAsync();
            outgoing.Writer.TryComplete();
            foreach (var one in work) await one.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            while (underway.TryDequeue(out var asked) || outgoing.Reader.TryRead(out asked)) asked.Reply.TrySetResult(null);
        }
    }

    /// <summary>Ends it from outside: what follows is another connection.</summary>
    public void End() => over.Cancel();

    // What ends it may still be called from outside.
    public ValueTask DisposeAsync() => stream.DisposeAsync();

    async Task Write()
    {
        var writer = PipeWriter.Create(stream);
        while (await outgoing.Reader.WaitToReadAsync(over.Token))
        {
            // All that wait go in one piece.
            while (outgoing.Reader.TryRead(out var asked))
            {
                asked.SentAt = Stopwatch.GetTimestamp();
                underway.Enqueue(asked);
                writer.Write(asked.Command);
            }

            await writer.FlushAsync(over.Token);
        }
    }

    async Task Read()
    {
        var reader = PipeReader.Create(stream);
        while (true)
        {
            var read = await reader.ReadAsync(over.Token);
            var received = read.Buffer;
            while (RedisReply.Take(ref received) is { } reply)
            {
                if (!underway.TryDequeue(out var asked)) throw new InvalidDataException("it answers what nobody asked");

                Interlocked.Decrement(ref waiting);
                asked.Reply.TrySetResult(reply);
            }

            reader.AdvanceTo(received.Start, received.End);
            if (read.IsCompleted) throw new IOException("it closed the connection");
        }
    }

    // A machine that has vanished closes nothing.
    async Task Watch()
    {
        while (!IsLate(LongestSilence)) await Task.Delay(LongestSilence / 4, over.Token);

        throw new IOException("it does not answer");
    }
}
