using Npgsql;

namespace Purser.Server.Platform;

/// <summary>Something that is done again and again, on one server at a time.</summary>
sealed record Job(string Name, TimeSpan Every, Func<DateTimeOffset, CancellationToken, Task> Run);

/// <summary>
/// Runs the jobs. Every server looks; a lock in the database lets one through, and the row beside it says when the job
/// last ran, so that several servers run it no more often than one would.
/// </summary>
sealed class Jobs(IEnumerable<Job> jobs, NpgsqlDataSource source, TimeProvider time, ILogger<Jobs> log) : BackgroundService
{
    static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(jobs.Select(job => Repeat(job, stoppingToken)));

    /// <summary>Runs a job if it is due by the clock and no other server is at it.</summary>
    public async Task<bool> RunIfDue(Job job, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(Longest, time);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        await using var connection = await source.OpenConnectionAsync(patience.Token);
        var tx = new Tx(connection);
        // By itself: within the transaction, the first run of all would keep the other servers waiting for its end.
        await tx.Run($"insert into job (name) values ({job.Name}) on conflict do nothing", patience.Token);
        await using var transaction = await connection.BeginTransactionAsync(patience.Token);
        var now = time.Now();
        // Whoever runs the job holds the row; the others pass by.
        var due = await tx.One($"""
            select name from job
            where name = {job.Name} and (last_run is null or last_run <= {now - job.Every} or last_run > {now})
            for update skip locked
            """, row => row.GetString(0), patience.Token);
        if (due is null) return false;

        try
        {
            await job.Run(now, patience.Token);
        }
        catch (Exception e) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            // Begun again at once, it would run for ever: it goes on when it is due.
            log.JobCutShort(e, job.Name);
        }

        await tx.Run($"update job set last_run = {now} where name = {job.Name}", ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    async Task Repeat(Job job, CancellationToken ct)
    {
        using var ticks = new PeriodicTimer(job.Every < Tick ? job.Every : Tick, time);
        while (await NextTick(ticks, ct))
        {
            try
            {
                await RunIfDue(job, ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The next round may succeed; until then the log says why not.
                log.JobFailed(e, job.Name);
            }
        }
    }

    static async Task<bool> NextTick(PeriodicTimer ticks, CancellationToken ct)
    {
        try
        {
            return await ticks.WaitForNextTickAsync(ct);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}

static partial class Log
{
    [LoggerMessage(911, LogLevel.Error, "The job '{Job}' failed and will be tried again")]
    public static partial void JobFailed(this ILogger log, Exception failure, string job);

    [LoggerMessage(912, LogLevel.Error, "The job '{Job}' did not come to its end in its time and goes on when it is due again")]
    public static partial void JobCutShort(this ILogger log, Exception failure, string job);
}
