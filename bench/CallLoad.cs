using System.Buffers.Text;
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
/// AI calls over keep-alive connections, as bytes on sockets, a thread that blocks for each: on two cores a comfortable client
/// would take more of the machine than what is measured, and its own queues would count as latency. A process of its own.
/// </summary>
sealed class CallLoad(CallTarget target)
{
    /// <summary>Arguments: the target as JSON, then <c>closed CALLERS SECONDS</c>, <c>count CALLERS CALLS</c>, or <c>open RATE SECONDS</c>.</summary>
    public static void Run(string[] arguments)
    {
        var load = new CallLoad(JsonSerializer.Deserialize<CallTarget>(arguments[0])!);
        var (how, number, amount) = (arguments[1], Number(arguments[2]), Number(arguments[3]));
        var warm = how == "open" ? load.Open(number, 2) : load.Closed((int)number, TimeSpan.FromSeconds(2), long.MaxValue);
        Console.WriteLine(warm.Count);
        var result = how switch
        {
            "open" => load.Open(number, amount),
            "closed" => load.Closed((int)number, TimeSpan.FromSeconds(amount), long.MaxValue),
            _ => load.Closed((int)number, TimeSpan.FromHours(1), (long)amount),
        };
        Console.WriteLine(JsonSerializer.Serialize(result));
    }

    /// <summary>Each caller makes the next call when its last one is over.</summary>
    CallResult Closed(int callers, TimeSpan duration, long calls)
    {
        var (whole, first) = (new Latencies(callers), new Latencies(callers));
        var left = calls;
        var done = 0L;
        var started = Stopwatch.GetTimestamp();
        OnThreads(callers, number =>
        {
            using var connection = new CallConnection(target, number);
            while (Stopwatch.GetElapsedTime(started) < duration && Interlocked.Decrement(ref left) >= 0)
            {
                var begun = Stopwatch.GetTimestamp();
                var firstAt = connection.Call();
                whole.Add(number, Stopwatch.GetElapsedTime(begun));
                first.Add(number, Stopwatch.GetElapsedTime(begun, firstAt));
                Interlocked.Increment(ref done);
            }
        });
        return Result(done, Stopwatch.GetElapsedTime(started), whole, first);
    }

    /// <summary>
    /// Calls begin at their time, whether earlier ones are over or not, and their latency counts from there: a slow answer
    /// does not hide the ones that had to wait behind it.
    /// </summary>
    CallResult Open(double perSecond, double seconds)
    {
        const int Callers = 64;
        var count = (int)(perSecond * seconds);
        var (whole, first) = (new Latencies(Callers), new Latencies(Callers));
        var next = 0;
        var started = Stopwatch.GetTimestamp();
        OnThreads(Callers, number =>
        {
            using var connection = new CallConnection(target, number);
            while (Interlocked.Increment(ref next) is var call && call <= count)
            {
                var due = started + (long)(call / perSecond * Stopwatch.Frequency);
                SleepUntil(due);
                var firstAt = connection.Call();
                whole.Add(number, Stopwatch.GetElapsedTime(due));
                first.Add(number, Stopwatch.GetElapsedTime(due, firstAt));
            }
        });
        return Result(count, Stopwatch.GetElapsedTime(started), whole, first);
    }

    static void OnThreads(int count, Action<int> work)
    {
        Exception? fault = null;
        var threads = Enumerable.Range(0, count).Select(number => new Thread(() =>
        {
            try
            {
                work(number);
            }
            catch (Exception e)
            {
                fault = e;
            }
        })).ToList();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        if (fault is not null) throw new IOException("The load failed: " + fault.Message, fault);
    }

    // A sleep is late by some of a millisecond, which is what is to be measured: it ends early, and the rest is waited out.
    static void SleepUntil(long due)
    {
        var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
#pragma warning disable RS0030 // The thread is the caller: it has nothing else to do.
        if (wait.TotalMilliseconds > 1.2) Thread.Sleep((int)(wait.TotalMilliseconds - 0.2));
#pragma warning restore RS0030
        while (Stopwatch.GetTimestamp() < due) Thread.Yield();
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
    public long Call()
    {
        for (var sent = 0; sent < request.Length;) sent += socket.Send(request.AsSpan(sent));
        length = 0;
        var headers = 0;
        while (headers == 0)
        {
            Receive();
            headers = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) + 4 is > 3 and var end ? end : 0;
        }

        if (!buffer.AsSpan().StartsWith("HTTP/1.1 200"u8)) throw new IOException($"A call failed: {Encoding.UTF8.GetString(buffer, 0, length)}");

        while (length == headers) Receive();
        var first = Stopwatch.GetTimestamp();
        if (ContentLength(headers) is { } whole)
        {
            while (length < headers + whole) Receive();
        }
        else
        {
            while (!buffer.AsSpan(0, length).EndsWith("0\r\n\r\n"u8)) Receive();
        }

        return first;
    }

    public void Dispose() => socket.Dispose();

    void Receive()
    {
        if (length == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
        var read = socket.Receive(buffer.AsSpan(length));
        if (read == 0) throw new IOException("The connection was closed.");

        length += read;
    }

    int? ContentLength(int headers)
    {
        var name = "\r\ncontent-length: "u8;
        var head = buffer.AsSpan(0, headers);
        for (var start = 0; start + name.Length < headers; start++)
        {
            if (Ascii.EqualsIgnoreCase(head.Slice(start, name.Length), name))
                return Utf8Parser.TryParse(head[(start + name.Length)..], out int length, out _) ? length : null;
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
