using System.Numerics;

namespace Purser.Core.Pricing;

/// <summary>What one unit costs: as exact as it is charged, and as it is shown.</summary>
sealed class UnitPrice
{
    public UnitPrice(Fraction exact)
    {
        Exact = exact.Reduced();
        Shown = exact.ToDecimal();
        Quanta = Pricing.Quanta.Of(Exact);
    }

    public Fraction Exact { get; }

    public decimal Shown { get; }

    /// <summary>The same in whole quanta, where it is a whole number of them, as most prices are.</summary>
    public long? Quanta { get; }

    public bool IsAbove(UnitPrice other) =>
        Quanta is { } quanta && other.Quanta is { } others ? quanta > others : Exact > other.Exact;
}

/// <summary>
/// Amounts in quanta, of which a credit has 10^15: as many as a line of a quote has decimals. What is a whole number of
/// them is added and multiplied as an integer, which is exact like a fraction and costs a hundredth.
/// </summary>
static class Quanta
{
    const int Decimals = 15;
    const long PerCredit = 1_000_000_000_000_000;
    const long PerMicro = 1_000_000_000;

    /// <summary>Nothing, where it is no whole number, or so large that quantities times it might overflow.</summary>
    public static long? Of(Fraction credits) =>
        credits.TimesWhole(PerCredit) is { } quanta && quanta <= long.MaxValue ? (long)quanta : null;

    public static Int128 Of(Credits credits) => (Int128)credits.Micros * PerMicro;

    public static Fraction ToFraction(Int128 quanta) => new Fraction((BigInteger)quanta, PerCredit);

    /// <summary>Up to the micro-credit, or to the whole credit.</summary>
    public static Credits RoundedUp(Int128 quanta, Rounding rounding) => rounding switch
    {
        Rounding.Exact => new((long)Ceiling(quanta, PerMicro)),
        Rounding.Ceil => Credits.Of((decimal)Ceiling(quanta, PerCredit)),
    };

    /// <summary>Without the zeros a decimal does not need. For amounts of up to a trillion credits, not negative.</summary>
    public static decimal ToDecimal(Int128 quanta)
    {
        // Dividing by one with all its zeros is how a large decimal drops them; for most amounts there is a quicker way.
        if (quanta > ulong.MaxValue)
            return (decimal)quanta * new decimal(1, 0, 0, false, Decimals) / 1.0000000000000000000000000000m;

        var digits = (ulong)quanta;
        var scale = Decimals;
        for (; scale > 0; scale--)
        {
            var (shorter, last) = Math.DivRem(digits, 10);
            if (last != 0) break;
            digits = shorter;
        }

        // Words of 32 bits, whose sign bits are digits like the others.
        return unchecked(new((int)digits, (int)(digits >> 32), 0, false, (byte)scale));
    }

    static Int128 Ceiling(Int128 quanta, long divisor) => (quanta + divisor - 1) / divisor;
}
