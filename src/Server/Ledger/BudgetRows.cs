using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>Budgets as they are stored. What is held and used in them is written by the lanes; they are opened and closed here.</summary>
static class BudgetRows
{
    public const string FindBudgets = """
        select b.wallet_id, b.id, b.period, b.amount, b.period_start, b.used, b.held, b.closed_at is not null
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as wallet_id, unnest($3::uuid[]) as id) u
        join budget b on b.bucket = u.bucket and b.wallet_id = u.wallet_id and b.id = u.id
        """;

    public const string UpdateBudgets = """
        update budget b
        set period_start = u.period_start, used = u.used, held = u.held
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as wallet_id, unnest($3::uuid[]) as id,
          unnest($4::date[]) as period_start, unnest($5::bigint[]) as used, unnest($6::bigint[]) as held) u
        where b.bucket = u.bucket and b.wallet_id = u.wallet_id and b.id = u.id
        """;

    /// <summary>Looks for those that holds are to be placed in; those of holds that end come with the holds.</summary>
    public static bool AddFind(NpgsqlBatch batch, IReadOnlyList<Pending> commands)
    {
        var named = (from pending in commands
                     let budget = (pending.Command as Command.PlaceHold)?.Budget
                     where budget is not null
                     select (pending.Wallet, Budget: budget.Value)).Distinct().ToArray();
        if (named.Length == 0) return false;

        batch.Add(
            FindBudgets,
            Array.ConvertAll(named, one => one.Wallet.Bucket),
            Array.ConvertAll(named, one => one.Wallet.Value),
            Array.ConvertAll(named, one => one.Budget.Value));
        return true;
    }

    public static void AddWrites(NpgsqlBatch batch, List<Account> accounts)
    {
        var changed = new List<(WalletId Wallet, Budget Budget)>();
        foreach (var account in accounts)
            foreach (var budget in account.ChangedBudgets) changed.Add((account.Wallet.Id, budget));
        if (changed.Count == 0) return;

        batch.Add(
            UpdateBudgets,
            BatchRows.Column(changed, one => one.Wallet.Bucket),
            BatchRows.Column(changed, one => one.Wallet.Value),
            BatchRows.Column(changed, one => one.Budget.Id.Value),
            BatchRows.Column(changed, one => one.Budget.PeriodStart),
            BatchRows.Column(changed, one => one.Budget.Used.Micros),
            BatchRows.Column(changed, one => one.Budget.Held.Micros));
    }

    /// <summary>Opens a budget in the caller's transaction; holds may name it once that is committed.</summary>
    /// <param name="amount">Null: no limit. The budget is then only there to be closed.</param>
    public static Task OpenBudget(
        this Tx tx, WalletId wallet, Id<Budget> id, BudgetPeriod period, Credits? amount, DateTimeOffset now, CancellationToken ct)
    {
        var budget = Budget.Open(id, period, amount, now);
        return tx.Run($"""
            insert into budget (bucket, wallet_id, id, period, amount, period_start)
            values ({wallet.Bucket}, {wallet.Value}, {id}, {(short)period}, {amount?.Micros}, {budget.PeriodStart})
            """, ct);
    }

    /// <summary>
    /// Closes a budget in the caller's transaction: from its commit on no hold is placed in it, by any server. False: there
    /// is none of that name, or it was closed before.
    /// </summary>
    public static async Task<bool> CloseBudget(
        this Tx tx, WalletId wallet, Id<Budget> id, DateTimeOffset now, CancellationToken ct)
    {
        await BatchRows.Open(tx.Connection, [wallet], ct);
        // The wallet first, as the lanes do.
        await tx.Run($"select from wallet where bucket = {wallet.Bucket} and id = {wallet.Value} for update", ct);
        var closed = await tx.Run($"""
            update budget set closed_at = {now}
            where bucket = {wallet.Bucket} and wallet_id = {wallet.Value} and id = {id} and closed_at is null
            """, ct) == 1;
        if (!closed) return false;

        // A lane that decides without the lock has to notice: so the closing takes a number, as a hold would.
        await tx.Run($"update wallet set holds = holds + 1 where bucket = {wallet.Bucket} and id = {wallet.Value}", ct);
        return true;
    }

    /// <summary>As it is stored: what counts now is <see cref="Budget.AsOf"/>.</summary>
    public static Task<Budget?> BudgetOf(this Db db, WalletId wallet, Id<Budget> id, CancellationToken ct) => db.One($"""
        select wallet_id, id, period, amount, period_start, used, held, closed_at is not null
        from budget where bucket = {wallet.Bucket} and wallet_id = {wallet.Value} and id = {id}
        """, row => ReadBudget(row), ct);

    public static Task<List<Budget>> BudgetsOf(this Db db, WalletId wallet, CancellationToken ct) => db.All($"""
        select wallet_id, id, period, amount, period_start, used, held, closed_at is not null
        from budget where bucket = {wallet.Bucket} and wallet_id = {wallet.Value}
        """, row => ReadBudget(row), ct);

    /// <param name="first">The column after the wallet's id.</param>
    public static Budget ReadBudget(NpgsqlDataReader row, int first = 1) => new(
        row.GetId<Budget>(first),
        (BudgetPeriod)row.GetInt16(first + 1),
        row.Maybe<long>(first + 2) is { } amount ? new Credits(amount) : null,
        row.GetFieldValue<DateOnly>(first + 3),
        row.GetCredits(first + 4),
        row.GetCredits(first + 5),
        row.GetBoolean(first + 6));
}
