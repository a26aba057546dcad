using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Purser.Sandbox.Stripe.Events;

/// <summary>
/// Sends events to endpoints: signed, over real HTTP, several at a time and so in no promised order. What is to be sent
/// is stored; this only does it, and begins again after a restart.
/// </summary>
sealed partial class Deliveries(Accounts accounts, TimeProvider time, ILogger<Deliveries> log) : BackgroundService
{
    // Per endpoint: one that hangs must not keep the others, least of all those of other accounts, from hearing.
    const int AtOnceMax = 64;
    static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(10);
    static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(60);
    static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);
    static readonly TimeSpan HeardTick = TimeSpan.FromMilliseconds(20);
    static readonly TimeSpan GiveUpAfter = TimeSpan.FromDays(3);

    // Four times as long after every failure: quick enough to watch, and three days are reached in eleven attempts.
    const long FirstRetrySeconds = 1;
    const long RetryFactor = 4;

    static readonly JsonSerializerOptions Indented = new(Json.Plain) { WriteIndented = true };

    readonly Channel<Account> wakes = Channel.CreateBounded<Account>(new BoundedChannelOptions(1024) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly ConcurrentDictionary<string, Task> running = new();
    readonly HttpClient http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        UseProxy = false,
    }) { Timeout = AttemptTimeout };

    public void Wake(Account account) => wakes.Writer.TryWrite(account);

    /// <summary>The clock on which an endpoint's deliveries wait, apart from what the account itself waits for.</summary>
    public static string ClockOf(string endpoint) => $"deliveries to {endpoint}";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Round(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                RoundFailed(log, failure);
            }
        }
    }

    async Task Round(CancellationToken ct)
    {
        using var tick = CancellationTokenSource.CreateLinkedTokenSource(ct);
        tick.CancelAfter(Tick);
        HashSet<Account> woken = [];
        try
        {
            woken.Add(await wakes.Reader.ReadAsync(tick.Token));
            while (wakes.Reader.TryRead(out var more)) woken.Add(more);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            woken = [.. accounts.All];
        }
        foreach (var account in woken) SendDue(account, ct);
    }

    void SendDue(Account account, CancellationToken ct)
    {
        List<Attempt> attempts = [];
        lock (account.Gate)
        {
            foreach (var endpoint in account.All("webhook_endpoint").Select(Json.Id))
            {
                var room = AtOnceMax - account.DeliveriesInFlight.Values.Count(e => e == endpoint);
                var due = account.DueTimers(ClockOf(endpoint), account.Now).Select(t => t.Id);
                foreach (var id in due.Where(id => !account.DeliveriesInFlight.ContainsKey(id)).Take(room).ToList())
                {
                    attempts.AddIfAny(Prepare(account, id));
                }
            }
        }
        foreach (var attempt in attempts) Start(attempt, ct);
    }

    sealed record Attempt(Account Account, string Delivery, string Url, byte[] Payload, List<string> Secrets);

    /// <summary>Takes a delivery on its way and makes its payload.</summary>
    static Attempt? Prepare(Account account, string id)
    {
        var delivery = account.Find(id)!;
        var endpoint = account.Find(delivery.Text("endpoint")!);
        var e = account.Find(delivery.Text("event")!);
        if (endpoint is null || e is null || endpoint.Text("status") != "enabled")
        {
            var tx = new Tx(account, Cause.Time);
            tx.Edit(delivery).ClearTimers();
            tx.Commit();
            return null;
        }
        account.DeliveriesInFlight[id] = endpoint.Id();
        var payload = JsonSerializer.SerializeToUtf8Bytes(EventLog.ShowFor(account, e, endpoint), Indented);
        return new(account, id, endpoint.Text("url")!, payload, WebhookEndpoints.Secrets(endpoint, account.Now));
    }

    void Start(Attempt attempt, CancellationToken ct)
    {
        var task = Task.Run(() => Send(attempt, ct), CancellationToken.None);
        running[attempt.Delivery] = task;
        // It may have been quicker than the line above.
        if (task.IsCompleted) running.TryRemove(attempt.Delivery, out _);
    }

    async Task<bool> Send(Attempt attempt, CancellationToken ct)
    {
        var taken = false;
        try
        {
            taken = await Post(attempt, ct);
        }
        finally
        {
            Finish(attempt, taken);
            running.TryRemove(attempt.Delivery, out _);
            Wake(attempt.Account);
        }
        return taken;
    }

    async Task<bool> Post(Attempt attempt, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post,
            attempt.Url) { Content = new ByteArrayContent(attempt.Payload) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json; charset=utf-8");
        request.Headers.TryAddWithoutValidation("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)");
        request.Headers.TryAddWithoutValidation("Cache-Control", "no-cache");
        request.Headers.TryAddWithoutValidation("Stripe-Signature",
            Signature(attempt.Payload, attempt.Secrets, time.GetUtcNow().ToUnixTimeSeconds()));
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
            return response.IsSuccessStatusCode;
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <summary>
    /// The time is the wall's even where the account's clock has been moved: receivers compare it with their own.
    /// No spaces, because Stripe's SDK for Node does not trim.
    /// </summary>
    public static string Signature(byte[] payload, IEnumerable<string> secrets, long now)
    {
        var prefix = Encoding.ASCII.GetBytes($"{now.ToString(CultureInfo.InvariantCulture)}.");
        var header = new StringBuilder($"t={now.ToString(CultureInfo.InvariantCulture)}");
        foreach (var secret in secrets)
        {
            using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
            hmac.AppendData(prefix);
            hmac.AppendData(payload);
            header.Append(CultureInfo.InvariantCulture, $",v1={Convert.ToHexStringLower(hmac.GetHashAndReset())}");
        }
        return header.ToString();
    }

    static void Finish(Attempt attempt, bool taken)
    {
        var account = attempt.Account;
        lock (account.Gate)
        {
            account.DeliveriesInFlight.Remove(attempt.Delivery);
            if (account.Find(attempt.Delivery) is not { } delivery) return;
            var tx = new Tx(account, Cause.Time);
            if (taken) tx.Remove(attempt.Delivery);
            else Postpone(tx, delivery);
            tx.Commit();
        }
    }

    static void Postpone(Tx tx, JsonObject delivery)
    {
        tx.Edit(delivery);
        var attempts = delivery.Number("attempts") + 1;
        delivery["attempts"] = attempts;
        if (!delivery.ContainsKey("first")) delivery["first"] = tx.Now;
        var wait = FirstRetrySeconds;
        for (var i = 1; i < attempts && wait < GiveUpAfter.TotalSeconds; i++) wait *= RetryFactor;
        if (tx.Now + wait - delivery.Number("first") > GiveUpAfter.TotalSeconds) delivery.ClearTimers();
        else delivery.SetTimer("send", tx.Now + wait);
    }

    /// <summary>Tries at once everything that is still to be sent, due or not, and waits for it.</summary>
    public async Task<(int Delivered, int Failed)> Flush(Account account, CancellationToken ct)
    {
        List<Task> pending = [];
        lock (account.Gate)
        {
            foreach (var id in account.DeliveriesInFlight.Keys)
            {
                if (running.TryGetValue(id, out var task)) pending.Add(task);
            }
        }
        await Task.WhenAll(pending).WaitAsync(FlushTimeout, time, ct);

        List<Attempt> attempts = [];
        lock (account.Gate)
        {
            var waiting = account.All(Kinds.Delivery).Where(d => d.TimerAt("send") is not null).Select(Json.Id).Reverse();
            foreach (var id in waiting.Where(id => !account.DeliveriesInFlight.ContainsKey(id)).ToList())
            {
                attempts.AddIfAny(Prepare(account, id));
            }
        }
        var delivered = 0;
        // One after another in order of creation: whoever flushes wants an outcome that repeats.
        foreach (var attempt in attempts)
        {
            if (await Send(attempt, ct)) delivered++;
        }
        return (delivered, attempts.Count - delivered);
    }

    /// <summary>Waits until every endpoint that is to hear of an event has answered well, or for so long.</summary>
    public async Task Heard(Account account, string e, TimeSpan patience, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(patience);
        try
        {
            while (IsToBeSent(account, e)) await Task.Delay(HeardTick, time, limit.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // Whoever was not reached is told later.
        }
    }

    static bool IsToBeSent(Account account, string e)
    {
        lock (account.Gate) return account.Referring(Kinds.Delivery, "event", e).Any(d => d.TimerAt("send") is not null);
    }

    /// <summary>Sends one event once more to one endpoint, whatever has become of it before.</summary>
    public async Task<bool> Resend(Account account, string e, string endpoint, CancellationToken ct)
    {
        Attempt attempt;
        lock (account.Gate)
        {
            var found = account.Find(e);
            var target = account.Find(endpoint);
            if (found?.Kind() != "event") throw StripeError.Missing("event", e, "id", inPath: true);
            if (target?.Kind() != "webhook_endpoint")
            {
                throw StripeError.Missing("webhook endpoint", endpoint, "webhook_endpoint", inPath: false);
            }
            var payload = JsonSerializer.SerializeToUtf8Bytes(EventLog.ShowFor(account, found, target), Indented);
            attempt = new(account, "", target.Text("url")!, payload, WebhookEndpoints.Secrets(target, account.Now));
        }
        return await Post(attempt, ct);
    }

    public override void Dispose()
    {
        http.Dispose();
        base.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A round of deliveries failed")]
    static partial void RoundFailed(ILogger log, Exception failure);
}

static class ListExtensions
{
    public static void AddIfAny<T>(this List<T> list, T? item) where T : class
    {
        if (item is not null) list.Add(item);
    }
}
