using System.Security.Cryptography;
using System.Text;

namespace Purser.Server.Platform;

/// <summary>A route whose answers are kept with their Idempotency-Key, and given again.</summary>
sealed class OnceRoute;

/// <summary>
/// For routes that nothing else makes happen once. The first request with a key does the work; a second one, however
/// late, gets the first one's answer, and while the first is still at it, a conflict. Refused requests keep no key: who
/// puts the request right may use it.
/// </summary>
static class OnceRoutes
{
    const int NonceSize = 12;
    const int TagSize = 16;

    // Whoever died at it has left its key; after this another may try. If the first is only slow, no harm is done: what
    // these routes do at Stripe has the same key there, and one customer's purchases come one after the other.
    static readonly TimeSpan Abandoned = TimeSpan.FromSeconds(10);

    sealed record Begun(bool TakenOver);

    sealed record Kept(Guid Request, int? Status, byte[]? Answer);

    public static TBuilder Once<TBuilder>(this TBuilder routes) where TBuilder : IEndpointConventionBuilder =>
        routes.WithMetadata(new OnceRoute());

    /// <summary>An earlier request with this key never came to its end: what it was to do may have been done.</summary>
    public static bool IsSecondTry(this HttpContext http) => http.Items.ContainsKey(typeof(OnceRoute));

    public static void UseOnce(this WebApplication app) => app.Use((http, next) =>
        http.GetEndpoint()?.Metadata.GetMetadata<OnceRoute>() is null || http.IdempotencyKey() is not { } key
            ? next(http)
            : Run(http, key, next));

    /// <summary>
    /// For a call of many parts that each happen once: its key stands for what it asked the first time, and for nothing
    /// else. Whether it was asked before.
    /// </summary>
    public static async Task<bool> AskedBefore(this Db db, HttpContext http, string key, Guid request, DateTimeOffset now)
    {
        var name = Name(http, key);
        var isNew = await db.Run($"""
            insert into answered_request (key, request, at) values ({name}, {request}, {now}) on conflict (key) do nothing
            """, CancellationToken.None) == 1;
        if (isNew) return false;

        return (await Find(db, name))!.Request == request ? true : throw Reused();
    }

    static async Task Run(HttpContext http, string key, RequestDelegate next)
    {
        var db = http.RequestServices.GetRequiredService<Db>();
        var now = http.RequestServices.GetRequiredService<TimeProvider>().Now();
        var body = await Body(http);
        var caller = http.Request.Headers.Authorization.ToString();
        var name = Name(http, key);
        var request = new Guid(SHA256.HashData(body)[..16]);
        var seal = HKDF.DeriveKey(HashAlgorithmName.SHA256, Joined(caller, key), 32, info: "answered request"u8.ToArray());

        switch (await Begin(db, name, request, now))
        {
            case null:
                await Again(http, await Find(db, name), request, seal);
                return;
            case { TakenOver: true }:
                http.Items[typeof(OnceRoute)] = true;
                break;
        }

        var answer = await Captured(http, next, failure => failure is RefusedException { Error.Kind: < ErrorType.Internal } or BadHttpRequestException
            ? Forget(db, name)
            : Leave(db, name));
        if (http.Response.StatusCode is >= 200 and < 300) await Keep(db, name, http.Response.StatusCode, Sealed(answer, seal));
        else await Forget(db, name);
        await http.Response.Body.WriteAsync(answer);
    }

    static async Task Again(HttpContext http, Kept? kept, Guid request, byte[] seal)
    {
        if (kept is null || (kept.Request == request && kept.Answer is null))
        {
            throw new RefusedException(Error.Of(
                ErrorType.Conflict, "request_in_progress", "A request with this Idempotency-Key is under way. Ask again in a moment."));
        }

        // Sealed under another caller's key, it is another caller's request.
        if (kept.Request != request || Opened(kept.Answer!, seal) is not { } answer) throw Reused();

        http.Response.StatusCode = kept.Status!.Value;
        http.Response.Headers["Idempotency-Replayed"] = "true";
        if (answer.Length > 0) http.Response.ContentType = "application/json; charset=utf-8";
        await http.Response.Body.WriteAsync(answer);
    }

    static async Task<byte[]> Captured(HttpContext http, RequestDelegate next, Func<Exception, Task> failed)
    {
        var wire = http.Response.Body;
        using var answer = new MemoryStream();
        http.Response.Body = answer;
        try
        {
            await next(http);
        }
        catch (Exception e)
        {
            await failed(e);
            throw;
        }
        finally
        {
            http.Response.Body = wire;
        }

        return answer.ToArray();
    }

    static async Task<byte[]> Body(HttpContext http)
    {
        http.Request.EnableBuffering();
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        http.Request.Body.Position = 0;
        return body.ToArray();
    }

    static RefusedException Reused() => new(Error.Of(
        ErrorType.Conflict, "idempotency_key_reused", "This Idempotency-Key was used before, for another request."));

    static Guid Name(HttpContext http, string key) => new(SHA256.HashData(Joined(http.Request.Path.Value!, key))[..16]);

    static byte[] Joined(string a, string b) => Encoding.UTF8.GetBytes($"{a.Length}:{a}:{b}");

    static byte[] Sealed(byte[] answer, byte[] seal)
    {
        var sealedAnswer = new byte[NonceSize + answer.Length + TagSize];
        var nonce = sealedAnswer.AsSpan(0, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(seal, TagSize);
        aes.Encrypt(nonce, answer, sealedAnswer.AsSpan(NonceSize, answer.Length), sealedAnswer.AsSpan(NonceSize + answer.Length));
        return sealedAnswer;
    }

    static byte[]? Opened(byte[] sealedAnswer, byte[] seal)
    {
        var length = sealedAnswer.Length - NonceSize - TagSize;
        var answer = new byte[length];
        using var aes = new AesGcm(seal, TagSize);
        try
        {
            aes.Decrypt(
                sealedAnswer.AsSpan(0, NonceSize), sealedAnswer.AsSpan(NonceSize, length), sealedAnswer.AsSpan(NonceSize + length), answer);
            return answer;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    static Task<Begun?> Begin(Db db, Guid key, Guid request, DateTimeOffset now) => db.One($"""
        insert into answered_request (key, request, at) values ({key}, {request}, {now})
        on conflict (key) do update set at = {now}, request = {request}
          where answered_request.status is null and answered_request.at < {now - Abandoned}
        returning xmax <> 0
        """, row => new Begun(row.GetBoolean(0)), CancellationToken.None);

    static Task<Kept?> Find(Db db, Guid key) => db.One($"""
        select request, status, answer from answered_request where key = {key}
        """, row => new Kept(row.GetGuid(0), row.Maybe<int>(1), row.IsDBNull(2) ? null : row.GetFieldValue<byte[]>(2)), CancellationToken.None);

    static async Task Keep(Db db, Guid key, int status, byte[] answer) => await db.Run($"""
        update answered_request set status = {status}, answer = {answer} where key = {key}
        """, CancellationToken.None);

    // It failed on the way, and nobody knows how far it got: the next one with this key is a second try, at once.
    static async Task Leave(Db db, Guid key) =>
        await db.Run($"update answered_request set at = {DateTimeOffset.UnixEpoch} where key = {key} and status is null", CancellationToken.None);

    static async Task Forget(Db db, Guid key) =>
        await db.Run($"delete from answered_request where key = {key} and status is null", CancellationToken.None);
}
