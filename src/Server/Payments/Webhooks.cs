using System.Text.Json;
using Npgsql;
using Purser.Core.Payments;
using Purser.Server.Identity;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>What deliveries are signed with: two while one is being rolled. In development it is learned after the start.</summary>
sealed class WebhookSecrets(IReadOnlyList<string> configured)
{
    volatile IReadOnlyList<string> current = configured;

    public IReadOnlyList<string> Current
    {
        get => current;
        set => current = value;
    }
}

/// <summary>Takes deliveries in: checked, kept as they came, answered. Applying them is another's work.</summary>
sealed class WebhookInbox(
    NpgsqlDataSource source, WebhookSecrets secrets, StripeClient stripe, WebhookWorker worker, WebhookMetrics metrics,
    TimeProvider time, ILogger<WebhookInbox> log) : IHostedService, IAsyncDisposable
{
    const int MostWaiting = 4096;
    const int MostAtOnce = 256;

    readonly Gathered<ReceivedEvent> gathered = new(source.Keep, MostWaiting, MostAtOnce);

    /// <summary>Null where the event is kept, and may be forgotten by its sender.</summary>
    /// <param name="path">Where it was delivered to.</param>
    public async Task<Error?> Take(string path, string? signature, byte[] body)
    {
        var now = time.Now();
        if (Refuse(signature, body, now, out var received) is { } error) return Refused(path, error);
        if (gathered.TryAdd(received!) is not { } written)
            return Refused(path, Error.Overloaded("overloaded", "Too many deliveries wait to be kept."));

        await written;
        metrics.Received(received!.Type);
        if (received.State == EventState.Pending) worker.Wake();
        return null;
    }

    public Task StartAsync(CancellationToken ct)
    {
        gathered.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken ct) => gathered.DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    Error Refused(string path, Error error)
    {
        metrics.Refused(error.Code);
        log.DeliveryRefused(path, error.Code, error.Message);
        return error;
    }

    Error? Refuse(string? signature, byte[] body, DateTimeOffset now, out ReceivedEvent? received)
    {
        received = null;
        if (secrets.Current.Count == 0)
            return Error.Overloaded("no_webhook_secret", "STRIPE_WEBHOOK_SECRET is not set, so that no delivery can be trusted.");

        switch (StripeSignature.Check(signature, body, secrets.Current, now))
        {
            case SignatureVerdict.Valid: break;
            case SignatureVerdict.Missing: return Bad("missing_signature", "The Stripe-Signature header is missing or has no v1 signature.");
            case SignatureVerdict.Wrong: return Bad("bad_signature", "The signature does not fit the body under any secret known here.");
            case SignatureVerdict.Stale: return Bad("stale_signature", "The signature's time is more than 300 seconds away from ours.");
        }

        if (Read(body, now) is not { } read) return Bad("not_an_event", "The body is not one of Stripe's events.");
        if (read.Livemode != stripe.Livemode)
        {
            return Bad("wrong_mode", read.Livemode
                ? "A live event, and this deployment has a test key."
                : "A test event, and this deployment has a live key.");
        }

        received = read;
        return null;

        static Error Bad(string code, string message) => Error.Invalid(null, message, code);
    }

    ReceivedEvent? Read(byte[] body, DateTimeOffset now)
    {
        try
        {
            var json = new StripeObject(JsonElement.Parse(body));
            if (json.MaybeId is not { Length: > 0 and <= 255 } id || json.Text("type") is not { Length: > 0 and <= 255 } type) return null;
            if (json.Instant("created") is not { } created || json.Flag("livemode") is not { } livemode) return null;

            var about = json.Child("data")?.Child("object");
            var state = worker.Applies(type) ? EventState.Pending : EventState.Ignored;
            return new(id, type, about?.MaybeId, livemode, json.Text("api_version"), created, body, now, state);
        }
        catch (Exception e) when (e is JsonException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }
}

static class WebhookEndpoints
{
    public static void MapWebhooks(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(WebhookRoute.Ordinary.Path, Receive).Public().WithTags("Webhooks").WithSummary("Stripe's events, signed");
        var events = routes.MapGroup("/v1/webhook-events").WithTags("Webhooks").AdminOnly();
        events.MapGet("/", List).WithSummary("Events as they were received and applied").Produces<Page<EventAnswer>>()
            .WithQuery("state", "pending, done, ignored, failed or discarded.");
        events.MapGet("/{id}", Show).WithSummary("One event").Produces<EventAnswer>();
        events.MapPost("/{id}/retry", Retry).Once().WithSummary("Apply an event again now").Produces<EventAnswer>();
        events.MapPost("/{id}/discard", Discard).Once().WithSummary("Never apply it: a person decided").Produces<EventAnswer>();
    }

    // The bytes as they came: what was read and written again has another signature.
    public static async Task<IResult> Receive(WebhookInbox inbox, HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        string? signature = http.Request.Headers["Stripe-Signature"];
        return await inbox.Take(http.Request.Path, signature, body.ToArray()) is { } error
            ? error.Answer(http)
            : TypedResults.Ok();
    }

    static async Task<IResult> List(Db db, HttpContext http, CancellationToken ct)
    {
        EventState? state = null;
        if (http.Request.Query.TryGetValue("state", out var given))
        {
            state = Names.Parse<EventState>(given)
                ?? throw new InvalidRequestException("state", "'state' is pending, done, ignored, failed or discarded.");
        }

        var limit = Paging.Limit(http);
        return TypedResults.Ok((await db.Events(state, Paging.After(http), limit + 1, ct)).Page(limit));
    }

    static async Task<IResult> Show(string id, Db db, HttpContext http, CancellationToken ct) =>
        await db.Event(id, ct) is { } found ? TypedResults.Ok(found) : Error.NotFound("webhook event").Answer(http);

    static async Task<IResult> Retry(string id, Db db, WebhookWorker worker, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        await db.Retry(id, time.Now(), ct);
        worker.Wake();
        return await Show(id, db, http, ct);
    }

    static async Task<IResult> Discard(string id, Db db, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        await db.Discard(id, time.Now(), ct);
        return await Show(id, db, http, ct);
    }
}

static partial class Log
{
    [LoggerMessage(2011, LogLevel.Warning, "A delivery to {Path} was refused ({Code}): {Why}")]
    public static partial void DeliveryRefused(this ILogger log, string path, string code, string why);
}
