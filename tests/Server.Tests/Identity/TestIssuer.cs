using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Identity;

/// <summary>An issuer of tokens that can be told to rotate its keys, to be down and to lie.</summary>
sealed class TestIssuer : IAsyncDisposable
{
    readonly WebApplication app;
    readonly List<(string Id, RSA Key)> keys = [];

    TestIssuer(WebApplication app) => this.app = app;

    public string Url => app.Urls.Single();

    public OidcAccess Access => new(Url, "purser", [("role", "admin")]);

    /// <summary>How often its keys were fetched.</summary>
    public int Fetches { get; private set; }

    public bool IsDown { get; set; }

    /// <summary>Takes what it is asked, and never answers.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Whether somebody waited for an answer until he gave up.</summary>
    public bool WasGivenUp { get; private set; }

    /// <summary>What it shows to everybody, as a page that stands in for it does.</summary>
    public string? Page { get; set; }

    /// <summary>What it calls itself, where that is not its address.</summary>
    public string? Name { get; set; }

    public static async Task<TestIssuer> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var issuer = new TestIssuer(builder.Build());
        issuer.Rotate();
        issuer.app.MapGet("/.well-known/openid-configuration", () =>
            issuer.IsDown ? Results.StatusCode(503)
            : issuer.Page is { } page ? Results.Text(page, "text/html")
            : Results.Text(new JsonObject { ["issuer"] = issuer.Name ?? issuer.Url, ["jwks_uri"] = $"{issuer.Url}/keys" }.ToJsonString()));
        issuer.app.MapGet("/keys", async (HttpContext http) =>
        {
            issuer.Fetches++;
            if (issuer.IsSilent) await issuer.Silence(http.RequestAborted);
            return Results.Text(issuer.Published());
        });
        await issuer.app.StartAsync();
        return issuer;
    }

    async Task Silence(CancellationToken ct)
    {
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, ct);
        }
        catch (OperationCanceledException)
        {
            WasGivenUp = true;
        }
    }

    /// <summary>A new key signs, and those before it are withdrawn.</summary>
    public void Rotate()
    {
        keys.Clear();
        keys.Add(($"key-{Guid.CreateVersion7():N}", RSA.Create(2048)));
    }

    public string Token(string user, DateTimeOffset now, bool admin = false, string? key = null)
    {
        var claims = new JsonObject
        {
            ["iss"] = Url, ["aud"] = "purser", ["sub"] = user, ["exp"] = now.AddMinutes(5).ToUnixTimeSeconds(), ["email"] = $"{user}@example.com",
        };
        if (admin) claims["role"] = new JsonArray("reader", "admin");
        var text = $"{Part(new JsonObject { ["alg"] = "RS256", ["kid"] = key ?? keys[0].Id })}.{Part(claims)}";
        return $"{text}.{Base64Url.EncodeToString(keys[0].Key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    string Published() => new JsonObject
    {
        ["keys"] = new JsonArray([.. keys.Select(one => new JsonObject
        {
            ["kty"] = "RSA", ["kid"] = one.Id,
            ["n"] = Base64Url.EncodeToString(one.Key.ExportParameters(false).Modulus),
            ["e"] = Base64Url.EncodeToString(one.Key.ExportParameters(false).Exponent),
        })]),
    }.ToJsonString();

    static string Part(JsonObject json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));
}
