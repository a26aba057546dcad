using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Purser.Sandbox.Oidc;

/// <summary>A pair of keys, one for each algorithm, under one name.</summary>
sealed record KeyPair(string Id, RSA Rsa, ECDsa Curve)
{
    public static KeyPair New() => new(
        Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), RSA.Create(2048), ECDsa.Create(ECCurve.NamedCurves.nistP256));

    public string NameOf(string algorithm) => algorithm == "ES256" ? $"{Id}-es" : $"{Id}-rs";
}

/// <summary>
/// What the stand-in signs with, and published before. After a rotation the keys before it are still good, as at real issuers;
/// after the next one they are gone. They are kept, so that tokens survive a restart.
/// </summary>
sealed class SigningKeys(string folder)
{
    readonly Lock gate = new();
    List<KeyPair>? pairs;

    sealed record Kept(string Id, string Rsa, string Curve);

    public KeyPair Current => Pairs()[0];

    /// <summary>As a JSON Web Key Set.</summary>
    public JsonObject Published() => new()
    {
        ["keys"] = new JsonArray([.. Pairs().SelectMany(pair => new JsonNode[] { RsaKey(pair), CurveKey(pair) })]),
    };

    public KeyPair Rotate()
    {
        lock (gate)
        {
            var made = KeyPair.New();
            Keep([made, Pairs()[0]]);
            return made;
        }
    }

    List<KeyPair> Pairs()
    {
        lock (gate)
        {
            if (pairs is null)
            {
                var read = File.Exists(Path) ? JsonSerializer.Deserialize<List<Kept>>(File.ReadAllText(Path))! : [];
                pairs = read.ConvertAll(Open);
                if (pairs.Count == 0) Keep([KeyPair.New()]);
            }

            return pairs;
        }
    }

    string Path => System.IO.Path.Combine(folder, "keys.json");

    void Keep(List<KeyPair> kept)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path, JsonSerializer.Serialize(kept.ConvertAll(
            pair => new Kept(pair.Id, pair.Rsa.ExportPkcs8PrivateKeyPem(), pair.Curve.ExportPkcs8PrivateKeyPem()))));
        pairs = kept;
    }

    static KeyPair Open(Kept kept)
    {
        var pair = new KeyPair(kept.Id, RSA.Create(), ECDsa.Create());
        pair.Rsa.ImportFromPem(kept.Rsa);
        pair.Curve.ImportFromPem(kept.Curve);
        return pair;
    }

    static JsonObject RsaKey(KeyPair pair)
    {
        var key = pair.Rsa.ExportParameters(includePrivateParameters: false);
        return new()
        {
            ["kty"] = "RSA", ["use"] = "sig", ["alg"] = "RS256", ["kid"] = pair.NameOf("RS256"),
            ["n"] = Base64Url.EncodeToString(key.Modulus), ["e"] = Base64Url.EncodeToString(key.Exponent),
        };
    }

    static JsonObject CurveKey(KeyPair pair)
    {
        var key = pair.Curve.ExportParameters(includePrivateParameters: false);
        return new()
        {
            ["kty"] = "EC", ["use"] = "sig", ["alg"] = "ES256", ["kid"] = pair.NameOf("ES256"), ["crv"] = "P-256",
            ["x"] = Base64Url.EncodeToString(key.Q.X), ["y"] = Base64Url.EncodeToString(key.Q.Y),
        };
    }
}
