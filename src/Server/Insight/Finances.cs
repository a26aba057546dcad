using Npgsql;
using Purser.Server.Catalog;
using Purser.Server.Platform;

namespace Purser.Server.Insight;

/// <summary>
/// What is earned today and what is owed in credits, in dollars of the catalog's worth of a credit. Every server tells the same,
/// as of some seconds ago: Prometheus cannot wait for a sum over all wallets.
/// </summary>
sealed class Finances(Db db, CurrentCatalog catalog, Metrics metrics, TimeProvider time, ILogger<Finances> log) : BackgroundService
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(15);

    // Where there are so many wallets that a sum takes long, it is made less often: the database has more to do.
    const int PauseForWork = 50;

    volatile Figures current = new(0, 0);

    sealed record Figures(decimal MarginUsd, decimal LiabilityUsd);

    sealed record Sums(decimal Deducted, decimal Cost, decimal Outstanding);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        metrics.Gauge(
            "finance_margin_daily_usd", "Credits deducted today, in dollars, less what providers charge for today's calls.",
            // A nothing that is negative stays one on the way to a double.
            () => (double)current.MarginUsd + 0.0);
        metrics.Gauge(
            "finance_liability_credits_usd", "Credits that customers have and have not used, in dollars.", () => (double)current.LiabilityUsd);
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var started = time.GetTimestamp();
            try
            {
                await Refresh(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                log.FiguresAreOld(e.Message);
            }

            var pause = time.GetElapsedTime(started) * PauseForWork;
            await Task.Delay(pause > Every ? pause : Every, time, stoppingToken);
        }
    }

    public async Task Refresh(CancellationToken ct)
    {
        var today = DateOnly.FromDateTime(time.Now().UtcDateTime);
        // Deductions as far as the lots have followed them: some seconds, or a minute after a rush.
        var sums = (await db.One($"""
            select coalesce((select sum(amount) from lot_day where day = {today} and kind = 2), 0) * 0.000001,
              coalesce((select sum(cost) from call_day where day = {today}), 0) * 0.000000000001,
              coalesce((select sum(balance) from wallet), 0) * 0.000001
            """, row => new Sums(row.GetDecimal(0), row.GetDecimal(1), row.GetDecimal(2)), ct))!;
        var usd = catalog.Offer.Rates.UsdPerCredit;
        current = new((sums.Deducted * usd) - sums.Cost, sums.Outstanding * usd);
    }
}

static partial class Log
{
    [LoggerMessage(4011, LogLevel.Warning, "The figures of the day could not be read anew: {Why}")]
    public static partial void FiguresAreOld(this ILogger log, string why);
}
