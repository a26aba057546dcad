using Npgsql;
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
        var log = provider.GetRequiredService<ILogger<Job>>();
        return new("expire holds and grants", Every, async (now, ct) =>
        {
            await ExpireHolds(db, lanes, log, now, ct);
            await ExpireLots(db, lanes, log, now, ct);
        });
    }

    // One pass in the order of their dates: what cannot end, because its wallet is damaged, is passed by.
    static async Task ExpireHolds(Db db, Lanes lanes, ILogger log, DateTimeOffset now, CancellationToken ct)
    {
        var last = (ExpiresAt: DateTimeOffset.UnixEpoch, Id: default(HoldId));
        while (true)
        {
            var due = await db.All($"""
                select expires_at, wallet_id, number from hold
                where state = 1 and expires_at <= {now}
                  and (expires_at, bucket, wallet_id, number)
                    > ({last.ExpiresAt}, {last.Id.Wallet.Bucket}, {last.Id.Wallet.Value}, {last.Id.Number})
                order by expires_at, bucket, wallet_id, number limit {AtOnce}
                """, row => (ExpiresAt: row.GetInstant(0), Id: new HoldId(new(row.GetGuid(1)), row.GetInt64(2))), ct);
            var ended = await Task.WhenAll(due.Select(hold =>
                End(lanes, hold.Id.Wallet, new Command.ExpireHold(hold.Id.Number), log, now)));
            // A full lane has better things to do; what is left is found again next time.
            if (due.Count < AtOnce || ended.Contains(false)) return;

            last = due[^1];
        }
    }

    // One pass here too: a lot that a hold keeps stays due, and would be found for ever.
    static async Task ExpireLots(Db db, Lanes lanes, ILogger log, DateTimeOffset now, CancellationToken ct)
    {
        var last = (ExpiresAt: DateTimeOffset.UnixEpoch, Wallet: default(WalletId), Seq: 0L);
        while (true)
        {
            var due = await db.All($"""
                select expires_at, wallet_id, seq from lot
                where remaining > 0 and expires_at is not null and expires_at <= {now}
                  and (expires_at, bucket, wallet_id, seq)
                    > ({last.ExpiresAt}, {last.Wallet.Bucket}, {last.Wallet.Value}, {last.Seq})
                order by expires_at, bucket, wallet_id, seq limit {AtOnce}
                """, row => (ExpiresAt: row.GetInstant(0), Wallet: new WalletId(row.GetGuid(1)), Seq: row.GetInt64(2)), ct);
            var ended = await Task.WhenAll(due.Select(lot => lot.Wallet).Distinct().Select(wallet =>
                End(lanes, wallet, new Command.ExpireLots(), log, now)));
            if (due.Count < AtOnce || ended.Contains(false)) return;

            last = due[^1];
        }
    }

    /// <summary>False where the lane did not take it, or not in time.</summary>
    static async Task<bool> End(Lanes lanes, WalletId wallet, Command command, ILogger log, DateTimeOffset now)
    {
        try
        {
            return await lanes.Run(wallet, command, key: null, now) is Outcome.Done or Outcome.Refused;
        }
        catch (Exception failure) when (failure is PostgresException or InvalidOperationException)
        {
            // Damaged behind our back. It must not keep others from expiring.
            log.NotExpired(failure, wallet);
            return true;
        }
    }
}

static partial class Log
{
    [LoggerMessage(1031, LogLevel.Error, "Wallet {Wallet} has something past its date that cannot end: run ./purser verify")]
    public static partial void NotExpired(this ILogger log, Exception failure, WalletId wallet);
}
