using Purser.Server.Platform;

namespace Purser.Server.Gateway.Providers;

/// <summary>A provider that can be called: what it is like, where it is, and the key we have there.</summary>
sealed record Upstream(ProviderFacts Facts, Uri Address, string? Key);

/// <summary>The providers that this server can reach.</summary>
sealed class ProviderTable
{
    static readonly ProviderFacts[] Known =
    [
        OpenAi.Facts, Anthropic.Facts, Google.Facts, Mistral.Facts, DeepSeek.Facts, XAi.Facts, Groq.Facts,
    ];

    readonly Dictionary<string, Upstream> byName = [];

    public ProviderTable(Settings settings)
    {
        foreach (var facts in Known)
        {
            var access = settings.Providers.GetValueOrDefault(facts.Name);
            // A key alone is meant for the provider itself; it must not end up at the sandbox.
            if (access is not null) byName[facts.Name] = new(facts, access.Address ?? facts.Address!, access.Key);
            else if (settings.Mode == Mode.Development) byName[facts.Name] = new(facts, StandIn(settings, facts.Dialect), null);
        }

        foreach (var (name, access) in settings.Providers)
            if (access.Address is { } address) byName.TryAdd(name, new(ProviderFacts.Configured(name), address, access.Key));
    }

    /// <summary>The variable without which a provider cannot be called.</summary>
    public static string Variable(string provider) =>
        provider.ToUpperInvariant() + (Known.Any(facts => facts.Name == provider) ? "_API_KEY" : "_BASE_URL");

    public Upstream? Find(string provider) => byName.GetValueOrDefault(provider);

    static Uri StandIn(Settings settings, Dialect dialect) =>
        new(settings.Sandbox, dialect == Dialect.Anthropic ? "/anthropic" : "/openai/v1");
}
