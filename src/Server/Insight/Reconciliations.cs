using System.Globalization;
using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server.Insight;

/// <summary>A customer whose balance is not the sum of what came in and went out.</summary>
sealed record BalanceVariance(string UserId, decimal CurrentBalance, decimal CalculatedBalance, decimal Variance);

/// <summary>A day on which usage and the ledger say different things.</summary>
sealed record UsageVariance(string Date, decimal TotalUsageCharges, decimal TotalLedgerDeductions);

sealed record ReconciliationAnswer(IReadOnlyList<BalanceVariance> Balances, IReadOnlyList<UsageVariance> Usage);

/// <summary>
/// Two questions whose answer is nothing while all is well, asked of the views as an operator asks them in psql. They are
/// coarser than ./purser verify, and independent of the code that writes: what they find, somebody has to look at.
/// </summary>
sealed class Reconciliations(NpgsqlDataSource source, TimeSpan patience)
{
    /// <summary>Thousandths of a credit by which a balance may differ from its entries.</summary>
    public const string Balances = """
        SELECT
          user_id,
          current_balance,
          calculated_balance,
          ABS(current_balance - calculated_balance) as variance
        FROM (
          SELECT
            cb.user_id,
            cb.balance_millicredits as current_balance,
            COALESCE(SUM(cl.amount_millicredits), 0) as calculated_balance
          FROM credit_balance cb
          LEFT JOIN credit_ledger cl ON cb.user_id = cl.user_id
          GROUP BY cb.user_id, cb.balance_millicredits
        ) reconciliation
        WHERE ABS(current_balance - calculated_balance) > 100; -- Alert if > 0.1 credits variance
        """;

    public const string Usage = """
        SELECT
          date,
          COALESCE(total_usage_charges, 0) as total_usage_charges,
          COALESCE(total_ledger_deductions, 0) as total_ledger_deductions
        FROM (
          SELECT DATE(created_at) as date, SUM(charged_millicredits) as total_usage_charges
          FROM usage_events
          GROUP BY DATE(created_at)
        ) usage
        FULL JOIN (
          SELECT DATE(created_at) as date, SUM(ABS(amount_millicredits)) as total_ledger_deductions
          FROM credit_ledger
          WHERE type = 'deduction'
          GROUP BY DATE(created_at)
        ) ledger USING (date)
        WHERE ABS(COALESCE(total_usage_charges, 0) - COALESCE(total_ledger_deductions, 0)) > 1000;
        """;

    /// <summary>How long each question may take: both together take less than a job may.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public async Task<ReconciliationAnswer> Run(CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return new(
            await Ask(connection, Balances, row => new BalanceVariance(row.GetString(0), row.GetDecimal(1), row.GetDecimal(2), row.GetDecimal(3)), ct),
            await Ask(connection, Usage, row => new UsageVariance(
                row.GetFieldValue<DateOnly>(0).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), row.GetDecimal(1), row.GetDecimal(2)), ct));
    }

    async Task<List<T>> Ask<T>(NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = (int)patience.TotalSeconds };
        await using var rows = await command.ExecuteReaderAsync(ct);
        var all = new List<T>();
        while (await rows.ReadAsync(ct)) all.Add(read(rows));
        return all;
    }
}

/// <summary>Asks the questions once a day, and leaves an alert for each answer.</summary>
static class DailyReconciliation
{
    public const string Name = "reconcile balances and usage with the ledger";

    const int MostAlerts = 100;

    public static Job Job(IServiceProvider provider)
    {
        var reconciliations = provider.GetRequiredService<Reconciliations>();
        var alerts = provider.GetRequiredService<Alerts>();
        return new(Name, TimeSpan.FromDays(1), (now, ct) => Run(reconciliations, alerts, now, ct));
    }

    public static async Task Run(Reconciliations reconciliations, Alerts alerts, DateTimeOffset now, CancellationToken ct)
    {
        if (await Ask(reconciliations, ct) is not { } found)
        {
            // To ask again at once would take as long, and the database is everybody's.
            await alerts.Raise(
                "reconciliation_unfinished", "balances and usage",
                "The questions took too long; they are asked again tomorrow. Run ./purser verify, and the queries in psql.", now, ct);
            return;
        }

        foreach (var one in found.Balances.Take(MostAlerts))
        {
            await alerts.Raise("balance_mismatch", one.UserId, string.Create(CultureInfo.InvariantCulture,
                $"The balance is {one.CurrentBalance} millicredits, and the ledger adds up to {one.CalculatedBalance}. Run ./purser verify."), now, ct);
        }

        foreach (var one in found.Usage.Take(MostAlerts))
        {
            await alerts.Raise("usage_mismatch", one.Date, string.Create(CultureInfo.InvariantCulture,
                $"Usage comes to {one.TotalUsageCharges} millicredits, and the ledger took {one.TotalLedgerDeductions}. Run ./purser verify."), now, ct);
        }
    }

    static async Task<ReconciliationAnswer?> Ask(Reconciliations reconciliations, CancellationToken ct)
    {
        try
        {
            return await reconciliations.Run(ct);
        }
        catch (NpgsqlException e) when (e.InnerException is TimeoutException)
        {
            return null;
        }
    }
}
