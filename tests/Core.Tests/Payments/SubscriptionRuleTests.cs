using Purser.Core.Catalog;
using Purser.Core.Payments;

namespace Purser.Core.Tests.Payments;

public sealed class SubscriptionRuleTests
{
    static readonly DateTimeOffset January = new(2027, 1, 31, 10, 0, 0, TimeSpan.Zero);

    static readonly Plan Small = new("small", "Small") { Included = 1_000.Credits, TrialDays = 14, TrialCredits = 50.Credits };
    static readonly Plan Large = new("large", "Large") { Included = 4_000.Credits, Rollover = Rollover.Capped, RolloverCap = 6_000.Credits };

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
    [InlineData("subscription_create", 1_000)]
    [InlineData("subscription_cycle", 1_000)]
    [InlineData("subscription_update", 1_000)]
    [InlineData("manual", 0)]
    [InlineData("something_new", 0)]
    public void A_paid_line_of_a_plan_brings_its_credits(string reason, int credits)
    {
        var (grants, years) = InvoiceGrants.Of(Invoice(reason, Line("il_1", Small, 1900)));

        Assert.Equal(credits.Credits, new Credits(grants.Sum(grant => grant.Amount.Micros)));
        Assert.Empty(years);
        Assert.All(grants, grant => Assert.Equal(("grant:in_1:il_1", January.AddDays(28)), (grant.Identity, grant.ExpiresAt)));
    }

    [Fact]
    public void A_rollover_with_a_cap_does_not_expire()
    {
        var grant = Assert.Single(InvoiceGrants.Of(Invoice("subscription_cycle", Line("il_1", Large, 4900))).Now);

        Assert.Equal((null, 6_000.Credits), (grant.ExpiresAt, grant.Cap));
    }

    [Fact]
    public void A_trial_is_named_after_its_subscription_so_that_it_is_had_once()
    {
        var grant = Assert.Single(InvoiceGrants.Of(Invoice("subscription_create", Line("il_1", Small, 0))).Now);

        Assert.Equal(("trial:sub_1", 50.Credits, 0L), (grant.Identity, grant.Amount, grant.PaidMinor));
    }

    [Fact]
    public void What_is_none_of_ours_brings_nothing() =>
        Assert.Empty(InvoiceGrants.Of(Invoice("subscription_cycle", Line("il_1", null, 1900))).Now);

    // A quarter of the period is left.
    [Fact]
    public void An_upgrade_brings_the_difference_for_what_is_left()
    {
        var at = January.AddDays(21);
        var (grants, _) = InvoiceGrants.Of(Invoice(
            "subscription_update",
            Line("il_1", Small, -475) with { Proration = true, Start = at },
            Line("il_2", Large, 1225) with { Proration = true, Start = at }));

        var grant = Assert.Single(grants);
        Assert.Equal(("grant:in_1:change", 750.Credits, 750L), (grant.Identity, grant.Amount, grant.PaidMinor));
    }

    [Fact]
    public void A_downgrade_brings_nothing() => Assert.Empty(InvoiceGrants.Of(Invoice(
        "subscription_update",
        Line("il_1", Large, -1225) with { Proration = true },
        Line("il_2", Small, 475) with { Proration = true })).Now);

    [Fact]
    public void The_months_of_a_year_begin_on_the_day_it_began_or_the_last_there_is()
    {
        var (_, years) = InvoiceGrants.Of(Invoice("subscription_create", Line("il_1", Small, 19_001) with
        {
            Interval = Interval.Year, End = January.AddYears(1),
        }));

        var year = Assert.Single(years);
        Assert.Equal([31, 28, 31, 30], Enumerable.Range(0, 4).Select(month => InvoiceGrants.MonthOf(year, month).Day));
        Assert.Equal(January.AddYears(1), InvoiceGrants.MonthOf(year, 12));
        Assert.Equal(19_001, Enumerable.Range(0, 12).Sum(month => InvoiceGrants.ShareOf(year, month)));
        Assert.Equal(
            (InvoiceGrants.MonthOf(year, 1), InvoiceGrants.MonthOf(year, 2)),
            InvoiceGrants.MonthAround(Interval.Year, year.Start, year.End, new(2027, 3, 15, 0, 0, 0, TimeSpan.Zero)));
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

    static PaidInvoice Invoice(string reason, params InvoiceLine[] lines) =>
        new("in_1", reason, "sub_1", January, January.AddDays(28), lines);

    static InvoiceLine Line(string id, Plan? plan, long minor) => new(id, plan, Interval.Month, Proration: false, minor, January, January.AddDays(28));
}
