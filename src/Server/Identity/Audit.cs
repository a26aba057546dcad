using Npgsql;
using Purser.Core;
using Purser.Server.Platform;
using static Microsoft.AspNetCore.Http.TypedResults;

namespace Purser.Server.Identity;

/// <summary>Who an accepted call is from, as the audit log names him.</summary>
/// <param name="IsPerson">An administrator of the product, and no machine with a key.</param>
sealed record Caller(string Name, bool IsPerson);

/// <summary>Something that an administrator changed, or tried to.</summary>
sealed record Audited : IEntity
{
    public static string Prefix => "aud";
}

/// <param name="Status">Of the answer; nothing where the server ended before it.</param>
/// <param name="Note">What was changed, where the path does not say it.</param>
sealed record AuditAnswer(string Id, DateTimeOffset At, string Actor, string Method, string Path, int? Status, string? Note, string RequestId);

/// <summary>
/// What administrators change, written down before it is done: nothing is changed that is not in here. Calls that machines make
/// with their keys are in the ledger, each with its own key; here are those of persons, and those that take the admin key.
/// </summary>
sealed class AuditLog(Db db, TimeProvider time)
{
    const int LongestNote = 500;

    public static bool Concerns(Caller caller, HttpRequest request, bool adminRoute) =>
        (caller.IsPerson || adminRoute) && !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method);

    public async Task Begin(HttpContext http, Caller caller)
    {
        var now = time.Now();
        var id = Id<Audited>.New(now);
        await db.Run($"""
            insert into audit (id, at, actor, method, path, request_id)
            values ({id}, {now}, {caller.Name}, {http.Request.Method}, {http.Request.Path.Value}, {http.TraceIdentifier})
            """, http.RequestAborted);
        http.Response.OnCompleted(() => End(id, http));
    }

    /// <summary>For what no request asked for, such as a command on the command line.</summary>
    public Task Note(string actor, string what, string note, CancellationToken ct)
    {
        var now = time.Now();
        return db.Run($"""
            insert into audit (id, at, actor, method, path, status, note, request_id)
            values ({Id<Audited>.New(now)}, {now}, {actor}, {"command"}, {what}, {0}, {note}, {""})
            """, ct);
    }

    async Task End(Id<Audited> id, HttpContext http)
    {
        var note = http.Items.TryGetValue(typeof(AuditLog), out var said) ? (string?)said : null;
        if (note?.Length > LongestNote) note = note[..LongestNote];
        await db.Run($"update audit set status = {http.Response.StatusCode}, note = {note} where id = {id}", CancellationToken.None);
    }
}

static class AuditEndpoints
{
    /// <summary>Says in the log what this call changes.</summary>
    public static void Audit(this HttpContext http, string note) => http.Items[typeof(AuditLog)] = note;

    public static void MapAudit(this IEndpointRouteBuilder routes) => routes.MapGet("/v1/audit", List).WithTags("Administration").AdminOnly()
        .WithSummary("What administrators changed, newest first").Produces<Page<AuditAnswer>>()
        .WithQuery("actor", "Only what this one changed.");

    static async Task<IResult> List(Db db, HttpContext http, CancellationToken ct)
    {
        var limit = Paging.Limit(http);
        var before = Paging.After<Id<Audited>>(http)?.Value;
        var actor = http.Sought("actor");
        var rows = await db.All($"""
            select id, at, actor, method, path, status, note, request_id from audit
            where ({before}::uuid is null or id < {before}::uuid) and ({actor}::text is null or actor = {actor}::text)
            order by id desc limit {limit + 1}
            """, Read, ct);
        return Ok(rows.Page(limit));
    }

    static AuditAnswer Read(NpgsqlDataReader row) => new(
        row.GetId<Audited>(0).ToString(), row.GetInstant(1), row.GetString(2), row.GetString(3), row.GetString(4), row.Maybe<int>(5),
        row.Text(6), row.GetString(7));
}
