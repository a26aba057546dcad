using Purser.Core.Gateway;

namespace Purser.Server.Gateway.Providers;

/// <summary>Whose wire format is spoken.</summary>
enum Dialect
{
    OpenAi,
    Anthropic,
}

/// <summary>What has to be known of a provider beyond its address and key.</summary>
/// <param name="Address">Where its own documentation says it is.</param>
sealed record ProviderFacts(string Name, Uri? Address)
{
    public Dialect Dialect { get; init; } = Dialect.OpenAi;

    /// <summary>The member that limits an answer, put in where the caller set none.</summary>
    public string LimitMember { get; init; } = "max_tokens";

    /// <summary>Whether a stream tells its usage only where <c>stream_options</c> ask for it.</summary>
    public bool AskedForUsage { get; init; } = true;

    public Disconnect Disconnect { get; init; } = Disconnect.Cancel;

    /// <summary>The header that names its own id for a call.</summary>
    public string RequestIdHeader { get; init; } = "x-request-id";

    /// <summary>One that only the environment and the catalog name.</summary>
    public static ProviderFacts Configured(string name) => new(name, null) { Disconnect = Disconnect.Drain };
}
