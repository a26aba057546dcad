using Purser.Core;
using Purser.Core.Ledger;

namespace Purser.Server.Ledger;

/// <summary>
/// The way of every change to a wallet. A wallet always falls in the same lane; a lane takes all commands that wait and
/// runs them as one transaction, so that one flush of the disk pays for many, also for many of one hot wallet.
/// </summary>
sealed class Lanes : IHostedService, IAsyncDisposable
{
    // Two keep PostgreSQL busy on two cores while .NET decides; more only make the batches smaller (docs/performance.md).
    const int Count = 2;

    // After this a caller is told that the outcome is unknown; the command stays in its lane.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(20);

    readonly Lane[] lanes;
    readonly DirtyBuckets dirty;
    readonly LedgerMetrics metrics;
    readonly TimeProvider time;
    bool disposed;

    public Lanes(LaneSource source, DirtyBuckets dirty, LedgerMetrics metrics, TimeProvider time, ILogger<Lanes> log)
    {
        this.metrics = metrics;
        this.dirty = dirty;
        this.time = time;
        lanes = [.. Enumerable.Range(0, Count).Select(number => new Lane(number, source, dirty, metrics, time, log))];
    }

    /// <summary>Whether every lane has a connection and is getting on.</summary>
    public bool Healthy => lanes.All(lane => lane.Healthy);

    public int Waiting => lanes.Sum(lane => lane.Waiting);

    /// <summary>Decides a command. What was accepted is carried out even if the caller has gone.</summary>
    /// <param name="key">
    /// May be null where the command is about a hold, or harmless when it is carried out twice: it is what makes a lost
    /// connection harmless to all others.
    /// </param>
    public async Task<Outcome> Run(WalletId wallet, Command command, CommandKey? key, DateTimeOffset now, Rider? rider = null)
    {
        try
        {
            return await Enqueue(wallet, command, key, now, rider).WaitAsync(Patience, time);
        }
        catch (TimeoutException)
        {
            return new Outcome.Unknown();
        }
    }

    /// <summary>As <see cref="Run"/>, for callers that watch over the time themselves.</summary>
    public Task<Outcome> Enqueue(WalletId wallet, Command command, CommandKey? key, DateTimeOffset now, Rider? rider = null)
    {
        var pending = new Pending(wallet, command, key, now, rider);
        if (lanes[wallet.Bucket % Count].TryAccept(pending)) return pending.Task;

        metrics.Overloaded();
        return Task.FromResult<Outcome>(new Outcome.Overloaded());
    }

    public Task StartAsync(CancellationToken ct)
    {
        dirty.MarkAll();
        foreach (var lane in lanes) lane.Start();
        return Task.CompletedTask;
    }

    /// <summary>Takes no more, and answers what was taken.</summary>
    public Task StopAsync(CancellationToken ct) => Task.WhenAll(lanes.Select(lane => lane.Stop(DrainTimeout)));

    public async ValueTask DisposeAsync()
    {
        // The container knows us twice, as ourselves and as a hosted service, and so disposes us twice.
        if (disposed) return;
        disposed = true;
        foreach (var lane in lanes) await lane.DisposeAsync();
    }
}

/// <summary>The idempotency key, already hashed with its wallet, and the hash of what was asked under it.</summary>
readonly record struct CommandKey(Guid Key, Guid Request);

/// <summary>What became of a command.</summary>
abstract record Outcome
{
    Outcome() { }

    public sealed record Done(Receipt Receipt, bool Replayed) : Outcome;

    public sealed record Refused(Refusal Why, Credits Required, Credits Available, bool Replayed) : Outcome;

    /// <summary>The key was used before, for another request.</summary>
    public sealed record KeyReused : Outcome;

    /// <summary>The lane is full: nothing was accepted.</summary>
    public sealed record Overloaded : Outcome;

    /// <summary>It is still in its lane. The key will tell.</summary>
    public sealed record Unknown : Outcome;
}

/// <summary>A command on its way, and the promise of its outcome.</summary>
sealed class Pending(WalletId wallet, Command command, CommandKey? key, DateTimeOffset now, Rider? rider)
    : TaskCompletionSource<Outcome>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public WalletId Wallet { get; } = wallet;

    public Command Command { get; } = command;

    public CommandKey? Key { get; } = key;

    public DateTimeOffset Now { get; } = now;

    public Rider? Rider { get; } = rider;

    /// <summary>
    /// What was decided and sent to be written, where the answer was lost: what its key or its hold says in the database
    /// may be its own.
    /// </summary>
    public Decision? Sent { get; set; }
}
