using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Core.Payments;

public enum SignatureVerdict
{
    Valid,

    /// <summary>No header, or one without a time and a signature of the one scheme that counts.</summary>
    Missing,

    /// <summary>Made by nobody who knows one of the secrets, for exactly these bytes.</summary>
    Wrong,

    /// <summary>Right, but too far from now: somebody may be sending again what they have overheard.</summary>
    Stale,
}

/// <summary>
/// Stripe's scheme: <c>t=SECONDS,v1=HEX[,v1=HEX…]</c>, where each v1 is the HMAC-SHA256, under one secret, of the time, a
/// dot and the bytes of the body as they came. Other schemes are no proof of anything.
/// </summary>
public static class StripeSignature
{
    public static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(300);

    public static SignatureVerdict Check(
        string? header, ReadOnlySpan<byte> body, IReadOnlyList<string> secrets, DateTimeOffset now)
    {
        if (Read(header) is not var (time, signatures) || signatures.Count == 0) return SignatureVerdict.Missing;

        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        var valid = false;
        foreach (var secret in secrets)
        {
            Sign(secret, time, body, expected);
            // Every pair is compared, and each in constant time.
            foreach (var signature in signatures) valid |= CryptographicOperations.FixedTimeEquals(expected, signature);
        }

        if (!valid) return SignatureVerdict.Wrong;

        var seconds = long.Parse(time, CultureInfo.InvariantCulture);
        return Int128.Abs(now.ToUnixTimeSeconds() - (Int128)seconds) <= (Int128)Tolerance.TotalSeconds
            ? SignatureVerdict.Valid
            : SignatureVerdict.Stale;
    }

    /// <summary>The header as Stripe would write it.</summary>
    public static string Header(string secret, DateTimeOffset at, ReadOnlySpan<byte> body)
    {
        var time = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Sign(secret, time, body, hash);
        return $"t={time},v1={Convert.ToHexStringLower(hash)}";
    }

    static (string Time, List<byte[]> Signatures)? Read(string? header)
    {
        if (header is null) return null;

        string? time = null;
        var signatures = new List<byte[]>();
        foreach (var part in header.Split(','))
        {
            var (name, value) = part.IndexOf('=') is > 0 and var at ? (part[..at].Trim(), part[(at + 1)..].Trim()) : ("", "");
            if (name == "t") time = value;
            else if (name == "v1" && IsHash(value)) signatures.Add(Convert.FromHexString(value));
        }

        // As it was written: the time is part of what was signed.
        return time is { Length: > 0 and <= 18 } && time.All(char.IsAsciiDigit) ? (time, signatures) : null;
    }

    static bool IsHash(string text) =>
        text.Length == 2 * HMACSHA256.HashSizeInBytes && text.All(char.IsAsciiHexDigit);

    static void Sign(string secret, string time, ReadOnlySpan<byte> body, Span<byte> hash)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        hmac.AppendData(Encoding.ASCII.GetBytes(time));
        hmac.AppendData("."u8);
        hmac.AppendData(body);
        hmac.GetHashAndReset(hash);
    }
}
