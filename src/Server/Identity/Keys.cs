using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Purser.Core;
using Purser.Core.Identity;
using Purser.Server.Platform;
using static Microsoft.AspNetCore.Http.TypedResults;

namespace Purser.Server.Identity;

/// <summary>A route for the admin key alone.</summary>
sealed class AdminRoute;

sealed record ServerKey : IEntity
{
    public static string Prefix => "srv";
}

/// <summary>Tells whose a key is. Of server keys only hashes are kept.</summary>
sealed class KeyRing(Settings settings, Db db, TimeProvider time)
{
    // A revoked key is refused on every server at most this much later.
    static readonly TimeSpan Trust = TimeSpan.FromSeconds(1);

    const int LongestKey = 512;

    readonly byte[] admin = Encoding.UTF8.GetBytes(settings.AdminKey);
    readonly ConcurrentDictionary<string, DateTimeOffset> known = new(StringComparer.Ordinal);

    /// <summary>In constant time, but for keys of another length.</summary>
    public bool IsAdmin(string key)
    {
        Span<byte> given = stackalloc byte[LongestKey];
        return key.Length <= LongestKey
            && Encoding.UTF8.TryGetBytes(key, given, out var length)
            && CryptographicOperations.FixedTimeEquals(given[..length], admin);
    }

    public async Task<bool> IsServer(string key, CancellationToken ct)
    {
        var hash = Hash(key);
        var name = Convert.ToHexString(hash);
        var now = time.GetUtcNow();
        if (known.TryGetValue(name, out var until) && now < until) return true;

        var found = await db.One($"select id from server_key where hash = {hash} and revoked_at is null", row => row.GetGuid(0).ToString(), ct);
        if (found is null)
        {
            known.TryRemove(name, out _);
            return false;
        }

        known[name] = now + Trust;
        return true;
    }

    public void Forget() => known.Clear();

    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}

static class Keys
{
    public static TBuilder AdminOnly<TBuilder>(this TBuilder routes) where TBuilder : IEndpointConventionBuilder =>
        routes.WithMetadata(new AdminRoute());

    /// <summary>For the product's users, with a token of its issuer; no key opens it.</summary>
    public static TBuilder ForUsers<TBuilder>(this TBuilder routes) where TBuilder : IEndpointConventionBuilder =>
        routes.WithMetadata(new UserRoute());

    /// <summary>A route needs a key unless it says otherwise; the key is looked at before anything of the request is.</summary>
    public static void UseKeys(this WebApplication app)
    {
        var door = new Door(app.Services.GetRequiredService<KeyRing>(), app.Services.GetRequiredService<Users>());
        var audit = app.Services.GetRequiredService<AuditLog>();
        app.Use(async (http, next) =>
        {
            // What is no route of ours has nothing to guard: the framework only says what does not fit.
            if (http.GetEndpoint() is not RouteEndpoint { Metadata: var metadata } || metadata.GetMetadata<PublicRoute>() is not null)
            {
                await next(http);
                return;
            }

            if (await door.Refuse(http, metadata) is { } error)
            {
                if (error.Kind == ErrorType.Unauthorized) http.Response.Headers.WWWAuthenticate = "Bearer";
                await error.Write(http);
                return;
            }

            if (http.Features.Get<Caller>() is { } caller && AuditLog.Concerns(caller, http.Request, metadata.GetMetadata<AdminRoute>() is not null))
                await audit.Begin(http, caller);
            await next(http);
        });
    }
}

/// <summary>Lets in who may come in, and remembers who it is.</summary>
sealed class Door(KeyRing ring, Users users)
{
    const string Scheme = "Bearer ";

    static readonly Caller AdminKey = new("admin key", IsPerson: false);

    public async Task<Error?> Refuse(HttpContext http, EndpointMetadataCollection metadata)
    {
        var given = http.Request.Headers.Authorization;
        if (given is not [{ } header] || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return Users.Unauthorized("missing_key", "Send a key: Authorization: Bearer KEY.");

        var key = header[Scheme.Length..].Trim();
        if (metadata.GetMetadata<UserRoute>() is not null) return await RefuseUser(http, key);
        var adminOnly = metadata.GetMetadata<AdminRoute>() is not null;
        if (ring.IsAdmin(key))
        {
            if (adminOnly) http.Features.Set(AdminKey);
            return null;
        }

        if (BearerToken.IsOne(key)) return await RefusePerson(http, key);
        if (!await ring.IsServer(key, http.RequestAborted))
            return Users.Unauthorized("unknown_key", "This key is not known, or was revoked.");

        return adminOnly ? AdminOnly : null;
    }

    async Task<Error?> RefuseUser(HttpContext http, string token)
    {
        var (user, error) = await users.Find(token, http.RequestAborted);
        if (user is null) return error;

        http.Features.Set(user);
        return null;
    }

    /// <summary>Purser's own routes are open to the product's administrators, as to who has the admin key.</summary>
    async Task<Error?> RefusePerson(HttpContext http, string token)
    {
        var (user, error) = await users.Find(token, http.RequestAborted);
        if (user is null) return error;
        if (!user.IsAdmin) return AdminOnly;

        http.Features.Set(new Caller(user.Customer.Value, IsPerson: true));
        return null;
    }

    static Error AdminOnly => Error.Of(ErrorType.Forbidden, "admin_only", "This takes the admin key, or an administrator's token.");
}

sealed record ServerKeyRequest
{
    public string? Name { get; init; }
}

/// <param name="Key">Shown once, when the key is made.</param>
sealed record ServerKeyAnswer(string Id, string Name, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt, string? Key);

static class ServerKeyEndpoints
{
    const int LongestName = 100;
    const int KeyBytes = 24;

    public static void MapServerKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/v1/server-keys").WithTags("Server keys").AdminOnly();
        keys.MapPost("/", Create).Once().WithSummary("Make a key for a server of the product; it is shown once");
        keys.MapGet("/", List).WithSummary("List server keys");
        keys.MapDelete("/{key}", Revoke).WithSummary("Revoke a server key");
    }

    static async Task<Created<ServerKeyAnswer>> Create(ServerKeyRequest request, Db db, TimeProvider time, CancellationToken ct)
    {
        var name = request.Name.Needed("name").Short("name", LongestName)!;
        var now = time.Now();
        var id = Id<ServerKey>.New(now);
        var key = $"psk_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes))}";
        await db.Run($"""
            insert into server_key (id, name, hash, created_at) values ({id}, {name}, {KeyRing.Hash(key)}, {now})
            """, ct);
        return Created($"/v1/server-keys/{id}", new ServerKeyAnswer(id.ToString(), name, now, null, key));
    }

    static async Task<Ok<Page<ServerKeyAnswer>>> List(Db db, HttpContext http, CancellationToken ct)
    {
        var limit = Paging.Limit(http);
        var after = Paging.After<Id<ServerKey>>(http)?.Value ?? Guid.Empty;
        var rows = await db.All($"""
            select id, name, created_at, revoked_at from server_key where id > {after} order by id limit {limit + 1}
            """, row => new ServerKeyAnswer(
                row.GetId<ServerKey>(0).ToString(),
                row.GetString(1),
                row.GetInstant(2),
                row.IsDBNull(3) ? null : row.GetInstant(3),
                Key: null), ct);
        return Ok(rows.Page(limit));
    }

    static async Task<Results<NoContent, JsonHttpResult<ErrorBody>>> Revoke(
        Id<ServerKey> key, Db db, KeyRing ring, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        var revoked = await db.Run($"""
            update server_key set revoked_at = coalesce(revoked_at, {time.Now()}) where id = {key}
            """, ct);
        ring.Forget();
        return revoked == 0 ? Error.NotFound("server key").Answer(http) : NoContent();
    }
}
