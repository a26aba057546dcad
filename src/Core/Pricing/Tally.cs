namespace Purser.Core.Pricing;

/// <summary>A quote while it is written: lines, and their exact sum, which is rounded once at the end.</summary>
sealed class Tally
{
    static readonly Fraction Most = Credits.Max.ToDecimal();

    readonly List<QuoteLine> lines = [];
    Fraction sum = Fraction.Zero;

    public void Add(string item, decimal quantity, UnitPrice price)
    {
        if (quantity == 0 || price.Exact.IsZero) return;

        var amount = price.Exact * quantity;
        sum += amount;
        // Beyond this no line can be written, and the sum will be refused.
        if (!(sum > Most)) lines.Add(new(item, quantity, price.Shown, amount.ToDecimal()));
    }

    public void RaiseTo(Fraction minimum)
    {
        if (sum < minimum) Add("minimum", 1, new(minimum - sum));
    }

    public Quotation Close(int version, string subject, string param, Rates rates)
    {
        if (sum > rates.MaxCharge.ToDecimal())
        {
            return new Quotation.Refused(
                PricingRefusal.AmountOutOfRange, param, $"{subject} would cost more than {rates.MaxCharge} credits.");
        }

        var amount = Round(rates.Rounding);
        var difference = amount.ToDecimal() - lines.Sum(line => line.Amount);
        if (difference != 0) lines.Add(new("rounding", 1, difference, difference));
        return new Quotation.Priced(new(version, subject, amount, lines));
    }

    Credits Round(Rounding rounding) => rounding switch
    {
        Rounding.Exact => new((long)(sum * 1_000_000m).Ceiling()),
        Rounding.Ceil => Credits.Of((decimal)sum.Ceiling()),
    };
}
