using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Purser.Core.Ledger;

/// <summary>An entry is named by its wallet and its number there, so that the name alone finds it.</summary>
public readonly record struct EntryId(WalletId Wallet, long Seq) : IParsable<EntryId>
{
    const string Prefix = "ent";

    public static EntryId Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var id) ? id : throw new FormatException($"'{s}' is not the id of an entry.");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out EntryId result)
    {
        var known = NumberedId.TryRead(Prefix, s, out var wallet, out var number);
        result = known ? new(wallet, number) : default;
        return known;
    }

    public override string ToString() => NumberedId.Write(Prefix, Wallet, Seq);
}

/// <summary>A hold is named by its wallet and its number there: a capture reaches the right lane without a look-up.</summary>
public readonly record struct HoldId(WalletId Wallet, long Number) : IParsable<HoldId>
{
    const string Prefix = "hld";

    public static HoldId Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var id) ? id : throw new FormatException($"'{s}' is not the id of a hold.");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out HoldId result)
    {
        var known = NumberedId.TryRead(Prefix, s, out var wallet, out var number);
        result = known ? new(wallet, number) : default;
        return known;
    }

    public override string ToString() => NumberedId.Write(Prefix, Wallet, Number);
}

/// <summary>The spelling both share: <c>prefix_wallet_number</c>, and no other text for the same thing.</summary>
static class NumberedId
{
    const int GuidLength = 32;

    public static string Write(string prefix, WalletId wallet, long number) =>
        string.Create(CultureInfo.InvariantCulture, $"{prefix}_{wallet.Value:N}_{number}");

    public static bool TryRead(string prefix, string? text, out WalletId wallet, out long number)
    {
        wallet = default;
        number = 0;
        if (text is null || !text.StartsWith(prefix, StringComparison.Ordinal)) return false;

        var rest = text.AsSpan(prefix.Length);
        if (rest.Length < GuidLength + 3 || rest[0] != '_' || rest[GuidLength + 1] != '_') return false;
        if (!Guid.TryParseExact(rest[1..(GuidLength + 1)], "N", out var guid)) return false;
        if (!long.TryParse(rest[(GuidLength + 2)..], NumberStyles.None, CultureInfo.InvariantCulture, out number)) return false;

        wallet = new(guid);
        return number > 0 && Write(prefix, wallet, number) == text;
    }
}
