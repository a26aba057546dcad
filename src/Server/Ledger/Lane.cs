using System.Diagnostics;
using System.Threading.Channels;
using Npgsql;

namespace Purser.Server.Ledger;

/// <summary>One queue, one connection, one transaction at a time.</summary>
sealed class Lane(
    int number, LaneSource source, DirtyBuckets dirty, LedgerMetrics metrics, TimeProvider time, ILogger log) : IAsyncDisposable
{
    /// <summary>What may wait: about half a second of work. Beyond it a caller is better told to come back.</summary>
    public const int Capacity = 16_384;

    const int LargestBatch = 1_000;

    // After a vain hope: retries of one client, or another server at the same wallets, come in swarms.
    const int CarefulFor = 64;

    static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    readonly Channel<Pending> waiting = Channel.CreateBounded<Pending>(new BoundedChannelOptions(Capacity)
    {
        SingleReader = true,
    });

    readonly Memory memory = new();
    readonly CancellationTokenSource giveUp = new();
    readonly List<Pending> batch = new(LargestBatch);
    NpgsqlConnection? connection;
    int careful;
    int reading;
    Task running = Task.CompletedTask;

    public bool Healthy { get; private set; } = true;

    public int Waiting => waiting.Reader.Count;

    public bool TryAccept(Pending pending) => waiting.Writer.TryWrite(pending);

    public void Start() => running = Task.Run(Work);

    public async Task Stop(TimeSpan timeout)
    {
        waiting.Writer.TryComplete();
        giveUp.CancelAfter(timeout);
        await running;
    }

    public async ValueTask DisposeAsync()
    {
        waiting.Writer.TryComplete();
        await giveUp.CancelAsync();
        await running;
        giveUp.Dispose();
        if (connection is not null) await connection.DisposeAsync();
    }

    async Task Work()
    {
        while (await waiting.Reader.WaitToReadAsync())
        {
            batch.Clear();
            while (batch.Count < LargestBatch && waiting.Reader.TryRead(out var pending)) batch.Add(pending);
            await RunUntilKnown(batch);
        }
    }

    /// <summary>
    /// A lost connection says nothing about the transaction: the same batch runs again, and the keys tell what was
    /// written the first time. A batch that PostgreSQL or we cannot digest is halved until the bad command stands alone.
    /// </summary>
    async Task RunUntilKnown(List<Pending> commands)
    {
        for (var pause = ShortestPause; ; pause = Longer(pause))
        {
            try
            {
                await RunOnce(commands);
                Healthy = true;
                return;
            }
            catch (Exception) when (giveUp.IsCancellationRequested)
            {
                // The server ends before it knows; their keys will tell.
                foreach (var pending in commands) pending.TrySetResult(new Outcome.Unknown());
                return;
            }
            catch (Exception e) when (Passes(e))
            {
                Healthy = false;
                metrics.Interrupted();
                log.LaneInterrupted(number, commands.Count, e.Message);
                await Disconnect();
                await Task.Delay(pause, time, giveUp.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            }
            catch (Exception e) when (commands.Count > 1)
            {
                log.LaneHalved(number, commands.Count, e.Message);
                await Disconnect();
                await RunUntilKnown([.. commands.Take(commands.Count / 2)]);
                await RunUntilKnown([.. commands.Skip(commands.Count / 2)]);
                return;
            }
            catch (Exception e)
            {
                await Disconnect();
                Fail(commands, e);
                return;
            }
        }
    }

    async Task RunOnce(List<Pending> commands)
    {
        connection ??= await source.Open(giveUp.Token);
        var started = Stopwatch.GetTimestamp();
        if (!await RanHopefully(connection, commands)) await NewBatch(connection, commands).Run(giveUp.Token);
        metrics.Committed(commands.Count, Stopwatch.GetElapsedTime(started));
    }

    async Task<bool> RanHopefully(NpgsqlConnection open, List<Pending> commands)
    {
        if (careful > 0)
        {
            careful--;
            return false;
        }

        if (!Batch.MayHope(commands)) return false;

        var hope = Hope.NotNow;
        if (reading > 0) reading--;
        else hope = await NewBatch(open, commands).RunHopefully(recall: true, giveUp.Token);
        if (hope == Hope.Outdated) reading = CarefulFor;
        if (hope is Hope.NotNow or Hope.Outdated) hope = await NewBatch(open, commands).RunHopefully(recall: false, giveUp.Token);
        if (hope == Hope.Vain)
        {
            careful = CarefulFor;
            metrics.LookedAgain();
        }

        return hope == Hope.Fulfilled;
    }

    Batch NewBatch(NpgsqlConnection open, List<Pending> commands) => new(open, commands, memory, dirty, metrics);

    async Task Disconnect()
    {
        if (connection is null) return;

        // What it wrote last may be lost with it, or be there without our knowing.
        memory.Forget();
        // Closing takes the transaction with it, whatever state it was left in.
        await connection.DisposeAsync();
        connection = null;
    }

    static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    static void Fail(List<Pending> commands, Exception e)
    {
        foreach (var pending in commands) pending.TrySetException(e);
    }

    // A PostgresException that is not transient is about the data; anything else from Npgsql is about the way there.
    static bool Passes(Exception e) => e switch
    {
        PostgresException postgres => postgres.IsTransient || postgres.SqlState is { } state && Recovers(state),
        NpgsqlException or TimeoutException or IOException => true,
        _ => false,
    };

    // 40: serialization and deadlock. 53, 57P0: out of something, shutting down, starting up. 08: connection.
    // 25006: read-only, a standby during failover. 55P03, 57014: a lock or the statement took too long.
    static bool Recovers(string state) =>
        state.StartsWith("40", StringComparison.Ordinal)
        || state.StartsWith("53", StringComparison.Ordinal)
        || state.StartsWith("57P0", StringComparison.Ordinal)
        || state.StartsWith("08", StringComparison.Ordinal)
        || state is "25006" or "55P03" or "57014";
}

static partial class Log
{
    [LoggerMessage(1001, LogLevel.Warning, "Lane {Lane} lost a batch of {Count} and runs it again: {Why}")]
    public static partial void LaneInterrupted(this ILogger log, int lane, int count, string why);

    [LoggerMessage(1002, LogLevel.Error, "Lane {Lane} could not write a batch of {Count} and halves it: {Why}")]
    public static partial void LaneHalved(this ILogger log, int lane, int count, string why);
}
