using Purser.Core.Gateway;

namespace Purser.Server.Gateway.Providers;

static class Groq
{
    // Bills a cancelled stream in full. Tells the usage once more in x_groq, which is passed through.
    public static readonly ProviderFacts Facts = new("groq", new("https://api.groq.com/openai/v1"))
    {
        HeedsBothLimits = true,
        Disconnect = Disconnect.Drain,
    };
}
