using Npgsql;

namespace Purser.Server.Platform;

/// <summary>Something that readiness depends on: whether it is well, by its name.</summary>
sealed record HealthCheck(string Name, Func<CancellationToken, Task<bool>> IsWell);

sealed record HealthAnswer(bool Ready, IReadOnlyDictionary<string, bool> Checks);

static class Health
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => TypedResults.Ok()).Public().WithTags("Health")
            .WithSummary("The process answers");
        routes.MapGet("/health/ready", Ready).Public().WithTags("Health")
            .WithSummary("Database, migrations and lanes are well: 200, otherwise 503")
            .Produces<HealthAnswer>()
            .Produces<HealthAnswer>(StatusCodes.Status503ServiceUnavailable);
    }

    static async Task<IResult> Ready(IEnumerable<HealthCheck> checks, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        var results = await Task.WhenAll(checks.Select(async check => (check.Name, Well: await IsWell(check, patience.Token))));
        var answer = new HealthAnswer(results.All(one => one.Well), results.ToDictionary(one => one.Name, one => one.Well));
        return TypedResults.Json(
            answer,
            PlatformJson.Default.HealthAnswer,
            statusCode: answer.Ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    static async Task<bool> IsWell(HealthCheck check, CancellationToken ct)
    {
        try
        {
            return await check.IsWell(ct);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }
}
