using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Sandbox.Oidc;

/// <summary>A user's token as it is asked for. Who asks is whoever he says he is.</summary>
sealed record TokenRequest
{
    [JsonPropertyName("user")] public string? User { get; init; }
    [JsonPropertyName("admin")] public bool Admin { get; init; }
    [JsonPropertyName("alg")] public string? Algorithm { get; init; }
    [JsonPropertyName("audience")] public string? Audience { get; init; }
    [JsonPropertyName("expires_in")] public int? ExpiresIn { get; init; }
    [JsonPropertyName("claims")] public JsonObject? Claims { get; init; }
}

/// <summary>An issuer of tokens: what says who it is, its keys, and a token for anybody.</summary>
static class OidcRoutes
{
    const int OrdinarySeconds = 3600;

    public static void MapOidc(this WebApplication app, SigningKeys keys, TimeProvider time)
    {
        app.MapGet("/oidc/.well-known/openid-configuration", (HttpRequest request) => Results.Json(Discovery(request)));
        app.MapGet("/oidc/jwks", () => Results.Json(keys.Published()));
        app.MapPost("/oidc/token", (HttpRequest request) => Token(request, keys, time));
        app.MapPost("/control/oidc/rotate", () => Results.Json(new JsonObject { ["kid"] = keys.Rotate().Id }));
    }

    static string Issuer(HttpRequest request) => $"{request.Scheme}://{request.Host}/oidc";

    static JsonObject Discovery(HttpRequest request) => new()
    {
        ["issuer"] = Issuer(request),
        ["jwks_uri"] = $"{Issuer(request)}/jwks",
        ["token_endpoint"] = $"{Issuer(request)}/token",
        ["response_types_supported"] = new JsonArray("token"),
        ["subject_types_supported"] = new JsonArray("public"),
        ["id_token_signing_alg_values_supported"] = new JsonArray("RS256", "ES256"),
    };

    static async Task<IResult> Token(HttpRequest request, SigningKeys keys, TimeProvider time)
    {
        TokenRequest asked;
        try
        {
            asked = await JsonSerializer.DeserializeAsync<TokenRequest>(request.Body, JsonSerializerOptions.Web, request.HttpContext.RequestAborted) ?? new();
        }
        catch (JsonException)
        {
            return Refused("The body must be JSON: {\"user\": \"ada\"}.");
        }

        if (string.IsNullOrEmpty(asked.User)) return Refused("Say whose token it is to be: {\"user\": \"ada\"}.");
        if (asked.Algorithm is not (null or "RS256" or "ES256")) return Refused("alg is RS256 or ES256.");

        var seconds = asked.ExpiresIn ?? OrdinarySeconds;
        var claims = Claims(asked, Issuer(request), time.GetUtcNow().ToUnixTimeSeconds(), seconds);
        return Results.Json(new JsonObject
        {
            ["access_token"] = Signed(claims, asked.Algorithm ?? "RS256", keys.Current),
            ["token_type"] = "Bearer",
            ["expires_in"] = seconds,
        });
    }

    static JsonObject Claims(TokenRequest asked, string issuer, long now, int seconds)
    {
        var claims = new JsonObject
        {
            ["iss"] = issuer,
            ["sub"] = asked.User,
            ["aud"] = asked.Audience ?? "purser",
            ["iat"] = now,
            ["exp"] = now + seconds,
        };
        if (asked.Admin) claims["role"] = "admin";
        foreach (var (name, value) in asked.Claims ?? []) claims[name] = value?.DeepClone();
        return claims;
    }

    static string Signed(JsonObject claims, string algorithm, KeyPair keys)
    {
        var header = new JsonObject { ["alg"] = algorithm, ["typ"] = "JWT", ["kid"] = keys.NameOf(algorithm) };
        var signed = $"{Part(header)}.{Part(claims)}";
        var bytes = Encoding.ASCII.GetBytes(signed);
        var signature = algorithm == "ES256"
            ? keys.Curve.SignData(bytes, HashAlgorithmName.SHA256)
            : keys.Rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    static string Part(JsonObject part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));

    static IResult Refused(string why) =>
        Results.Json(new JsonObject { ["error"] = "invalid_request", ["error_description"] = why }, statusCode: StatusCodes.Status400BadRequest);
}
