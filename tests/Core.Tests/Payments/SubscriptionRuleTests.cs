using Purser.Core.Payments;

namespace Purser.Core.Tests.Payments;

public sealed class SubscriptionRuleTests
{
    static readonly DateTimeOffset January = new(2027, 1, 31, 10, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("active", true)]
    [InlineData("trialing", true)]
    [InlineData("past_due", true)]
    [InlineData("unpaid", false)]
    [InlineData("canceled", false)]
    [InlineData("incomplete", false)]
    [InlineData("incomplete_expired", false)]
    [InlineData("paused", false)]
    [InlineData("something_new", false)]
    public void A_status_allows_or_does_not(string status, bool access) =>
        Assert.Equal(access, Access.Of(SubscriptionStatuses.Parse(status), January, January.AddDays(1)));

    [Fact]
    public void Who_pays_late_has_a_fortnight()
    {
        Assert.True(Access.Of(SubscriptionStatus.PastDue, January, January.AddDays(14).AddSeconds(-1)));
        Assert.False(Access.Of(SubscriptionStatus.PastDue, January, January.AddDays(14)));
    }

    [Theory]
    [InlineData(1_000, false, 0, 0, 0, null, RechargeDecision.Enough)]
    [InlineData(999, false, 0, 0, 0, null, RechargeDecision.Buy)]
    [InlineData(999, true, 0, 0, 0, null, RechargeDecision.InFlight)]
    [InlineData(999, false, 3, 0, 0, null, RechargeDecision.DailyCeiling)]
    [InlineData(999, false, 0, 4_002, 0, null, RechargeDecision.MonthlyCeiling)]
    [InlineData(999, false, 0, 4_001, 0, null, RechargeDecision.Buy)]
    [InlineData(999, false, 0, 0, 1, 59, RechargeDecision.BackingOff)]
    [InlineData(999, false, 0, 0, 1, 60, RechargeDecision.Buy)]
    [InlineData(999, false, 0, 0, 2, 239, RechargeDecision.BackingOff)]
    [InlineData(999, false, 0, 0, 2, 240, RechargeDecision.Buy)]
    [InlineData(999, false, 0, 0, 3, 99_999, RechargeDecision.SwitchedOff)]
    public void A_recharge_is_decided_by_the_first_that_applies(
        int available, bool inFlight, int today, long month, int failures, int? minutesAgo, RechargeDecision decision)
    {
        DateTimeOffset? failed = minutesAgo is { } ago ? January.AddMinutes(-ago) : null;

        Assert.Equal(decision, AutoRecharge.Decide(
            new(1_000.Credits, 3, 5_000, Enabled: true), new(available.Credits, inFlight, today, month, failures, failed), 999, January));
    }

    [Theory]
    [InlineData(RechargeDecision.DailyCeiling, "2027-02-01T00:00:00Z")]
    [InlineData(RechargeDecision.MonthlyCeiling, "2027-02-01T00:00:00Z")]
    [InlineData(RechargeDecision.BackingOff, "2027-01-31T13:00:00Z")]
    [InlineData(RechargeDecision.InFlight, "2027-01-31T10:00:10Z")]
    [InlineData(RechargeDecision.Enough, "2027-01-31T10:00:00Z")]
    public void What_cannot_be_bought_now_is_not_looked_at_before_it_can(RechargeDecision decision, string at)
    {
        var facts = new RechargeFacts(0.Credits, false, 1, 0, 2, January.AddHours(-1));

        Assert.Equal(DateTimeOffset.Parse(at, null), AutoRecharge.NotBefore(decision, facts, January));
    }

    [Theory]
    [InlineData(true, 10, false, true, null, OrderState.Paid)]
    [InlineData(true, 999, false, false, null, OrderState.Refunded)]
    [InlineData(true, 10, true, false, null, OrderState.Disputed)]
    [InlineData(false, 0, false, true, "declined", OrderState.Expired)]
    [InlineData(false, 0, false, false, "declined", OrderState.Failed)]
    [InlineData(false, 0, false, false, null, OrderState.Open)]
    public void That_money_arrived_outweighs_what_was_thought_before(
        bool paid, long refunded, bool disputed, bool expired, string? failure, OrderState state)
    {
        var facts = new OrderFacts(paid ? January : null, new(999, "usd"), refunded, disputed, expired, failure);

        Assert.Equal(state == OrderState.Paid ? OrderState.PartiallyRefunded : state, facts.State);
    }
}
