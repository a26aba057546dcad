using Purser.Core.Catalog;

namespace Purser.Core.Payments;

/// <summary>What an invoice says of one plan, for a while.</summary>
/// <param name="Plan">What its price was made for; null where it is nothing of ours.</param>
/// <param name="Proration">The rest of a period, charged or given back because something changed: it begins with the change.</param>
public sealed record InvoiceLine(
    string Id, Plan? Plan, Interval Interval, bool Proration, long AmountMinor, DateTimeOffset Start, DateTimeOffset End)
{
    /// <summary>Purser sells one; at Stripe it can be made more.</summary>
    public long Quantity { get; init; } = 1;

    /// <summary>What a month of it includes.</summary>
    public Credits Included => new((Plan?.Included.Micros ?? 0) * Quantity);
}

/// <param name="Anchor">What the subscription's periods are counted from.</param>
public sealed record PaidInvoice(
    string Id, string Reason, string Subscription, DateTimeOffset Anchor, IReadOnlyList<InvoiceLine> Lines);

/// <summary>Credits that an invoice has paid for.</summary>
/// <param name="Identity">Names them for ever: granted under this name, they are granted once.</param>
public sealed record InvoiceGrant(string Identity, Credits Amount, Credits? Cap, DateTimeOffset? ExpiresAt, long PaidMinor, string Why);

/// <summary>Credits that leave, because the time they were for was given back.</summary>
/// <param name="Coming">Of months that were paid for and have not begun.</param>
public sealed record InvoiceReturn(Credits Amount, Credits Coming, string Why);

/// <summary>
/// Which credits a paid invoice moves. A line that bills a period of a plan brings the plan's. Of a change within a period,
/// what is charged brings them for what is left of the month, and what is given back takes them: whoever has the money back
/// for a time does not keep its credits. Never by what the subscription says; the amount only tells giving from taking.
/// </summary>
public sealed record InvoiceCredits(
    IReadOnlyList<InvoiceGrant> Grants, IReadOnlyList<PaidMonths> Months, InvoiceReturn? Return)
{
    public static readonly InvoiceCredits None = new([], [], null);

    /// <summary>What it changes at once: less than nothing where more leaves than comes.</summary>
    public Credits AtOnce => new(Grants.Sum(grant => grant.Amount.Micros) - (Return?.Amount.Micros ?? 0));

    public static InvoiceCredits Of(PaidInvoice invoice)
    {
        if (invoice.Reason is not ("subscription_create" or "subscription_cycle" or "subscription_update")) return None;

        var ours = invoice.Lines.Where(line => line is { Plan: not null, Quantity: > 0 }).ToList();
        var periods = ours.Where(line => line is { Proration: false, AmountMinor: >= 0 }).Select(line => Period(invoice, line));
        var changes = ours.Where(line => line is { Proration: true, AmountMinor: not 0 }).GroupBy(line => line.Start)
            .Select(lines => Change(invoice, [.. lines]));
        return changes.Concat(periods).Aggregate(None, (sum, part) => new(
            [.. sum.Grants, .. part.Grants], [.. sum.Months, .. part.Months], Both(sum.Return, part.Return)));
    }

    static InvoiceReturn? Both(InvoiceReturn? a, InvoiceReturn? b) =>
        a is null || b is null ? a ?? b : b with { Amount = a.Amount + b.Amount, Coming = a.Coming + b.Coming };

    static InvoiceCredits Period(PaidInvoice invoice, InvoiceLine line)
    {
        var plan = line.Plan!;
        var identity = $"grant:{invoice.Id}:{line.Id}";
        if (line.AmountMinor == 0) return Trial(invoice, line);
        if (line.Included == Credits.Zero) return None;
        if (line.Interval == Interval.Month)
            return new([Grant(identity, plan, line.Included, line.End, line.AmountMinor, $"{plan.Name}, included")], [], null);

        var months = Payments.Months.Until(line.End, invoice.Anchor);
        var first = months.At(line.Start);
        var count = months.At(line.End) - first;
        var year = new PaidMonths(identity, months, first, count, new(line.Included.Micros * count), line.AmountMinor);
        return new([year.Next(plan)], [year.Rest], null);
    }

    // An invoice of nothing is a trial's, which is had once.
    static InvoiceCredits Trial(PaidInvoice invoice, InvoiceLine line) =>
        line.Plan is { TrialDays: > 0 } plan && plan.TrialCredits > Credits.Zero
            ? new([new($"trial:{invoice.Subscription}", plan.TrialCredits, Cap: null, line.End, 0, $"{plan.Name}, trial")], [], null)
            : None;

    static InvoiceCredits Change(PaidInvoice invoice, IReadOnlyList<InvoiceLine> lines)
    {
        var last = lines.LastOrDefault(line => line.AmountMinor > 0) ?? lines[^1];
        var months = Payments.Months.Until(last.End, invoice.Anchor);
        var month = months.At(last.Start);
        var left = (months[month + 1] < last.End ? months[month + 1] : last.End) - last.Start;
        var whole = months[month + 1] - months[month];
        var after = last.Interval == Interval.Year ? Math.Max(0, months.At(last.End) - month - 1) : 0;

        var difference = lines.Sum(line => line.AmountMinor > 0 ? line.Included.Micros : -line.Included.Micros);
        var now = new Credits(Part(difference, left, whole));
        var coming = new Credits(difference * after);
        var why = Why(lines, last);
        if (difference <= 0) return difference == 0 ? None : new([], [], new(-now, -coming, why));

        // What was paid is for the rest of this month and the months after it, by their length.
        var identity = $"grant:{invoice.Id}:{last.Id}";
        var minor = Math.Max(0, lines.Sum(line => line.AmountMinor));
        var minorNow = Part(minor, left, left + (whole * after));
        return new(
            now > Credits.Zero ? [Grant(identity, last.Plan!, now, months[month + 1], minorNow, why) with { Cap = null }] : [],
            after > 0 ? [new(identity, months, month + 1, after, coming, minor - minorNow)] : [],
            null);
    }

    static string Why(IReadOnlyList<InvoiceLine> lines, InvoiceLine last)
    {
        var before = lines.FirstOrDefault(line => line.AmountMinor < 0)?.Plan!.Name;
        if (last.AmountMinor < 0) return $"{before}, given back";
        return before is null ? $"{last.Plan!.Name}, for what was left" : $"{last.Plan!.Name} in place of {before}";
    }

    static long Part(long amount, TimeSpan part, TimeSpan whole) =>
        whole <= TimeSpan.Zero ? 0 : (long)((Int128)amount * (long)part.TotalSeconds / (long)whole.TotalSeconds);

    internal static InvoiceGrant Grant(string identity, Plan plan, Credits amount, DateTimeOffset end, long paidMinor, string why) => new(
        identity,
        amount,
        plan.Rollover == Rollover.Capped ? plan.RolloverCap : null,
        plan.Rollover == Rollover.None ? end : null,
        paidMinor,
        why);
}
