using System.Security.Cryptography;
using System.Text.Json;

namespace Purser.Core.Identity;

/// <summary>How a token may be signed. Nothing else is, least of all nothing or a shared secret.</summary>
public enum SigningAlgorithm
{
    Rs256,
    Es256,
}

/// <summary>A key that an issuer signs with, as its key set publishes it: for one algorithm, and of a size that can be trusted.</summary>
public sealed class PublicKey
{
    const int LeastModulusBits = 2048;
    const int MostModulusBits = 8192;
    const int MostExponentBytes = 8;
    const int CoordinateBytes = 32;

    readonly RSAParameters rsa;
    readonly ECParameters curve;

    PublicKey(string? id, RSAParameters rsa) => (Id, Algorithm, this.rsa) = (id, SigningAlgorithm.Rs256, rsa);

    PublicKey(string? id, ECParameters curve) => (Id, Algorithm, this.curve) = (id, SigningAlgorithm.Es256, curve);

    /// <summary>Its <c>kid</c>.</summary>
    public string? Id { get; }

    public SigningAlgorithm Algorithm { get; }

    /// <summary>The keys of a set that tokens may be signed with; the others in it are for something else.</summary>
    /// <returns>Null where it is no key set at all.</returns>
    public static IReadOnlyList<PublicKey>? ReadSet(ReadOnlyMemory<byte> json)
    {
        if (Json.TryParse(json) is not { ValueKind: JsonValueKind.Object } root) return null;
        if (!root.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array) return null;

        return [.. keys.EnumerateArray().Select(Read).OfType<PublicKey>()];
    }

    public bool Verifies(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        if (Algorithm == SigningAlgorithm.Rs256)
        {
            using var key = RSA.Create(rsa);
            return key.VerifyData(text, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }

        using var point = ECDsa.Create(curve);
        return point.VerifyData(text, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    static PublicKey? Read(JsonElement key)
    {
        if (key.ValueKind != JsonValueKind.Object || key.Text("use") is not (null or "sig")) return null;
        if (key.TryGetProperty("key_ops", out _) && !new Claims(key).Has("key_ops", "verify")) return null;

        var algorithm = key.Text("alg");
        return key.Text("kty") switch
        {
            "RSA" when algorithm is null or "RS256" => ReadRsa(key),
            "EC" when algorithm is null or "ES256" => ReadCurve(key),
            _ => null,
        };
    }

    static PublicKey? ReadRsa(JsonElement key)
    {
        if (key.Bytes("n") is not { } modulus || key.Bytes("e") is not { } exponent) return null;

        modulus = modulus.AsSpan().TrimStart((byte)0).ToArray();
        exponent = exponent.AsSpan().TrimStart((byte)0).ToArray();
        if (modulus.Length * 8 is < LeastModulusBits or > MostModulusBits) return null;
        // Of an even exponent there is no key, and with one every signature is its own message.
        if (exponent.Length is 0 or > MostExponentBytes || exponent[^1] % 2 == 0 || exponent is [1]) return null;

        return Usable(new(key.Text("kid"), new RSAParameters { Modulus = modulus, Exponent = exponent }));
    }

    static PublicKey? ReadCurve(JsonElement key)
    {
        if (key.Text("crv") != "P-256") return null;
        if (key.Bytes("x") is not { Length: CoordinateBytes } x || key.Bytes("y") is not { Length: CoordinateBytes } y) return null;

        return Usable(new(key.Text("kid"), new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new() { X = x, Y = y } }));
    }

    // The system looks at a key when it is used: a point that is not on the curve is found out here, once.
    static PublicKey? Usable(PublicKey key)
    {
        try
        {
            key.Verifies([], new byte[64]);
            return key;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
