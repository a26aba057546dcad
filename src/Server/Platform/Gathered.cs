using System.Threading.Channels;

namespace Purser.Server.Platform;

/// <summary>
/// Rows that many callers write at the same time, written together: one statement and one flush of the disk for all that
/// wait. Each caller goes on when its own row is written, or failed to be. What waits is bounded.
/// </summary>
sealed class Gathered<T>(Func<List<T>, CancellationToken, Task> write, int capacity, int mostAtOnce) : IAsyncDisposable
{
    readonly Channel<(T Row, TaskCompletionSource Written)> waiting =
        Channel.CreateBounded<(T, TaskCompletionSource)>(new BoundedChannelOptions(capacity) { SingleReader = true });

    readonly CancellationTokenSource giveUp = new();
    Task running = Task.CompletedTask;

    public int Waiting => waiting.Reader.Count;

    public void Start() => running = Task.Run(Work);

    /// <summary>Null where too many wait already; otherwise ends when the row is written.</summary>
    public Task? TryAdd(T row)
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return waiting.Writer.TryWrite((row, written)) ? written.Task : null;
    }

    /// <summary>Writes what waits, and takes no more; a second time it does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!waiting.Writer.TryComplete()) return;

        giveUp.CancelAfter(TimeSpan.FromSeconds(10));
        await running;
        giveUp.Dispose();
    }

    async Task Work()
    {
        var batch = new List<(T Row, TaskCompletionSource Written)>(mostAtOnce);
        while (await waiting.Reader.WaitToReadAsync())
        {
            batch.Clear();
            while (batch.Count < mostAtOnce && waiting.Reader.TryRead(out var one)) batch.Add(one);
            try
            {
                await write(batch.ConvertAll(one => one.Row), giveUp.Token);
                foreach (var (_, written) in batch) written.TrySetResult();
            }
            catch (Exception e)
            {
                foreach (var (_, written) in batch) written.TrySetException(e);
            }
        }
    }
}
