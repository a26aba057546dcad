using Purser.Core.Gateway;

namespace Purser.Server.Gateway.Providers;

static class OpenAi
{
    // A stream that is cancelled stops, and is billed as far as it came. Reasoning models refuse max_tokens.
    public static readonly ProviderFacts Facts = new("openai", new("https://api.openai.com/v1"))
    {
        LimitMember = "max_completion_tokens",
        Disconnect = Disconnect.Cancel,
    };
}
