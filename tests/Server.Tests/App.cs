using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Client;
using Purser.Server.Platform;

namespace Purser.Server.Tests;

/// <summary>The whole server on a real socket, with its own database and its own clock.</summary>
public sealed class App : IAsyncLifetime
{
    Postgres postgres = null!;
    WebApplication server = null!;

    internal ManualTime Time { get; } = new(new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));

    /// <summary>Calls the server with the admin key.</summary>
    public HttpClient Client { get; private set; } = null!;

    /// <summary>The same through the SDK.</summary>
    public PurserClient Purser { get; private set; } = null!;

    public string ConnectionString => postgres.ConnectionString;

    internal IServiceProvider Services => server.Services;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        server = await Build(Given.Settings);
        await server.StartAsync();
        Client = new() { BaseAddress = new(server.Urls.Single()) };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey);
        Purser = new(Client);
    }

    public async ValueTask DisposeAsync()
    {
        Purser.Dispose();
        Client.Dispose();
        // Jobs end before what they work with is taken away.
        await server.StopAsync();
        await server.DisposeAsync();
        await postgres.DisposeAsync();
    }

    /// <summary>Another server on the same database and clock; the caller starts and ends it.</summary>
    internal Task<WebApplication> Build(Settings settings) =>
        PurserServer.Build(settings, ConnectionString, services => services.AddSingleton<TimeProvider>(Time));
}
