namespace Purser.Core.Payments;

/// <summary>Why an order cannot be refunded as asked. Declared in order of precedence.</summary>
public enum RefundRefusal
{
    NotPaid,
    Disputed,
    AmountNotPositive,
    NothingLeft,
    MoneyExceedsPaid,
    CreditsExceedGranted,
}

/// <summary>One of the lots that an order brought.</summary>
public sealed record RefundableLot(long Seq, Credits Amount, Credits Remaining, Credits Reversed);

/// <param name="Paid">What arrived for the order, and was not given back by a later invoice.</param>
/// <param name="Cost">What its credits cost, of months to come as well: less where some of it was given back otherwise.</param>
/// <param name="Refunded">What went back or is on its way.</param>
/// <param name="Returned">Credits that were taken for it, or are held for it.</param>
public sealed record RefundFacts(
    bool IsPaid, bool Disputed, long Paid, long Cost, long Refunded, Credits Returned, IReadOnlyList<RefundableLot> Lots)
{
    /// <summary>The smallest amount that goes back in the order's currency.</summary>
    public int Step { get; init; } = 1;

    /// <summary>Credits of months that were paid for and have not begun.</summary>
    public Credits Coming { get; init; }

    /// <summary>Those of them that went back before they came.</summary>
    public Credits Forgone { get; init; }

    public Credits Granted => new(Lots.Sum(lot => lot.Amount.Micros) + Coming.Micros + Forgone.Micros);

    /// <summary>What is left of what has come.</summary>
    public Credits Unspent => new(Lots.Sum(lot => lot.Remaining.Micros));
}

/// <summary>From where credits are taken: from months to come first, then from lots.</summary>
public sealed record RefundSources(Credits Coming, IReadOnlyList<(long Lot, Credits Amount)> Lots)
{
    public Credits Total => new(Coming.Micros + InWallet.Micros);

    public Credits InWallet => new(Lots.Sum(part => part.Amount.Micros));
}

public abstract record RefundDecision
{
    RefundDecision() { }

    /// <param name="Minor">The money that goes back.</param>
    /// <param name="Credits">The credits that are taken for it.</param>
    public sealed record Refund(long Minor, Credits Credits) : RefundDecision;

    public sealed record Refused(RefundRefusal Why) : RefundDecision;
}

/// <summary>
/// How much money goes back for how many credits. Both follow one line from nothing to all of it, and every refund takes
/// the next piece of that line: however an order is refunded bit by bit, it never returns more than was paid, and all of
/// it once all of its credits have come back.
/// </summary>
public static class Refunding
{
    /// <summary>Neither given: what is unspent, at what was paid for it. Both given: exactly so.</summary>
    /// <param name="available">What the wallet could give back now: of what is held nobody can say that it is unspent.</param>
    public static RefundDecision Decide(RefundFacts facts, Credits? credits, long? minor, Credits available)
    {
        if (!facts.IsPaid) return Refused(RefundRefusal.NotPaid);
        if (facts.Disputed) return Refused(RefundRefusal.Disputed);
        if (credits <= Credits.Zero || minor <= 0) return Refused(RefundRefusal.AmountNotPositive);

        var moneyLeft = facts.Paid - facts.Refunded;
        var creditsLeft = facts.Granted - facts.Returned;
        var refund = (credits, minor) switch
        {
            (null, null) => Credits.Min(facts.Coming + Credits.Min(facts.Unspent, available), creditsLeft) is var unspent
                ? new RefundDecision.Refund(MoneyFor(facts, unspent), unspent)
                : null!,
            ({ } given, null) => new(given <= creditsLeft ? MoneyFor(facts, given) : 0, given),
            (null, { } given) => new(given, given <= moneyLeft ? CreditsFor(facts, given) : Credits.Zero),
            ({ } ofCredits, { } ofMoney) => new RefundDecision.Refund(ofMoney, ofCredits),
        };
        if (refund.Minor > moneyLeft) return Refused(RefundRefusal.MoneyExceedsPaid);
        if (refund.Credits > creditsLeft) return Refused(RefundRefusal.CreditsExceedGranted);
        return refund.Minor > 0 ? refund : Refused(RefundRefusal.NothingLeft);

        static RefundDecision Refused(RefundRefusal why) => new RefundDecision.Refused(why);
    }

    /// <summary>
    /// Money went back, whoever decided so: the credits that belong to it, never more than are left of the order. Of no
    /// money at all, those that are missing for what went back before.
    /// </summary>
    public static Credits Followed(RefundFacts facts, long minor) =>
        CreditsFor(facts, Math.Min(minor, Math.Max(0, facts.Paid - facts.Refunded)));

    /// <summary>Where a number of credits is taken from: what is least burnt first.</summary>
    public static RefundSources Spread(RefundFacts facts, Credits amount)
    {
        var coming = Credits.Min(facts.Coming, amount);
        return new(coming, Spread(facts.Lots, amount - coming));
    }

    public static IReadOnlyList<(long Lot, Credits Amount)> Spread(IReadOnlyList<RefundableLot> lots, Credits amount)
    {
        var spread = new List<(long, Credits)>();
        foreach (var lot in lots.OrderByDescending(lot => lot.Seq))
        {
            var part = Credits.Min(amount, lot.Amount - lot.Reversed);
            if (part <= Credits.Zero) continue;

            spread.Add((lot.Seq, part));
            amount -= part;
        }

        return spread;
    }

    /// <summary>
    /// What of each order's money later invoices of the subscription have put on the customer's balance, where it pays for
    /// other things: of the youngest order first, as its credits are taken.
    /// </summary>
    /// <param name="orders">Oldest first. An invoice whose total is less than nothing gives that much back.</param>
    public static IReadOnlyList<long> GivenBack(IReadOnlyList<(long Received, long Total)> orders)
    {
        var given = new long[orders.Count];
        for (var i = 0; i < orders.Count; i++)
        {
            var gone = Math.Max(0, -orders[i].Total);
            for (var earlier = i - 1; earlier >= 0 && gone > 0; earlier--)
            {
                var part = Math.Min(gone, orders[earlier].Received - given[earlier]);
                given[earlier] += part;
                gone -= part;
            }
        }

        return given;
    }

    // Downwards: what is rounded away stays for the last refund.
    static long MoneyFor(RefundFacts facts, Credits credits)
    {
        if (facts.Granted == Credits.Zero) return 0;

        var upTo = (Int128)Worth(facts) * (facts.Returned + credits).Micros / facts.Granted.Micros;
        var minor = Math.Clamp((long)upTo - facts.Refunded, 0, facts.Paid - facts.Refunded);
        return minor - (minor % facts.Step);
    }

    // Upwards: money never goes back for credits that stay.
    static Credits CreditsFor(RefundFacts facts, long minor)
    {
        var worth = Worth(facts);
        if (worth == 0) return Credits.Zero;

        var upTo = (((Int128)facts.Granted.Micros * (facts.Refunded + minor)) + worth - 1) / worth;
        var credits = new Credits((long)upTo) - facts.Returned;
        var left = facts.Granted - facts.Returned;
        return credits <= Credits.Zero ? Credits.Zero : Credits.Min(credits, left);
    }

    static long Worth(RefundFacts facts) => Math.Min(facts.Paid, facts.Cost);
}
