using System.Buffers;
using System.Diagnostics.Metrics;

namespace Purser.Server.Platform;

/// <summary>
/// How long requests took, by route, method and class of status. ASP.NET Core measures that already; listening costs less
/// than a middleware of our own, and sees what fails before one.
/// </summary>
sealed class HttpMetrics : IDisposable
{
    const string Requests = "http.server.request.duration";

    readonly MeterListener listener = new();
    readonly IMeterFactory ours;
    readonly Family<Histogram> durations;

    public HttpMetrics(Metrics metrics, IMeterFactory ours)
    {
        this.ours = ours;
        durations = metrics.Histogram(
            "http_server_request_duration_seconds",
            "Time from a request's arrival to the end of its answer; the count is the number of requests.",
            Metrics.Durations, "route", "method", "status");
        listener.InstrumentPublished = Listen;
        listener.SetMeasurementEventCallback<double>(Observe);
        listener.Start();
    }

    // Listeners hear of the whole process, where tests run several servers; each has a factory of its own.
    void Listen(Instrument instrument, MeterListener self)
    {
        if (instrument.Name == Requests && ReferenceEquals(instrument.Meter.Scope, ours))
            self.EnableMeasurementEvents(instrument);
    }

    void Observe(
        Instrument instrument, double seconds, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        // Paths are whatever clients send, and only routes are few.
        var (route, method, status) = ("none", "none", 0);
        foreach (var (name, value) in tags)
        {
            if (name == "http.route") route = value as string ?? route;
            else if (name == "http.request.method") method = value as string ?? method;
            else if (name == "http.response.status_code") status = value as int? ?? status;
        }
        durations.With(route, method, Class(status)).Observe(seconds);
    }

    static string Class(int status) => (status / 100) switch
    {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "none",
    };

    public void Dispose() => listener.Dispose();
}

static class MetricsEndpoint
{
    public static void AddServerMetrics(this IServiceCollection services) =>
        services.AddSingleton<Metrics>().AddSingleton<HttpMetrics>();

    public static void MapMetrics(this WebApplication app)
    {
        var metrics = app.Services.GetRequiredService<Metrics>();
        metrics.AddProcess();
        metrics.AddRuntime();
        // Listens from here on.
        app.Services.GetRequiredService<HttpMetrics>();
        app.MapGet("/metrics", Answer).Public().WithTags("Health")
            .WithSummary("What the server counts and measures, as Prometheus reads it")
            .Produces<string>(StatusCodes.Status200OK, "text/plain");
    }

    // All of it is there before the first byte leaves: half a page would pass for a whole one.
    static async Task Answer(Metrics metrics, HttpResponse response, CancellationToken ct)
    {
        var page = new ArrayBufferWriter<byte>(64 * 1024);
        metrics.Write(page);
        response.ContentType = MetricsText.ContentType;
        response.ContentLength = page.WrittenCount;
        await response.Body.WriteAsync(page.WrittenMemory, ct);
    }
}
