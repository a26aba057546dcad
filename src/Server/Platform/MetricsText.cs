using System.Buffers;
using System.Globalization;
using System.Text;

namespace Purser.Server.Platform;

/// <summary>Prometheus' text format, version 0.0.4.</summary>
sealed class MetricsText(IBufferWriter<byte> output)
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public void Head(MetricHead head)
    {
        Write($"# HELP {head.Name} {Escaped(head.Help)}\n");
        Write($"# TYPE {head.Name} {KindName(head.Kind)}\n");
    }

    public void Sample(string name, string labels, long number) =>
        Write(string.Create(CultureInfo.InvariantCulture, $"{name}{labels} {number}\n"));

    public void Sample(string name, string labels, double number) => Write($"{name}{labels} {Number(number)}\n");

    /// <summary>Labels as they stand behind a name; nothing if there are none.</summary>
    public static string Labels(IReadOnlyList<string> names, IReadOnlyList<string> values) =>
        names.Count == 0
            ? ""
            : $$"""{{{string.Join(',', names.Zip(values, (name, value) => $"{name}=\"{Quoted(value)}\""))}}}""";

    /// <summary>The same with the upper bound of a bucket.</summary>
    public static string Bucket(string labels, double bound) =>
        $$"""{{{(labels.Length == 0 ? "" : labels[1..^1] + ",")}}le="{{Number(bound)}}"}""";

    void Write(string text) => Encoding.UTF8.GetBytes(text, output);

    static string Number(double number) => number switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => number.ToString(CultureInfo.InvariantCulture),
    };

    static string Escaped(string help) =>
        help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    static string Quoted(string value) => Escaped(value).Replace("\"", "\\\"", StringComparison.Ordinal);

    static string KindName(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Gauge => "gauge",
        MetricKind.Histogram => "histogram",
    };
}
