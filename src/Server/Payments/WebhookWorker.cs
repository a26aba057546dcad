using Npgsql;
using Purser.Core;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>What is known of an event when it is applied: a hint that something about an object may have changed.</summary>
sealed record StripeEvent(string Id, string Type, string Object, DateTimeOffset ReceivedAt);

enum Applied
{
    Done,

    /// <summary>About something that Purser did not make and does not know.</summary>
    NotOurs,
}

/// <summary>
/// Applies events of some types, by fetching what they are about. It may be called for the same change any number of
/// times, in any order.
/// </summary>
/// <param name="Types">Of Stripe's names; <c>refund.*</c> stands for all that begin so.</param>
sealed record EventApplier(IReadOnlyList<string> Types, Func<StripeEvent, CancellationToken, Task<Applied>> Apply)
{
    public bool Takes(string type) => Types.Any(one => one.EndsWith(".*", StringComparison.Ordinal)
        ? type.StartsWith(one[..^1], StringComparison.Ordinal)
        : one == type);
}

/// <summary>
/// Applies what was received, on one server at a time: each takes events for a while, and what it leaves undone is due
/// again after that. Events about one object are applied one after the other. What fails comes again, ever later, until
/// it succeeds or a person decides.
/// </summary>
sealed class WebhookWorker(
    IEnumerable<EventApplier> appliers, Db db, WebhookMetrics metrics, TimeProvider time, ILogger<WebhookWorker> log)
    : BackgroundService
{
    const int AtOnce = 32;
    const int MostFinishedAtOnce = 500;
    const int LongestError = 500;

    static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);
    static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    readonly EventApplier[] appliers = [.. appliers];
    readonly SemaphoreSlim awake = new(0, 1);
    readonly SemaphoreSlim free = new(AtOnce, AtOnce);
    readonly Dictionary<string, Task> lastOf = [];
    readonly Lock gate = new();

    public bool Applies(string type) => appliers.Any(applier => applier.Takes(type));

    /// <summary>Something is due.</summary>
    public void Wake()
    {
        lock (gate)
        {
            if (awake.CurrentCount == 0) awake.Release();
        }
    }

    public override void Dispose()
    {
        awake.Dispose();
        free.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var finished = new Gathered<(string Id, Applied Applied)>(Finish, capacity: 4096, MostFinishedAtOnce);
        finished.Start();
        var running = new HashSet<Task>();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Round(finished, running, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                log.EventsInterrupted(e.Message);
                await Task.WhenAny(Task.Delay(Poll, stoppingToken));
            }
        }

        await Task.WhenAll(running);
    }

    async Task Round(Gathered<(string, Applied)> finished, HashSet<Task> running, CancellationToken ct)
    {
        running.RemoveWhere(task => task.IsCompleted);
        await free.WaitAsync(ct);
        var room = free.CurrentCount + 1;
        free.Release();

        var due = await db.Lease(time.Now(), LeaseTime, room, ct);
        if (due.Count == 0)
        {
            await awake.WaitAsync(Poll, ct);
            return;
        }

        // The oldest first, as far as that means anything: nothing depends on it.
        foreach (var one in due.OrderBy(one => one.ReceivedAt))
        {
            await free.WaitAsync(ct);
            running.Add(After(one.Object, () => Apply(one, finished, ct)));
        }
    }

    /// <summary>Runs when what runs about the same object has ended.</summary>
    Task After(string? about, Func<Task> run)
    {
        lock (gate)
        {
            foreach (var ended in lastOf.Where(one => one.Value.IsCompleted).Select(one => one.Key).ToArray()) lastOf.Remove(ended);
            var before = about is null ? null : lastOf.GetValueOrDefault(about);
            var task = Task.Run(async () =>
            {
                if (before is not null) await before;
                await run();
            });
            if (about is not null) lastOf[about] = task;
            return task;
        }
    }

    async Task Apply(DueEvent due, Gathered<(string, Applied)> finished, CancellationToken ct)
    {
        try
        {
            var applied = await Dispatch(due, ct);
            if (applied == Applied.NotOurs) log.EventNotOurs(due.Id, due.Type, due.Object);
            if (finished.TryAdd((due.Id, applied)) is { } written) await written;
            metrics.Applied(time.GetUtcNow() - due.ReceivedAt);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // It is due again when the lease ends.
        }
        catch (Exception e)
        {
            await Fail(due, e);
        }
        finally
        {
            free.Release();
        }
    }

    async Task<Applied> Dispatch(DueEvent due, CancellationToken ct)
    {
        if (due.Object is null || appliers.FirstOrDefault(applier => applier.Takes(due.Type)) is not { } applier)
            return Applied.NotOurs;

        return await applier.Apply(new(due.Id, due.Type, due.Object, due.ReceivedAt), ct);
    }

    async Task Fail(DueEvent due, Exception failure)
    {
        var pause = TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, Math.Min(due.Attempts, 20) - 1)));
        var next = time.Now() + (pause * (0.75 + (Random.Shared.NextDouble() / 4)));
        var why = failure.Message.ReplaceLineEndings(" ");
        metrics.Failed();
        log.EventFailed(failure, due.Id, due.Type, due.Attempts, pause.TotalSeconds);
        try
        {
            await db.Fail(due.Id, why.Length > LongestError ? why[..LongestError] : why, next, CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            // It is due again when the lease ends.
            log.EventsInterrupted(e.Message);
        }
    }

    async Task Finish(List<(string Id, Applied Applied)> events, CancellationToken ct)
    {
        foreach (var group in events.GroupBy(one => one.Applied, one => one.Id))
        {
            var state = group.Key switch
            {
                Applied.Done => EventState.Done,
                Applied.NotOurs => EventState.Ignored,
            };
            await db.Finish([.. group], state, time.Now(), ct);
        }
    }
}

/// <summary>What purchases tell Prometheus.</summary>
sealed class PaymentsMetrics(Metrics metrics)
{
    readonly CreditCounter purchased = new(
        metrics, "billing_credits_purchased_total", "Credits of packages that were paid for, by package.", "package");

    public void Purchased(string package, Credits credits) => purchased.Add(package, credits);
}

/// <summary>What webhooks tell Prometheus.</summary>
sealed class WebhookMetrics
{
    // What refuses deliveries that are Stripe's, where something is set wrongly.
    static readonly string[] Alarming = ["bad_signature", "stale_signature", "wrong_mode", "no_webhook_secret", "overloaded"];

    readonly Family<Counter> received;
    readonly Family<Counter> refused;
    readonly Counter failures;
    readonly Histogram seconds;

    public WebhookMetrics(Metrics metrics)
    {
        received = metrics.Counter("stripe_webhook_events_total", "Events that were received and kept, by their type.", "type");
        refused = metrics.Counter("purser_webhook_refusals_total", "Deliveries that were refused, by the reason.", "reason");
        failures = metrics.Counter("stripe_webhook_failures_total", "Attempts to apply an event that failed.");
        seconds = metrics.Histogram("purser_webhook_seconds", "From the receipt of an event to its being applied.", Metrics.Durations);
        // Prometheus sees a count grow only where it has seen it before: an alert shall not miss the first one.
        foreach (var why in Alarming) refused.With(why);
    }

    public void Received(string type) => received.With(type).Increment();

    public void Refused(string why) => refused.With(why).Increment();

    public void Failed() => failures.Increment();

    public void Applied(TimeSpan took) => seconds.Observe(took.TotalSeconds);
}

static partial class Log
{
    [LoggerMessage(2020, LogLevel.Information, "Event {Id} ({Type}) is about {About}, which is nothing of ours; it is kept and changes nothing")]
    public static partial void EventNotOurs(this ILogger log, string id, string type, string? about);

    [LoggerMessage(2021, LogLevel.Warning, "Events wait, because the database does not answer: {Why}")]
    public static partial void EventsInterrupted(this ILogger log, string why);

    [LoggerMessage(2022, LogLevel.Error, "Event {Id} ({Type}) failed at attempt {Attempt}; the next is in {Seconds} s, or by POST /v1/webhook-events/{Id}/retry")]
    public static partial void EventFailed(this ILogger log, Exception failure, string id, string type, int attempt, double seconds);
}
