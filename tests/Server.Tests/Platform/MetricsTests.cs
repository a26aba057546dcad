using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Platform;

public sealed class MetricsTests
{
    readonly Metrics metrics = new();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public void A_count_grows_and_says_what_it_is()
    {
        var charges = metrics.Counter("purser_charges_total", "Charges that were made.");

        charges.Increment();
        charges.Add(41);

        Assert.Equal("""
            # HELP purser_charges_total Charges that were made.
            # TYPE purser_charges_total counter
            purser_charges_total 42

            """, Page());
    }

    [Fact]
    public void A_count_never_falls()
    {
        var charges = metrics.Counter("purser_charges_total", "Charges that were made.");

        Assert.Throws<ArgumentOutOfRangeException>(() => charges.Add(-1));
    }

    [Fact]
    public void Labels_tell_series_apart()
    {
        var charges = metrics.Counter("purser_charges_total", "Charges.", "outcome", "source");

        charges.With("made", "api").Increment();
        charges.With("refused", "api").Add(2);
        charges.With("made", "api").Increment();

        Assert.Equal(
            [
                """purser_charges_total{outcome="made",source="api"} 2""",
                """purser_charges_total{outcome="refused",source="api"} 2""",
            ],
            Samples().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Whatever_a_label_or_a_help_holds_stays_on_its_line()
    {
        metrics.Counter("purser_odd_total", "A \\ and\na \"line\".", "value").With("a\\b\"c\nd{é}=,").Increment();

        var lines = Page().Split('\n');

        Assert.Equal("""# HELP purser_odd_total A \\ and\na "line".""", lines[0]);
        Assert.Equal("""purser_odd_total{value="a\\b\"c\nd{é}=,"} 1""", lines[2]);
    }

    [Fact]
    public void A_gauge_is_asked_at_each_reading()
    {
        var waiting = 1.5;
        metrics.Gauge("purser_waiting", "Commands that wait.", () => waiting);
        metrics.Gauge(
            "purser_lane_waiting", "The same by lane.", "lane", () => [("0", waiting), ("1", double.PositiveInfinity)]);

        Assert.Equal(
            ["""purser_lane_waiting{lane="0"} 1.5""", """purser_lane_waiting{lane="1"} +Inf""", "purser_waiting 1.5"],
            Samples());
        waiting = double.NaN;
        Assert.Equal("purser_waiting NaN", Samples()[^1]);
    }

    [Fact]
    public void A_value_at_a_bound_is_within_it()
    {
        var sizes = metrics.Histogram("purser_batch_commands", "Commands in a batch.", [1, 10, 100]);

        foreach (var size in new double[] { 0.5, 1, 10, 10.5, 101 }) sizes.Observe(size);

        Assert.Equal(
            [
                """purser_batch_commands_bucket{le="1"} 2""",
                """purser_batch_commands_bucket{le="10"} 3""",
                """purser_batch_commands_bucket{le="100"} 4""",
                """purser_batch_commands_bucket{le="+Inf"} 5""",
                "purser_batch_commands_sum 123",
                "purser_batch_commands_count 5",
            ],
            Samples());
    }

    [Fact]
    public void A_distribution_has_labels_beside_its_bounds()
    {
        var durations = metrics.Histogram("purser_batch_seconds", "Time of a batch.", [0.5], "lane");

        durations.With("3").Observe(TimeSpan.FromMilliseconds(250));

        Assert.Equal("""purser_batch_seconds_bucket{lane="3",le="0.5"} 1""", Samples()[0]);
        Assert.Equal("""purser_batch_seconds_sum{lane="3"} 0.25""", Samples()[2]);
    }

    [Fact]
    public async Task Nothing_is_lost_when_everybody_counts_at_once()
    {
        const int Callers = 8, Times = 50_000;
        var counter = metrics.Counter("purser_charges_total", "Charges.");
        var family = metrics.Counter("purser_refusals_total", "Refusals.", "why");
        var histogram = metrics.Histogram("purser_batch_seconds", "Time of a batch.", [1]);

        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(() =>
        {
            for (var time = 0; time < Times; time++)
            {
                counter.Increment();
                family.With(time % 2 == 0 ? "even" : "odd").Increment();
                histogram.Observe(0.5);
            }
        }, Ct)));

        Assert.Equal(Callers * Times, counter.Value);
        Assert.Equal(Callers * Times / 2, family.With("odd").Value);
        Assert.Contains("purser_batch_seconds_sum 200000", Samples());
        Assert.Contains("purser_batch_seconds_count 400000", Samples());
    }

    [Fact]
    public void Labels_without_bounds_do_not_eat_the_memory()
    {
        var family = metrics.Counter("purser_paths_total", "Paths.", "path");

        for (var path = 0; path < Family<Counter>.MostSeries + 500; path++) family.With($"/{path}").Increment();

        Assert.Equal(Family<Counter>.MostSeries + 1, Samples().Length);
        Assert.Equal(500, family.With("other").Value);
    }

    [Fact]
    public void Counting_allocates_nothing()
    {
        var counter = metrics.Counter("purser_charges_total", "Charges.", "outcome", "source");
        var histogram = metrics.Histogram("purser_batch_seconds", "Time of a batch.", Metrics.Durations, "lane");
        counter.With("made", "api").Increment();
        histogram.With("1").Observe(1);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var time = 0; time < 1_000; time++)
        {
            counter.With("made", "api").Increment();
            histogram.With("1").Observe(0.003);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Faulty_instruments_are_not_made()
    {
        metrics.Counter("purser_charges_total", "Charges.");
        Action[] faults =
        [
            () => metrics.Counter("purser_charges", "No total."),
            () => metrics.Gauge("purser_waiting_total", "A total.", () => 0),
            () => metrics.Counter("purser-charges_total", "A hyphen."),
            () => metrics.Counter("1_total", "A digit."),
            () => metrics.Counter("purser_x_total\n", "A line."),
            () => metrics.Counter("purser_x_total", "A reserved label.", "le"),
            () => metrics.Counter("purser_x_total", "A reserved label.", "__name"),
            () => metrics.Counter("purser_x_total", "Too many labels.", "a", "b", "c", "d"),
            () => metrics.Histogram("purser_x_seconds", "No bounds.", []),
            () => metrics.Histogram("purser_x_seconds", "Falling bounds.", [2, 1]),
            () => metrics.Counter("purser_y_total", "Two labels.", "a", "b").With("one"),
        ];

        Assert.All(faults, fault => Assert.Throws<ArgumentException>(fault));
        Assert.Throws<InvalidOperationException>(() => metrics.Counter("purser_charges_total", "Again."));
    }

    [Fact]
    public async Task Requests_are_counted_by_route_and_never_by_path()
    {
        await using var app = await Start();
        using var http = new HttpClient { BaseAddress = new(app.Urls.Single()) };

        foreach (var path in new[] { "/things/1", "/things/2", "/broken", "/nowhere/else" })
            await http.GetAsync(path, Ct);
        await http.PostAsync("/things/1", null, Ct);
        var page = await Settled(http, requests: 5);

        Assert.Contains(Count("/things/{id}", "GET", "2xx", 2), page, StringComparison.Ordinal);
        Assert.Contains(Count("none", "POST", "4xx", 1), page, StringComparison.Ordinal);
        Assert.Contains(Count("/broken", "GET", "5xx", 1), page, StringComparison.Ordinal);
        Assert.Contains(Count("none", "GET", "4xx", 1), page, StringComparison.Ordinal);
        Assert.DoesNotContain("nowhere", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_servers_in_one_process_count_apart()
    {
        await using var busy = await Start();
        await using var idle = await Start();
        using var toBusy = new HttpClient { BaseAddress = new(busy.Urls.Single()) };
        using var toIdle = new HttpClient { BaseAddress = new(idle.Urls.Single()) };

        await toBusy.GetAsync("/things/1", Ct);
        await Settled(toBusy, requests: 1);

        Assert.DoesNotContain("/things", await toIdle.GetStringAsync("/metrics", Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_tells_about_the_process_and_passes_promtool()
    {
        await using var app = await Start();
        using var http = new HttpClient { BaseAddress = new(app.Urls.Single()) };
        await http.GetAsync("/things/1", Ct);

        var answer = await http.GetAsync("/metrics", Ct);
        var page = await answer.Content.ReadAsStringAsync(Ct);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        Assert.InRange(Value(page, "process_resident_memory_bytes"), 10e6, 10e9);
        Assert.InRange(Value(page, "dotnet_gc_heap_bytes"), 100e3, 10e9);
        Assert.InRange(Value(page, "process_cpu_seconds_total"), 0.01, 1e6);
        Assert.InRange(Value(page, "process_threads"), 2, 10_000);
        Assert.InRange(Value(page, "process_open_fds"), 3, 100_000);
        Assert.InRange(Value(page, "process_start_time_seconds"), 1.7e9, 4e9);
        await Promtool(page);
    }

    [Fact]
    public async Task The_servers_own_page_needs_no_key_and_passes_promtool()
    {
        var app = new App();
        await app.InitializeAsync();
        await using var ended = app;
        using var anyone = new HttpClient { BaseAddress = app.Client.BaseAddress };

        var page = await anyone.GetStringAsync("/metrics", Ct);

        Assert.Contains("process_cpu_seconds_total", page, StringComparison.Ordinal);
        await Promtool(page);
    }

    static async Task Promtool(string page)
    {
        var path = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, "promtool")).FirstOrDefault(File.Exists);
        if (path is null) Assert.Skip("promtool is not on PATH; Prometheus brings it.");

        using var promtool = Process.Start(new ProcessStartInfo(path, ["check", "metrics"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await promtool.StandardInput.WriteAsync(page.AsMemory(), Ct);
        promtool.StandardInput.Close();
        var said = await promtool.StandardOutput.ReadToEndAsync(Ct) + await promtool.StandardError.ReadToEndAsync(Ct);
        await promtool.WaitForExitAsync(Ct);

        Assert.Equal("", said);
        Assert.Equal(0, promtool.ExitCode);
    }

    static async Task<WebApplication> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddServerMetrics();
        var app = builder.Build();
        app.MapMetrics();
        app.MapGet("/things/{id}", (string id) => id);
        app.MapGet("/broken", IResult () => throw new InvalidOperationException());
        await app.StartAsync(Ct);
        return app;
    }

    // A request is counted when it is over, which may be a little after its answer has arrived.
    static async Task<string> Settled(HttpClient http, int requests)
    {
        while (true)
        {
            var page = await http.GetStringAsync("/metrics", Ct);
            var counted = Regex.Matches(page, """_count\{route="(?!/metrics).*\} (\d+)""")
                .Sum(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
            if (counted >= requests) return page;
        }
    }

    static string Count(string route, string method, string status, int count) =>
        $"http_server_request_duration_seconds_count{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}} {count}\n";

    static double Value(string page, string name) =>
        double.Parse(
            Regex.Match(page, $"^{name} (.*)$", RegexOptions.Multiline).Groups[1].Value, CultureInfo.InvariantCulture);

    string[] Samples() =>
        [.. Page().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#')];

    string Page()
    {
        var page = new ArrayBufferWriter<byte>();
        metrics.Write(page);
        return Encoding.UTF8.GetString(page.WrittenSpan);
    }
}
