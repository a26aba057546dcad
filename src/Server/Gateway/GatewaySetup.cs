using System.Text.Json.Serialization;
using Purser.Core.Gateway;
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

        // They look at their keys themselves, and answer as the API they speak does.
        var gateway = routes.MapGroup("").Public().WithMetadata(new LargeBodies(Gateway.LargestBody)).WithTags("AI");
        Map(gateway, "/openai/v1/chat/completions", Wire.ChatCompletions);
        Map(gateway, "/openai/v1/responses", Wire.Responses);
        Map(gateway, "/openai/v1/embeddings", Wire.Embeddings);
        Map(gateway, "/openai/v1/audio/transcriptions", Wire.Transcriptions);
        Map(gateway, "/openai/v1/images/generations", Wire.Images);
        Map(gateway, "/anthropic/v1/messages", Wire.Messages);
        Map(gateway, "/anthropic/v1/messages/count_tokens", Wire.CountTokens);
        MapModels(gateway, "/openai/v1/models", Dialect.OpenAi);
        MapModels(gateway, "/anthropic/v1/models", Dialect.Anthropic);
    }

    static void Map(IEndpointRouteBuilder routes, string path, Wire wire) =>
        routes.MapPost(path, (HttpContext http, Gateway gateway) => gateway.Handle(http, wire));

    static void MapModels(IEndpointRouteBuilder routes, string path, Dialect dialect)
    {
        routes.MapGet(path, (HttpContext http, ModelList models) => models.Handle(http, dialect, name: null));
        routes.MapGet(path + "/{**name}", (HttpContext http, ModelList models, string name) => models.Handle(http, dialect, name));
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
