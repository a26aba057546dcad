using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Server.Gateway;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Gateway;

/// <summary>
/// A server with an account at the sandbox's AI providers, its own database and its own clock. Its catalog names models
/// after what the sandbox is to do.
/// </summary>
public sealed class Gate : IAsyncLifetime
{
    Postgres postgres = null!;
    WebApplication server = null!;

    internal ManualTime Time { get; init; } = new(new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));

    /// <summary>With providers; set before it is opened.</summary>
    internal Patience Patience { get; init; } = new();

    /// <summary>Where the provider called elsewhere is: nowhere, unless it is said before this is opened.</summary>
    internal Uri Elsewhere { get; init; } = new("http://127.0.0.1:1/v1");

    internal static string CatalogFile { get; } = Path.Combine(Checkout.Root, "tests", "Server.Tests", "Gateway", "catalog.yaml");

    internal AiAccount Ai { get; private set; } = null!;

    internal Logbook Log { get; } = new();

    /// <summary>Calls the server with the admin key, where a request brings no other.</summary>
    public HttpClient Client { get; private set; } = null!;

    public string ConnectionString => postgres.ConnectionString;

    internal IServiceProvider Services => server.Services;

    internal Settings Settings { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        Ai = new(await Sandbox.Url());
        Settings = SettingsFor(Ai) with
        {
            Providers = Ai.Access.Append(new("elsewhere", new ProviderAccess(Elsewhere, "sk-elsewhere"))).ToDictionary(),
        };
        server = await Another();
        await server.StartAsync();
        // Who leaves closes the connection at once, and does not read on for a while.
        Client = new(new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = new(server.Urls.Single()) };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await server.StopAsync();
        await server.DisposeAsync();
        await postgres.DisposeAsync();
        Ai.Dispose();
    }

    /// <summary>One more server on the same database and clock; the caller starts and ends it.</summary>
    internal Task<WebApplication> Another() => PurserServer.Build(Settings, ConnectionString, services =>
    {
        services.AddSingleton<TimeProvider>(Time);
        services.AddSingleton(Patience);
        services.AddSingleton<ILoggerProvider>(Log);
    });

    internal static Settings SettingsFor(AiAccount ai) => Given.Settings with
    {
        CatalogFile = CatalogFile,
        EncryptionKey = "an-encryption-key-for-tests",
        Providers = ai.Access,
    };
}
