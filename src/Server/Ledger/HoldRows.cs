using Npgsql;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>The statements of a lane that are about holds.</summary>
static class HoldRows
{
    /// <summary>Where in a row of <see cref="FindHolds"/> its budget begins.</summary>
    public const int FirstOfBudget = 13;

    // With the budget that each is in.
    public const string FindHolds = """
        select h.wallet_id, h.number, h.amount, h.state, h.captured, h.expires_at, h.subject, h.reason, h.reference,
          h.available_after, h.budget, h.budget_period, h.uncharged,
          b.id, b.period, b.amount, b.period_start, b.used, b.held, b.closed_at is not null
        from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as wallet_id, unnest($3::bigint[]) as number) u
        join hold h on h.bucket = u.bucket and h.wallet_id = u.wallet_id and h.number = u.number
        left join budget b on b.bucket = h.bucket and b.wallet_id = h.wallet_id and b.id = h.budget
        """;

    // By the index of those that are due, which are few: a wallet may have a million that have ended.
    public const string FindOverdue = """
        select h.wallet_id, h.number, h.amount, h.state, h.captured, h.expires_at, h.subject, h.reason, h.reference,
          h.available_after, h.budget, h.budget_period, h.uncharged,
          b.id, b.period, b.amount, b.period_start, b.used, b.held, b.closed_at is not null
        from (select * from hold where state = 1 and expires_at <= $1 order by expires_at limit 10000) h
        left join budget b on b.bucket = h.bucket and b.wallet_id = h.wallet_id and b.id = h.budget
        where h.wallet_id = any($2::uuid[])
        """;

    public const string InsertHolds = """
        insert into hold (bucket, wallet_id, number, amount, state, captured, expires_at, available_after, subject,
          reason, reference, budget, budget_period, uncharged)
        select unnest($1::int[]), unnest($2::uuid[]), unnest($3::bigint[]), unnest($4::bigint[]),
          unnest($5::smallint[]), unnest($6::bigint[]), unnest($7::timestamptz[]),
          unnest($8::bigint[]), unnest($9::text[]), unnest($10::text[]), unnest($11::text[]),
          unnest($12::uuid[]), unnest($13::date[]), unnest($14::boolean[])
        """;

    // A hold ends once: where another server ended it first, and that moved nothing in the wallet, the batch finds out here.
    // The planner is not told that only open ones are meant: it would walk the index of those that are due.
    public const string UpdateHolds = """
        with written as (
          update hold h
          set state = u.state, captured = u.captured, available_after = u.available_after
          from (select unnest($1::int[]) as bucket, unnest($2::uuid[]) as wallet_id, unnest($3::bigint[]) as number,
            unnest($4::smallint[]) as state, unnest($5::bigint[]) as captured,
            unnest($6::bigint[]) as available_after) u
          where h.bucket = u.bucket and h.wallet_id = u.wallet_id and h.number = u.number and h.state < 2
          returning 1
        )
        select refuse_stale(count(*), $7::bigint) from written
        """;

    public static bool AddFind(NpgsqlBatch batch, IReadOnlyList<Pending> commands)
    {
        var named = (from pending in commands
                     let number = Named(pending)
                     where number is not null
                     select new HoldId(pending.Wallet, number.Value)).Distinct().ToArray();
        if (named.Length == 0) return false;

        batch.Add(
            FindHolds,
            Array.ConvertAll(named, hold => hold.Wallet.Bucket),
            Array.ConvertAll(named, hold => hold.Wallet.Value),
            Array.ConvertAll(named, hold => hold.Number));
        return true;
    }

    public static long? Named(Pending pending) => pending.Command switch
    {
        // One without a key that may be there already is known by what was sent.
        Command.PlaceHold => (pending.Sent as Decision.Recorded)?.Hold?.Id.Number,
        Command.Capture capture => capture.Hold,
        Command.Release release => release.Hold,
        Command.ExpireHold expire => expire.Hold,
        Command.Reverse reverse => reverse.Hold,
        _ => null,
    };

    /// <summary>Inserts those that were placed, and updates those that ended.</summary>
    public static void AddWrites(NpgsqlBatch batch, List<Account> changed)
    {
        var placed = new List<Hold>();
        var ended = new List<Hold>();
        foreach (var account in changed)
        {
            foreach (var hold in account.ChangedHolds)
                (hold.Id.Number > account.Before.Holds ? placed : ended).Add(hold);
        }

        if (placed.Count > 0)
        {
            batch.Add(
                InsertHolds,
                BatchRows.Column(placed, hold => hold.Id.Wallet.Bucket),
                BatchRows.Column(placed, hold => hold.Id.Wallet.Value),
                BatchRows.Column(placed, hold => hold.Id.Number),
                BatchRows.Column(placed, hold => hold.Amount.Micros),
                BatchRows.Column(placed, hold => (short)hold.State),
                BatchRows.Column(placed, hold => hold.Captured.Micros),
                BatchRows.Column(placed, hold => hold.ExpiresAt),
                BatchRows.Column(placed, hold => hold.AvailableAfter?.Micros),
                BatchRows.Column(placed, hold => hold.Subject),
                BatchRows.Column(placed, hold => hold.Reason),
                BatchRows.Column(placed, hold => hold.Reference),
                BatchRows.Column(placed, hold => hold.HeldIn?.Budget.Value),
                BatchRows.Column(placed, hold => hold.HeldIn?.PeriodStart),
                BatchRows.Column(placed, hold => hold.Uncharged));
        }

        if (ended.Count == 0) return;

        batch.Add(
            UpdateHolds,
            BatchRows.Column(ended, hold => hold.Id.Wallet.Bucket),
            BatchRows.Column(ended, hold => hold.Id.Wallet.Value),
            BatchRows.Column(ended, hold => hold.Id.Number),
            BatchRows.Column(ended, hold => (short)hold.State),
            BatchRows.Column(ended, hold => hold.Captured.Micros),
            BatchRows.Column(ended, hold => hold.AvailableAfter?.Micros),
            (long)ended.Count);
    }

    public static Hold ReadHold(NpgsqlDataReader row) => new(
        new(new(row.GetGuid(0)), row.GetInt64(1)),
        row.GetCredits(2),
        (HoldState)row.GetInt16(3),
        row.GetCredits(4),
        row.GetInstant(5),
        row.Text(6),
        row.Text(7),
        row.Text(8),
        row.Maybe<long>(9) is { } after ? new Credits(after) : null)
    {
        HeldIn = row.Maybe<Guid>(10) is { } budget ? new(new(budget), row.GetFieldValue<DateOnly>(11)) : null,
        Uncharged = row.GetBoolean(12),
    };
}
