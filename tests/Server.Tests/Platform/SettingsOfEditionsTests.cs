using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class SettingsOfEditionsTests
{
    static readonly Dictionary<string, string> Production = new()
    {
        ["DATABASE_URL"] = "postgres://db.example/books",
        ["PURSER_ADMIN_KEY"] = "sixteen-letters!",
        ["PURSER_EDITION"] = "library",
        ["PURSER_OIDC_ISSUER"] = "https://issuer.example/tenant/",
        ["PURSER_OIDC_AUDIENCE"] = "https://billing.example",
        ["PURSER_ALLOWED_ORIGINS"] = "https://App.example, https://admin.example:8443/",
    };

    [Fact]
    public void A_production_server_has_an_issuer_and_the_origins_of_its_pages()
    {
        var settings = Settings.Read(Production, Purpose.Server);

        Assert.Equal(("https://issuer.example/tenant/", "https://billing.example"), (settings.Oidc!.Issuer, settings.Oidc.Audience));
        Assert.Equal([("role", "admin")], settings.Oidc.AdminClaims);
        Assert.Equal(["https://app.example", "https://admin.example:8443"], settings.Origins);
        Assert.EndsWith("/catalogs/library.yaml", settings.CatalogFile, StringComparison.Ordinal);
    }

    [Fact]
    public void In_development_users_come_from_the_sandbox()
    {
        var settings = Settings.Read(new Dictionary<string, string> { ["PURSER_SANDBOX_PORT"] = "6000" }, Purpose.Up);

        Assert.Equal(("http://127.0.0.1:6000/oidc", "purser"), (settings.Oidc!.Issuer, settings.Oidc.Audience));
        Assert.Equal(["http://localhost:3000"], settings.Origins);
        Assert.Null(settings.Edition);
    }

    [Fact]
    public void Without_an_issuer_a_production_server_knows_no_users()
    {
        string[] left = ["PURSER_EDITION", "PURSER_OIDC_ISSUER", "PURSER_OIDC_AUDIENCE", "PURSER_ALLOWED_ORIGINS"];

        Assert.Null(Settings.Read(Production.Where(one => !left.Contains(one.Key)).ToDictionary(), Purpose.Server).Oidc);
    }

    [Fact]
    public void Several_claims_may_be_demanded_of_an_administrator()
    {
        var settings = Settings.Read(
            new Dictionary<string, string>(Production) { ["PURSER_OIDC_ADMIN_CLAIM"] = "roles=billing admin, amr=mfa" }, Purpose.Server);

        Assert.Equal([("roles", "billing admin"), ("amr", "mfa")], settings.Oidc!.AdminClaims);
    }

    [Theory]
    [InlineData("PURSER_OIDC_ISSUER", "", "PURSER_OIDC_ISSUER")]
    [InlineData("PURSER_OIDC_ISSUER", "http://issuer.example", "https://")]
    [InlineData("PURSER_OIDC_ISSUER", "http://127.0.0.1:5081/oidc", "sandbox")]
    [InlineData("PURSER_OIDC_ISSUER", "https://issuer.example?tenant=1", "query")]
    [InlineData("PURSER_OIDC_ISSUER", "issuer.example", "address")]
    [InlineData("PURSER_OIDC_AUDIENCE", "", "PURSER_OIDC_AUDIENCE")]
    [InlineData("PURSER_OIDC_ADMIN_CLAIM", "admin", "role=admin")]
    [InlineData("PURSER_ALLOWED_ORIGINS", "", "PURSER_ALLOWED_ORIGINS")]
    [InlineData("PURSER_ALLOWED_ORIGINS", "http://app.example", "https://")]
    [InlineData("PURSER_ALLOWED_ORIGINS", "https://app.example/billing", "origin")]
    [InlineData("PURSER_ALLOWED_ORIGINS", "*", "origin")]
    public void What_would_let_anybody_in_stops_a_production_start(string name, string value, string reason)
    {
        var fault = Assert.Throws<StartFailure>(
            () => Settings.Read(new Dictionary<string, string>(Production) { [name] = value }, Purpose.Server));

        Assert.Contains(fault.Lines, line => line.Contains(name, StringComparison.Ordinal) && line.Contains(reason, StringComparison.Ordinal));
    }
}
