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

    /// <summary>Whether chat may be limited by <c>max_tokens</c> and <c>max_completion_tokens</c> alike: otherwise only the one above limits anything.</summary>
    public bool HeedsBothLimits { get; init; }

    /// <summary>Whether a model thinks without showing it: what came of its answer then does not tell how much it has produced.</summary>
    public Func<string, bool> ThinksUnseen { get; init; } = static _ => false;

    /// <summary>Whether a stream tells its usage only where <c>stream_options</c> ask for it.</summary>
    public bool AskedForUsage { get; init; } = true;

    public Disconnect Disconnect { get; init; } = Disconnect.Cancel;

    /// <summary>The header that names its own id for a call.</summary>
    public string RequestIdHeader { get; init; } = "x-request-id";

    /// <summary>One that only the environment and the catalog name.</summary>
    public static ProviderFacts Configured(string name) => new(name, null) { Disconnect = Disconnect.Drain };
}
