using System.Buffers.Text;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Sandbox.Oidc;

namespace Purser.Sandbox.Tests.Oidc;

public sealed class OidcTests(Sandbox sandbox) : IDisposable
{
    readonly HttpClient http = new() { BaseAddress = sandbox.Url };

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => http.Dispose();

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public async Task Everybody_gets_a_token_that_the_published_keys_bear_out(string alg)
    {
        var token = await Token(new { user = "ada", alg });

        Assert.True(await Verifies(token));
        var claims = Claims(token);
        Assert.Equal(("ada", "purser"), ((string?)claims["sub"], (string?)claims["aud"]));
        Assert.Equal((string?)(await Discovery())["issuer"], (string?)claims["iss"]);
        Assert.Null(claims["role"]);
    }

    [Fact]
    public async Task A_token_says_what_it_is_asked_to_say()
    {
        var claims = Claims(await Token(new { user = "ada", admin = true, audience = "other", expires_in = 5, claims = new { email = "ada@example.com" } }));

        Assert.Equal(("admin", "other", "ada@example.com"), ((string?)claims["role"], (string?)claims["aud"], (string?)claims["email"]));
        Assert.Equal(5, (long)claims["exp"]! - (long)claims["iat"]!);
    }

    [Fact]
    public async Task Whoever_does_not_say_that_it_is_JSON_gets_one_too()
    {
        using var content = new StringContent("""{"user":"ada"}""", Encoding.UTF8, "application/x-www-form-urlencoded");
        using var answer = await http.PostAsync(new Uri("/oidc/token", UriKind.Relative), content, Ct);

        Assert.Equal(200, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"user":"ada","alg":"none"}""")]
    [InlineData("no JSON")]
    public async Task What_cannot_be_signed_is_refused(string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri("/oidc/token", UriKind.Relative), content, Ct);

        Assert.Equal(400, (int)answer.StatusCode);
    }

    [Fact]
    public void After_a_rotation_the_keys_before_it_are_published_and_after_the_next_they_are_gone()
    {
        var folder = Directory.CreateTempSubdirectory("sandbox-oidc").FullName;
        var keys = new SigningKeys(folder);
        var first = keys.Current.Id;

        keys.Rotate();
        Assert.Contains(first, keys.Published().ToJsonString(), StringComparison.Ordinal);
        keys.Rotate();

        Assert.DoesNotContain(first, keys.Published().ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(keys.Published().ToJsonString(), new SigningKeys(folder).Published().ToJsonString());
        Directory.Delete(folder, recursive: true);
    }

    async Task<JsonNode> Discovery() =>
        JsonNode.Parse(await http.GetStringAsync(new Uri("/oidc/.well-known/openid-configuration", UriKind.Relative), Ct))!;

    async Task<string> Token(object asked)
    {
        using var answer = await http.PostAsJsonAsync(new Uri("/oidc/token", UriKind.Relative), asked, Ct);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("access_token").GetString()!;
    }

    async Task<bool> Verifies(string token)
    {
        var parts = token.Split('.');
        var text = Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}");
        var signature = Base64Url.DecodeFromChars(parts[2]);
        var kid = (string?)JsonNode.Parse(Base64Url.DecodeFromChars(parts[0]))!["kid"];
        var keys = JsonNode.Parse(await http.GetStringAsync(new Uri((string)(await Discovery())["jwks_uri"]!), Ct))!["keys"]!.AsArray();
        var key = keys.Single(one => (string?)one!["kid"] == kid)!;
        if ((string?)key["kty"] == "RSA")
        {
            using var rsa = RSA.Create(new RSAParameters { Modulus = Bytes(key, "n"), Exponent = Bytes(key, "e") });
            return rsa.VerifyData(text, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }

        using var curve = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new() { X = Bytes(key, "x"), Y = Bytes(key, "y") } });
        return curve.VerifyData(text, signature, HashAlgorithmName.SHA256);
    }

    static byte[] Bytes(JsonNode key, string name) => Base64Url.DecodeFromChars((string)key[name]!);

    static JsonNode Claims(string token) => JsonNode.Parse(Base64Url.DecodeFromChars(token.Split('.')[1]))!;
}
