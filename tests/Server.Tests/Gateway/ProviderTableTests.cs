using Purser.Server.Gateway.Providers;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Gateway;

public sealed class ProviderTableTests
{
    [Fact]
    public void In_development_what_is_not_set_is_the_sandbox()
    {
        var providers = Read(Purpose.Up, ("PURSER_SANDBOX_PORT", "6001"));

        foreach (var name in (string[])["openai", "google", "mistral", "deepseek", "xai", "groq"])
            Assert.Equal("http://127.0.0.1:6001/openai/v1", providers.Find(name)!.Address.ToString());
        Assert.Equal("http://127.0.0.1:6001/anthropic", providers.Find("anthropic")!.Address.ToString());
    }

    [Fact]
    public void What_is_set_wins_over_the_sandbox()
    {
        var providers = Read(Purpose.Up, ("OPENAI_BASE_URL", "https://ai.example/v1"), ("ANTHROPIC_API_KEY", "sk-ant-1"));

        Assert.Equal("https://ai.example/v1", providers.Find("openai")!.Address.ToString());
        Assert.Null(providers.Find("openai")!.Key);
        // A key is meant for the provider itself; the sandbox must not get it.
        Assert.Equal(("https://api.anthropic.com/", "sk-ant-1"), (providers.Find("anthropic")!.Address.ToString(), providers.Find("anthropic")!.Key));
    }

    [Fact]
    public void In_production_only_what_is_set_is_there()
    {
        var providers = Read(
            Purpose.Server, ("DATABASE_URL", "postgres://localhost/x"), ("PURSER_ADMIN_KEY", "sixteen-letters!"), ("XAI_API_KEY", "xai-1"));

        Assert.Equal("https://api.x.ai/v1", providers.Find("xai")!.Address.ToString());
        Assert.Null(providers.Find("openai"));
    }

    [Fact]
    public void Another_provider_is_added_by_its_address_alone()
    {
        var providers = Read(
            Purpose.Up, ("TOGETHER_BASE_URL", "https://api.together.example/v1"), ("TOGETHER_API_KEY", "tk-1"), ("VITE_BASE_URL", "/app"));

        Assert.Equal(("together", "tk-1"), (providers.Find("together")!.Facts.Name, providers.Find("together")!.Key));
        Assert.Null(providers.Find("vite"));
    }

    [Theory]
    [InlineData("openai", "OPENAI_API_KEY")]
    [InlineData("xai", "XAI_API_KEY")]
    [InlineData("together", "TOGETHER_BASE_URL")]
    public void What_is_missing_of_a_provider_is_named(string provider, string variable) =>
        Assert.Equal(variable, ProviderTable.Variable(provider));

    static ProviderTable Read(Purpose purpose, params (string Name, string Value)[] environment) =>
        new(Settings.Read(environment.ToDictionary(one => one.Name, one => one.Value), purpose));
}
