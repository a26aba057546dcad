using Purser.Core.Gateway;

namespace Purser.Server.Gateway.Providers;

static class Google
{
    // Bills a cancelled stream in full. What was thought is in the total of the usage only.
    public static readonly ProviderFacts Facts = new("google", new("https://generativelanguage.googleapis.com/v1beta/openai"))
    {
        HeedsBothLimits = true,
        Disconnect = Disconnect.Drain,
    };
}
