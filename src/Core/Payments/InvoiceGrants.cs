using Purser.Core.Catalog;

namespace Purser.Core.Payments;

/// <summary>What an invoice says of one plan, for a while.</summary>
/// <param name="Plan">What its price was made for; null where it is nothing of ours.</param>
/// <param name="Proration">A share of a period, given back or charged because something changed.</param>
public sealed record InvoiceLine(
    string Id, Plan? Plan, Interval Interval, bool Proration, long AmountMinor, DateTimeOffset Start, DateTimeOffset End);

/// <param name="PeriodStart">Of the subscription's current period.</param>
public sealed record PaidInvoice(
    string Id, string Reason, string Subscription, DateTimeOffset PeriodStart, DateTimeOffset PeriodEnd, IReadOnlyList<InvoiceLine> Lines);

/// <summary>Credits that an invoice has paid for.</summary>
/// <param name="Identity">Names them for ever: granted under this name, they are granted once.</param>
public sealed record InvoiceGrant(string Identity, Credits Amount, Credits? Cap, DateTimeOffset? ExpiresAt, long PaidMinor, string Why);

/// <summary>A year that was paid for at once, and whose credits come month by month.</summary>
public sealed record PaidYear(string Identity, DateTimeOffset Start, DateTimeOffset End, long PaidMinor);

/// <summary>
/// Which credits a paid invoice brings: a plan's for each line that bills a period of it, and for a change within a period
/// the difference for what is left of it. Never by what the subscription says, and never by the amount.
/// </summary>
public static class InvoiceGrants
{
    public const int MonthsInYear = 12;

    public static (IReadOnlyList<InvoiceGrant> Now, IReadOnlyList<PaidYear> Years) Of(PaidInvoice invoice)
    {
        var grants = new List<InvoiceGrant>();
        var years = new List<PaidYear>();
        if (invoice.Reason is not ("subscription_create" or "subscription_cycle" or "subscription_update")) return (grants, years);

        foreach (var line in invoice.Lines.Where(line => line is { Plan: not null, Proration: false, AmountMinor: >= 0 }))
        {
            var identity = $"grant:{invoice.Id}:{line.Id}";
            if (line.AmountMinor == 0) grants.AddRange(Trial(invoice, line));
            else if (line.Interval == Interval.Year) years.Add(new(identity, line.Start, line.End, line.AmountMinor));
            else if (Monthly(identity, line.Plan!, line.End, line.AmountMinor) is { } grant) grants.Add(grant);
        }

        if (invoice.Reason == "subscription_update" && grants.Count == 0 && years.Count == 0) grants.AddRange(Change(invoice));
        return (grants, years);
    }

    /// <summary>One month's credits of a plan; null where it has none.</summary>
    public static InvoiceGrant? Monthly(string identity, Plan plan, DateTimeOffset end, long paidMinor) => plan.Included > Credits.Zero
        ? new(
            identity,
            plan.Included,
            plan.Rollover == Rollover.Capped ? plan.RolloverCap : null,
            plan.Rollover == Rollover.None ? end : null,
            paidMinor,
            $"{plan.Name}, included")
        : null;

    /// <summary>The beginning of a year's months, and its end: counted from the first day, so that a 31st comes back.</summary>
    public static DateTimeOffset MonthOf(PaidYear year, int month) =>
        month >= MonthsInYear ? year.End : year.Start.AddMonths(month);

    /// <summary>A month's share of what the year cost: the twelve of them are the whole, to the cent.</summary>
    public static long ShareOf(PaidYear year, int month) =>
        (year.PaidMinor * (month + 1) / MonthsInYear) - (year.PaidMinor * month / MonthsInYear);

    /// <summary>What a change brings at once: the difference of two plans, for the share of the month that is left.</summary>
    public static Credits Difference(Plan from, Plan to, DateTimeOffset start, DateTimeOffset at, DateTimeOffset end)
    {
        if (to.Included <= from.Included || end <= start || at >= end) return Credits.Zero;

        var left = (long)(end - (at < start ? start : at)).TotalSeconds;
        var whole = (long)(end - start).TotalSeconds;
        return new((long)((Int128)(to.Included - from.Included).Micros * left / whole));
    }

    /// <summary>The month of a period in which a moment lies: all of it where it is billed by the month.</summary>
    public static (DateTimeOffset Start, DateTimeOffset End) MonthAround(
        Interval interval, DateTimeOffset start, DateTimeOffset end, DateTimeOffset at)
    {
        if (interval == Interval.Month) return (start, end);

        var year = new PaidYear("", start, end, 0);
        var month = Enumerable.Range(0, MonthsInYear).Last(number => number == 0 || MonthOf(year, number) <= at);
        return (MonthOf(year, month), MonthOf(year, month + 1));
    }

    // An invoice of nothing is a trial's, which is had once.
    static IEnumerable<InvoiceGrant> Trial(PaidInvoice invoice, InvoiceLine line)
    {
        if (line.Plan is not { TrialDays: > 0 } plan || plan.TrialCredits <= Credits.Zero) yield break;

        yield return new($"trial:{invoice.Subscription}", plan.TrialCredits, Cap: null, line.End, 0, $"{plan.Name}, trial");
    }

    static IEnumerable<InvoiceGrant> Change(PaidInvoice invoice)
    {
        var charged = invoice.Lines.LastOrDefault(line => line is { Plan: not null, Proration: true, AmountMinor: > 0 });
        var givenBack = invoice.Lines.LastOrDefault(line => line is { Plan: not null, Proration: true, AmountMinor: <= 0 });
        if (charged is null || givenBack is null || charged.Interval != givenBack.Interval) yield break;

        var (start, end) = MonthAround(charged.Interval, invoice.PeriodStart, invoice.PeriodEnd, charged.Start);
        var credits = Difference(givenBack.Plan!, charged.Plan!, start, charged.Start, end);
        if (credits <= Credits.Zero) yield break;

        var plan = charged.Plan!;
        var paid = Math.Max(0, charged.AmountMinor + givenBack.AmountMinor);
        yield return new(
            $"grant:{invoice.Id}:change",
            credits,
            Cap: null,
            plan.Rollover == Rollover.None ? end : null,
            paid,
            $"{plan.Name} in place of {givenBack.Plan!.Name}");
    }
}
