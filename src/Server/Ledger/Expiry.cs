using Purser.Core.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Ledger;

/// <summary>
/// Finds holds and lots past their date, and sends each the command that ends it. Being late or doing it twice harms
/// nothing: a command that touches an overdue hold or lot ends it first.
/// </summary>
static class Expiry
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    const int AtOnce = 500;

    public static Job Job(IServiceProvider provider)
    {
        var lanes = provider.GetRequiredService<Lanes>();
        var db = provider.GetRequiredService<Db>();
        return new("expire holds and grants", Every, async (now, ct) =>
        {
            await ExpireHolds(db, lanes, now, ct);
            await ExpireLots(db, lanes, now, ct);
        });
    }

    static async Task ExpireHolds(Db db, Lanes lanes, DateTimeOffset now, CancellationToken ct)
    {
        while (true)
        {
            var due = await db.All($"""
                select wallet_id, number from hold
                where state = 1 and expires_at <= {now}
                order by expires_at, bucket, wallet_id, number limit {AtOnce}
                """, row => new HoldId(new(row.GetGuid(0)), row.GetInt64(1)), ct);
            var outcomes = await Task.WhenAll(
                due.Select(hold => lanes.Run(hold.Wallet, new Command.ExpireHold(hold.Number), key: null, now)));
            // A full lane has better things to do; what is left is found again next time.
            if (due.Count < AtOnce || outcomes.Any(outcome => outcome is not Outcome.Done)) return;
        }
    }

    /// <summary>
    /// One pass in the order of their dates: a lot that a hold keeps stays due, and would be found for ever.
    /// </summary>
    static async Task ExpireLots(Db db, Lanes lanes, DateTimeOffset now, CancellationToken ct)
    {
        var last = (ExpiresAt: DateTimeOffset.UnixEpoch, Wallet: Guid.Empty, Seq: 0L);
        while (true)
        {
            var due = await db.All($"""
                select expires_at, wallet_id, seq from lot
                where remaining > 0 and expires_at is not null and expires_at <= {now}
                  and (expires_at, bucket, wallet_id, seq)
                    > ({last.ExpiresAt}, {new WalletId(last.Wallet).Bucket}, {last.Wallet}, {last.Seq})
                order by expires_at, bucket, wallet_id, seq limit {AtOnce}
                """, row => (ExpiresAt: row.GetInstant(0), Wallet: row.GetGuid(1), Seq: row.GetInt64(2)), ct);
            var outcomes = await Task.WhenAll(due.Select(lot => lot.Wallet).Distinct().Select(wallet =>
                lanes.Run(new(wallet), new Command.ExpireLots(), key: null, now)));
            if (due.Count < AtOnce || outcomes.Any(outcome => outcome is not Outcome.Done)) return;

            last = due[^1];
        }
    }
}
