using Purser.Core;
using Purser.Core.Ledger;
using Purser.Core.Payments;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>
/// Looks at Stripe and gives what was paid for. The webhook, the success page and the sweep all come here, with nothing but
/// the name of an object: what it says now is what counts, whatever brought us.
/// </summary>
sealed class Fulfilment(
    StripeClient stripe, Db db, CreditLedger ledger, Invoices invoices, PaymentsMetrics metrics, TimeProvider time, ILogger<Fulfilment> log)
{
    public async Task<Applied> Session(string id, CancellationToken ct)
    {
        var (session, intent, receipt) = await FetchSession(id, ct);
        if (await OrderOf(session, ct) is not { } order) return Applied.NotOurs;
        if (session.Livemode != order.Livemode) throw new InvalidOperationException($"{id} is not of the mode of {order.Id}.");
        if (order.Session is { } own && own != session.Id) return Foreign(session, order);

        order = await db.Change(order.Id, known => known with
        {
            Session = known.Session ?? session.Id,
            // An ended session has none any more; what was answered with it is answered again.
            Url = session.Url ?? known.Url,
            ExpiresAt = session.ExpiresAt ?? known.ExpiresAt,
            PaymentIntent = known.PaymentIntent ?? session.PaymentIntent,
            Charge = intent?.Charge ?? known.Charge,
            ReceiptUrl = receipt ?? known.ReceiptUrl,
            Subscription = known.Subscription ?? session.Subscription,
            Invoice = known.Invoice ?? session.Invoice,
            Expired = known.Expired || session.Status == "expired",
            Failure = FailureOf(session, intent) ?? (session.Complete ? null : known.Failure),
        }, ct);

        if (session is { Complete: true, Mode: "subscription" })
        {
            if (session.Subscription is { } subscription) await invoices.SubscriptionStarted(order, subscription, session.Invoice, ct);
            return Applied.Done;
        }

        if (session.Paid) await Give(order, session.Id, session.Subtotal, ct);
        return Applied.Done;
    }

    // Whoever can write at Stripe can make a session under the name of an order that has its own.
    Applied Foreign(CheckoutSession session, OrderRow order)
    {
        if (!session.Paid) return Applied.NotOurs;

        log.AmountDiffers(order.Id.ToString(), order.Terms.Total, session.Subtotal);
        throw new InvalidOperationException(
            $"{session.Id} of {Shown(session.Subtotal)} names {order.Id}, which is paid on {order.Session}: nothing was granted.");
    }

    /// <summary>A payment that was made without a page: an automatic purchase, or the payment behind a session.</summary>
    public async Task<Applied> Intent(string id, CancellationToken ct)
    {
        var fetched = await stripe.Get($"/v1/payment_intents/{id}", new() { { "expand[0]", "latest_charge" } }, ct);
        var intent = PaymentIntent.Of(fetched);
        if (await OrderOf(intent, ct) is not { } order) return Applied.NotOurs;
        // A session's own payment says less than the session does.
        if (order.Kind == OrderKind.Package && order.Session is { } session) return await Session(session, ct);
        if (order.Kind != OrderKind.Recharge) return Applied.Done;
        if (order.PaymentIntent is { } own && own != intent.Id) return Applied.NotOurs;

        var receipt = fetched.Child("latest_charge")?.Text("receipt_url");
        order = await db.Change(order.Id, known => known with
        {
            PaymentIntent = known.PaymentIntent ?? intent.Id,
            Charge = intent.Charge ?? known.Charge,
            ReceiptUrl = receipt ?? known.ReceiptUrl,
            Failure = intent.Status is "requires_payment_method" or "canceled" or "requires_action"
                ? intent.FailureCode ?? (intent.Status == "requires_action" ? "authentication_required" : intent.Status)
                : null,
        }, ct);
        if (intent.Succeeded) await Give(order, intent.Id, intent.Amount, ct);
        return Applied.Done;
    }

    /// <summary>An order by its payment, however much of it is known here yet; null where it is none of ours.</summary>
    public async Task<OrderRow?> OrderOfPayment(string? intent, string? charge, CancellationToken ct)
    {
        var order = intent is not null ? await db.OrderOfIntent(intent, ct) : charge is not null ? await db.OrderOfCharge(charge, ct) : null;
        if (order is { PaidAt: not null }) return order;

        // What becomes of a payment may be told before the payment is: then that comes first.
        if (order?.Invoice is { } invoice) await invoices.Look(invoice, ct);
        else if (intent is not null) await Intent(intent, ct);
        order = order is not null ? await db.Order(order.Id, order.Livemode, ct) : intent is null ? null
            : await db.OrderOfIntent(intent, ct) ?? await invoices.OrderOfPayment(intent, ct);
        return order is not { PaidAt: null }
            ? order
            : throw new InvalidOperationException($"{order.Id} has not brought its credits yet: what became of its payment has to wait.");
    }

    async Task<(CheckoutSession, PaymentIntent?, string? Receipt)> FetchSession(string id, CancellationToken ct)
    {
        var session = await stripe.Get(
            $"/v1/checkout/sessions/{id}", new() { { "expand[0]", "payment_intent.latest_charge" } }, ct);
        return session.Child("payment_intent") is { } intent
            ? (CheckoutSession.Of(session), PaymentIntent.Of(intent), intent.Child("latest_charge")?.Text("receipt_url"))
            : (CheckoutSession.Of(session), null, null);
    }

    // A completed session whose money never came: the bank said no, days later.
    static string? FailureOf(CheckoutSession session, PaymentIntent? intent) =>
        session is { Complete: true, Paid: false } && intent is { Status: "requires_payment_method" or "canceled" }
            ? intent.FailureCode ?? "payment_failed"
            : null;

    async Task Give(OrderRow order, string identity, Money? paid, CancellationToken ct)
    {
        // Somebody has put another amount under our order: nothing is given for it, and a person has to look.
        if (paid != order.Terms.Total)
        {
            log.AmountDiffers(order.Id.ToString(), order.Terms.Total, paid);
            throw new InvalidOperationException(
                $"{identity} is of {Shown(paid)}, and {order.Id} of {Shown(order.Terms.Total)}: nothing was granted.");
        }

        var now = time.Now();
        var terms = new GrantTerms(
            GrantSource.Purchase,
            GrantTerms.OrdinaryPriority,
            order.Terms.ValidDays is { } days ? now.AddDays(days) : null,
            order.Terms.Total);
        var receipt = await ledger.Grant(
            order.Customer,
            $"grant:{identity}",
            new(order.Credits, terms, $"{order.Terms.Quantity} × {order.Terms.Name}", order.Reference),
            now);
        var grant = new OrderGrant($"grant:{identity}", order.Id, receipt.Entry!.Value, order.Credits, order.Terms.Total.Minor);
        if (await db.Remember(grant, now, ct)) metrics.Purchased(order.Terms.Code, order.Credits);
        await db.Change(order.Id, known => known with { PaidAt = known.PaidAt ?? receipt.At, Failure = null }, ct);
    }

    static string Shown(Money? money) => money is { } known ? Currencies.Show(known) : "nothing";

    async Task<OrderRow?> OrderOf(CheckoutSession session, CancellationToken ct) =>
        await db.OrderOfSession(session.Id, ct) ?? await db.OrderNamed(session.Metadata, stripe.Livemode, ct);

    async Task<OrderRow?> OrderOf(PaymentIntent intent, CancellationToken ct) =>
        await db.OrderOfIntent(intent.Id, ct) ?? await db.OrderNamed(intent.Metadata, stripe.Livemode, ct);
}

static partial class Log
{
    [LoggerMessage(2031, LogLevel.Error, "Order {Order} was offered for {Offered}, and {Paid} was paid: nothing was granted; compare the two at Stripe")]
    public static partial void AmountDiffers(this ILogger log, string order, Money offered, Money? paid);
}
