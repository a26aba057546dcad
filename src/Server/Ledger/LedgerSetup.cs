using System.Text.Json.Serialization;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

static class LedgerSetup
{
    public static void AddLedger(this IServiceCollection services, string connectionString)
    {
        services.AddSingleton(new LaneSource(connectionString));
        services.AddSingleton<DirtyBuckets>();
        services.AddSingleton<LedgerMetrics>();
        services.AddSingleton<Rollout>();
        services.AddSingleton<Charging>();
        services.AddSingleton<Switch>(provider => provider.GetRequiredService<Charging>().Enabled);
        services.AddSingleton<Switch>(provider => provider.GetRequiredService<Rollout>().Percentage);
        services.AddSingleton<ChargeDesk>();
        services.AddSingleton<Lanes>();
        services.AddHostedService(provider => provider.GetRequiredService<Lanes>());
        services.AddHostedService<Projection>();
        services.AddSingleton(provider => Expiry.Job(provider));
        services.AddSingleton(provider => new HealthCheck("lanes", _ => Task.FromResult(provider.GetRequiredService<Lanes>().Healthy)));
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Add(LedgerJson.Default));
    }

    public static void MapLedger(this WebApplication routes)
    {
        var lanes = routes.Services.GetRequiredService<Lanes>();
        routes.Services.GetRequiredService<Metrics>().Gauge(
            "purser_lane_waiting_commands", "Commands that wait in the lanes.", () => lanes.Waiting);
        routes.MapWallets();
        routes.MapGrants();
        routes.MapCharges();
        routes.MapHolds();
        routes.MapUncharged();
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BalanceAnswer))]
[JsonSerializable(typeof(GrantRequest))]
[JsonSerializable(typeof(GrantAnswer))]
[JsonSerializable(typeof(Page<LotAnswer>))]
[JsonSerializable(typeof(ChargeRequest))]
[JsonSerializable(typeof(ChargeAnswer))]
[JsonSerializable(typeof(BulkRequest))]
[JsonSerializable(typeof(BulkAnswer))]
[JsonSerializable(typeof(HoldRequest))]
[JsonSerializable(typeof(HoldAnswer))]
[JsonSerializable(typeof(HoldStateAnswer))]
[JsonSerializable(typeof(CaptureRequest))]
[JsonSerializable(typeof(CaptureAnswer))]
[JsonSerializable(typeof(ReleaseRequest))]
[JsonSerializable(typeof(ReleaseAnswer))]
[JsonSerializable(typeof(AdjustmentRequest))]
[JsonSerializable(typeof(ReversalRequest))]
[JsonSerializable(typeof(ReversalAnswer))]
[JsonSerializable(typeof(Page<EntryAnswer>))]
[JsonSerializable(typeof(EstimateRequest))]
[JsonSerializable(typeof(EstimateAnswer))]
[JsonSerializable(typeof(FreezeRequest))]
[JsonSerializable(typeof(FreezeAnswer))]
[JsonSerializable(typeof(QuoteAnswer))]
[JsonSerializable(typeof(ChargeUnchargedRequest))]
[JsonSerializable(typeof(ChargedAnswer))]
[JsonSerializable(typeof(WaiveRequest))]
[JsonSerializable(typeof(WaivedAnswer))]
[JsonSerializable(typeof(Page<UnchargedAnswer>))]
sealed partial class LedgerJson : JsonSerializerContext;
