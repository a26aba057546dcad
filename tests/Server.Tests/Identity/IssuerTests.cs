using Microsoft.Extensions.Logging.Abstractions;
using Purser.Core.Identity;
using Purser.Server.Identity;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Identity;

public sealed class IssuerTests : IAsyncLifetime
{
    readonly ManualTime time = new(new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));
    TestIssuer source = null!;
    Issuer issuer = null!;

    public async ValueTask InitializeAsync()
    {
        source = await TestIssuer.Start();
        issuer = new(source.Access, time, NullLogger<Issuer>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        issuer.Dispose();
        await source.DisposeAsync();
    }

    [Fact]
    public async Task Its_keys_are_fetched_once_for_many_tokens()
    {
        await Task.WhenAll(Enumerable.Range(0, 20).Select(number => Accepted(Token($"user_{number}"))));

        Assert.Equal(1, source.Fetches);
    }

    [Fact]
    public async Task A_new_key_is_fetched_when_a_token_names_it()
    {
        await Accepted(Token());
        source.Rotate();
        time.Advance(TimeSpan.FromSeconds(10));

        await Accepted(Token());

        Assert.Equal(2, source.Fetches);
    }

    [Fact]
    public async Task Tokens_that_name_keys_of_nobody_do_not_make_it_fetch_again_and_again()
    {
        await Accepted(Token());
        time.Advance(TimeSpan.FromSeconds(10));

        foreach (var number in Enumerable.Range(0, 50)) await Refused(source.Token("ada", time.GetUtcNow(), key: $"made-up-{number}"));

        Assert.Equal(2, source.Fetches);
        await Accepted(Token());
    }

    [Fact]
    public async Task A_new_key_is_known_a_second_after_somebody_asked_for_one_of_nobody()
    {
        await Accepted(Token());
        time.Advance(TimeSpan.FromSeconds(10));
        await Refused(source.Token("mallory", time.GetUtcNow(), key: "made-up"));
        source.Rotate();

        await Refused(Token());
        time.Advance(TimeSpan.FromSeconds(1));

        await Accepted(Token());
        Assert.Equal(3, source.Fetches);
    }

    // However often they come: a fetch begins no sooner than a second after the last one.
    [Fact]
    public async Task Keys_of_nobody_that_are_asked_for_all_the_time_cost_a_fetch_a_second()
    {
        await Accepted(Token());

        foreach (var number in Enumerable.Range(0, 40))
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Refused(source.Token("mallory", time.GetUtcNow(), key: $"made-up-{number}"));
        }

        Assert.Equal(5, source.Fetches);
    }

    [Fact]
    public async Task What_is_no_token_makes_it_fetch_nothing()
    {
        await Refused("no-token");

        Assert.Equal(0, source.Fetches);
    }

    [Fact]
    public async Task A_key_that_was_withdrawn_is_refused_within_minutes()
    {
        var token = Token();
        await Accepted(token);
        source.Rotate();

        time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        await Accepted(token);
        time.Advance(TimeSpan.FromSeconds(1));

        await Refused(token);
    }

    [Fact]
    public async Task While_it_is_down_the_known_keys_go_on_for_a_day()
    {
        await Accepted(Token());
        source.IsDown = true;

        time.Advance(TimeSpan.FromHours(23));
        await Accepted(Token());
        time.Advance(TimeSpan.FromHours(1));

        await Assert.ThrowsAsync<RefusedException>(() => Check(Token()));
    }

    [Fact]
    public async Task Whoever_comes_while_it_is_silent_does_not_wait_until_it_is_given_up()
    {
        await Accepted(Token());
        source.IsSilent = true;
        time.Advance(TimeSpan.FromMinutes(6));

        await Accepted(Token());

        Assert.Equal((2, false), (source.Fetches, source.WasGivenUp));
    }

    [Fact]
    public async Task One_that_was_never_reached_recognises_nobody_and_is_tried_again()
    {
        source.IsDown = true;
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Check(Token()));
        source.IsDown = false;
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal("issuer_unavailable", refused.Error.Code);
        await Accepted(Token());
    }

    [Theory]
    [InlineData("<h1>We are back soon</h1>")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"issuer":7}""")]
    public async Task A_page_that_stands_in_for_it_is_as_if_it_were_down(string page)
    {
        source.Page = page;
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Check(Token()));
        source.Page = null;
        time.Advance(TimeSpan.FromSeconds(10));
        await Accepted(Token());
        source.Page = page;
        time.Advance(TimeSpan.FromMinutes(6));

        Assert.Equal("issuer_unavailable", refused.Error.Code);
        await Accepted(Token());
    }

    [Fact]
    public async Task One_that_calls_itself_otherwise_is_not_the_one()
    {
        source.Name = "https://other.example";

        await Assert.ThrowsAsync<RefusedException>(() => Check(Token()));
    }

    string Token(string user = "ada") => source.Token(user, time.GetUtcNow());

    async Task Accepted(string token) => Assert.IsType<TokenVerdict.Accepted>(await Check(token));

    async Task Refused(string token) => Assert.IsType<TokenVerdict.Refused>(await Check(token));

    Task<TokenVerdict> Check(string token) => issuer.Check(token, TestContext.Current.CancellationToken).AsTask();
}
