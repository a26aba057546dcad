using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Server.Platform;

/// <summary>Something that Redis does all at once.</summary>
sealed class RedisScript(string text)
{
    public string Text => text;

    // The name that Redis itself has for it; nothing is kept secret or safe by it.
#pragma warning disable CA5350
    public string Name { get; } = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5350
}

/// <summary>
/// A Redis that may go away at any time. Nobody waits for it longer than he says, and while it is away he is told so at once.
/// It is said once in the log, each time counts, and it is looked for until it is back.
/// </summary>
sealed class Redis : BackgroundService
{
    static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(2);
    static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    // After so long without a failure, it is back.
    static readonly TimeSpan Convalescence = TimeSpan.FromSeconds(5);

    readonly RedisAddress? address;
    readonly Family<Counter> failures;
    readonly ILogger<Redis> log;

    volatile RedisConnection? connection;
    long failedAt;
    int away;

    public Redis(Settings settings, Metrics metrics, ILogger<Redis> log)
    {
        (address, this.log) = (settings.Redis, log);
        failures = metrics.Counter("purser_redis_failures_total", "What Redis was asked in vain, by the reason.", "reason");
        if (address is not null) metrics.Gauge("purser_redis_connected", "1 while there is a connection to Redis.", () => connection is null ? 0 : 1);
    }

    /// <summary>Whether there is to be one at all.</summary>
    public bool IsConfigured => address is not null;

    /// <summary>What the script gives; null where Redis does not say so in time.</summary>
    public async ValueTask<RedisReply?> Run(RedisScript script, string[] keys, string[] arguments, TimeSpan patience)
    {
        var began = Stopwatch.GetTimestamp();
        var reply = await Ask(Call("EVALSHA", script.Name), patience);
        // It has been started anew, and remembers nothing.
        if (reply is RedisReply.Error unknown && unknown.Is("NOSCRIPT"))
            reply = await Ask(Call("EVAL", script.Text), patience - Stopwatch.GetElapsedTime(began));
        if (reply is not RedisReply.Error error) return reply;

        // What was the first of several has been made one that follows; behind its name there is another first one by now.
        if (error.Is("READONLY")) connection?.End();
        return Failed("error", error.Message);

        byte[] Call(string how, string what) =>
            RedisConnection.Written([how, what, keys.Length.ToString(null, null), .. keys, .. arguments]);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (address is null) return;

        var pause = ShortestPause;
        while (!stoppingToken.IsCancellationRequested)
        {
            var began = Stopwatch.GetTimestamp();
            try
            {
                await Serve(address, stoppingToken);
            }
            catch (Exception e) when (e is SocketException or IOException or AuthenticationException or InvalidDataException or OperationCanceledException)
            {
                if (!stoppingToken.IsCancellationRequested) Failed("connection", e is OperationCanceledException ? "it does not answer" : e.Message);
            }

            // One that stood for a while is looked for at once.
            pause = Stopwatch.GetElapsedTime(began) > LongestPause ? ShortestPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
            await Task.Delay(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task Serve(RedisAddress there, CancellationToken ct)
    {
        await using var opened = await Open(there, ct);
        var running = opened.Run(ct);
        try
        {
            await Enter(opened, there);
            connection = opened;
            await running;
        }
        finally
        {
            connection = null;
            opened.End();
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    static async Task<RedisConnection> Open(RedisAddress address, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(ConnectPatience);
        return await RedisConnection.Open(address, patience.Token);
    }

    static async Task Enter(RedisConnection opened, RedisAddress address)
    {
        if (address.Password is { } password)
            await Done(address.User is { } user ? ["AUTH", user, password] : ["AUTH", password]);
        if (address.Database > 0) await Done(["SELECT", address.Database.ToString(null, null)]);
        await Done(["PING"]);

        async Task Done(string[] words)
        {
            var reply = opened.Ask(RedisConnection.Written(words)) is { } asked ? await asked : null;
            if (reply is RedisReply.Error error) throw new InvalidDataException(error.Message);
            if (reply is null) throw new InvalidDataException("the connection broke");
        }
    }

    async ValueTask<RedisReply?> Ask(byte[] command, TimeSpan patience)
    {
        if (connection is not { } live) return Failed("away", "there is no connection");
        // One has waited in vain, and those behind it will too.
        if (live.IsLate(patience)) return Failed("late", "it takes too long to answer");
        if (live.Ask(command) is not { } asked) return Failed("overloaded", "more is asked than it answers");

        try
        {
            if (await asked.WaitAsync(patience > TimeSpan.Zero ? patience : TimeSpan.Zero) is not { } reply)
                return Failed("connection", "the connection broke");

            Succeeded();
            return reply;
        }
        catch (TimeoutException)
        {
            return Failed("late", "it takes too long to answer");
        }
    }

    RedisReply? Failed(string reason, string why)
    {
        failures.With(reason).Increment();
        Volatile.Write(ref failedAt, Stopwatch.GetTimestamp());
        if (Interlocked.Exchange(ref away, 1) == 0) log.RedisAway(address!, why);
        return null;
    }

    void Succeeded()
    {
        if (Volatile.Read(ref away) == 0 || Stopwatch.GetElapsedTime(Volatile.Read(ref failedAt)) < Convalescence) return;
        if (Interlocked.Exchange(ref away, 0) == 1) log.RedisBack(address!);
    }
}

static partial class Log
{
    [LoggerMessage(921, LogLevel.Warning, "Redis at {Address} is away: {Why}. Until it is back each server counts by itself")]
    public static partial void RedisAway(this ILogger log, RedisAddress address, string why);

    [LoggerMessage(922, LogLevel.Information, "Redis at {Address} is back")]
    public static partial void RedisBack(this ILogger log, RedisAddress address);
}
