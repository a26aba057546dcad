using System.IO.Compression;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Purser.Server.Tests.Gateway;

/// <summary>A provider with habits of its own: it answers as the test at hand says.</summary>
sealed class OddProvider(WebApplication app) : IAsyncDisposable
{
    public Uri Url => new(app.Urls.Single() + "/v1");

    public RequestDelegate Answer { get; set; } = _ => Task.CompletedTask;

    public static async Task<OddProvider> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var provider = new OddProvider(app);
        app.Run(http => provider.Answer(http));
        await app.StartAsync();
        return provider;
    }

    /// <summary>A stream, in pieces of so many bytes.</summary>
    public void Streams(string events, int piece) => Answer = async http =>
    {
        http.Response.ContentType = "text/event-stream";
        foreach (var bytes in Encoding.UTF8.GetBytes(events).Chunk(piece))
        {
            await http.Response.Body.WriteAsync(bytes);
            await http.Response.Body.FlushAsync();
        }
    };

    public void Says(int status, string body, string type = "application/json", params (string Name, string Value)[] headers) => Answer = http =>
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = type;
        foreach (var (name, value) in headers) http.Response.Headers[name] = value;
        return http.Response.WriteAsync(body);
    };

    public void Compresses(string encoding, string body, bool isStream) => Answer = async http =>
    {
        http.Response.ContentType = isStream ? "text/event-stream" : "application/json";
        http.Response.Headers.ContentEncoding = encoding;
        await using Stream packed = encoding switch
        {
            "br" => new BrotliStream(http.Response.Body, CompressionLevel.Fastest, leaveOpen: true),
            "deflate" => new ZLibStream(http.Response.Body, CompressionLevel.Fastest, leaveOpen: true),
            _ => new GZipStream(http.Response.Body, CompressionLevel.Fastest, leaveOpen: true),
        };
        await packed.WriteAsync(Encoding.UTF8.GetBytes(body));
    };

    public ValueTask DisposeAsync() => app.DisposeAsync();
}

/// <summary>A gateway with a provider of its own besides the sandbox's.</summary>
public sealed class OddGate : IAsyncLifetime
{
    internal OddProvider Provider { get; private set; } = null!;

    internal Gate Gate { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Provider = await OddProvider.Start();
        Gate = new() { Elsewhere = Provider.Url };
        await Gate.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Gate.DisposeAsync();
        await Provider.DisposeAsync();
    }
}
