using Purser.Core.Ledger;

namespace Purser.Server.Ledger;

/// <summary>
/// Which buckets have entries that their lots may not have followed yet. One bit each, so it stays as small as it is
/// whatever the load; what another server wrote is that server's to follow, and on start all are marked.
/// </summary>
sealed class DirtyBuckets
{
    readonly int[] marks = new int[WalletId.Buckets];

    public void Mark(int bucket) => Volatile.Write(ref marks[bucket], 1);

    public void MarkAll()
    {
        for (var bucket = 0; bucket < marks.Length; bucket++) Mark(bucket);
    }

    /// <summary>Takes the mark off before the bucket is read, so that what is written meanwhile marks it again.</summary>
    public bool Take(int bucket) => Interlocked.Exchange(ref marks[bucket], 0) == 1;
}
