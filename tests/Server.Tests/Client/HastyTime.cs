using System.Threading.Channels;

namespace Purser.Server.Tests.Client;

/// <summary>
/// A clock that a test moves. A pause shorter than <see cref="Patience"/> is written down and over at once,
/// so that retries take no time; a longer wait lasts until the clock is moved past it.
/// </summary>
sealed class HastyTime : TimeProvider
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    readonly Lock exclusive = new();
    readonly List<Wait> waits = [];
    readonly List<TimeSpan> pauses = [];
    readonly Channel<TimeSpan> begun = Channel.CreateUnbounded<TimeSpan>();
    DateTimeOffset now = new(2026, 7, 1, 12, 0, 0, TimeSpan.Zero);

    public IReadOnlyList<TimeSpan> Pauses
    {
        get { lock (exclusive) return [.. pauses]; }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (exclusive) return now;
    }

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public void Advance(TimeSpan by)
    {
        Wait[] due;
        lock (exclusive)
        {
            now += by;
            due = [.. waits.Where(wait => wait.Due <= now)];
            waits.RemoveAll(due.Contains);
        }
        foreach (var wait in due) wait.End();
    }

    /// <summary>Waits until somebody else waits for longer than this.</summary>
    public async Task UntilLongerThan(TimeSpan length)
    {
        await foreach (var one in begun.Reader.ReadAllAsync(TestContext.Current.CancellationToken))
            if (one > length) return;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var wait = new Wait(this, callback, state);
        wait.Change(dueTime, period);
        return wait;
    }

    sealed class Wait(HastyTime time, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; private set; }

        public void End() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time.exclusive)
            {
                time.waits.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan) return true;

                Due = time.now + dueTime;
                if (dueTime >= Patience) time.waits.Add(this);
                else time.pauses.Add(dueTime);
            }
            if (dueTime < Patience) ThreadPool.QueueUserWorkItem(_ => Skip(dueTime));
            else time.begun.Writer.TryWrite(dueTime);
            return true;
        }

        void Skip(TimeSpan pause)
        {
            time.Advance(pause);
            End();
        }

        public void Dispose()
        {
            lock (time.exclusive) time.waits.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
