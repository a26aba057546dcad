using Purser.Core.Gateway;

namespace Purser.Server.Gateway.Providers;

static class OpenAi
{
    // A stream that is cancelled stops, and is billed as far as it came. Reasoning models refuse max_tokens.
    public static readonly ProviderFacts Facts = new("openai", new("https://api.openai.com/v1"))
    {
        LimitMember = "max_completion_tokens",
        HeedsBothLimits = true,
        Disconnect = Disconnect.Cancel,
        // All since o1, but for what still bears an older name.
        ThinksUnseen = static model => !model.StartsWith("gpt-4", StringComparison.Ordinal) && !model.StartsWith("gpt-3.5", StringComparison.Ordinal),
    };
}
