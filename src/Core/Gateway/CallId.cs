using System.Diagnostics.CodeAnalysis;
using Purser.Core.Ledger;

namespace Purser.Core.Gateway;

/// <summary>A call is named after the hold it is made under: the name alone finds both.</summary>
public readonly record struct CallId(WalletId Wallet, long Number) : IParsable<CallId>
{
    const string Prefix = "call";

    public static CallId Parse(string s, IFormatProvider? provider) =>
        TryParse(s, provider, out var id) ? id : throw new FormatException($"'{s}' is not the id of a call.");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out CallId result)
    {
        var known = NumberedId.TryRead(Prefix, s, out var wallet, out var number);
        result = known ? new(wallet, number) : default;
        return known;
    }

    public override string ToString() => NumberedId.Write(Prefix, Wallet, Number);
}
