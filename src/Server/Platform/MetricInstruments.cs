using System.Collections.Concurrent;

namespace Purser.Server.Platform;

enum MetricKind { Counter, Gauge, Histogram }

sealed record MetricHead(string Name, string Help, MetricKind Kind, string[] Labels);

/// <summary>Everything that goes by one name.</summary>
abstract class Metric(MetricHead head)
{
    public MetricHead Head { get; } = head;

    public abstract void WriteSeries(MetricsText text);
}

/// <summary>One number, or one distribution, out of those that go by one name.</summary>
abstract class Series
{
    public abstract void Write(string name, MetricsText text);
}

/// <summary>A count. Counting is one interlocked addition.</summary>
sealed class Counter(string labels) : Series
{
    long count;

    public long Value => Interlocked.Read(ref count);

    public void Increment() => Interlocked.Increment(ref count);

    public void Add(long more)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(more);
        Interlocked.Add(ref count, more);
    }

    public override void Write(string name, MetricsText text) => text.Sample(name, labels, Value);
}

/// <summary>A distribution. Observing is one interlocked addition to a bucket, and one to the sum.</summary>
sealed class Histogram : Series
{
    readonly string labels;
    readonly double[] bounds;
    readonly string[] bucketLabels;
    readonly long[] buckets;
    long sumBits;

    public Histogram(string labels, double[] bounds)
    {
        this.labels = labels;
        this.bounds = bounds;
        bucketLabels = [.. bounds.Append(double.PositiveInfinity).Select(bound => MetricsText.Bucket(labels, bound))];
        buckets = new long[bounds.Length + 1];
    }

    public void Observe(TimeSpan duration) => Observe(duration.TotalSeconds);

    public void Observe(double value)
    {
        var bucket = 0;
        while (bucket < bounds.Length && value > bounds[bucket]) bucket++;
        Interlocked.Increment(ref buckets[bucket]);

        var seen = Volatile.Read(ref sumBits);
        while (true)
        {
            var sum = BitConverter.DoubleToInt64Bits(BitConverter.Int64BitsToDouble(seen) + value);
            var before = Interlocked.CompareExchange(ref sumBits, sum, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    public override void Write(string name, MetricsText text)
    {
        // The count is the last bucket's, so that the two agree however many observe meanwhile.
        var count = 0L;
        for (var bucket = 0; bucket < buckets.Length; bucket++)
        {
            count += Interlocked.Read(ref buckets[bucket]);
            text.Sample($"{name}_bucket", bucketLabels[bucket], count);
        }
        text.Sample($"{name}_sum", labels, BitConverter.Int64BitsToDouble(Interlocked.Read(ref sumBits)));
        text.Sample($"{name}_count", labels, count);
    }
}

/// <summary>The values of a series' labels; those that it lacks are empty.</summary>
readonly record struct LabelValues(string First, string Second, string Third)
{
    public const int Most = 3;

    public string[] Of(int count) => [.. new[] { First, Second, Third }.Take(count)];
}

/// <summary>Series of one name, told apart by labels. Keep one that is used often: finding it costs a look-up.</summary>
sealed class Family<T>(MetricHead head, Func<string, T> make) : Metric(head) where T : Series
{
    // Values come from a bounded set. Should one ever not, then memory and Prometheus are safe, and "other" shows it.
    public const int MostSeries = 1_000;
    const string Other = "other";

    readonly ConcurrentDictionary<LabelValues, T> series = [];
    int made;

    public T With() => With(new LabelValues("", "", ""), 0);

    public T With(string value) => With(new LabelValues(value, "", ""), 1);

    public T With(string first, string second) => With(new LabelValues(first, second, ""), 2);

    public T With(string first, string second, string third) => With(new LabelValues(first, second, third), 3);

    T With(LabelValues values, int count)
    {
        if (series.TryGetValue(values, out var known)) return known;
        if (count != Head.Labels.Length)
            throw new ArgumentException($"{Head.Name} has {Head.Labels.Length} labels, not {count}.");

        return Volatile.Read(ref made) < MostSeries && Interlocked.Increment(ref made) <= MostSeries
            ? Named(values)
            : Named(new(Other, Other, Other));
    }

    T Named(LabelValues values) =>
        series.GetOrAdd(values, key => make(MetricsText.Labels(Head.Labels, key.Of(Head.Labels.Length))));

    public override void WriteSeries(MetricsText text)
    {
        foreach (var one in series.Values) one.Write(Head.Name, text);
    }
}

/// <summary>Numbers that somebody else keeps.</summary>
sealed class Reading(MetricHead head, Func<IEnumerable<(string Value, double Number)>> read) : Metric(head)
{
    public override void WriteSeries(MetricsText text)
    {
        foreach (var (value, number) in read())
            text.Sample(Head.Name, MetricsText.Labels(Head.Labels, [value]), number);
    }
}
