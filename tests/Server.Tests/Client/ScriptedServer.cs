using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Purser.Server.Tests.Client;

sealed record Received(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string? Key => Headers.GetValueOrDefault("Idempotency-Key");
}

/// <summary>A real server on a port of its own, which answers request after request as it is told.</summary>
sealed class ScriptedServer(WebApplication app) : IAsyncDisposable
{
    readonly ConcurrentQueue<Received> requests = [];
    readonly SemaphoreSlim arrived = new(0);

    public Uri Address => new(app.Urls.Single());

    public IReadOnlyList<Received> Requests => [.. requests];

    public Received Request => Assert.Single(requests);

    public static async Task<ScriptedServer> Start(params RequestDelegate[] script)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new ScriptedServer(builder.Build());
        await server.Play(script);
        return server;
    }

    async Task Play(RequestDelegate[] script)
    {
        var left = new ConcurrentQueue<RequestDelegate>(script);
        app.Run(async http =>
        {
            requests.Enqueue(await Read(http));
            arrived.Release();
            if (!left.TryDequeue(out var answer)) answer = Reply.With(418, """{"error":{"type":"script_ended"}}""");
            await answer(http);
        });
        await app.StartAsync();
    }

    /// <summary>Waits until one more request has arrived.</summary>
    public Task Arrival() => arrived.WaitAsync(TestContext.Current.CancellationToken);

    static async Task<Received> Read(HttpContext http)
    {
        using var body = new StreamReader(http.Request.Body, Encoding.UTF8);
        return new(
            http.Request.Method,
            http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            http.Request.Headers.ToDictionary(
                header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            await body.ReadToEndAsync(http.RequestAborted));
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        arrived.Dispose();
    }
}

/// <summary>What a scripted server can do with a request.</summary>
static class Reply
{
    public static RequestDelegate Json(string body, params (string Name, string Value)[] headers) =>
        With(200, body, headers);

    public static RequestDelegate With(int status, string body, params (string Name, string Value)[] headers) => http =>
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = body.StartsWith('<') ? "text/html" : "application/json";
        foreach (var (name, value) in headers) http.Response.Headers[name] = value;
        return http.Response.WriteAsync(body);
    };

    public static RequestDelegate Error(int status, string type, string code = "some_code") => With(status, $$"""
        {"error":{"type":"{{type}}","code":"{{code}}","message":"Said by the server.","request_id":"req_1"} }
        """);

    public static RequestDelegate Drop => http =>
    {
        http.Abort();
        return Task.CompletedTask;
    };

    public static RequestDelegate Silence => async http =>
    {
        var gone = new TaskCompletionSource();
        await using var registration = http.RequestAborted.Register(gone.SetResult);
        await gone.Task;
    };

    public static RequestDelegate Half(string body) => async http =>
    {
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        await http.Response.WriteAsync(body[..(body.Length / 2)]);
        await http.Response.Body.FlushAsync();
        http.Abort();
    };
}
