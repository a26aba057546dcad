using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Core.Identity;

namespace Purser.Core.Tests.Identity;

/// <summary>An issuer: its keys, and tokens as they should and as they should not be.</summary>
static class Tokens
{
    static readonly RSA Rsa = RSA.Create(2048);
    static readonly ECDsa Curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public static readonly Trusted Issuer = new("https://issuer.example", "purser");

    public static JsonObject RsaKey => new()
    {
        ["kty"] = "RSA", ["use"] = "sig", ["alg"] = "RS256", ["kid"] = "rsa",
        ["n"] = Base64Url.EncodeToString(Rsa.ExportParameters(false).Modulus), ["e"] = Base64Url.EncodeToString(Rsa.ExportParameters(false).Exponent),
    };

    public static JsonObject CurveKey => new()
    {
        ["kty"] = "EC", ["use"] = "sig", ["alg"] = "ES256", ["kid"] = "curve", ["crv"] = "P-256",
        ["x"] = Base64Url.EncodeToString(Curve.ExportParameters(false).Q.X), ["y"] = Base64Url.EncodeToString(Curve.ExportParameters(false).Q.Y),
    };

    public static IReadOnlyList<PublicKey> Keys => Set(RsaKey, CurveKey);

    public static IReadOnlyList<PublicKey> Set(params JsonObject[] keys) =>
        PublicKey.ReadSet(Encoding.UTF8.GetBytes(new JsonObject { ["keys"] = new JsonArray([.. keys]) }.ToJsonString()))!;

    public static JsonObject Header(string algorithm = "RS256") =>
        new() { ["alg"] = algorithm, ["typ"] = "JWT", ["kid"] = algorithm == "ES256" ? "curve" : "rsa" };

    public static JsonObject Good => new()
    {
        ["iss"] = Issuer.Issuer, ["aud"] = Issuer.Audience, ["sub"] = "ada", ["role"] = "admin",
        ["exp"] = Given.Noon.AddMinutes(5).ToUnixTimeSeconds(),
    };

    /// <summary>Signed by the key that its header names.</summary>
    public static string Sign(JsonObject header, JsonObject claims)
    {
        var text = $"{Part(header)}.{Part(claims)}";
        var bytes = Encoding.ASCII.GetBytes(text);
        var signature = (string?)header["alg"] == "ES256"
            ? Curve.SignData(bytes, HashAlgorithmName.SHA256)
            : Rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{text}.{Base64Url.EncodeToString(signature)}";
    }

    /// <summary>Signed with the public key, as if it were a secret that both sides share.</summary>
    public static string SignWithPublicKey(JsonObject header, JsonObject claims)
    {
        var text = $"{Part(header)}.{Part(claims)}";
        var secret = Encoding.ASCII.GetBytes(Rsa.ExportSubjectPublicKeyInfoPem());
        return $"{text}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(text)))}";
    }

    public static string Part(JsonNode json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));

    public static JsonObject With(this JsonObject json, string name, JsonNode? value)
    {
        json[name] = value;
        return json;
    }

    public static JsonObject Without(this JsonObject json, string name)
    {
        json.Remove(name);
        return json;
    }
}
