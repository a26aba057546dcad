using System.Text;
using System.Text.Json;

namespace Purser.Core.Identity;

/// <summary>Why a token is not accepted. Declared in order of precedence: the first that applies is the answer.</summary>
public enum TokenRefusal
{
    NotAToken,
    WrongType,
    WrongAlgorithm,

    /// <summary>No key of the issuer's bears its name and fits its algorithm. It may be newer than the keys at hand.</summary>
    UnknownKey,

    WrongSignature,
    WrongIssuer,
    WrongAudience,
    NoExpiry,
    Expired,
    NotYetValid,
    NoSubject,
}

public abstract record TokenVerdict
{
    TokenVerdict() { }

    public sealed record Accepted(Claims Claims) : TokenVerdict;

    public sealed record Refused(TokenRefusal Why) : TokenVerdict;

    public static implicit operator TokenVerdict(TokenRefusal why) => new Refused(why);
}

/// <summary>Whose tokens are accepted, and whom they must be meant for.</summary>
public sealed record Trusted(string Issuer, string Audience);

/// <summary>A JSON Web Token that names its bearer, signed by a key that its issuer publishes.</summary>
public static class BearerToken
{
    public const int Longest = 8192;

    // Clocks of issuers and of ours differ, though not by much.
    static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);

    static readonly double MostSeconds = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    /// <summary>Whether it looks like one: three parts with dots between them.</summary>
    public static bool IsOne(ReadOnlySpan<char> text) => text.Length <= Longest && text.Count('.') == 2;

    public static TokenVerdict Check(string token, IReadOnlyList<PublicKey> keys, Trusted trusted, DateTimeOffset now)
    {
        if (!IsOne(token)) return TokenRefusal.NotAToken;

        var head = token.IndexOf('.');
        var body = token.LastIndexOf('.');
        if (Part(token.AsSpan(0, head)) is not { } header || Part(token.AsSpan((head + 1)..body)) is not { } claims) return TokenRefusal.NotAToken;
        if (Json.TryDecode(token.AsSpan(body + 1)) is not { Length: > 0 } signature) return TokenRefusal.NotAToken;

        // What an extension that must be understood means, nobody here understands.
        if (header.TryGetProperty("crit", out _) || !IsTypeOfTokens(header)) return TokenRefusal.WrongType;
        if (Algorithm(header) is not { } algorithm) return TokenRefusal.WrongAlgorithm;
        if (Key(header, algorithm, keys) is not { } key) return TokenRefusal.UnknownKey;
        if (!key.Verifies(Encoding.ASCII.GetBytes(token[..body]), signature)) return TokenRefusal.WrongSignature;

        return Refuse(claims, trusted, now) is { } why ? why : new TokenVerdict.Accepted(new(claims));
    }

    static TokenRefusal? Refuse(JsonElement claims, Trusted trusted, DateTimeOffset now)
    {
        if (claims.Text("iss") != trusted.Issuer) return TokenRefusal.WrongIssuer;
        if (!new Claims(claims).Has("aud", trusted.Audience)) return TokenRefusal.WrongAudience;
        if (Instant(claims, "exp") is not { } expiry) return TokenRefusal.NoExpiry;
        if (now - Skew >= expiry) return TokenRefusal.Expired;
        if (claims.TryGetProperty("nbf", out _) && !(Instant(claims, "nbf") <= now + Skew)) return TokenRefusal.NotYetValid;

        return string.IsNullOrEmpty(claims.Text("sub")) ? TokenRefusal.NoSubject : null;
    }

    static JsonElement? Part(ReadOnlySpan<char> text) =>
        Json.TryDecode(text) is { } bytes && Json.TryParse(bytes) is { ValueKind: JsonValueKind.Object } part ? part : null;

    // Other things are signed by the same keys, such as the notice that somebody has logged out.
    static bool IsTypeOfTokens(JsonElement header) =>
        !header.TryGetProperty("typ", out var type)
        || (type.ValueKind == JsonValueKind.String && type.GetString()!.ToUpperInvariant() is "JWT" or "AT+JWT" or "APPLICATION/AT+JWT");

    static SigningAlgorithm? Algorithm(JsonElement header) => header.Text("alg") switch
    {
        "RS256" => SigningAlgorithm.Rs256,
        "ES256" => SigningAlgorithm.Es256,
        _ => null,
    };

    // A token without the name of its key has the only one there is.
    static PublicKey? Key(JsonElement header, SigningAlgorithm algorithm, IReadOnlyList<PublicKey> keys)
    {
        var fitting = keys.Where(key => key.Algorithm == algorithm).ToList();
        if (header.Text("kid") is { } id) return fitting.Find(key => key.Id == id);

        return fitting is [var only] ? only : null;
    }

    static DateTimeOffset? Instant(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out var seconds) && seconds >= 0 && seconds < MostSeconds
                ? DateTimeOffset.FromUnixTimeSeconds((long)seconds)
                : null;
}

/// <summary>What an issuer says of a bearer.</summary>
public readonly record struct Claims(JsonElement Json)
{
    public string Subject => Json.Text("sub") ?? "";

    public string? Text(string name) => Json.ValueKind == JsonValueKind.Object ? Json.Text(name) : null;

    /// <summary>Whether a claim has a value, or has it among several.</summary>
    public bool Has(string name, string value)
    {
        if (!Json.TryGetProperty(name, out var claim)) return false;

        return claim.ValueKind == JsonValueKind.Array
            ? claim.EnumerateArray().Any(one => Is(one, value))
            : Is(claim, value);
    }

    static bool Is(JsonElement claim, string value) => claim.ValueKind switch
    {
        JsonValueKind.String => claim.ValueEquals(value),
        JsonValueKind.True => value == "true",
        JsonValueKind.False => value == "false",
        _ => false,
    };
}
