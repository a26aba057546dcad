using System.Buffers;
using System.Text.RegularExpressions;

namespace Purser.Server.Platform;

/// <summary>
/// What this process counts and measures, for Prometheus to read. One instance for a server; whoever has something to
/// count makes an instrument once, keeps it, and pays a few nanoseconds for each use.
/// </summary>
sealed partial class Metrics
{
    /// <summary>Seconds, from what the ledger promises to what a slow model takes.</summary>
    public static readonly IReadOnlyList<double> Durations =
        [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

    readonly Lock exclusive = new();
    readonly SortedDictionary<string, Metric> all = new(StringComparer.Ordinal);

    /// <summary>Something that only grows. Its name ends in <c>_total</c>, after its unit if it has one.</summary>
    public Counter Counter(string name, string help) => Counter(name, help, labels: []).With();

    public Family<Counter> Counter(string name, string help, params string[] labels) =>
        Add(new Family<Counter>(new(name, help, MetricKind.Counter, labels), text => new(text)));

    /// <summary>The same, where something else counts already and is asked at each reading.</summary>
    public void Counter(string name, string help, Func<double> read) =>
        Add(new Reading(new(name, help, MetricKind.Counter, []), () => [("", read())]));

    public void Counter(string name, string help, string label, Func<IEnumerable<(string Value, double Number)>> read) =>
        Add(new Reading(new(name, help, MetricKind.Counter, [label]), read));

    /// <summary>Something that goes up and down, and is asked at each reading.</summary>
    public void Gauge(string name, string help, Func<double> read) =>
        Add(new Reading(new(name, help, MetricKind.Gauge, []), () => [("", read())]));

    public void Gauge(string name, string help, string label, Func<IEnumerable<(string Value, double Number)>> read) =>
        Add(new Reading(new(name, help, MetricKind.Gauge, [label]), read));

    /// <summary>How something is spread over bounds such as <see cref="Durations"/>. Its name ends in its unit.</summary>
    public Histogram Histogram(string name, string help, IReadOnlyList<double> bounds) =>
        Histogram(name, help, bounds, labels: []).With();

    public Family<Histogram> Histogram(string name, string help, IReadOnlyList<double> bounds, params string[] labels)
    {
        double[] ascending = [.. bounds];
        if (ascending.Length == 0 || ascending.Zip(ascending.Skip(1)).Any(pair => !(pair.First < pair.Second)))
            throw new ArgumentException($"The bounds of {name} do not ascend.", nameof(bounds));

        var head = new MetricHead(name, help, MetricKind.Histogram, labels);
        return Add(new Family<Histogram>(head, text => new(text, ascending)));
    }

    /// <summary>Everything as it is now, in the text format 0.0.4.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        Metric[] metrics;
        lock (exclusive) metrics = [.. all.Values];

        var text = new MetricsText(output);
        foreach (var metric in metrics)
        {
            text.Head(metric.Head);
            metric.WriteSeries(text);
        }
    }

    // Who made an instrument twice would read half of what was counted from each.
    T Add<T>(T metric) where T : Metric
    {
        Check(metric.Head);
        lock (exclusive)
        {
            return all.TryAdd(metric.Head.Name, metric)
                ? metric
                : throw new InvalidOperationException($"There is a metric {metric.Head.Name} already.");
        }
    }

    static void Check(MetricHead head)
    {
        if (!MetricName.IsMatch(head.Name)) throw new ArgumentException($"'{head.Name}' is not the name of a metric.");
        if (head.Name.EndsWith("_total", StringComparison.Ordinal) != (head.Kind == MetricKind.Counter))
            throw new ArgumentException($"{head.Name}: counters end in _total, and nothing else does.");
        if (head.Labels.Length > LabelValues.Most)
            throw new ArgumentException($"{head.Name} has more than {LabelValues.Most} labels.");
        // Histograms have a label of their own, and two underscores belong to Prometheus.
        foreach (var label in head.Labels)
            if (!LabelName.IsMatch(label) || label == "le" || label.StartsWith("__", StringComparison.Ordinal))
                throw new ArgumentException($"{head.Name}: '{label}' is not the name of a label.");
    }

    [GeneratedRegex(@"^[a-zA-Z_:][a-zA-Z0-9_:]*\z")]
    static partial Regex MetricName { get; }

    [GeneratedRegex(@"^[a-zA-Z_][a-zA-Z0-9_]*\z")]
    static partial Regex LabelName { get; }
}
