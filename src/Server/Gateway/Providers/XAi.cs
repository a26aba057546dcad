using Purser.Core.Gateway;

namespace Purser.Server.Gateway.Providers;

static class XAi
{
    // What was thought is beside completion_tokens, not in them: only the total has both.
    public static readonly ProviderFacts Facts = new("xai", new("https://api.x.ai/v1"))
    {
        HeedsBothLimits = true,
        Disconnect = Disconnect.Cancel,
        ThinksUnseen = static model => !model.Contains("non-reasoning", StringComparison.Ordinal),
    };
}
