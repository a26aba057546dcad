using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Purser.Bench;

/// <summary>Where AI calls are sent, and as whom. Each caller takes the next key.</summary>
sealed record CallTarget(Uri Address, string[] Keys, Dictionary<string, string> Headers)
{
    public bool Stream { get; init; }

    /// <summary>Bytes of the prompt.</summary>
    public int Prompt { get; init; } = 20;
}

/// <summary>What a load of calls did.</summary>
sealed record CallResult(long Count, double Seconds, double P50Ms, double P99Ms, double FirstP50Ms, double FirstP99Ms)
{
    public double PerSecond => Count / Seconds;
}

/// <summary>
/// AI calls over keep-alive connections, as bytes on sockets: on two cores a comfortable client would take more of the
/// machine than what is measured. A process of its own.
/// </summary>
sealed class CallLoad(CallTarget target)
{
    /// <summary>Arguments: the target as JSON, then <c>closed CALLERS SECONDS</c>, <c>count CALLERS CALLS</c>, or <c>open RATE SECONDS</c>.</summary>
    public static async Task Run(string[] arguments)
    {
        var load = new CallLoad(JsonSerializer.Deserialize<CallTarget>(arguments[0])!);
        var (how, number, amount) = (arguments[1], Number(arguments[2]), Number(arguments[3]));
        var warm = await (how == "open" ? load.Open(number, 2) : load.Closed((int)number, TimeSpan.FromSeconds(2), long.MaxValue));
        Console.WriteLine(warm.Count);
        var result = how switch
        {
            "open" => await load.Open(number, amount),
            "closed" => await load.Closed((int)number, TimeSpan.FromSeconds(amount), long.MaxValue),
            _ => await load.Closed((int)number, TimeSpan.FromHours(1), (long)amount),
        };
        Console.WriteLine(JsonSerializer.Serialize(result));
    }

    /// <summary>Each caller makes the next call when its last one is over.</summary>
    async Task<CallResult> Closed(int callers, TimeSpan duration, long calls)
    {
        var (whole, first) = (new Latencies(callers), new Latencies(callers));
        using var end = new CancellationTokenSource(duration);
        var left = calls;
        var started = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, callers).Select(number => Task.Run(async () =>
        {
            using var connection = new CallConnection(target, number);
            var count = 0L;
            while (!end.IsCancellationRequested && Interlocked.Decrement(ref left) >= 0)
            {
                var begun = Stopwatch.GetTimestamp();
                var firstAt = await connection.Call();
                whole.Add(number, Stopwatch.GetElapsedTime(begun));
                first.Add(number, Stopwatch.GetElapsedTime(begun, firstAt));
                count++;
            }

            return count;
        })));
        return Result(counts.Sum(), Stopwatch.GetElapsedTime(started), whole, first);
    }

    /// <summary>
    /// Calls begin at their time, whether earlier ones are over or not, and their latency counts from there: a slow answer
    /// does not hide the ones that had to wait behind it.
    /// </summary>
    async Task<CallResult> Open(double perSecond, double seconds)
    {
        const int Lanes = 64;
        var count = (int)(perSecond * seconds);
        var (whole, first) = (new Latencies(Lanes), new Latencies(Lanes));
        var next = 0;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(number => Task.Run(async () =>
        {
            using var connection = new CallConnection(target, number);
            while (Interlocked.Increment(ref next) is var call && call <= count)
            {
                var due = started + (long)(call / perSecond * Stopwatch.Frequency);
                if (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due) is { Ticks: > 0 } wait) await Precisely(wait, due);
                var firstAt = await connection.Call();
                whole.Add(number, Stopwatch.GetElapsedTime(due));
                first.Add(number, Stopwatch.GetElapsedTime(due, firstAt));
            }
        })));
        return Result(count, Stopwatch.GetElapsedTime(started), whole, first);
    }

    // A timer is late by up to a millisecond, which is what is to be measured.
    static async Task Precisely(TimeSpan wait, long due)
    {
        if (wait > TimeSpan.FromMilliseconds(2)) await Task.Delay(wait - TimeSpan.FromMilliseconds(1.5));
        while (Stopwatch.GetTimestamp() < due) await Task.Yield();
    }

    static CallResult Result(long count, TimeSpan took, Latencies whole, Latencies first) => new(
        count, took.TotalSeconds, whole.Percentile(0.5), whole.Percentile(0.99), first.Percentile(0.5), first.Percentile(0.99));

    static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>One connection, one call at a time.</summary>
sealed class CallConnection : IDisposable
{
    readonly Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    readonly byte[] request;
    byte[] buffer = new byte[16 << 10];
    int length;

    public CallConnection(CallTarget target, int number)
    {
        socket.Connect(target.Address.Host, target.Address.Port);
        request = Request(target, target.Keys[number % target.Keys.Length]);
    }

    /// <summary>Gives the time at which the first byte of the answer's body was there.</summary>
    public async Task<long> Call()
    {
        for (var sent = 0; sent < request.Length;) sent += await socket.SendAsync(request.AsMemory(sent));
        length = 0;
        var headers = 0;
        while (headers == 0)
        {
            await Receive();
            headers = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) + 4 is > 3 and var end ? end : 0;
        }

        if (!buffer.AsSpan().StartsWith("HTTP/1.1 200"u8)) throw new IOException($"A call failed: {Encoding.UTF8.GetString(buffer, 0, length)}");

        while (length == headers) await Receive();
        var first = Stopwatch.GetTimestamp();
        if (ContentLength(headers) is { } whole)
        {
            while (length < headers + whole) await Receive();
        }
        else
        {
            while (!buffer.AsSpan(0, length).EndsWith("0\r\n\r\n"u8)) await Receive();
        }

        return first;
    }

    public void Dispose() => socket.Dispose();

    async Task Receive()
    {
        if (length == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
        var read = await socket.ReceiveAsync(buffer.AsMemory(length));
        if (read == 0) throw new IOException("The connection was closed.");

        length += read;
    }

    int? ContentLength(int headers)
    {
        foreach (var line in Encoding.ASCII.GetString(buffer, 0, headers).Split("\r\n"))
        {
            if (line.StartsWith("content-length:", StringComparison.OrdinalIgnoreCase))
                return int.Parse(line["content-length:".Length..], CultureInfo.InvariantCulture);
        }

        return null;
    }

    static byte[] Request(CallTarget target, string key)
    {
        var body = JsonSerializer.Serialize(new
        {
            model = "gpt-4o-mini",
            stream = target.Stream,
            messages = new[] { new { role = "user", content = new string('a', target.Prompt) } },
        });
        var headers = string.Concat(target.Headers.Select(header => $"{header.Key}: {header.Value}\r\n"));
        return Encoding.UTF8.GetBytes($"POST {target.Address.AbsolutePath} HTTP/1.1\r\nHost: {target.Address.Authority}\r\n"
            + $"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n{headers}Content-Length: {body.Length}\r\n\r\n{body}");
    }
}
