using Purser.Core;
using Purser.Core.Ledger;
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
    StripeClient stripe, Subscriptions subscriptions, CurrentCatalog catalog, CreditLedger ledger, Db db, TimeProvider time)
{
    sealed record Due(string Identity, string Subscription, Id<Order> Order, PaidYear Year, string Currency, int Months);

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

    /// <summary>The months of years that were paid for, as they begin.</summary>
    public async Task GrantDueMonths(DateTimeOffset now, CancellationToken ct)
    {
        const int AtOnce = 200;
        while (true)
        {
            var due = await db.All($"""
                select y.identity, y.subscription, y.order_id, y.starts_at, y.ends_at, y.paid_minor, y.currency, y.months
                from paid_year y
                where y.next_at <= {now} order by y.next_at limit {AtOnce}
                """, row => new Due(
                    row.GetString(0), row.GetString(1), row.GetId<Order>(2),
                    new(row.GetString(0), row.GetInstant(3), row.GetInstant(4), row.GetInt64(5)), row.GetString(6), row.GetInt32(7)), ct);
            foreach (var one in due) await GrantMonth(one, now, ct);
            if (due.Count < AtOnce) return;
        }
    }

    async Task<IReadOnlyList<StripeInvoiceLine>> AllLines(string invoice, CancellationToken ct)
    {
        var lines = new List<StripeInvoiceLine>();
        await foreach (var line in stripe.List($"/v1/invoices/{invoice}/lines", [], ct)) lines.Add(StripeInvoiceLine.Of(line));
        return lines;
    }

    async Task Paid(StripeInvoice invoice, SubscriptionRow subscription, CancellationToken ct)
    {
        var lines = new List<InvoiceLine>();
        foreach (var line in invoice.Lines)
        {
            var sold = line.Price is { } price ? await subscriptions.SoldFor(price, ct) : null;
            var plan = sold?.Interval is null ? null : catalog.Offer.Plan(sold.Code);
            lines.Add(new(line.Id, plan, sold?.Interval ?? default, line.Proration, line.Amount.Minor, line.PeriodStart, line.PeriodEnd));
        }

        var (grants, years) = InvoiceGrants.Of(new(
            invoice.Id, invoice.BillingReason, subscription.Id, subscription.PeriodStart, subscription.PeriodEnd, lines));
        var order = await OrderOf(invoice, subscription, grants, ct);
        var now = time.Now();
        foreach (var grant in grants) await Give(order, grant, invoice.Total.Currency, now, ct);
        foreach (var year in years) await Begin(year, order, subscription, invoice.Total.Currency, now, ct);

        var (charge, receipt) = await ReceiptOf(invoice, ct);
        await db.Change(order.Id, known => known with
        {
            PaymentIntent = known.PaymentIntent ?? invoice.PaymentIntent,
            Charge = known.Charge ?? charge,
            ReceiptUrl = known.ReceiptUrl ?? receipt,
            Invoice = invoice.Id,
            Subscription = subscription.Id,
            PaidAt = known.PaidAt ?? now,
            Paid = invoice.Paid.Minor,
            Failure = null,
        }, ct);
    }

    async Task<(string? Charge, string? Receipt)> ReceiptOf(StripeInvoice invoice, CancellationToken ct)
    {
        if (invoice.PaymentIntent is not { } intent) return (null, null);

        var fetched = await stripe.Get($"/v1/payment_intents/{intent}", new() { { "expand[0]", "latest_charge" } }, ct);
        return (fetched.Reference("latest_charge"), fetched.Child("latest_charge")?.Text("receipt_url"));
    }

    /// <summary>The checkout's order for the invoice that began it; for every other one an order of its own.</summary>
    async Task<OrderRow> OrderOf(
        StripeInvoice invoice, SubscriptionRow subscription, IReadOnlyList<InvoiceGrant> grants, CancellationToken ct)
    {
        if (await db.OrderOfInvoice(invoice.Id, ct) is { } known) return known;

        var first = subscription.Order is { } began ? await db.Order(began, ct) : null;
        if (invoice.BillingReason == "subscription_create" && first is { Invoice: null })
            return await db.Change(first.Id, order => order with { Invoice = order.Invoice ?? invoice.Id }, ct);

        var plan = catalog.Offer.Plan(subscription.Plan);
        var credits = new Credits(grants.Sum(grant => grant.Amount.Micros));
        var terms = new OrderTerms(
            OrderKind.Renewal, subscription.Plan, plan?.Name ?? subscription.Plan, 1, invoice.Total, invoice.Total, credits, catalog.Rates.Version)
        {
            Interval = subscription.Interval,
        };
        var now = time.Now();
        var money = invoice.Total with { Minor = Math.Max(0, invoice.Total.Minor) };
        var order = new OrderRow(Id<Order>.New(now), subscription.Customer, stripe.Livemode, OrderKind.Renewal, terms, money, credits, now)
        {
            Invoice = invoice.Id,
            Subscription = subscription.Id,
        };
        await db.InsertOnce(order, ct);
        return await db.OrderOfInvoice(invoice.Id, ct) ?? throw new InvalidOperationException($"The order of {invoice.Id} is missing.");
    }

    async Task Give(OrderRow order, InvoiceGrant grant, string currency, DateTimeOffset now, CancellationToken ct)
    {
        // An invoice that is found long after its period brings nothing that could still be spent.
        if (grant.ExpiresAt <= now) return;

        var terms = new GrantTerms(
            GrantSource.Subscription, GrantTerms.OrdinaryPriority, grant.ExpiresAt, new(grant.PaidMinor, currency));
        var receipt = await ledger.Grant(
            order.Customer, grant.Identity, new(grant.Amount, terms, grant.Why, order.Reference, grant.Cap), now);
        await db.Remember(new(grant.Identity, order.Id, receipt.Entry!.Value, grant.Amount, grant.PaidMinor), now, ct);
    }

    async Task Begin(
        PaidYear year, OrderRow order, SubscriptionRow subscription, string currency, DateTimeOffset now, CancellationToken ct)
    {
        await db.Run($"""
            insert into paid_year (identity, subscription, order_id, livemode, starts_at, ends_at, paid_minor, currency, next_at)
            values ({year.Identity}, {subscription.Id}, {order.Id}, {order.Livemode}, {year.Start}, {year.End}, {year.PaidMinor}, {currency}, {year.Start})
            on conflict (identity) do nothing
            """, ct);
        // The first month at once; the clock at Stripe may be ahead of ours.
        await GrantMonth(new(year.Identity, subscription.Id, order.Id, year, currency, 0), Later(now, year.Start), ct);
    }

    static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    async Task GrantMonth(Due due, DateTimeOffset now, CancellationToken ct)
    {
        var start = InvoiceGrants.MonthOf(due.Year, due.Months);
        if (start > now) return;

        var order = await db.Order(due.Order, ct) ?? throw new InvalidOperationException($"The order of {due.Identity} is missing.");
        var subscription = await subscriptions.Find(due.Subscription, ct)
            ?? throw new InvalidOperationException($"The subscription of {due.Identity} is missing.");
        // Who ended it, or has the money back, has had the last of it.
        var over = due.Months > 0 && (subscription.EndedAt <= start || order.State == OrderState.Refunded);
        if (!over && catalog.Offer.Plan(subscription.Plan) is { } plan)
        {
            var grant = InvoiceGrants.Monthly(
                $"{due.Identity}:m{due.Months}", plan, InvoiceGrants.MonthOf(due.Year, due.Months + 1), InvoiceGrants.ShareOf(due.Year, due.Months));
            if (grant is not null) await Give(order, grant, due.Currency, time.Now(), ct);
        }

        var months = due.Months + 1;
        DateTimeOffset? next = over || months >= InvoiceGrants.MonthsInYear ? null : InvoiceGrants.MonthOf(due.Year, months);
        await db.Run($"""
            update paid_year set months = {months}, next_at = {next} where identity = {due.Identity} and months = {due.Months}
            """, ct);
    }
}
