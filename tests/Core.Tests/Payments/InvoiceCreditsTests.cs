using FsCheck;
using FsCheck.Fluent;
using Purser.Core.Catalog;
using Purser.Core.Payments;
using Interval = Purser.Core.Catalog.Interval;

namespace Purser.Core.Tests.Payments;

public sealed class InvoiceCreditsTests
{
    // Periods that begin on a 31st, so that the shortest month shows.
    static readonly DateTimeOffset January = new(2027, 1, 31, 10, 0, 0, TimeSpan.Zero);
    static readonly DateTimeOffset February = January.AddMonths(1);
    static readonly DateTimeOffset NextYear = January.AddYears(1);

    static readonly Plan Small = new("small", "Small") { Included = 1_000.Credits, TrialDays = 14, TrialCredits = 50.Credits };
    static readonly Plan Large = new("large", "Large") { Included = 4_000.Credits, Rollover = Rollover.Capped, RolloverCap = 6_000.Credits };

    [Theory]
    [InlineData("subscription_create", 1_000)]
    [InlineData("subscription_cycle", 1_000)]
    [InlineData("subscription_update", 1_000)]
    [InlineData("manual", 0)]
    [InlineData("something_new", 0)]
    public void A_paid_line_of_a_plan_brings_its_credits(string reason, int credits)
    {
        var moves = InvoiceCredits.Of(Invoice(reason, Line("il_1", Small, 1900)));

        Assert.Equal(credits.Credits, moves.AtOnce);
        Assert.Empty(moves.Months);
        Assert.All(moves.Grants, grant => Assert.Equal(("grant:in_1:il_1", February), (grant.Identity, grant.ExpiresAt)));
    }

    [Fact]
    public void A_rollover_with_a_cap_does_not_expire()
    {
        var grant = Assert.Single(InvoiceCredits.Of(Invoice("subscription_cycle", Line("il_1", Large, 4900))).Grants);

        Assert.Equal((null, 6_000.Credits), (grant.ExpiresAt, grant.Cap));
    }

    [Fact]
    public void A_trial_is_named_after_its_subscription_so_that_it_is_had_once()
    {
        var grant = Assert.Single(InvoiceCredits.Of(Invoice("subscription_create", Line("il_1", Small, 0))).Grants);

        Assert.Equal(("trial:sub_1", 50.Credits, 0L), (grant.Identity, grant.Amount, grant.PaidMinor));
    }

    [Fact]
    public void What_is_none_of_ours_brings_nothing() =>
        Assert.Equal(0.Credits, InvoiceCredits.Of(Invoice("subscription_cycle", Line("il_1", null, 1900), Back("il_2", null, -5))).AtOnce);

    // A quarter of February is left.
    [Fact]
    public void An_upgrade_brings_the_difference_for_what_is_left()
    {
        var moves = InvoiceCredits.Of(Invoice("subscription_update", Back("il_1", Small, -475), Charged("il_2", Large, 1225)));

        var grant = Assert.Single(moves.Grants);
        Assert.Equal(("grant:in_1:il_2", 750.Credits, 750L), (grant.Identity, grant.Amount, grant.PaidMinor));
        Assert.Null(moves.Return);
    }

    [Fact]
    public void A_downgrade_that_gives_money_back_takes_the_credits_that_belong_to_it()
    {
        var moves = InvoiceCredits.Of(Invoice("subscription_update", Back("il_1", Large, -1225), Charged("il_2", Small, 475)));

        Assert.Empty(moves.Grants);
        Assert.Equal(new(750.Credits, 0.Credits, "Small in place of Large"), moves.Return);
    }

    // Found after a month, or a year, it is what it was: the invoice says when it happened, and the anchor which month it was.
    [Fact]
    public void A_change_counts_the_month_that_it_was_made_in_however_late_it_is_found()
    {
        var change = Invoice("subscription_update", Back("il_1", Small, -475), Charged("il_2", Large, 1225));

        var moved = InvoiceCredits.Of(change with { Anchor = January.AddYears(-2) });
        var reset = InvoiceCredits.Of(change with { Anchor = January.AddDays(100) });

        Assert.Equal(750.Credits, moved.AtOnce);
        // From an anchor that has moved since, the month is counted back from its end, which is the 28th.
        Assert.Equal(new Credits(3_000_000_000L * 7 / 31), reset.AtOnce);
    }

    [Fact]
    public void Another_interval_takes_what_is_left_of_the_old_one_and_brings_the_new_one()
    {
        var year = Line("il_2", Large, 49_000) with { Interval = Interval.Year, Start = At, End = At.AddYears(1) };
        var moves = InvoiceCredits.Of(Invoice("subscription_update", Back("il_1", Small, -475), year) with { Anchor = At });

        // Seven days of thirty-one: where the anchor has moved, the month is counted back from its end.
        Assert.Equal(new Credits(1_000_000_000L * 7 / 31), moves.Return!.Amount);
        Assert.Equal(4_000.Credits, Assert.Single(moves.Grants).Amount);
        Assert.Equal((11, 44_000.Credits), (moves.Months[0].Left, moves.Months[0].Coming));
    }

    [Fact]
    public void The_months_of_a_year_begin_on_the_day_it_began_or_the_last_there_is()
    {
        var moves = InvoiceCredits.Of(Invoice("subscription_create", Year("il_1", Small, 19_001)));

        var first = Assert.Single(moves.Grants);
        Assert.Equal(("grant:in_1:il_1:m0", 1_000.Credits, February), (first.Identity, first.Amount, first.ExpiresAt));
        var all = All(Small, Assert.Single(moves.Months));
        Assert.Equal([28, 31, 30], all.Take(3).Select(month => month.At.Day));
        Assert.Equal(NextYear, all[^1].Grant.ExpiresAt);
        Assert.Equal(19_001, first.PaidMinor + all.Sum(month => month.Grant.PaidMinor));
        Assert.All(all, month => Assert.Equal(1_000.Credits, month.Grant.Amount));
    }

    [Fact]
    public void What_is_looked_at_again_has_the_same_name_although_the_anchor_has_moved()
    {
        var year = Invoice("subscription_create", Year("il_1", Small, 19_000));

        var (before, after) = (InvoiceCredits.Of(year), InvoiceCredits.Of(year with { Anchor = January.AddDays(100) }));

        Assert.Equal(before.Grants[0].Identity, after.Grants[0].Identity);
        Assert.Equal(before.Months[0].Next(Small).Identity, after.Months[0].Next(Small).Identity);
    }

    [Fact]
    public void An_upgrade_of_a_year_brings_the_difference_of_every_month_that_is_left()
    {
        var at = new DateTimeOffset(2027, 11, 15, 10, 0, 0, TimeSpan.Zero);
        var moves = InvoiceCredits.Of(Invoice(
            "subscription_update",
            Year("il_1", Small, -4_000) with { Proration = true, Start = at },
            Year("il_2", Large, 10_000) with { Proration = true, Start = at }));

        // From the 31st of October to the 30th of November, then December and January.
        Assert.Equal(new Credits(3_000_000_000L * 15 / 30), moves.AtOnce);
        var months = Assert.Single(moves.Months);
        Assert.Equal((2, 6_000.Credits, new DateTime(2027, 11, 30)), (months.Left, months.Coming, months.NextAt.Date));
        Assert.Equal(6_000, moves.Grants[0].PaidMinor + months.Minor);
        Assert.Equal(NextYear, months.End);
    }

    [Fact]
    public void A_downgrade_of_a_year_takes_from_every_month_that_is_left()
    {
        var at = new DateTimeOffset(2027, 11, 15, 10, 0, 0, TimeSpan.Zero);
        var moves = InvoiceCredits.Of(Invoice(
            "subscription_update",
            Year("il_1", Large, -10_000) with { Proration = true, Start = at },
            Year("il_2", Small, 4_000) with { Proration = true, Start = at }));

        Assert.Equal((new Credits(3_000_000_000L * 15 / 30), 6_000.Credits), (moves.Return!.Amount, moves.Return.Coming));
    }

    // Two changes that wait for one invoice: up in the middle of the month, down again a week before its end.
    [Fact]
    public void Each_change_on_an_invoice_counts_from_its_own_moment()
    {
        var up = January.AddDays(14);
        var moves = InvoiceCredits.Of(Invoice(
            "subscription_cycle",
            Back("il_1", Small, -950) with { Start = up }, Charged("il_2", Large, 2450) with { Start = up },
            Back("il_3", Large, -1225), Charged("il_4", Small, 475),
            Line("il_5", Small, 1900) with { Start = February, End = February.AddMonths(1) }));

        Assert.Equal((1_500 - 750 + 1_000).Credits, moves.AtOnce);
    }

    // Whoever changes up and down as often as they like has paid for what they have.
    [Fact]
    public void Changing_up_and_down_at_one_moment_leaves_nothing_behind() => Prop.ForAll(
        Gen.Choose(0, 28 * 86_400).ToArbitrary(),
        seconds =>
        {
            var at = January.AddSeconds(seconds);
            var up = InvoiceCredits.Of(Invoice(
                "subscription_update", Back("il_1", Small, -1) with { Start = at }, Charged("il_2", Large, 1) with { Start = at }));
            var down = InvoiceCredits.Of(Invoice(
                "subscription_update", Back("il_3", Large, -1) with { Start = at }, Charged("il_4", Small, 1) with { Start = at }));

            Assert.Equal(0.Credits, up.AtOnce + down.AtOnce);
        }).QuickCheckThrowOnFailure();

    static List<(DateTimeOffset At, InvoiceGrant Grant)> All(Plan plan, PaidMonths months)
    {
        var all = new List<(DateTimeOffset, InvoiceGrant)>();
        for (; months.Left > 0; months = months.Rest) all.Add((months.NextAt, months.Next(plan)));
        Assert.Equal((0.Credits, 0L), (months.Coming, months.Minor));
        return all;
    }

    static readonly DateTimeOffset At = January.AddDays(21);

    static PaidInvoice Invoice(string reason, params InvoiceLine[] lines) => new("in_1", reason, "sub_1", January, lines);

    static InvoiceLine Line(string id, Plan? plan, long minor) => new(id, plan, Interval.Month, Proration: false, minor, January, February);

    static InvoiceLine Year(string id, Plan plan, long minor) => Line(id, plan, minor) with { Interval = Interval.Year, End = NextYear };

    static InvoiceLine Back(string id, Plan? plan, long minor) => Line(id, plan, minor) with { Proration = true, Start = At };

    static InvoiceLine Charged(string id, Plan plan, long minor) => Back(id, plan, minor);
}
