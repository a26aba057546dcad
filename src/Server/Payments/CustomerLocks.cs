using Purser.Core;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>
/// One thing at a time for a customer's purchases, on all servers: what is looked up first must still be so when it is
/// acted on. Each holder keeps a connection, so only a few may hold one; the rest queue, and give up after a while.
/// </summary>
sealed class CustomerLocks(Db db) : IDisposable
{
    const int Holders = 6;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly SemaphoreSlim holders = new(Holders, Holders);

    public async Task<T> Hold<T>(CustomerId customer, Func<Task<T>> work, CancellationToken ct)
    {
        if (!await holders.WaitAsync(Patience, ct))
            throw new RefusedException(Error.Overloaded("overloaded", "Too many purchases are under way. Try again with the same Idempotency-Key."));

        try
        {
            return await db.Transact(async tx =>
            {
                await tx.Run($"select set_config('lock_timeout', '60s', true), pg_advisory_xact_lock(hashtextextended({$"purchase {customer}"}, 0))", ct);
                return await work();
            }, ct);
        }
        finally
        {
            holders.Release();
        }
    }

    public void Dispose() => holders.Dispose();
}
