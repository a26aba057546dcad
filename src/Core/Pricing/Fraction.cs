using System.Numerics;

namespace Purser.Core.Pricing;

/// <summary>
/// A ratio of integers of any size. A decimal would round a third of a credit to 28 digits, and a price that was
/// rounded down before it is rounded up may come out a step too low.
/// </summary>
readonly struct Fraction
{
    // Twelve digits before the point and fifteen behind fit a decimal, whatever the amount.
    const int DecimalPlaces = 15;

    static readonly BigInteger PlacesScale = BigInteger.Pow(10, DecimalPlaces);

    readonly BigInteger numerator;
    readonly BigInteger denominator;

    public Fraction(BigInteger numerator, BigInteger denominator)
    {
        this.numerator = numerator;
        this.denominator = denominator;
    }

    public static Fraction Zero => new(BigInteger.Zero, BigInteger.One);

    public static implicit operator Fraction(decimal value)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(value, bits);
        // Three words of 32 bits, whose sign bits are digits like the others.
        var (low, middle, high) = unchecked(((uint)bits[0], (uint)bits[1], (uint)bits[2]));
        var mantissa = ((BigInteger)high << 64) | ((BigInteger)middle << 32) | low;
        return new(value < 0 ? -mantissa : mantissa, BigInteger.Pow(10, value.Scale));
    }

    public static Fraction operator *(Fraction a, Fraction b) =>
        new(a.numerator * b.numerator, a.denominator * b.denominator);

    public static Fraction operator /(Fraction a, Fraction b) =>
        new(a.numerator * b.denominator, a.denominator * b.numerator);

    public static Fraction operator +(Fraction a, Fraction b) => a.denominator == b.denominator
        ? new(a.numerator + b.numerator, a.denominator)
        : new((a.numerator * b.denominator) + (b.numerator * a.denominator), a.denominator * b.denominator);

    public static Fraction operator -(Fraction a, Fraction b) => a + new Fraction(-b.numerator, b.denominator);

    public static bool operator <(Fraction a, Fraction b) =>
        a.numerator * b.denominator < b.numerator * a.denominator;

    public static bool operator >(Fraction a, Fraction b) => b < a;

    public bool IsZero => numerator.IsZero;

    /// <summary>In lowest terms, worth its cost for a number that is computed with again and again.</summary>
    public Fraction Reduced()
    {
        var divisor = BigInteger.GreatestCommonDivisor(numerator, denominator);
        return new(numerator / divisor, denominator / divisor);
    }

    /// <summary>So many times it, where that is a whole number.</summary>
    public BigInteger? TimesWhole(long factor)
    {
        var quotient = BigInteger.DivRem(numerator * factor, denominator, out var remainder);
        return remainder.IsZero ? quotient : null;
    }

    /// <summary>For numbers that are not negative.</summary>
    public BigInteger Floor() => numerator / denominator;

    /// <summary>Credits that are not negative, up to the micro-credit or to the whole credit.</summary>
    public Credits RoundedUp(Rounding rounding) => rounding switch
    {
        Rounding.Exact => new((long)(this * 1_000_000m).Ceiling()),
        Rounding.Ceil => Credits.Of((decimal)Ceiling()),
    };

    /// <summary>Cut after fifteen decimals. For numbers that are not negative and at most a trillion.</summary>
    public decimal ToDecimal()
    {
        var cut = (decimal)(numerator * PlacesScale / denominator) * new decimal(1, 0, 0, false, DecimalPlaces);
        // Dividing by one with all its zeros is how a decimal drops the zeros it does not need.
        return cut / 1.0000000000000000000000000000m;
    }

    /// <summary>For numbers that are not negative.</summary>
    public BigInteger Ceiling()
    {
        var quotient = BigInteger.DivRem(numerator, denominator, out var remainder);
        return remainder.Sign > 0 ? quotient + 1 : quotient;
    }
}
