using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

/// <summary>A Redis that comes, goes, hangs and comes back.</summary>
public sealed class RedisTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    static readonly RedisScript Count = new("return redis.call('INCRBY', KEYS[1], ARGV[1])");

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_ask_at_once_and_each_gets_its_own_answer()
    {
        await using var server = await RedisServer.Start();
        await using var redis = await Known.Start(server.Url);
        await redis.Connected();

        var answers = await Task.WhenAll(Enumerable.Range(1, 5_000).Select(async i =>
            (i, Reply: await redis.Redis.Run(Count, [$"own:{i}"], [i.ToString(null, null)], Patience))));

        Assert.All(answers, one => Assert.Equal(new RedisReply.Number(one.i), one.Reply));
    }

    [Fact]
    public async Task A_script_that_was_forgotten_is_sent_again()
    {
        await using var server = await RedisServer.Start();
        await using var redis = await Known.Start(server.Url);
        await redis.Connected();
        await redis.Redis.Run(Count, ["n"], ["1"], Patience);

        await server.Tell("SCRIPT", "FLUSH");

        Assert.Equal(new RedisReply.Number(2), await redis.Redis.Run(Count, ["n"], ["1"], Patience));
    }

    [Fact]
    public async Task It_is_entered_by_password_and_database()
    {
        await using var server = await RedisServer.Start("--requirepass", "open sesame");
        await using var redis = await Known.Start(server.Url.Replace("//", "//:open%20sesame@", StringComparison.Ordinal) + "/3");
        await redis.Connected();

        await redis.Redis.Run(Count, ["n"], ["7"], Patience);

        Assert.Equal("7", await server.Tell("--no-auth-warning", "-a", "open sesame", "-n", "3", "GET", "n"));
    }

    [Fact]
    public async Task One_that_does_not_let_us_in_is_told_of_once()
    {
        await using var server = await RedisServer.Start("--requirepass", "open sesame");
        await using var redis = await Known.Start(server.Url.Replace("//", "//:wrong@", StringComparison.Ordinal));

        await Eventually.Holds(() => redis.Said.Count > 0);
        await Task.Delay(TimeSpan.FromSeconds(1), Ct);

        Assert.Contains("WRONGPASS", Assert.Single(redis.Said), StringComparison.Ordinal);
        Assert.Null(await redis.Redis.Run(Count, ["n"], ["1"], Patience));
    }

    [Fact]
    public async Task Whatever_is_no_Redis_is_left_alone()
    {
        await using var server = await Client.ScriptedServer.Start();
        await using var redis = await Known.Start($"redis://127.0.0.1:{server.Address.Port}");

        await Eventually.Holds(() => redis.Said.Count > 0);

        Assert.Null(await redis.Redis.Run(Count, ["n"], ["1"], Patience));
    }

    [Fact]
    public async Task While_it_is_away_nobody_waits_and_when_it_is_back_it_is_asked_again()
    {
        await using var server = await RedisServer.Start();
        await using var redis = await Known.Start(server.Url);
        await redis.Connected();

        await server.Kill();
        await Eventually.Holds(async () => await redis.Redis.Run(Count, ["n"], ["1"], Patience) is null);
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < 1_000; i++) Assert.Null(await redis.Redis.Run(Count, ["n"], ["1"], Patience));
        var took = Stopwatch.GetElapsedTime(began);
        server.Restart();
        await redis.Connected();
        // For a few seconds without a failure it is not yet believed.
        await Eventually.Holds(async () => await redis.Redis.Run(Count, ["n"], ["1"], Patience) is not null && redis.Said.Count == 2);

        Assert.True(took < TimeSpan.FromSeconds(5), $"{took}");
        Assert.Equal(["is away", "is back"], redis.Said.Select(line => line[(line.IndexOf(" is ", StringComparison.Ordinal) + 1)..][..7]));
    }

    [Fact]
    public async Task One_that_hangs_is_waited_for_once()
    {
        var patience = TimeSpan.FromMilliseconds(300);
        await using var server = await RedisServer.Start();
        await using var redis = await Known.Start(server.Url);
        await redis.Connected();

        await server.Hang();
        var first = await redis.Redis.Run(Count, ["n"], ["1"], patience);
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < 100; i++) Assert.Null(await redis.Redis.Run(Count, ["n"], ["1"], patience));
        var took = Stopwatch.GetElapsedTime(began);
        await server.GoOn();

        Assert.Null(first);
        // A hundred patiences would be half a minute.
        Assert.True(took < TimeSpan.FromSeconds(3), $"{took}");
        await redis.Connected();
    }

    /// <summary>A Redis as a server has it, and what it says in the log.</summary>
    sealed class Known : ILogger<Redis>, IAsyncDisposable
    {
        readonly List<string> said = [];
        Redis redis = null!;

        public Redis Redis => redis;

        public IReadOnlyList<string> Said
        {
            get { lock (said) return [.. said]; }
        }

        public static async Task<Known> Start(string url)
        {
            var known = new Known();
            known.redis = new(Given.Settings with { Redis = RedisAddress.Parse(url).Address }, new(), known);
            await known.redis.StartAsync(Ct);
            return known;
        }

        public Task Connected() => Eventually.Holds(async () => await redis.Run(Count, ["tried"], ["1"], Patience) is not null);

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (said) said.Add(formatter(state, exception));
        }

        public async ValueTask DisposeAsync()
        {
            await redis.StopAsync(CancellationToken.None);
            redis.Dispose();
        }
    }
}
