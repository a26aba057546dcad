using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Core;
using Purser.Core.Gateway;
using Purser.Server.Gateway;
using Purser.Server.Platform;
using Purser.Server.Tests.Ledger;
using Purser.Server.Tests.Platform;
using VirtualKey = Purser.Server.Gateway.VirtualKey;

namespace Purser.Server.Tests.Gateway;

/// <summary>Limits of keys that several servers count together in Redis.</summary>
public sealed class SharedLimitTests(App app) : IClassFixture<App>
{
    // A busy machine is no reason for a test to count by itself.
    static readonly Patience Patient = new() { Limits = TimeSpan.FromSeconds(30) };

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Redis_decides_as_the_rule_does()
    {
        await using var server = await RedisServer.Start();
        using var redis = await Connected(server);
        var chance = new Random(7);
        var rule = default(RateLimit);

        for (var i = 0; i < 500; i++)
        {
            var (corrects, perMinute, count) = (chance.Next(4) == 0, chance.NextInt64(1, 1_000_000_000), chance.NextInt64(0, 500_000_000));
            if (corrects) count -= 250_000_000;
            var cost = RateLimit.Cost(perMinute, count).Ticks.ToString(null, null);
            var reply = await redis.Run(
                SharedLimits.Script, ["limit"], [RateLimit.Window.Ticks.ToString(null, null), corrects ? "correct" : "take", cost], Patient.Limits);

            var numbers = Assert.IsType<RedisReply.Many>(reply).Values.Cast<RedisReply.Number>().Select(one => one.Value).ToArray();
            var (now, full) = (Instant(numbers[0]), Instant(numbers[1]));
            Assert.Equal(rule.FullAt > now ? rule.FullAt : now, full);
            rule = corrects ? rule.Correct(perMinute, count, now) : rule.Take(perMinute, count, now).After;
        }
    }

    [Fact]
    public async Task Two_servers_share_one_limit_to_the_request()
    {
        await using var server = await RedisServer.Start();
        using var one = await Connected(server);
        using var two = await Connected(server);
        RateLimits[] servers = [Limits(one), Limits(two)];
        var key = Key() with { RequestsPerMinute = 500, TokensPerMinute = 30_000 };

        var verdicts = await Task.WhenAll(Enumerable.Range(0, 2_000).Select(i => servers[i % 2].Take(key, 100, default).AsTask()));

        // What a minute gives comes back evenly: five tokens each hundredth of a second.
        var granted = verdicts.Count(verdict => verdict.Granted);
        Assert.All(verdicts, verdict => Assert.True(verdict.IsShared));
        Assert.InRange(granted, 300, 330);
        Assert.Contains(verdicts, verdict => verdict is { Requests.Granted: true, Tokens.Granted: false });
    }

    [Fact]
    public async Task What_was_not_used_after_all_is_there_again_on_every_server()
    {
        await using var server = await RedisServer.Start();
        using var one = await Connected(server);
        using var two = await Connected(server);
        var key = Key() with { TokensPerMinute = 1_000 };
        var taken = await Limits(one).Take(key, 1_000, default);
        var refused = await Limits(two).Take(key, 500, default);

        Limits(one).Correct(key, taken, -800, default);

        Assert.True(taken.Granted);
        Assert.False(refused.Granted);
        Assert.InRange(refused.Wait, TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(30));
        await Eventually.Holds(async () => (await Limits(two).Take(key, 700, default)).Granted);
        Assert.False((await Limits(one).Take(key, 700, default)).Granted);
    }

    [Fact]
    public async Task Nothing_stays_in_Redis_that_has_all_of_its_limit_again()
    {
        await using var server = await RedisServer.Start();
        using var redis = await Connected(server);
        var key = Key() with { RequestsPerMinute = 600, TokensPerMinute = 600_000 };

        var taken = await Limits(redis).Take(key, 1_000, default);
        Limits(redis).Correct(key, taken, -1_000, default);

        await Eventually.Holds(async () => await server.Tell("DBSIZE") == "0");
    }

    [Fact]
    public async Task Two_gateways_let_through_what_one_would()
    {
        await using var server = await RedisServer.Start();
        await using var one = await Gateway(server);
        await using var two = await Gateway(server);
        var customer = await app.Purser.GivenCustomer(credits: 1_000_000);
        var key = await app.Purser.VirtualKeys.CreateAsync(customer, new() { RequestsPerMinute = 4 }, Ct);
        // Both have to have found their Redis.
        await Eventually.Holds(async () => await server.Tell("CLIENT", "LIST") is var clients && clients.Split('\n').Length >= 3);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Ask(i % 2 == 0 ? one : two, key.Key!)));

        await Task.WhenAll(one.StopAsync(Ct), two.StopAsync(Ct));
        // One more may come back while a busy machine is at it.
        Assert.InRange(answers.Count(status => status == 200), 4, 5);
        Assert.All(answers, status => Assert.True(status is 200 or 429, $"{status}"));
    }

    [Fact]
    public async Task A_Redis_that_is_killed_and_started_again_stops_no_call()
    {
        await using var server = await RedisServer.Start();
        using var redis = await Connected(server);
        var limits = new RateLimits(new(redis, new()));
        var key = Key() with { RequestsPerMinute = 1_000_000 };
        var longest = TimeSpan.Zero;
        var (shared, alone) = (0, 0);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var load = Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            while (!over.IsCancellationRequested)
            {
                var began = Stopwatch.GetTimestamp();
                var verdict = await limits.Take(key, 0, TimeProvider.System.GetUtcNow());
                var took = Stopwatch.GetElapsedTime(began);
                Assert.True(verdict.Granted);
                if (verdict.IsShared) Interlocked.Increment(ref shared);
                else Interlocked.Increment(ref alone);
                lock (limits) longest = took > longest ? took : longest;
                await Task.Delay(1, CancellationToken.None);
            }
        }));

        await Eventually.Holds(() => Volatile.Read(ref shared) > 100);
        await server.Kill();
        await Eventually.Holds(() => Volatile.Read(ref alone) > 100);
        server.Restart();
        var sharedBefore = Volatile.Read(ref shared);
        await Eventually.Holds(() => Volatile.Read(ref shared) > sharedBefore + 100);
        await over.CancelAsync();
        await load;

        // Fifty milliseconds, and what a busy machine adds to them.
        Assert.True(longest < TimeSpan.FromSeconds(1), $"{longest}");
    }

    [Fact]
    public async Task Over_an_encrypted_connection_it_is_entered_as_well()
    {
        using var folder = new TestFolder();
        await Certificates(folder.Path);
        var port = Ports.Free();
        await using var server = await RedisServer.Start(
            "--tls-port", port.ToString(null, null), "--tls-auth-clients", "no", "--requirepass", "secret",
            "--tls-cert-file", $"{folder.Path}/redis.crt", "--tls-key-file", $"{folder.Path}/redis.key", "--tls-ca-cert-file", $"{folder.Path}/ca.crt");

        await using var trusting = ServerProcess.Serve(
            app.ConnectionString, ("REDIS_URL", $"rediss://:secret@localhost:{port}/1"), ("SSL_CERT_FILE", $"{folder.Path}/ca.crt"));
        using var http = new HttpClient { BaseAddress = await trusting.WaitReady() };

        await Eventually.Holds(async () => (await http.GetStringAsync("/metrics", Ct)).Contains("\npurser_redis_connected 1\n", StringComparison.Ordinal));
    }

    static async Task Certificates(string folder)
    {
        var script = $$"""
            cd {{folder}}
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.crt
            openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout redis.key -out redis.csr
            printf 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n' > names
            openssl x509 -req -in redis.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out redis.crt
            """;
        await Programs.Run("/bin/sh", ["-ec", script], user: null, TimeSpan.FromSeconds(60), Ct);
    }

    static RateLimits Limits(Redis redis) => new(new(redis, Patient));

    static async Task<Redis> Connected(RedisServer server)
    {
        var redis = new Redis(Given.Settings with { Redis = RedisAddress.Parse(server.Url).Address }, new(), NullLogger<Redis>.Instance);
        await redis.StartAsync(Ct);
        await Eventually.Holds(async () => await redis.Run(new("return 1"), [], [], Patient.Limits) is not null);
        return redis;
    }

    async Task<WebApplication> Gateway(RedisServer redis)
    {
        var settings = Given.Settings with { SandboxPort = (await Sandbox.Url()).Port, Redis = RedisAddress.Parse(redis.Url).Address };
        var server = await PurserServer.Build(settings, app.ConnectionString, services => services.AddSingleton(Patient));
        await server.StartAsync(Ct);
        return server;
    }

    static async Task<int> Ask(WebApplication server, string key)
    {
        using var http = new HttpClient { BaseAddress = new(server.Urls.Single()) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        object[] messages = [new { role = "user", content = "Hello" }];
        using var answer = await http.PostAsJsonAsync("/openai/v1/chat/completions", new { model = "gpt-4o-mini", messages }, Ct);
        return (int)answer.StatusCode;
    }

    static VirtualKey Key() => new(
        Id<VirtualKey>.New(TimeProvider.System.GetUtcNow()), CustomerId.Parse("ann", null), null, null, null, null, default, null);

    static DateTimeOffset Instant(long ticks) => new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) + TimeSpan.FromTicks(ticks);
}
