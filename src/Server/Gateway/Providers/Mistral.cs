using Purser.Core.Gateway;

namespace Purser.Server.Gateway.Providers;

static class Mistral
{
    // Tells the usage of a stream without being asked, and refuses members that it does not know.
    public static readonly ProviderFacts Facts = new("mistral", new("https://api.mistral.ai/v1"))
    {
        AskedForUsage = false,
        Disconnect = Disconnect.Drain,
    };
}
