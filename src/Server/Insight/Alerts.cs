using Npgsql;
using Purser.Core;
using Purser.Server.Identity;
using Purser.Server.Platform;
using static Microsoft.AspNetCore.Http.TypedResults;

namespace Purser.Server.Insight;

/// <summary>Something that somebody should look at.</summary>
sealed record Alert : IEntity
{
    public static string Prefix => "alr";
}

/// <param name="Subject">Whom or what it is about.</param>
/// <param name="LastAt">When it was found last.</param>
sealed record AlertAnswer(
    string Id, string Kind, string Subject, string Detail, DateTimeOffset At, DateTimeOffset LastAt, DateTimeOffset? ClosedAt, string? ClosedBy);

sealed class Alerts(Db db, ILogger<Alerts> log)
{
    /// <summary>The same thing found again is the same alert, until somebody has closed it.</summary>
    public async Task Raise(string kind, string subject, string detail, DateTimeOffset now, CancellationToken ct)
    {
        await db.Run($"""
            insert into alert (id, kind, subject, detail, at, last_at)
            values ({Id<Alert>.New(now)}, {kind}, {subject}, {detail}, {now}, {now})
            on conflict (kind, subject) where closed_at is null do update set detail = excluded.detail, last_at = excluded.last_at
            """, ct);
        log.AlertRaised(kind, subject, detail);
    }
}

static class AlertEndpoints
{
    public static void MapAlerts(this IEndpointRouteBuilder routes)
    {
        var alerts = routes.MapGroup("/v1/alerts").WithTags("Insight").AdminOnly();
        alerts.MapGet("/", List).WithSummary("What somebody should look at, newest first").Produces<Page<AlertAnswer>>()
            .WithQuery("state", "open or closed; both, if left out.");
        alerts.MapPost("/{alert}/close", Close).WithSummary("Somebody has looked at it").Produces<AlertAnswer>();
    }

    static async Task<IResult> List(Db db, HttpContext http, CancellationToken ct)
    {
        var state = http.Request.Query["state"].ToString();
        if (state is not ("" or "open" or "closed")) throw new InvalidRequestException("state", "'state' is open or closed.");

        var limit = Paging.Limit(http);
        var before = Paging.After<Id<Alert>>(http)?.Value;
        var rows = await db.All($"""
            select id, kind, subject, detail, at, last_at, closed_at, closed_by from alert
            where ({before}::uuid is null or id < {before}::uuid) and ({state} = '' or (closed_at is null) = ({state} = 'open'))
            order by id desc limit {limit + 1}
            """, Read, ct);
        return Ok(rows.Page(limit));
    }

    static async Task<IResult> Close(Id<Alert> alert, Db db, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        http.IdempotencyKey();
        var by = http.Features.Get<Caller>()!.Name;
        return await db.One($"""
            update alert set closed_at = coalesce(closed_at, {time.Now()}), closed_by = coalesce(closed_by, {by}) where id = {alert}
            returning id, kind, subject, detail, at, last_at, closed_at, closed_by
            """, Read, ct) is { } closed
            ? Ok(closed)
            : Error.NotFound("alert").Answer(http);
    }

    static AlertAnswer Read(NpgsqlDataReader row) => new(
        row.GetId<Alert>(0).ToString(), row.GetString(1), row.GetString(2), row.GetString(3), row.GetInstant(4), row.GetInstant(5),
        row.Maybe<DateTimeOffset>(6), row.Text(7));
}

static partial class Log
{
    [LoggerMessage(4001, LogLevel.Error, "{Kind} of {Subject}: {Detail}")]
    public static partial void AlertRaised(this ILogger log, string kind, string subject, string detail);
}
