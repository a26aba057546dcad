using System.Text.Json.Serialization;
using Purser.Server.Gateway.Providers;
using Purser.Server.Platform;

namespace Purser.Server.Gateway;

static class GatewaySetup
{
    public static void AddGateway(this IServiceCollection services)
    {
        services.AddSingleton<Patience>();
        services.AddSingleton<ProviderTable>();
        services.AddSingleton<ProviderCalls>();
        services.AddSingleton<Targets>();
        services.AddSingleton<VirtualKeys>();
        services.AddSingleton<OwnKeys>();
        services.AddSingleton<SharedLimits>();
        services.AddSingleton<RateLimits>();
        services.AddSingleton<Drains>();
        services.AddSingleton<GatewayMetrics>();
        services.AddSingleton<CallLedger>();
        services.AddSingleton<Gateway>();
        services.AddSingleton<ModelList>();
        services.AddSingleton<Recovery>();
        services.AddSingleton(Recovery.Job);
        services.AddSingleton<RunningCalls>();
        services.AddHostedService(provider => provider.GetRequiredService<RunningCalls>());
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Add(GatewayJson.Default));
    }

    public static void MapGateway(this WebApplication routes)
    {
        var running = routes.Services.GetRequiredService<RunningCalls>();
        routes.Services.GetRequiredService<Metrics>().Gauge(
            "purser_gateway_running_calls", "Calls to providers that are under way.", () => running.Count);
        routes.MapVirtualKeys();
        routes.MapOwnKeys();
        routes.MapCalls();

        routes.MapAi();
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Dictionary<string, long>))]
[JsonSerializable(typeof(VirtualKeyRequest))]
[JsonSerializable(typeof(VirtualKeyAnswer))]
[JsonSerializable(typeof(Page<VirtualKeyAnswer>))]
[JsonSerializable(typeof(OwnKeyRequest))]
[JsonSerializable(typeof(Page<OwnKeyAnswer>))]
[JsonSerializable(typeof(CallAnswer))]
[JsonSerializable(typeof(Page<CallAnswer>))]
[JsonSerializable(typeof(UsagePage))]
sealed partial class GatewayJson : JsonSerializerContext;
