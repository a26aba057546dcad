using System.Text.Json;

namespace Purser.Sandbox.Ai.OpenAi;

static class ServiceTiers
{
    /// <summary>The tier really used is told, which need not be the one asked for.</summary>
    public static void Choose(AiCall call, JsonElement body) =>
        call.ServiceTier = call.Behaviour.ServiceTier ?? body.Text("service_tier") switch
        {
            null or "auto" or "default" => "default",
            "fast" => "priority",
            var asked => asked,
        };
}
