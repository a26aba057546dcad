using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Client;
using Purser.Server.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>
/// A server that sells through an account of the sandbox, with real webhooks over HTTP between the two. Both live by the
/// wall's clock; the account's can be moved forward.
/// </summary>
public sealed class Shop : IAsyncLifetime
{
    Postgres postgres = null!;
    WebApplication server = null!;

    /// <summary>Calls the server with the admin key.</summary>
    public HttpClient Client { get; private set; } = null!;

    /// <summary>The same through the SDK.</summary>
    public PurserClient Purser { get; private set; } = null!;

    internal StripeAccount Stripe { get; private set; } = null!;

    public string ConnectionString => postgres.ConnectionString;

    internal IServiceProvider Services => server.Services;

    internal Settings Settings { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        Stripe = await StripeAccount.Open();
        Settings = Given.Settings with { Stripe = new(Stripe.Url, Stripe.Key, []) };
        server = await PurserServer.Build(Settings, ConnectionString);
        await server.StartAsync();
        Client = new() { BaseAddress = new(server.Urls.Single()) };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey);
        Purser = new(Client);
        await ListenForEvents();
    }

    public async ValueTask DisposeAsync()
    {
        Purser.Dispose();
        Client.Dispose();
        await server.StopAsync();
        await server.DisposeAsync();
        await postgres.DisposeAsync();
        Stripe.Dispose();
    }

    async Task ListenForEvents()
    {
        var endpoint = await Stripe.Post("/v1/webhook_endpoints", new()
        {
            { "url", $"{server.Urls.Single()}/webhooks/stripe" },
            { "enabled_events[0]", "*" },
        });
        Services.GetRequiredService<WebhookSecrets>().Current = [endpoint.GetProperty("secret").GetString()!];
    }
}
