using Purser.Core;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>
/// One thing at a time for a customer's purchases, on all servers: what is looked up first must still be so when it is
/// acted on. Each holder keeps a connection, so only a few may hold one; the rest queue, and give up after a while.
/// Whoever holds a customer's lock already goes on.
/// </summary>
sealed class CustomerLocks(Db db) : IDisposable
{
    const int Holders = 6;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly SemaphoreSlim holders = new(Holders, Holders);
    readonly AsyncLocal<CustomerId?> held = new();

    public async Task<T> Hold<T>(CustomerId customer, Func<Task<T>> work, CancellationToken ct)
    {
        if (held.Value == customer) return await work();

        if (!await holders.WaitAsync(Patience, ct))
            throw new RefusedException(Error.Overloaded("overloaded", "Too many purchases are under way. Try again with the same Idempotency-Key."));

        try
        {
            return await db.Transact(async tx =>
            {
                await tx.Run($"select set_config('lock_timeout', '60s', true), pg_advisory_xact_lock(hashtextextended({$"purchase {customer}"}, 0))", ct);
                held.Value = customer;
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
