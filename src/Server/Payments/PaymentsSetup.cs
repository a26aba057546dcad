using System.Text.Json.Serialization;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

static class PaymentsSetup
{
    /// <summary>Without Stripe's key Purser meters, and sells nothing.</summary>
    public static void AddPayments(this IServiceCollection services, StripeAccess? stripe, WebhookRoute webhooks)
    {
        // The switches are there all the same: the command that changes them needs no key of Stripe's.
        services.AddSingleton<Selling>();
        services.AddSingleton<Switch>(provider => provider.GetRequiredService<Selling>().Purchases);
        services.AddSingleton<Switch>(provider => provider.GetRequiredService<Selling>().AutoRecharge);
        if (stripe is null) return;

        services.AddSingleton(stripe);
        services.AddSingleton(webhooks);
        services.AddSingleton(provider => new StripeClient(
            stripe, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<StripeClient>>()));
        services.AddSingleton(new WebhookSecrets(stripe.WebhookSecrets));
        services.AddSingleton<WebhookMetrics>();
        services.AddSingleton<WebhookWorker>();
        services.AddHostedService(provider => provider.GetRequiredService<WebhookWorker>());
        services.AddSingleton<WebhookInbox>();
        services.AddHostedService(provider => provider.GetRequiredService<WebhookInbox>());
        services.AddSingleton<PaymentsMetrics>();
        services.AddSingleton<StripeCustomers>();
        services.AddSingleton<StripePrices>();
        services.AddSingleton<CustomerLocks>();
        services.AddSingleton<CreditLedger>();
        services.AddSingleton<Subscriptions>();
        services.AddSingleton<PlanChanges>();
        services.AddSingleton<Invoices>();
        services.AddSingleton<ComingMonths>();
        services.AddSingleton<Fulfilment>();
        services.AddSingleton<Checkout>();
        services.AddSingleton<OrderCredits>();
        services.AddSingleton<Refunds>();
        services.AddSingleton<Disputes>();
        services.AddSingleton<Recharges>();
        services.AddSingleton<StripeSetup>();
        services.AddSingleton<Reconciliation>();
        services.AddSingleton(Reconciliation.Job);
        services.AddSingleton(provider => new Job(
            "recharge low wallets", TimeSpan.FromSeconds(1), provider.GetRequiredService<Recharges>().Round));
        services.AddEventAppliers();
        services.AddSingleton(provider => new Job(
            "grant the months of yearly plans", TimeSpan.FromMinutes(1), provider.GetRequiredService<ComingMonths>().Round));
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Add(PaymentsJson.Default));
    }

    public static void MapPayments(this WebApplication routes)
    {
        if (routes.Services.GetService<StripeClient>() is null) return;

        routes.MapWebhooks();
        routes.MapOrders();
        Checkout.Map(routes);
        Refunds.Map(routes);
        routes.MapSubscriptions();
        routes.MapRecharges();
        routes.MapPortal();
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Page<EventAnswer>))]
[JsonSerializable(typeof(StoredTerms))]
[JsonSerializable(typeof(CheckoutRequest))]
[JsonSerializable(typeof(CheckoutAnswer))]
[JsonSerializable(typeof(Page<OrderAnswer>))]
[JsonSerializable(typeof(RefundRequest))]
[JsonSerializable(typeof(Page<RefundAnswer>))]
[JsonSerializable(typeof(RechargeRequest))]
[JsonSerializable(typeof(RechargeAnswer))]
[JsonSerializable(typeof(ChangeRequest))]
[JsonSerializable(typeof(CancelRequest))]
[JsonSerializable(typeof(PauseRequest))]
[JsonSerializable(typeof(ResumeRequest))]
[JsonSerializable(typeof(SubscriptionAnswer))]
[JsonSerializable(typeof(PreviewAnswer))]
[JsonSerializable(typeof(EntitlementsAnswer))]
[JsonSerializable(typeof(PortalRequest))]
[JsonSerializable(typeof(PortalAnswer))]
sealed partial class PaymentsJson : JsonSerializerContext;
