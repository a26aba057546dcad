using System.Text.Json.Serialization;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

static class PaymentsSetup
{
    /// <summary>Without Stripe's key there is nothing here: Purser meters, and sells nothing.</summary>
    public static void AddPayments(this IServiceCollection services, StripeAccess? stripe)
    {
        if (stripe is null) return;

        services.AddSingleton(provider => new StripeClient(
            stripe, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<StripeClient>>()));
        services.AddSingleton(new WebhookSecrets(stripe.WebhookSecrets));
        services.AddSingleton<WebhookMetrics>();
        services.AddSingleton<WebhookWorker>();
        services.AddHostedService(provider => provider.GetRequiredService<WebhookWorker>());
        services.AddSingleton<WebhookInbox>();
        services.AddHostedService(provider => provider.GetRequiredService<WebhookInbox>());
        services.AddSingleton<StripeCustomers>();
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Add(PaymentsJson.Default));
    }

    public static void MapPayments(this WebApplication routes)
    {
        if (routes.Services.GetService<StripeClient>() is null) return;

        routes.MapWebhooks();
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Page<EventAnswer>))]
sealed partial class PaymentsJson : JsonSerializerContext;
