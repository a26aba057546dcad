namespace Purser.Core.Pricing;

/// <summary>A quote while it is written: lines, and their exact sum, which is rounded once at the end.</summary>
sealed class Tally
{
    static readonly Int128 Most = Quanta.Of(Credits.Max);
    static readonly Fraction MostExact = Credits.Max.ToDecimal();

    readonly List<QuoteLine> lines = [];

    // Every amount is in one of the two: in quanta if it is a whole number of them.
    Int128 quanta;
    Fraction? rest;

    public Fraction Sum => rest is { } fraction ? Quanta.ToFraction(quanta) + fraction : Quanta.ToFraction(quanta);

    public bool IsAbove(Tally other) =>
        rest is null && other.rest is null ? quanta > other.quanta : Sum > other.Sum;

    public void Add(string item, long count, UnitPrice price)
    {
        if (price.Quanta is not { } each)
        {
            Add(item, (decimal)count, price);
            return;
        }

        if (count == 0 || each == 0) return;
        var amount = (Int128)each * count;
        quanta += amount;
        // Beyond this no line can be written, and the sum will be refused.
        if (quanta <= Most) lines.Add(new(item, count, price.Shown, Quanta.ToDecimal(amount)));
    }

    public void Add(string item, decimal quantity, UnitPrice price)
    {
        if (price.Quanta is not null && decimal.IsInteger(quantity))
        {
            Add(item, (long)quantity, price);
            return;
        }

        if (quantity == 0 || price.Exact.IsZero) return;
        var amount = price.Exact * quantity;
        rest = rest is { } before ? before + amount : amount;
        if (!(Sum > MostExact)) lines.Add(new(item, quantity, price.Shown, amount.ToDecimal()));
    }

    /// <summary>A line that stands there even when it comes to nothing.</summary>
    public void State(string item, UnitPrice price)
    {
        if (price.Exact.IsZero) lines.Add(new(item, 1, 0, 0));
        else Add(item, 1, price);
    }

    public void RaiseTo(UnitPrice minimum)
    {
        if (rest is null && minimum.Quanta is { } least)
        {
            if (quanta >= least) return;
            var missing = Quanta.ToDecimal(least - quanta);
            lines.Add(new("minimum", 1, missing, missing));
            quanta = least;
        }
        else if (Sum < minimum.Exact)
        {
            Add("minimum", 1, new UnitPrice(minimum.Exact - Sum));
        }
    }

    public Quotation Close(int version, string subject, string param, Rates rates)
    {
        if (rest is null ? quanta > Quanta.Of(rates.MaxCharge) : Sum > rates.MaxCharge.ToDecimal())
        {
            return new Quotation.Refused(
                PricingRefusal.AmountOutOfRange, param, $"{subject} would cost more than {rates.MaxCharge} credits.");
        }

        var amount = rest is null ? Quanta.RoundedUp(quanta, rates.Rounding) : Sum.RoundedUp(rates.Rounding);
        var difference = rest is null
            ? Quanta.ToDecimal(Quanta.Of(amount) - quanta)
            : amount.ToDecimal() - lines.Sum(line => line.Amount);
        if (difference != 0) lines.Add(new("rounding", 1, difference, difference));
        return new Quotation.Priced(new(version, subject, amount, lines));
    }
}
