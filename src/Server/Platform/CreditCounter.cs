using System.Collections.Concurrent;
using Purser.Core;

namespace Purser.Server.Platform;

/// <summary>Credits that add up, by one label whose values come from the catalog. A counter of its own kind, because credits have decimals.</summary>
sealed class CreditCounter
{
    readonly ConcurrentDictionary<string, Sum> sums = new(StringComparer.Ordinal);

    public CreditCounter(Metrics metrics, string name, string help, string label) =>
        metrics.Counter(name, help, label, () => sums.Select(one => (one.Key, (double)new Credits(one.Value.Micros).ToDecimal())));

    public void Add(string value, Credits credits) => sums.GetOrAdd(value, static _ => new()).Add(credits.Micros);

    sealed class Sum
    {
        long micros;

        public long Micros => Interlocked.Read(ref micros);

        public void Add(long more) => Interlocked.Add(ref micros, more);
    }
}
