using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class SettingsTests
{
    static readonly Dictionary<string, string> Production = new()
    {
        ["DATABASE_URL"] = "postgres://db.example/books",
        ["PURSER_ADMIN_KEY"] = "sixteen-letters!",
        ["STRIPE_SECRET_KEY"] = "sk_live_1",
        ["STRIPE_WEBHOOK_SECRET"] = "whsec_1",
        ["OPENAI_API_KEY"] = "sk-proj-1",
    };

    [Fact]
    public void Nothing_set_means_the_documented_defaults()
    {
        var settings = Read(Purpose.Up, ("PURSER_HOME", "/srv/purser"));

        Assert.Equal(
            (Mode.Development, "http://127.0.0.1:5080", 5081, "/srv/purser/data", "/srv/purser/catalogs/default.yaml",
                null, ""),
            (settings.Mode, settings.Url, settings.SandboxPort, settings.DataFolder, settings.CatalogFile,
                settings.Database, settings.AdminKey));
    }

    [Fact]
    public void An_empty_variable_is_as_good_as_none() =>
        Assert.Equal(5080, Read(Purpose.Up, ("PURSER_PORT", ""), ("DATABASE_URL", "")).Port);

    [Theory]
    [InlineData("PURSER_PORT", "65536")]
    [InlineData("PURSER_PORT", "-1")]
    [InlineData("PURSER_PORT", "http")]
    [InlineData("PURSER_PORT", "+80")]
    [InlineData("PURSER_PORT", "5081")]
    [InlineData("PURSER_SANDBOX_PORT", "0")]
    [InlineData("PURSER_HOST", "localhost:5080")]
    [InlineData("PURSER_MODE", "staging")]
    [InlineData("PURSER_MODE", "Production")]
    [InlineData("PURSER_ADMIN_KEY", "fifteen-letters")]
    [InlineData("PURSER_ADMIN_KEY", "sixteen letters!")]
    [InlineData("DATABASE_URL", "db.example")]
    [InlineData("STRIPE_SECRET_KEY", "pk_live_oops")]
    [InlineData("STRIPE_SECRET_KEY", "sk_live_1\n")]
    [InlineData("STRIPE_WEBHOOK_SECRET", "secret")]
    [InlineData("STRIPE_WEBHOOK_SECRET", "whsec_1,whsec_2,whsec_3")]
    [InlineData("STRIPE_API_BASE", "api.stripe.com")]
    [InlineData("OPENAI_BASE_URL", "ftp://ai.example")]
    [InlineData("GROQ_API_KEY", "two words")]
    public void A_bad_value_is_refused_by_its_name(string name, string value)
    {
        var fault = Assert.Throws<StartFailure>(() => Read(Purpose.Server, ("PURSER_DATA", "/data"),
            ("PURSER_ADMIN_KEY", "sixteen-letters!"), (name, value)));

        Assert.Contains(fault.Lines, line => line.Contains(name, StringComparison.Ordinal));
    }

    [Fact]
    public void All_faults_are_told_at_once()
    {
        var fault = Assert.Throws<StartFailure>(() => Read(Purpose.Up, ("PURSER_PORT", "x"), ("DATABASE_URL", "x"),
            ("PURSER_ADMIN_KEY", "x"), ("STRIPE_SECRET_KEY", "x"), ("XAI_BASE_URL", "x")));

        Assert.Equal(5, fault.Lines.Count);
    }

    [Fact]
    public void In_development_what_is_not_set_is_the_sandbox()
    {
        var settings = Read(Purpose.Up, ("PURSER_SANDBOX_PORT", "6001"));

        Assert.Equal("http://127.0.0.1:6001/", settings.Stripe!.Address.ToString());
    }

    [Fact]
    public void What_is_set_wins_over_the_sandbox()
    {
        var settings = Read(Purpose.Up, ("OPENAI_BASE_URL", "https://ai.example/v1"), ("ANTHROPIC_API_KEY", "sk-ant-1"),
            ("STRIPE_SECRET_KEY", "sk_test_1"), ("STRIPE_WEBHOOK_SECRET", "whsec_1, whsec_2"));

        Assert.Equal("https://api.stripe.com/", settings.Stripe!.Address.ToString());
        Assert.Equal(["whsec_1", "whsec_2"], settings.Stripe.WebhookSecrets);
    }

    [Fact]
    public void Up_is_development_whatever_the_mode_says() =>
        Assert.Equal(Mode.Development, Read(Purpose.Up, ("PURSER_MODE", "production")).Mode);

    [Fact]
    public void A_server_is_in_production_unless_told_otherwise()
    {
        var settings = Read(Purpose.Server, Production);

        Assert.Equal(Mode.Production, settings.Mode);
        Assert.Equal(["openai"], settings.Providers.Keys);
    }

    [Fact]
    public void A_production_server_without_payments_and_providers_starts()
    {
        var settings = Read(Purpose.Server, ("PURSER_ADMIN_KEY", "sixteen-letters!"), ("PURSER_DATA", "/data"));

        Assert.Null(settings.Stripe);
        Assert.Empty(settings.Providers);
    }

    [Theory]
    [InlineData("DATABASE_URL", "", "DATABASE_URL")]
    [InlineData("PURSER_ADMIN_KEY", "", "PURSER_ADMIN_KEY")]
    [InlineData("STRIPE_SECRET_KEY", "", "STRIPE_SECRET_KEY")]
    [InlineData("STRIPE_WEBHOOK_SECRET", "", "STRIPE_WEBHOOK_SECRET")]
    [InlineData("STRIPE_API_BASE", "http://127.0.0.1:5081", "sandbox")]
    [InlineData("OPENAI_BASE_URL", "http://localhost:5081/openai/v1", "sandbox")]
    [InlineData("ANTHROPIC_BASE_URL", "http://[::1]:5081/anthropic", "sandbox")]
    [InlineData("STRIPE_SECRET_KEY", "sk_test_1", "test key")]
    [InlineData("STRIPE_SECRET_KEY", "rk_test_1", "test key")]
    public void A_production_server_refuses_what_is_missing_or_not_real(string name, string value, string reason)
    {
        var fault = Assert.Throws<StartFailure>(
            () => Read(Purpose.Server, new Dictionary<string, string>(Production) { [name] = value }));

        var line = Assert.Single(fault.Lines);
        Assert.Contains(name, line, StringComparison.Ordinal);
        Assert.Contains(reason, line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_production_server_says_everything_that_is_wrong_in_one_list()
    {
        var fault = Assert.Throws<StartFailure>(() => Read(Purpose.Server, ("STRIPE_SECRET_KEY", "sk_test_1"),
            ("GROQ_API_KEY", "gsk_1"), ("MISTRAL_BASE_URL", "http://127.0.0.1:5081/openai/v1")));

        Assert.Equal(5, fault.Lines.Count);
    }

    [Fact]
    public void A_production_server_uses_the_admin_key_that_its_data_folder_keeps()
    {
        using var folder = new TestFolder();
        var key = AdminKeyFile.ReadOrCreate(folder.Path);

        var settings = Read(Purpose.Server, ("PURSER_DATA", folder.Path)).WithAdminKey();

        Assert.Equal(key, settings.AdminKey);
    }

    [Fact]
    public void A_generated_admin_key_is_its_owners_alone_and_stays_the_same()
    {
        using var folder = new TestFolder();

        var first = AdminKeyFile.ReadOrCreate(folder.Path);

        Assert.True(first.Length >= 32);
        Assert.Equal(first, AdminKeyFile.ReadOrCreate(folder.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode($"{folder.Path}/admin-key"));
    }

    [Fact]
    public void Printing_the_settings_prints_no_secret()
    {
        var settings = Read(Purpose.Server, Production);

        Assert.DoesNotContain("sixteen", $"{settings}", StringComparison.Ordinal);
    }

    static Settings Read(Purpose purpose, params (string Name, string Value)[] environment)
    {
        var variables = new Dictionary<string, string>();
        // The last one counts, so that a test can say what differs from its usual case.
        foreach (var (name, value) in environment) variables[name] = value;
        return Settings.Read(variables, purpose);
    }

    static Settings Read(Purpose purpose, Dictionary<string, string> environment) =>
        Settings.Read(environment, purpose);
}
