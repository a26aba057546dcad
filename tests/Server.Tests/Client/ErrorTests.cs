using System.Net;
using Microsoft.AspNetCore.Http;
using Purser.Client;

namespace Purser.Server.Tests.Client;

public sealed class ErrorTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(400, "invalid_request", typeof(InvalidRequestException))]
    [InlineData(401, "unauthorized", typeof(UnauthorizedException))]
    [InlineData(402, "payment_required", typeof(PaymentRequiredException))]
    [InlineData(403, "forbidden", typeof(ForbiddenException))]
    [InlineData(404, "not_found", typeof(NotFoundException))]
    [InlineData(409, "conflict", typeof(ConflictException))]
    [InlineData(413, "too_large", typeof(TooLargeException))]
    [InlineData(429, "rate_limited", typeof(RateLimitedException))]
    [InlineData(500, "internal", typeof(ServerErrorException))]
    [InlineData(503, "overloaded", typeof(OverloadedException))]
    [InlineData(418, "invented_tomorrow", typeof(PurserException))]
    [InlineData(599, "invented_tomorrow", typeof(ServerErrorException))]
    public async Task Every_error_has_its_type(int status, string type, Type expected)
    {
        var error = await Refused(Reply.Error(status, type));

        Assert.IsType(expected, error);
        Assert.Equal((HttpStatusCode)status, error.Status);
        Assert.Equal(type, error.Type);
        Assert.Equal("some_code", error.Code);
        Assert.Equal("Said by the server.", error.Message);
        Assert.Equal("req_1", error.RequestId);
        Assert.Contains("RequestId: req_1", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_few_credits_say_how_many_it_takes_and_how_many_there_are()
    {
        var error = await Refused(Reply.With(402, """
            {"error":{"type":"payment_required","code":"insufficient_credits",
             "message":"Insufficient credits. Required: 250, Available: 10",
             "required":250,"available":10.000001,"request_id":"req_9"}}
            """));

        var poor = Assert.IsType<InsufficientCreditsException>(error);
        Assert.Equal(250m, poor.Required);
        Assert.Equal(10.000001m, poor.Available);
        Assert.Equal("Insufficient credits. Required: 250, Available: 10", poor.Message);
        Assert.False(poor.OutcomeUnknown);
    }

    [Fact]
    public async Task A_wrong_member_is_named()
    {
        var error = await Refused(Reply.With(400, """
            {"error":{"type":"invalid_request","code":"out_of_range","message":"Too many.","param":"amount",
             "hint":{"new":[1]}},"more":1}
            """));

        Assert.Equal("amount", error.Param);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>Bad gateway</html>")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"no\"")]
    [InlineData("{}")]
    [InlineData("""{"error":"no"}""")]
    [InlineData("""{"error":null}""")]
    [InlineData("""{"error":{"type":1,"code":[],"message":{},"param":2,"request_id":true,"required":"x"}}""")]
    [InlineData("""{"error":{"type":"not_found""")]
    public async Task A_body_that_says_nothing_leaves_the_status_to_speak(string body)
    {
        var error = await Refused(Reply.With(404, body, ("X-Request-Id", "req_header")));

        Assert.IsType<NotFoundException>(error);
        Assert.Equal("not_found", error.Type);
        Assert.Equal("not_found", error.Code);
        Assert.Equal("The server answered 404 Not Found.", error.Message);
        Assert.Equal("req_header", error.RequestId);
    }

    [Fact]
    public async Task An_endless_error_page_is_not_read_to_its_end()
    {
        var error = await Refused(async http =>
        {
            http.Response.StatusCode = 403;
            var page = new byte[64 * 1024];
            while (!http.RequestAborted.IsCancellationRequested)
                await http.Response.Body.WriteAsync(page, http.RequestAborted);
        });

        Assert.IsType<ForbiddenException>(error);
    }

    [Theory]
    [InlineData("<html>Welcome!</html>")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"id":"ch_1","amount":"many","balance":1,"available":1}""")]
    public async Task An_answer_that_is_not_pursers_is_said_to_be_so(string body)
    {
        await using var server = await ScriptedServer.Start(Reply.Json(body));
        using var purser = server.Client();

        var error = await Assert.ThrowsAsync<TransportException>(() => purser.ChargeChapter(Ct));

        Assert.Equal(TransportException.UnreadableAnswer, error.Code);
        Assert.True(error.OutcomeUnknown);
        Assert.Equal(server.Request.Key, error.IdempotencyKey);
    }

    [Fact]
    public async Task A_decision_after_a_broken_connection_settles_the_outcome()
    {
        var error = await Refused(Reply.Drop, Reply.Error(402, "payment_required", "insufficient_credits"));

        Assert.False(error.OutcomeUnknown);
    }

    [Fact]
    public async Task Being_turned_away_after_a_broken_connection_settles_nothing()
    {
        var busy = Reply.Error(503, "overloaded", "overloaded");

        var error = await Refused(Reply.Drop, busy, busy, busy);

        Assert.IsType<OverloadedException>(error);
        Assert.True(error.OutcomeUnknown);
        Assert.NotNull(error.IdempotencyKey);
    }

    [Theory]
    [InlineData("""{"error":{"type":"overloaded","code":"overloaded","message":"Busy."}}""", false)]
    [InlineData("""{"error":{"type":"overloaded","code":"outcome_unknown","message":"Ask again."}}""", true)]
    [InlineData("upstream reset", true)]
    public async Task Only_a_full_lane_is_sure_to_come_before_the_deed(string body, bool unknown)
    {
        var error = await Refused([.. Enumerable.Repeat(Reply.With(503, body), 4)]);

        Assert.Equal(unknown, error.OutcomeUnknown);
    }

    [Fact]
    public async Task Reading_leaves_nothing_unknown()
    {
        await using var server = await ScriptedServer.Start(Reply.Drop, Reply.Drop, Reply.Drop, Reply.Drop);
        using var purser = server.Client();

        var error = await Assert.ThrowsAsync<TransportException>(() => purser.Balances.GetAsync("user_42", Ct));

        Assert.False(error.OutcomeUnknown);
        Assert.Null(error.IdempotencyKey);
    }

    static async Task<PurserException> Refused(params RequestDelegate[] script)
    {
        // A failure that would be tried again is answered alike every time.
        await using var server = await ScriptedServer.Start(
            script.Length > 1 ? script : [.. Enumerable.Repeat(script[0], 4)]);
        using var purser = server.Client();
        return await Assert.ThrowsAnyAsync<PurserException>(() => purser.ChargeChapter(Ct));
    }
}
