using System.Globalization;

namespace Purser.Core;

/// <summary>What a wallet holds, in millionths of a credit: the smallest step a price may round to.</summary>
public readonly record struct Credits(long Micros) : IComparable<Credits>
{
    const long MicrosPerCredit = 1_000_000;
    const int DecimalPlaces = 6;

    // A decimal keeps 28 digits and rounds the rest away; an amount must not change while it is read.
    const int LongestText = 28;

    public static Credits Zero => default;

    /// <summary>No amount and no balance is larger: a trillion credits, so that sums of a few never overflow.</summary>
    public static Credits Max => new(1_000_000_000_000 * MicrosPerCredit);

    /// <summary>Exact, or an <see cref="OverflowException"/> or <see cref="ArgumentException"/>: never rounded.</summary>
    public static Credits Of(decimal credits)
    {
        var micros = credits * MicrosPerCredit;
        return decimal.IsInteger(micros)
            ? new((long)micros)
            : throw new ArgumentException($"{credits} has more than {DecimalPlaces} decimals.", nameof(credits));
    }

    /// <summary>Reads what clients send: a decimal number with at most six places, within plus or minus <see cref="Max"/>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Credits credits)
    {
        const NumberStyles Number =
            NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

        credits = default;
        // .NET reads over zero bytes behind a number.
        if (text.Length > LongestText || text.Contains('\0')) return false;
        if (!decimal.TryParse(text, Number, CultureInfo.InvariantCulture, out var value)) return false;
        // What is too small for a decimal reads as zero: 1e-40 is not nothing.
        if (value == 0 && text.ContainsAnyInRange('1', '9')) return false;
        if (Math.Abs(value) > Max.ToDecimal()) return false;

        var micros = value * MicrosPerCredit;
        if (!decimal.IsInteger(micros)) return false;

        credits = new((long)micros);
        return true;
    }

    public static Credits Min(Credits a, Credits b) => a <= b ? a : b;

    public static Credits operator +(Credits a, Credits b) => new(a.Micros + b.Micros);
    public static Credits operator -(Credits a, Credits b) => new(a.Micros - b.Micros);
    public static Credits operator -(Credits a) => new(-a.Micros);
    public static bool operator >(Credits a, Credits b) => a.Micros > b.Micros;
    public static bool operator <(Credits a, Credits b) => a.Micros < b.Micros;
    public static bool operator >=(Credits a, Credits b) => a.Micros >= b.Micros;
    public static bool operator <=(Credits a, Credits b) => a.Micros <= b.Micros;

    public decimal ToDecimal() => Micros / (decimal)MicrosPerCredit;

    public int CompareTo(Credits other) => Micros.CompareTo(other.Micros);

    public override string ToString() => ToDecimal().ToString("0.######", CultureInfo.InvariantCulture);
}
