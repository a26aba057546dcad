using Purser.Server.Payments.Stripe;

namespace Purser.Server.Payments;

/// <summary>Which of Stripe's events lead where. Each only says that something may have changed.</summary>
static class EventAppliers
{
    public static void AddEventAppliers(this IServiceCollection services)
    {
        services.On(["checkout.session.*"], (provider, hint, ct) => provider.GetRequiredService<Fulfilment>().Session(hint.Object, ct));
        services.On(
            ["payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled", "payment_intent.requires_action"],
            (provider, hint, ct) => provider.GetRequiredService<Fulfilment>().Intent(hint.Object, ct));
        services.On(["customer.subscription.*"], async (provider, hint, ct) =>
            await provider.GetRequiredService<Subscriptions>().Look(hint.Object, ct) is null ? Applied.NotOurs : Applied.Done);
        services.On(
            ["invoice.paid", "invoice.payment_succeeded", "invoice.payment_failed", "invoice.payment_action_required"],
            (provider, hint, ct) => provider.GetRequiredService<Invoices>().Look(hint.Object, ct));
        services.On(["refund.*", "charge.refund.updated"], (provider, hint, ct) => provider.GetRequiredService<Refunds>().Look(hint.Object, ct));
        services.On(["charge.refunded"], (provider, hint, ct) => provider.GetRequiredService<Refunds>().LookAtCharge(hint.Object, ct));
        services.On(["charge.dispute.*"], (provider, hint, ct) => provider.GetRequiredService<Disputes>().Look(hint.Object, ct));
        services.On(["customer.deleted"], async (provider, hint, ct) =>
        {
            await provider.GetRequiredService<StripeCustomers>().Forget(hint.Object, ct);
            return Applied.Done;
        });
    }

    static void On(
        this IServiceCollection services, string[] types, Func<IServiceProvider, StripeEvent, CancellationToken, Task<Applied>> apply) =>
        services.AddSingleton(provider => new EventApplier(types, async (hint, ct) =>
        {
            try
            {
                return await apply(provider, hint, ct);
            }
            catch (StripeException e) when (e.Fault == StripeFault.Missing)
            {
                // What is gone at Stripe, or of another account, has nothing to tell any more.
                return Applied.NotOurs;
            }
        }));
}
