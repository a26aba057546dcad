using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Client;
using Purser.Server.Payments;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

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

    internal KeptLog Log { get; } = new();

    /// <summary>What it sells, where that is not the default catalog; set before it is opened.</summary>
    internal string CatalogFile { get; init; } = Given.Settings.CatalogFile;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        // The hourly sweep would find what a test means to be lost, and meet the faults that are meant for others.
        await Tables.Run(ConnectionString, "insert into job (name, last_run) values ('compare with Stripe', now())");
        Stripe = await StripeAccount.Open();
        Settings = Given.Settings with { CatalogFile = CatalogFile, Stripe = new(Stripe.Url, Stripe.Key, []) };
        server = await PurserServer.Build(Settings, ConnectionString, services => services.AddSingleton<ILoggerProvider>(Log));
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

    /// <summary>What is bought, with the pages to return to.</summary>
    public static string Body(string what) => what.TrimEnd('}') + (what == "{}" ? "" : ",")
        + """ "success_url":"https://shop.example/thanks?session={CHECKOUT_SESSION_ID}","cancel_url":"https://shop.example/" """ + "}";

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

/// <summary>For a while, Stripe tells nothing.</summary>
sealed class Quiet(Shop shop) : IDisposable
{
    public Task Begin() => shop.Stripe.Control("webhooks/chaos", new { duplicate = 0, shuffle = 0, drop = 1 });

    public void Dispose() => shop.Stripe.Control("webhooks/chaos", new { duplicate = 0, shuffle = 0, drop = 0 }).GetAwaiter().GetResult();
}

static class Shopping
{
    static int customers;

    public static async Task<string> GivenCustomer(this Shop shop)
    {
        var customer = $"customer_{Interlocked.Increment(ref customers)}";
        await shop.Purser.Customers.PutAsync(
            customer, new() { Name = "Ann Ödegård", Email = "ann@example.com" }, TestContext.Current.CancellationToken);
        return customer;
    }

    public static Task<Answered> TryCheckout(this Shop shop, string customer, string what) =>
        shop.Client.Post($"/v1/customers/{customer}/checkout", Shop.Body(what));

    public static async Task<(string Order, string Session)> Checkout(this Shop shop, string customer, string what)
    {
        var answer = await shop.TryCheckout(customer, what);
        Assert.True(answer.Status == 201, answer.ToString());
        var session = new Uri(answer.Text("url")).Segments[^1];
        return (answer.Text("order"), session);
    }

    public static Task<Answered> Order(this Shop shop, string order) => shop.Client.Read($"/v1/orders/{order}");

    public static async Task<decimal> Balance(this Shop shop, string customer) =>
        (await shop.Purser.Balances.GetAsync(customer, TestContext.Current.CancellationToken)).Balance;

    public static async Task<string> StripeCustomer(this Shop shop, string customer) => (await Tables.Read<string>(
        shop.ConnectionString, $"select stripe_id from stripe_customer where customer = '{customer}'")).Single();

    /// <summary>All that was ever told is told again.</summary>
    public static async Task Redeliver(this Shop shop)
    {
        await Tables.Run(shop.ConnectionString, "update webhook_event set state = 1, next_attempt_at = now() where state = 2");
        await shop.Delivered();
    }

    /// <summary>Every event that Stripe has to tell was told, and applied or failed.</summary>
    public static async Task Delivered(this Shop shop)
    {
        Assert.Equal(0, await shop.Stripe.Flush());
        await Eventually.Holds(async () => (await Tables.Read<long>(
            shop.ConnectionString, "select count(*) from webhook_event where state = 1")).Single() == 0);
    }
}
