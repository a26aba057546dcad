using Purser.Core.Gateway;

namespace Purser.Server.Gateway.Providers;

static class DeepSeek
{
    // Counts its cache in members of its own, prompt_cache_hit_tokens and prompt_cache_miss_tokens.
    // Takes max_completion_tokens, and lets an answer be as long as it will.
    public static readonly ProviderFacts Facts =
        new("deepseek", new("https://api.deepseek.com/v1")) { Disconnect = Disconnect.Cancel };
}
