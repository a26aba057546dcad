using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Purser.Core;

/// <summary>Who pays, by the product's own name: 1 to 128 of <c>A-Z a-z 0-9 . _ : @ -</c>.</summary>
public readonly record struct CustomerId : IParsable<CustomerId>
{
    const int LongestName = 128;

    static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-");

    CustomerId(string value) => Value = value;

    public string Value { get; }

    public static CustomerId Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var id)
            ? id
            : throw new FormatException("A customer id is 1 to 128 of A-Z a-z 0-9 . _ : @ -");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out CustomerId result)
    {
        result = default;
        if (s is null or "" || s.Length > LongestName || s.AsSpan().ContainsAnyExcept(Allowed)) return false;

        result = new(s);
        return true;
    }

    public override string ToString() => Value;
}
