using System.Threading.Channels;

namespace Purser.Sandbox.Stripe.Control;

/// <summary>
/// Does what falls due, each thing at its own moment and in order, on the account's clock and on its test clocks. A
/// step
/// is one operation, so that requests come in between and a kill loses no more than the step it hits.
/// </summary>
sealed partial class Timeline(Accounts accounts, TimerActions actions, Deliveries deliveries,
    ILogger<Timeline> log) : BackgroundService
{
    static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    readonly Channel<Account> wakes = Channel.CreateBounded<Account>(new BoundedChannelOptions(1024) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Wake(Account account) => wakes.Writer.TryWrite(account);

    /// <summary>A moved test clock should run at once; everything else can wait for the next tick.</summary>
    public void WakeFor(string path, Account account)
    {
        if (path.StartsWith("/v1/test_helpers", StringComparison.Ordinal)) Wake(account);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            using var tick = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            tick.CancelAfter(Tick);
            try
            {
                CatchUp(await wakes.Reader.ReadAsync(tick.Token));
            }
            catch (OperationCanceledException)
            {
                foreach (var account in accounts.All) CatchUp(account);
            }
        }
    }

    void CatchUp(Account account)
    {
        try
        {
            RunAll(account);
        }
        catch (Exception failure)
        {
            // An account reset under our hands, or a full disk: neither may stop time for the others.
            Failed(log, failure, "catching up", account.Id);
        }
    }

    void RunAll(Account account)
    {
        RunDue(account);
        List<string> advancing;
        lock (account.Gate)
        {
            advancing = [.. account.All("test_helpers.test_clock").Where(c =>
                c.Text("status") == "advancing").Select(Json.Id)];
        }
        foreach (var clock in advancing) Advance(account, clock);
    }

    /// <summary>Everything that is due by now on the account's own clock.</summary>
    public void RunDue(Account account)
    {
        while (true)
        {
            lock (account.Gate)
            {
                if (account.NextTimer("") is not { } timer || timer.At > account.Now) break;
                account.Replaying = timer.At;
                try
                {
                    Fire(account, timer, null);
                }
                finally
                {
                    account.Replaying = null;
                }
            }
        }
        deliveries.Wake(account);
    }

    void Advance(Account account, string id)
    {
        while (true)
        {
            lock (account.Gate)
            {
                if (account.Find(id) is not { } clock ||
                    clock.Child("status_details")?.Child("advancing") is not { } target)
                {
                    return;
                }
                var until = target.Number("target_frozen_time");
                if (account.NextTimer(id) is { } timer && timer.At <= until)
                {
                    Fire(account, timer, clock);
                    continue;
                }
                Arrive(account, clock, until);
                break;
            }
        }
        deliveries.Wake(account);
    }

    static void Arrive(Account account, JsonObject clock, long until)
    {
        var tx = new Tx(account, Cause.Time);
        tx.Edit(clock);
        clock["frozen_time"] = until;
        clock.Remove("_now");
        clock["status"] = "ready";
        clock["status_details"] = new JsonObject();
        EventLog.Emit(tx, "test_helpers.test_clock.ready", clock);
        tx.Commit();
    }

    void Fire(Account account, Storage.Timer timer, JsonObject? clock)
    {
        var tx = new Tx(account, Cause.Time);
        try
        {
            if (clock is not null) tx.Edit(clock)["_now"] = Math.Max(timer.At, clock.Number("frozen_time"));
            var body = tx.Edit(timer.Id);
            body.ClearTimer(timer.Name);
            actions.Run(tx, body, timer.Name);
            tx.Commit();
        }
        catch (Exception failure)
        {
            // The timer goes all the same: a step that fails for ever would stop time for the whole account.
            Failed(log, failure, timer.Name, timer.Id);
            tx.Rollback();
            var clear = new Tx(account, Cause.Time);
            clear.Edit(timer.Id).ClearTimer(timer.Name);
            clear.Commit();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "What was due, {Name} of {Id}, failed")]
    static partial void Failed(ILogger log, Exception failure, string name, string id);
}

/// <summary>What to do when a timer of a kind of object falls due.</summary>
sealed class TimerActions
{
    readonly Dictionary<(string Kind, string Name), Action<Tx, JsonObject>> actions = [];

    public void Add(string kind, string name, Action<Tx, JsonObject> action) => actions[(kind, name)] = action;

    public void Run(Tx tx, JsonObject body, string name) => actions[(body.Kind(), name)](tx, body);
}
