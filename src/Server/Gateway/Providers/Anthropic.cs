using Purser.Core.Gateway;

namespace Purser.Server.Gateway.Providers;

static class Anthropic
{
    // Tells the prompt's usage at the start of a stream, so that of a cancelled one only the answer is estimated.
    public static readonly ProviderFacts Facts = new("anthropic", new("https://api.anthropic.com"))
    {
        Dialect = Dialect.Anthropic,
        AskedForUsage = false,
        Disconnect = Disconnect.Cancel,
        RequestIdHeader = "request-id",
    };

    /// <summary>What some models read at most with a beta that the caller asks for, where they read less otherwise.</summary>
    public static long ContextOf(string betas) => betas.Contains("context-1m", StringComparison.OrdinalIgnoreCase) ? 1_000_000 : 0;
}
