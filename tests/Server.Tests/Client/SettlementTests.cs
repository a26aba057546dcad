using Microsoft.AspNetCore.Http;
using Purser.Client;

namespace Purser.Server.Tests.Client;

/// <summary>Operations whose server is not there when they are to be settled.</summary>
public sealed class SettlementTests
{
    static readonly NewHold Worst = new() { Amount = 40 };

    static readonly RequestDelegate Held = Reply.With(201, """{"id":"hld_1","amount":40,"available":60}""");

    static readonly RequestDelegate Captured = Reply.With(
        201, """{"id":"ent_1","amount":12.5,"released":27.5,"shortfall":0,"balance":87.5,"available":87.5}""");

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_settlement_is_tried_under_one_key_until_it_is_answered()
    {
        await using var server = await ScriptedServer.Start(
            [Held, .. Enumerable.Repeat(Reply.Drop, 6), Reply.Error(503, "overloaded"), Reply.Error(500, "internal"), Captured]);
        using var purser = server.Client();

        var said = await purser.Operations.RunAsync("user_42", Worst, Work, cancellationToken: Ct);

        Assert.Equal("done", said);
        var captures = server.Requests.Skip(1).ToList();
        Assert.Equal(9, captures.Count);
        Assert.All(captures, one => Assert.Equal(
            ("/v1/holds/hld_1/capture", captures[0].Key, """{"amount":12.5}"""), (one.Target, one.Key, one.Body)));
    }

    [Fact]
    public async Task A_settlement_that_is_never_answered_says_what_to_capture_later()
    {
        await using var server = await ScriptedServer.Start([Held, .. Enumerable.Repeat(Reply.Error(503, "overloaded"), 200)]);
        using var purser = server.Client();

        var error = await Assert.ThrowsAsync<UnsettledException>(
            () => purser.Operations.RunAsync("user_42", Worst, Work, cancellationToken: Ct));

        Assert.Equal(("hld_1", 12.5m), (error.Hold.Id, error.Charge.Amount));
        Assert.Equal(server.Requests[^1].Key, error.Charge.IdempotencyKey);
        Assert.True(server.Requests.Count < 100);
    }

    [Fact]
    public async Task A_settlement_that_is_refused_is_not_tried_again()
    {
        await using var server = await ScriptedServer.Start(Held, Reply.Error(409, "conflict", "hold_expired"));
        using var purser = server.Client();

        var error = await Assert.ThrowsAsync<UnsettledException>(
            () => purser.Operations.RunAsync("user_42", Worst, Work, cancellationToken: Ct));

        Assert.Equal("hold_expired", Assert.IsType<ConflictException>(error.InnerException).Code);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task What_went_wrong_with_the_work_is_not_lost_behind_the_settlement()
    {
        await using var server = await ScriptedServer.Start(Held, Reply.Error(409, "conflict", "hold_expired"));
        using var purser = server.Client();

        var error = await Assert.ThrowsAsync<UnsettledException>(() => purser.Operations.RunAsync<int>("user_42", Worst, (operation, _) =>
        {
            operation.Report(12.5m);
            throw new InvalidDataException("The answer could not be read.");
        }, cancellationToken: Ct));

        var both = Assert.IsType<AggregateException>(error.InnerException);
        Assert.IsType<InvalidDataException>(both.InnerExceptions[0]);
    }

    [Fact]
    public async Task A_hold_that_cannot_be_released_ends_by_itself()
    {
        await using var server = await ScriptedServer.Start(Held, Reply.Error(409, "conflict", "hold_expired"));
        using var purser = server.Client();

        var error = await Assert.ThrowsAsync<InvalidDataException>(
            () => purser.Operations.RunAsync<int>("user_42", Worst, (_, _) => throw new InvalidDataException("Refused."), cancellationToken: Ct));

        Assert.Equal("Refused.", error.Message);
        Assert.Equal("/v1/holds/hld_1/release", server.Requests[^1].Target);
    }

    [Fact]
    public async Task A_hold_lasts_for_an_hour_unless_it_says_otherwise()
    {
        await using var server = await ScriptedServer.Start(Held, Captured, Held, Captured);
        using var purser = server.Client();

        await purser.Operations.RunAsync("user_42", Worst, Work, cancellationToken: Ct);
        await purser.Operations.RunAsync("user_42", Worst with { ExpiresIn = TimeSpan.FromMinutes(2) }, Work, cancellationToken: Ct);

        Assert.Equal("""{"expires_in":3600,"amount":40}""", server.Requests[0].Body);
        Assert.Equal("""{"expires_in":120,"amount":40}""", server.Requests[2].Body);
    }

    static Task<string> Work(Operation operation, CancellationToken ct)
    {
        operation.Report(12.5m);
        return Task.FromResult("done");
    }
}
