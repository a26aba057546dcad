using Purser.Core.Gateway;

namespace Purser.Core.Tests.Gateway;

public sealed class RateLimitTests
{
    static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void So_many_are_granted_at_once_and_not_one_more()
    {
        var limit = new RateLimit();
        for (var i = 0; i < 60; i++)
        {
            (limit, var answer) = limit.Take(60, 1, Noon);
            Assert.Equal((true, 59 - i), (answer.Granted, answer.Remaining));
        }

        var refused = limit.Take(60, 1, Noon).Answer;
        Assert.Equal((false, 0L, TimeSpan.FromSeconds(1)), (refused.Granted, refused.Remaining, refused.Wait));
    }

    [Fact]
    public void What_was_used_comes_back_evenly()
    {
        var (used, _) = new RateLimit().Take(60, 60, Noon);

        Assert.False(used.Take(60, 10, Noon.AddSeconds(9)).Answer.Granted);
        Assert.True(used.Take(60, 10, Noon.AddSeconds(10)).Answer.Granted);
        Assert.Equal(60, used.Take(60, 0, Noon.AddMinutes(1)).Answer.Remaining);
    }

    [Fact]
    public void More_than_the_limit_is_never_granted() => Assert.False(new RateLimit().Take(60, 61, Noon).Answer.Granted);

    [Fact]
    public void What_was_refused_has_not_been_taken()
    {
        var (used, _) = new RateLimit().Take(100, 90, Noon);
        (used, _) = used.Take(100, 50, Noon);

        Assert.True(used.Take(100, 10, Noon).Answer.Granted);
    }

    [Fact]
    public void What_a_call_used_less_than_was_thought_is_given_back()
    {
        var (used, _) = new RateLimit().Take(1000, 900, Noon);

        Assert.Equal(600, used.Correct(1000, -500, Noon).Take(1000, 0, Noon).Answer.Remaining);
        Assert.Equal(0, used.Correct(1000, 500, Noon).Take(1000, 0, Noon).Answer.Remaining);
    }
}
