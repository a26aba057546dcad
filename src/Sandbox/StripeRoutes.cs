using Purser.Sandbox.Stripe.Billing;
using Purser.Sandbox.Stripe.Catalog;
using Purser.Sandbox.Stripe.Checkout;
using Purser.Sandbox.Stripe.Control;
using Purser.Sandbox.Stripe.Customers;
using Purser.Sandbox.Stripe.Payments;
using Purser.Sandbox.Stripe.Portal;

namespace Purser.Sandbox;

/// <summary>The one list of what the sandbox's Stripe answers and what it does when time passes.</summary>
static class StripeRoutes
{
    public static Routes All()
    {
        var routes = new Routes();
        CustomerRoutes.Map(routes);
        PaymentMethods.Map(routes);
        Products.Map(routes);
        Prices.Map(routes);
        Coupons.Map(routes);
        PromotionCodes.Map(routes);
        Discounts.Map(routes);
        PaymentIntents.Map(routes);
        SetupIntents.Map(routes);
        Charges.Map(routes);
        Refunds.Map(routes);
        Disputes.Map(routes);
        BalanceTransactions.Map(routes);
        EventLog.Map(routes);
        WebhookEndpoints.Map(routes);
        TestClocks.Map(routes);
        Subscriptions.Map(routes);
        Sessions.Map(routes);
        PaymentPages.Map(routes);
        Configurations.Map(routes);
        PortalSessions.Map(routes);
        Invoices.Map(routes);
        InvoiceItems.Map(routes);
        InvoicePayments.Map(routes);
        return routes;
    }

    public static TimerActions Timers()
    {
        var timers = new TimerActions();
        timers.Add(Kinds.Answer, "forget", (tx, answer) => tx.Remove(answer.Id()));
        Coupons.Map(timers);
        PromotionCodes.Map(timers);
        Discounts.Map(timers);
        Settlement.Map(timers);
        Dunning.Map(timers);
        TestClocks.Map(timers);
        Subscriptions.Map(timers);
        Sessions.Map(timers);
        return timers;
    }
}
