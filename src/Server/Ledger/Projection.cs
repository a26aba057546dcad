using System.Diagnostics;
using Npgsql;
using Purser.Core.Ledger;

namespace Purser.Server.Ledger;

/// <summary>
/// Follows the ledger with the lots. Nothing waits for it: whoever needs lots brings them up to date. It only keeps
/// short what they would have to read, so it works a small part of the time, however much there is to do.
/// </summary>
sealed class Projection(NpgsqlDataSource source, DirtyBuckets dirty, TimeProvider time, ILogger<Projection> log) : BackgroundService
{
    static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    // A tenth of one core at the most: the charges go first.
    const int RestPerWork = 9;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Round(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                dirty.MarkAll();
                log.ProjectionInterrupted(e.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(Rest, time, stoppingToken).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Every bucket that was written to, once.</summary>
    public async Task Round(CancellationToken ct)
    {
        for (var bucket = 0; bucket < WalletId.Buckets; bucket++)
        {
            if (!dirty.Take(bucket)) continue;

            bool more;
            do
            {
                var started = Stopwatch.GetTimestamp();
                more = await Follow(bucket, ct);
                await Task.Delay(Stopwatch.GetElapsedTime(started) * RestPerWork, time, ct);
            }
            while (more);
        }
    }

    // Lots that do not fit their entries were changed behind our back. They must not keep the others from being followed.
    async Task<bool> Follow(int bucket, CancellationToken ct)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(ct);
            return await LotRows.FollowBucket(connection, bucket, ct);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or OverflowException
            or PostgresException { IsTransient: false })
        {
            log.LotsDamaged(e, bucket);
            return false;
        }
    }
}

static partial class Log
{
    [LoggerMessage(1011, LogLevel.Warning, "Lots fell behind and will be caught up: {Why}")]
    public static partial void ProjectionInterrupted(this ILogger log, string why);

    [LoggerMessage(1012, LogLevel.Error, "Lots in bucket {Bucket} do not fit their entries: run ./purser verify")]
    public static partial void LotsDamaged(this ILogger log, Exception failure, int bucket);
}
