using Purser.Core;
using Purser.Core.Payments;
using Purser.Server.Catalog;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>
/// Credits of subscriptions, which only a paid invoice brings, line by line. Each paid invoice is an order: the first one
/// is the checkout's, every further one is a renewal or a change.
/// </summary>
sealed class Invoices(
    StripeClient stripe, Subscriptions subscriptions, CurrentCatalog catalog, OrderCredits credits, CustomerLocks locks, Db db,
    TimeProvider time)
{
    /// <summary>A checkout of a plan was completed; its first invoice says whether it was paid.</summary>
    public async Task SubscriptionStarted(OrderRow order, string subscription, string? invoice, CancellationToken ct)
    {
        var row = await subscriptions.Look(subscription, ct);
        if (row is null) throw new InvalidOperationException($"{subscription} of {order.Id} is not a subscription of {order.Customer}.");
        if (invoice is not null) await Look(invoice, ct);
    }

    public async Task<Applied> Look(string id, CancellationToken ct)
    {
        var fetched = await stripe.Get($"/v1/invoices/{id}", new() { { "expand[0]", "payments" } }, ct);
        var invoice = StripeInvoice.Of(fetched);
        if (invoice.Livemode != stripe.Livemode || invoice.Subscription is not { } name) return Applied.NotOurs;
        if (await subscriptions.Look(name, ct) is not { } subscription) return Applied.NotOurs;
        if (invoice.Status != "paid") return Applied.Done;
        if (await db.OrderOfInvoice(id, ct) is { PaidAt: not null } settled)
        {
            // Its credits were moved by what the catalog said then; only how it was paid may be told later than that.
            if (settled.PaymentIntent is null) await Settle(settled, invoice, ct);
            return Applied.Done;
        }

        if (fetched.Child("lines")?.Flag("has_more") == true) invoice = invoice with { Lines = await AllLines(id, ct) };
        await Paid(invoice, subscription, ct);
        return Applied.Done;
    }

    /// <summary>The order of an invoice by its payment: the one way back, since a payment does not name its invoice.</summary>
    public async Task<OrderRow?> OrderOfPayment(string intent, CancellationToken ct)
    {
        var payments = await stripe.Get("/v1/invoice_payments", new()
        {
            { "payment[type]", "payment_intent" },
            { "payment[payment_intent]", intent },
        }, ct);
        if (payments.First("data").Reference("invoice") is not { } invoice) return null;

        await Look(invoice, ct);
        return await db.OrderOfInvoice(invoice, ct);
    }

    /// <summary>What an invoice brings and takes, be it paid or only a preview.</summary>
    public async Task<InvoiceCredits> CreditsOf(StripeInvoice invoice, SubscriptionRow subscription, CancellationToken ct)
    {
        // What a checkout has offered counts, whatever the catalog says by now.
        var offered = invoice.BillingReason == "subscription_create" && subscription.Order is { } began
            ? (await db.Order(began, stripe.Livemode, ct))?.Terms
            : null;
        var lines = new List<InvoiceLine>();
        foreach (var line in invoice.Lines)
        {
            var sold = line.Price is { } price ? await subscriptions.SoldFor(price, ct) : null;
            var plan = sold?.Interval is null ? null : catalog.Offer.Plan(sold.Code) ?? throw new InvalidOperationException(
                $"{invoice.Id} bills the plan '{sold.Code}', which the catalog does not have any more: put it back, and its credits come.");
            if (plan is not null && plan.Code == offered?.Code) plan = plan with { Included = offered.Credits };
            lines.Add(new(line.Id, plan, sold?.Interval ?? default, line.Proration, line.Amount.Minor, line.PeriodStart, line.PeriodEnd)
            {
                Quantity = line.Quantity,
            });
        }

        return InvoiceCredits.Of(new(invoice.Id, invoice.BillingReason, subscription.Id, subscription.Anchor, lines));
    }

    async Task<IReadOnlyList<StripeInvoiceLine>> AllLines(string invoice, CancellationToken ct)
    {
        var lines = new List<StripeInvoiceLine>();
        await foreach (var line in stripe.List($"/v1/invoices/{invoice}/lines", [], ct)) lines.Add(StripeInvoiceLine.Of(line));
        return lines;
    }

    async Task Paid(StripeInvoice invoice, SubscriptionRow subscription, CancellationToken ct)
    {
        if (invoice.BillingReason != "subscription_create") await Earlier(invoice, ct);

        var moves = await CreditsOf(invoice, subscription, ct);
        var order = await OrderOf(invoice, subscription, moves, ct);
        if (moves.Return is { } gone) await GiveBack(order, invoice, gone, ct);
        foreach (var grant in moves.Grants) await credits.Give(order, grant, invoice.Total.Currency, ct);
        foreach (var months in moves.Months) await db.Begin(months, subscription.Id, order, invoice.Total.Currency, ct);

        await Settle(order, invoice, ct);
    }

    async Task Settle(OrderRow order, StripeInvoice invoice, CancellationToken ct)
    {
        var (charge, receipt) = await ReceiptOf(invoice, ct);
        await db.Change(order.Id, known => known with
        {
            PaymentIntent = known.PaymentIntent ?? invoice.PaymentIntent,
            Charge = known.Charge ?? charge,
            ReceiptUrl = known.ReceiptUrl ?? receipt,
            Invoice = invoice.Id,
            Subscription = invoice.Subscription,
            PaidAt = known.PaidAt ?? time.Now(),
            Paid = invoice.Paid.Minor,
            Failure = null,
        }, ct);
    }

    /// <summary>Takes the credits whose time was given back: from what the subscription brought last.</summary>
    async Task GiveBack(OrderRow order, StripeInvoice invoice, InvoiceReturn gone, CancellationToken ct) =>
        await locks.Hold(order.Customer, async () =>
        {
            var sources = (await db.OrderOfInvoice(invoice.Id, ct))!.GivenBack;
            if (sources is null)
            {
                sources = await credits.LastOf(order, gone, ct);
                await db.GiveBack(order, sources, ct);
            }

            await credits.Take(order, $"return:{invoice.Id}", sources, hold: null, gone.Why, ct);
            return true;
        }, ct);

    /// <summary>
    /// What was paid before comes before, in whatever order we are told: only what has come can be taken, and a cap cuts
    /// down what should have been taken first.
    /// </summary>
    async Task Earlier(StripeInvoice invoice, CancellationToken ct)
    {
        var earlier = new List<string>();
        var before = false;
        await foreach (var one in stripe.List("/v1/invoices", new() { { "subscription", invoice.Subscription }, { "status", "paid" } }, ct))
        {
            if (before && await db.OrderOfInvoice(one.Id, ct) is { PaidAt: not null }) break;

            if (before) earlier.Add(one.Id);
            before |= one.Id == invoice.Id;
        }

        earlier.Reverse();
        foreach (var id in earlier) await Look(id, ct);
    }

    async Task<(string? Charge, string? Receipt)> ReceiptOf(StripeInvoice invoice, CancellationToken ct)
    {
        if (invoice.PaymentIntent is not { } intent) return (null, null);

        var fetched = await stripe.Get($"/v1/payment_intents/{intent}", new() { { "expand[0]", "latest_charge" } }, ct);
        return (fetched.Reference("latest_charge"), fetched.Child("latest_charge")?.Text("receipt_url"));
    }

    /// <summary>The checkout's order for the invoice that began it; for every other one an order of its own.</summary>
    async Task<OrderRow> OrderOf(
        StripeInvoice invoice, SubscriptionRow subscription, InvoiceCredits moves, CancellationToken ct)
    {
        if (await db.OrderOfInvoice(invoice.Id, ct) is { } known) return known with { Subscription = subscription.Id };

        var first = subscription.Order is { } began ? await db.Order(began, stripe.Livemode, ct) : null;
        if (invoice.BillingReason == "subscription_create" && first is { Invoice: null })
        {
            return await db.Change(first.Id, order => order with
            {
                Invoice = order.Invoice ?? invoice.Id, Subscription = order.Subscription ?? subscription.Id,
            }, ct);
        }

        var plan = catalog.Offer.Plan(subscription.Plan);
        var brought = new Credits(moves.Grants.Sum(grant => grant.Amount.Micros));
        var terms = new OrderTerms(
            OrderKind.Renewal, subscription.Plan, plan?.Name ?? subscription.Plan, 1, invoice.Total, invoice.Total, brought, catalog.Rates.Version)
        {
            Interval = subscription.Interval,
        };
        var now = time.Now();
        var money = invoice.Total with { Minor = Math.Max(0, invoice.Total.Minor) };
        var order = new OrderRow(Id<Order>.New(now), subscription.Customer, stripe.Livemode, OrderKind.Renewal, terms, money, brought, now)
        {
            Invoice = invoice.Id,
            Subscription = subscription.Id,
        };
        await db.InsertOnce(order, ct);
        return await db.OrderOfInvoice(invoice.Id, ct) ?? throw new InvalidOperationException($"The order of {invoice.Id} is missing.");
    }
}
