using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Payments;

namespace Purser.Server.Tests.Payments;

/// <summary>What tests of subscriptions do and ask.</summary>
static class Subscribing
{
    public static async Task<(string Customer, string Order)> Subscribe(
        this Shop shop, string plan, string interval = "month", string card = "pm_card_visa")
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, $$"""{"plan":"{{plan}}","interval":"{{interval}}"}""");
        await shop.Stripe.Pay(session, card);
        await shop.Delivered();
        return (customer, order);
    }

    /// <summary>At Stripe, and a little more: an invoice is a draft for an hour.</summary>
    public static async Task<DateTimeOffset> Advance(this Shop shop, DateTimeOffset clock, int days)
    {
        var later = clock.AddDays(days).AddHours(3);
        await shop.Stripe.Control("clock", new { now = later.ToUnixTimeSeconds() });
        await shop.Delivered();
        return later;
    }

    public static Task<Answered> Subscription(this Shop shop, string customer) =>
        shop.Client.Read($"/v1/customers/{customer}/subscription");

    public static async Task<string> Plan(this Shop shop, string customer) =>
        (await shop.Client.Read($"/v1/customers/{customer}/entitlements")).Text("plan");

    /// <summary>Cancel, change, pause, preview or resume.</summary>
    public static Task<Answered> Subscription(this Shop shop, string customer, string what, string body = "{}") =>
        shop.Client.Post($"/v1/customers/{customer}/subscription/{what}", body);

    /// <summary>A person at the dashboard changes the price of a subscription.</summary>
    public static async Task ChangeAtStripe(this Shop shop, string customer, string plan, string interval, string proration)
    {
        var subscription = (await shop.Subscription(customer)).Text("id");
        var item = (await shop.Stripe.Get($"/v1/subscriptions/{subscription}")).GetProperty("items").GetProperty("data")[0];
        await shop.Services.GetRequiredService<StripeSetup>().Run(null, TextWriter.Null, TestContext.Current.CancellationToken);
        var price = (await shop.Stripe.Get($"/v1/prices?lookup_keys[0]=purser_plan_{plan}_{interval}_usd")).GetProperty("data")[0];
        await shop.Stripe.Post($"/v1/subscriptions/{subscription}", new()
        {
            { "items[0][id]", item.GetProperty("id").GetString() },
            { "items[0][price]", price.GetProperty("id").GetString() },
            { "proration_behavior", proration },
        });
    }

    /// <summary>The card that its invoices are paid with from now on.</summary>
    public static async Task UseCard(this Shop shop, string customer, string card)
    {
        var cus = await shop.StripeCustomer(customer);
        var method = (await shop.Stripe.Post($"/v1/payment_methods/{card}/attach", new() { { "customer", cus } })).GetProperty("id").GetString();
        await shop.Stripe.Post($"/v1/customers/{cus}", new() { { "invoice_settings[default_payment_method]", method } });
        if (await shop.Subscription(customer) is { Status: 200 } subscription)
            await shop.Stripe.Post($"/v1/subscriptions/{subscription.Text("id")}", new() { { "default_payment_method", method } });
    }

    /// <summary>The months of years that begin until then.</summary>
    public static Task MonthsBegin(this Shop shop, DateTimeOffset until) =>
        shop.Services.GetRequiredService<ComingMonths>().Round(until, TestContext.Current.CancellationToken);

    /// <summary>Compares with Stripe as the hourly sweep does, and a little later than all that was just begun.</summary>
    public static async Task<List<string>> Reconcile(this Shop shop)
    {
        var lines = new List<string>();
        var now = TimeProvider.System.GetUtcNow();
        await shop.Services.GetRequiredService<Reconciliation>().Run(
            now.AddMinutes(5), now.AddDays(-35), lines.Add, TestContext.Current.CancellationToken);
        return lines;
    }

    public static async Task Verified(this Shop shop)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(shop.ConnectionString);
        var verification = await new Server.Ledger.Verification(source).Run(TestContext.Current.CancellationToken);
        Assert.True(verification.Ok, string.Join('\n', verification.Differences));
    }

    public static long Minor(this Answered answer, string money = "money") =>
        answer.Json.GetProperty(money).GetProperty("minor").GetInt64();
}
