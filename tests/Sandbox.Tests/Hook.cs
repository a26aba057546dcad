using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Tests;

/// <summary>Hears webhooks, after a while if told so, and remembers of which objects.</summary>
sealed class Hook : IDisposable
{
    readonly HttpListener listener = new();
    readonly TimeSpan pause;

    public Hook(TimeSpan pause = default)
    {
        this.pause = pause;
        Url = $"http://127.0.0.1:{Ports.Free()}/";
        listener.Prefixes.Add(Url);
        listener.Start();
        _ = Task.Run(Listen);
    }

    public string Url { get; }
    public ConcurrentDictionary<string, bool> Heard { get; } = [];

    async Task Listen()
    {
        while (listener.IsListening) _ = Answer(await listener.GetContextAsync());
    }

    async Task Answer(HttpListenerContext context)
    {
        var body = (await JsonNode.ParseAsync(context.Request.InputStream))!;
        await Task.Delay(pause);
        Heard[body["data"]!["object"]!["id"]!.GetValue<string>()] = true;
        context.Response.Close();
    }

    public void Dispose() => listener.Close();
}
