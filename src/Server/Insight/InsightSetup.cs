using System.Text.Json.Serialization;
using Npgsql;
using Purser.Server.Identity;
using Purser.Server.Platform;

namespace Purser.Server.Insight;

static class InsightSetup
{
    public static void AddInsight(this IServiceCollection services)
    {
        services.AddSingleton(provider => new Reconciliations(provider.GetRequiredService<NpgsqlDataSource>(), Reconciliations.Patience));
        services.AddSingleton<Alerts>();
        services.AddSingleton(DailyReconciliation.Job);
        services.AddSingleton<Finances>();
        services.AddHostedService(provider => provider.GetRequiredService<Finances>());
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Add(InsightJson.Default));
    }

    public static void MapInsight(this IEndpointRouteBuilder routes)
    {
        routes.MapAlerts();
        routes.MapJournal();
        routes.MapGet("/v1/reconciliation", (Reconciliations reconciliations, CancellationToken ct) => reconciliations.Run(ct))
            .WithTags("Insight").AdminOnly()
            .WithSummary("Compare balances and usage with the ledger now; both lists are empty while all is well");
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReconciliationAnswer))]
[JsonSerializable(typeof(Page<AlertAnswer>))]
[JsonSerializable(typeof(JournalPage))]
sealed partial class InsightJson : JsonSerializerContext;
