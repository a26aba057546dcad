using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Purser.Client;

namespace Purser.Server.Tests.Client;

public sealed class RetryTests
{
    readonly HastyTime time = new();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(408)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task A_passing_trouble_is_tried_again_with_the_same_key_and_the_same_bytes(int status)
    {
        await using var server = await ScriptedServer.Start(Reply.With(status, ""), Reply.With(201, Sdk.Charged));
        using var purser = server.Client(time);

        var charge = await purser.ChargeChapter(Ct);

        Assert.Equal("ch_1", charge.Id);
        Assert.Equal(2, server.Requests.Count);
        Assert.Equal(server.Requests[0].Key, server.Requests[1].Key);
        Assert.Equal(server.Requests[0].Body, server.Requests[1].Body);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(402)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(405)]
    [InlineData(409)]
    [InlineData(413)]
    [InlineData(501)]
    [InlineData(307)]
    public async Task A_decision_is_never_tried_again(int status)
    {
        await using var server = await ScriptedServer.Start(Reply.With(status, "", ("Location", "/elsewhere")));
        using var purser = server.Client(time);

        var error = await Assert.ThrowsAnyAsync<PurserException>(() => purser.ChargeChapter(Ct));

        Assert.Equal((HttpStatusCode)status, error.Status);
        Assert.Single(server.Requests);
        Assert.Empty(time.Pauses);
    }

    [Fact]
    public async Task A_dropped_connection_is_tried_again()
    {
        await using var server = await ScriptedServer.Start(Reply.Drop, Reply.Drop, Reply.With(201, Sdk.Charged));
        using var purser = server.Client(time);

        var charge = await purser.ChargeChapter(Ct);

        Assert.Equal(87.5m, charge.Balance);
        Assert.Single(server.Requests.Select(request => request.Key).Distinct());
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_asked_for_again()
    {
        await using var server = await ScriptedServer.Start(Reply.Half(Sdk.Charged), Reply.With(201, Sdk.Charged));
        using var purser = server.Client(time);

        var charge = await purser.ChargeChapter(Ct);

        Assert.Equal(80m, charge.Available);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_in_time_is_asked_again()
    {
        await using var server = await ScriptedServer.Start(Reply.Silence, Reply.With(201, Sdk.Charged));
        using var purser = server.Client(time);

        var call = purser.ChargeChapter(Ct);
        await server.Arrival();
        time.Advance(Sdk.Timeout);

        Assert.Equal("ch_1", (await call).Id);
        Assert.Equal(server.Requests[0].Key, server.Requests[1].Key);
    }

    [Fact]
    public async Task After_three_retries_the_failure_comes_out_with_its_key()
    {
        await using var server = await ScriptedServer.Start(Reply.Drop, Reply.Drop, Reply.Drop, Reply.Drop, Reply.Drop);
        using var purser = server.Client(time);

        var error = await Assert.ThrowsAsync<TransportException>(() => purser.ChargeChapter(Ct));

        Assert.Equal(4, server.Requests.Count);
        Assert.Equal(TransportException.ConnectionFailed, error.Code);
        Assert.Equal(server.Requests[0].Key, error.IdempotencyKey);
        Assert.True(error.OutcomeUnknown);
        Assert.Contains(error.IdempotencyKey!, error.Message, StringComparison.Ordinal);
        Assert.Null(error.Status);
    }

    [Fact]
    public async Task Pauses_double_and_leave_a_part_to_chance()
    {
        await using var server = await ScriptedServer.Start([.. Enumerable.Repeat(Reply.With(500, ""), 7)]);
        using var purser = server.Client(time, retries: 6);

        await Assert.ThrowsAsync<ServerErrorException>(() => purser.Balances.GetAsync("user_42", Ct));

        Assert.Equal(6, time.Pauses.Count);
        Assert.All(time.Pauses.Index(), pause =>
        {
            var longest = TimeSpan.FromMilliseconds(Math.Min(250 << pause.Index, 8_000));
            Assert.InRange(pause.Item, longest / 2, longest);
        });
    }

    [Fact]
    public async Task The_server_says_how_long_to_wait()
    {
        var inAMinute = time.GetUtcNow().AddSeconds(60).ToString("R", CultureInfo.InvariantCulture);
        await using var server = await ScriptedServer.Start(
            Reply.With(429, "", ("Retry-After", "17")),
            Reply.With(503, "", ("Retry-After", inAMinute)),
            Reply.Json(Sdk.Balance));
        using var purser = server.Client(time);

        await purser.Balances.GetAsync("user_42", Ct);

        Assert.InRange(time.Pauses[0], TimeSpan.FromSeconds(17), TimeSpan.FromSeconds(17.5));
        Assert.InRange(time.Pauses[1], TimeSpan.FromSeconds(42), TimeSpan.FromSeconds(44));
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("-5")]
    [InlineData("Wed, 01 Jul 2020 12:00:00 GMT")]
    public async Task A_wait_that_makes_no_sense_is_not_believed(string wait)
    {
        await using var server = await ScriptedServer.Start(
            Reply.With(503, "", ("Retry-After", wait)), Reply.Json(Sdk.Balance));
        using var purser = server.Client(time);

        await purser.Balances.GetAsync("user_42", Ct);

        Assert.InRange(Assert.Single(time.Pauses), TimeSpan.FromMilliseconds(125), TimeSpan.FromMilliseconds(250));
    }

    [Fact]
    public async Task A_wait_longer_than_the_call_may_take_ends_it_at_once()
    {
        await using var server = await ScriptedServer.Start(Reply.With(429, "", ("Retry-After", "3600")));
        using var purser = server.Client(time);

        var error = await Assert.ThrowsAsync<RateLimitedException>(() => purser.ChargeChapter(Ct));

        Assert.Equal(TimeSpan.FromHours(1), error.RetryAfter);
        Assert.False(error.OutcomeUnknown);
        Assert.Empty(time.Pauses);
    }

    [Fact]
    public async Task Attempts_together_take_no_longer_than_the_call_may()
    {
        await using var server = await ScriptedServer.Start([.. Enumerable.Repeat(Reply.Silence, 11)]);
        using var purser = server.Client(time, retries: 10);
        var start = time.GetUtcNow();

        var call = purser.ChargeChapter(Ct);
        for (var attempt = 0; attempt < 4; attempt++)
        {
            await server.Arrival();
            time.Advance(Sdk.Timeout);
        }

        // What is left for the fifth is shorter than one attempt, so this clock skips it like a pause.
        var error = await Assert.ThrowsAsync<TransportException>(() => call);
        Assert.Equal(TransportException.Timeout, error.Code);
        Assert.InRange(time.GetUtcNow() - start, TimeSpan.FromSeconds(400), Sdk.TotalTimeout);
    }

    [Fact]
    public async Task A_retry_can_be_switched_off()
    {
        await using var server = await ScriptedServer.Start(Reply.Error(503, "overloaded"));
        using var purser = server.Client(time, retries: 0);

        await Assert.ThrowsAsync<OverloadedException>(() => purser.ChargeChapter(Ct));

        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Each_call_has_a_key_of_its_own_and_reading_has_none()
    {
        await using var server = await ScriptedServer.Start(
            Reply.With(201, Sdk.Charged), Reply.With(201, Sdk.Charged), Reply.Json(Sdk.Balance));
        using var purser = server.Client(time);

        await purser.ChargeChapter(Ct);
        await purser.ChargeChapter(Ct);
        await purser.Balances.GetAsync("user_42", Ct);

        Assert.NotEqual(server.Requests[0].Key, server.Requests[1].Key);
        Assert.Equal(7, Guid.Parse(server.Requests[0].Key!).Version);
        Assert.Null(server.Requests[2].Key);
    }

    [Fact]
    public async Task The_callers_own_key_goes_out_as_it_is()
    {
        await using var server = await ScriptedServer.Start(
            Reply.With(201, Sdk.Charged, ("Idempotency-Replayed", "true")));
        using var purser = server.Client(time);

        var charge = await purser.Charges.CreateAsync(
            "user_42", Sdk.Chapter with { IdempotencyKey = "chapter-3:a/b" }, Ct);

        Assert.Equal("chapter-3:a/b", server.Request.Key);
        Assert.True(charge.Replayed);
    }

    [Fact]
    public async Task Where_no_connection_came_about_nothing_was_sent()
    {
        // Bound and never listening: a connection is refused, and nobody else can take the port meanwhile.
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var purser = new PurserClient(new PurserClientOptions
        {
            BaseAddress = new($"http://{closed.LocalEndPoint}"),
            Timeout = Sdk.Timeout,
            TotalTimeout = Sdk.TotalTimeout,
            TimeProvider = time,
        });

        var error = await Assert.ThrowsAsync<TransportException>(() => purser.ChargeChapter(Ct));

        Assert.Equal(TransportException.ConnectionFailed, error.Code);
        Assert.False(error.OutcomeUnknown);
        Assert.Equal(3, time.Pauses.Count);
    }

    [Fact]
    public async Task A_cancelled_call_is_not_a_timeout()
    {
        await using var server = await ScriptedServer.Start(Reply.Silence);
        using var purser = server.Client(time);
        using var caller = new CancellationTokenSource();

        var call = purser.Charges.CreateAsync("user_42", Sdk.Chapter, caller.Token);
        await server.Arrival();
        await caller.CancelAsync();

        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(caller.Token, cancelled.CancellationToken);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_pause_ends_with_the_callers_patience()
    {
        await using var server = await ScriptedServer.Start(Reply.With(503, "", ("Retry-After", "200")));
        using var purser = server.Client(time);
        using var caller = new CancellationTokenSource();

        var call = purser.Balances.GetAsync("user_42", caller.Token);
        await time.UntilLongerThan(TimeSpan.FromSeconds(199));
        await caller.CancelAsync();

        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(caller.Token, cancelled.CancellationToken);
    }

    [Fact]
    public async Task A_call_that_is_cancelled_before_it_starts_sends_nothing()
    {
        await using var server = await ScriptedServer.Start();
        using var purser = server.Client(time);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => purser.Charges.CreateAsync("user_42", Sdk.Chapter, new CancellationToken(canceled: true)));

        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task A_timeout_of_the_given_connections_is_a_timeout_too()
    {
        await using var server = await ScriptedServer.Start(Reply.Silence);
        using var http = new HttpClient { Timeout = TimeSpan.FromMilliseconds(50) };
        using var purser = new PurserClient(http, new() { BaseAddress = server.Address, Retries = 0 });

        var error = await Assert.ThrowsAsync<TransportException>(() => purser.ChargeChapter(Ct));

        Assert.Equal(TransportException.Timeout, error.Code);
        Assert.True(error.OutcomeUnknown);
    }
}
