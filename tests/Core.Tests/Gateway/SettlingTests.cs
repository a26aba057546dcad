using Purser.Core.Gateway;
using Purser.Core.Pricing;

namespace Purser.Core.Tests.Gateway;

public sealed class SettlingTests
{
    static Ended Call => new(Ending.Finished, Usage(100, 20), UsageIsWhole: true, ProducedBytes: 80, GuessedInput: Usage(90, 0));

    [Fact]
    public void A_whole_answer_costs_what_the_provider_says() => Exact(Call, 100, 20);

    [Fact]
    public void Usage_of_nothing_is_nothing_and_is_not_replaced_by_a_guess() => Exact(Call with { Usage = Usage(0, 0) }, 0, 0);

    [Theory]
    [InlineData(Ending.ProviderRefused)]
    [InlineData(Ending.ProviderSilent)]
    public void What_was_not_answered_costs_nothing(Ending how) =>
        Assert.IsType<Settlement.Nothing>(Settling.Decide(Call with { How = how }));

    [Theory]
    [InlineData(Ending.ProviderFailed)]
    [InlineData(Ending.ServerLost)]
    public void A_provider_that_failed_before_it_produced_anything_costs_nothing(Ending how) =>
        Assert.IsType<Settlement.Nothing>(Settling.Decide(Call with { How = how, UsageIsWhole = false, ProducedBytes = 0 }));

    [Fact]
    public void A_provider_that_breaks_off_behind_its_whole_usage_has_billed_it() =>
        Exact(Call with { How = Ending.ProviderFailed, ProducedBytes = 0 }, 100, 20);

    [Fact]
    public void An_answer_without_usage_is_estimated_by_its_length() => Estimate(Call with { Usage = null, UsageIsWhole = false }, 90, 20);

    [Fact]
    public void An_answer_without_a_word_and_without_usage_costs_nothing_where_words_were_asked_for()
    {
        var empty = Call with { Usage = null, UsageIsWhole = false, ProducedBytes = 0 };

        Assert.IsType<Settlement.Nothing>(Settling.Decide(empty with { IsText = true }));
        Estimate(empty, 90, 0);
        Exact(Call with { Usage = Usage(100, 0), ProducedBytes = 0, IsText = true }, 100, 0);
    }

    [Theory]
    [InlineData(Ending.ProviderFailed)]
    [InlineData(Ending.CallerLeft)]
    [InlineData(Ending.ServerLost)]
    public void A_part_of_an_answer_costs_what_came_of_it(Ending how)
    {
        Estimate(Call with { How = how, Usage = null, UsageIsWhole = false }, 90, 20);
        // Anthropic told what the prompt was, and of the answer only its beginning.
        Estimate(Call with { How = how, Usage = Usage(100, 1), UsageIsWhole = false }, 100, 20);
        // Usage in every event: more than can be seen of it.
        Estimate(Call with { How = how, Usage = Usage(100, 50), UsageIsWhole = false }, 100, 50);
    }

    [Fact]
    public void Of_a_caller_who_left_before_the_first_byte_only_the_prompt_is_charged() =>
        Estimate(Call with { How = Ending.CallerLeft, Usage = null, UsageIsWhole = false, ProducedBytes = 0 }, 90, 0);

    [Fact]
    public void An_answer_that_was_read_to_its_end_although_the_caller_left_costs_what_the_provider_says() =>
        Exact(Call with { How = Ending.CallerLeft }, 100, 20);

    static void Exact(Ended call, long input, long output)
    {
        var usage = Assert.IsType<Settlement.Exact>(Settling.Decide(call)).Usage;
        Assert.Equal((input, output), (usage[Meter.InputTokens], usage[Meter.OutputTokens]));
    }

    static void Estimate(Ended call, long input, long output)
    {
        var usage = Assert.IsType<Settlement.Estimate>(Settling.Decide(call)).Usage;
        Assert.Equal((input, output), (usage[Meter.InputTokens], usage[Meter.OutputTokens]));
    }

    static MeterCounts Usage(long input, long output) => new() { [Meter.InputTokens] = input, [Meter.OutputTokens] = output };
}
