using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Insight;

/// <summary>A line of the view credit_ledger.</summary>
sealed record LedgerLine(
    string Id, string Type, decimal AmountMillicredits, decimal BalanceAfterMillicredits, string? Description, string? ReferenceId,
    DateTimeOffset CreatedAt);

static class Statements
{
    /// <summary>The last lines of a customer's ledger, newest first.</summary>
    public static Task<List<LedgerLine>> LastLines(this Db db, CustomerId customer, int count, CancellationToken ct)
    {
        var wallet = WalletId.Of(customer);
        // Lines are numbered without gaps: the last ones are found by their numbers, however many there are.
        return db.All($"""
            select id, type, amount_millicredits, balance_after_millicredits, description, reference_id, created_at
            from credit_ledger
            where user_id = {customer.Value}
              and seq > (select coalesce(max(seq), 0) from wallet where bucket = {wallet.Bucket} and id = {wallet.Value}) - {count}
            order by seq desc limit {count}
            """, row => new LedgerLine(
                row.GetString(0), row.GetString(1), row.GetDecimal(2), row.GetDecimal(3), row.Text(4), row.Text(5), row.GetInstant(6)), ct);
    }
}
