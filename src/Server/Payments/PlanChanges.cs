using Purser.Core;
using Purser.Core.Catalog;
using Purser.Core.Payments;
using Purser.Server.Catalog;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>When a change of plan counts.</summary>
enum ChangeWhen
{
    /// <summary>At once; the difference is charged, or kept for the next invoice.</summary>
    Now,

    /// <summary>At once, and nobody pays or is given anything for what is left of the period.</summary>
    None,

    /// <summary>The customer keeps what was paid for until the period ends.</summary>
    NextPeriod,
}

/// <summary>A change of plan that makes sense.</summary>
sealed record PlanChange(SubscriptionRow From, Plan Plan, Interval Interval, PricedOffer Price, ChangeWhen When, DateTimeOffset? At);

/// <summary>Upgrades and downgrades: what they cost is Stripe's to say, what they bring is ours, and a preview says both beforehand.</summary>
sealed class PlanChanges(
    StripeClient stripe, Subscriptions subscriptions, StripePrices prices, Invoices invoices, CurrentCatalog catalog, Db db, TimeProvider time)
{
    // An invoice may be dated a moment before the period that it begins.
    static readonly TimeSpan Moment = TimeSpan.FromMinutes(1);

    public async Task<PlanChange> Plan(CustomerId customer, ChangeRequest request, CancellationToken ct)
    {
        var row = await subscriptions.Live(customer, ct);
        if (row.Status is not (SubscriptionStatus.Active or SubscriptionStatus.Trialing))
        {
            // What was not paid for must not be given back as if it had been.
            throw new RefusedException(Error.Of(
                ErrorType.Conflict, "subscription_not_active",
                $"The subscription is {Names.Of(row.Status)}. Resume it, or have what is due paid on the portal, then change it."));
        }

        if (catalog.Offer.Plan(request.Plan.Needed("plan")) is not { Prices.Count: > 0 } plan)
            throw new InvalidRequestException("plan", $"There is no plan '{request.Plan}' to pay for: GET /v1/plans lists them.", "unknown_plan");

        var interval = request.Interval is null ? row.Interval
            : Names.Parse<Interval>(request.Interval) ?? throw new InvalidRequestException("interval", "'interval' is month or year.");
        var currency = (await prices.Whose(row.Price, ct))?.Money.Currency ?? plan.Prices[0].Money.Currency;
        var money = plan.Price(interval, currency)
            ?? throw new InvalidRequestException("interval", $"The plan '{plan.Code}' is not sold by the {Names.Of(interval)} in {currency}.");
        var when = When(row, plan, interval, currency, request.When);
        if (when == ChangeWhen.Now) await RefuseWhatWentBack(row, ct);
        return new(row, plan, interval, await prices.Of(plan.Code, plan.Name, interval, money, ct), when, request.At);
    }

    ChangeWhen When(SubscriptionRow row, Plan plan, Interval interval, string currency, string? asked)
    {
        ChangeWhen? given = asked is null ? null
            : Names.Parse<ChangeWhen>(asked) ?? throw new InvalidRequestException("when", "'when' is now, none or next_period.");
        if (plan.Code == row.Plan && interval == row.Interval)
        {
            if (row.PendingAt is null) throw new RefusedException(Error.Of(ErrorType.Conflict, "same_plan", "That is what the customer has."));

            // The change that was put off is taken back. The period is paid for already: nothing is charged for it again.
            return ChangeWhen.None;
        }

        var when = given ?? Usual(row, plan, interval, currency);
        if (when != ChangeWhen.Now && interval != row.Interval)
        {
            throw new RefusedException(Error.Of(
                ErrorType.Conflict, "interval_changes_now", "Another interval begins a new period, which is billed now: leave 'when' out."));
        }

        if (when == ChangeWhen.Now && row.PendingAt is not null)
        {
            // Stripe has the later plan's price already, and would count from it what this change costs.
            throw new RefusedException(Error.Of(
                ErrorType.Conflict, "change_pending",
                $"A change to '{row.PendingPlan}' waits for the next period. Take it back first: change to '{row.Plan}', which costs nothing."));
        }

        return when;
    }

    // Stripe counts the rest of the period as paid for, and would give back once more what has gone back already.
    async Task RefuseWhatWentBack(SubscriptionRow row, CancellationToken ct)
    {
        var ofPeriod = new StripeForm { { "subscription", row.Id }, { "created[gte]", row.PeriodStart - Moment } };
        await foreach (var invoice in stripe.List("/v1/invoices", ofPeriod, ct))
        {
            if (await db.OrderOfInvoice(invoice.Id, ct) is not { } order) continue;
            if (!order.Disputed && (await db.Gone(order.Id, except: null, ct)).Minor == 0) continue;

            throw new RefusedException(Error.Of(
                ErrorType.Conflict, "period_refunded",
                $"Money of the running period was refunded, is on its way back or is disputed ({order.Reference}). "
                + "Change with when=next_period, or cancel the subscription and subscribe anew."));
        }
    }

    public async Task<PreviewAnswer> Preview(PlanChange change, CancellationToken ct)
    {
        var at = DateTimeOffset.FromUnixTimeSeconds((change.At ?? time.Now()).ToUnixTimeSeconds());
        // During a trial nothing is paid yet, so that nothing is billed at once.
        if (change.When != ChangeWhen.Now || change.From.Status == SubscriptionStatus.Trialing)
        {
            return new(
                change.Plan.Code, Names.Of(change.Interval), Names.Of(change.When), new(0, change.Price.Money.Currency), Credits.Zero, at, []);
        }

        var shown = await stripe.Post("/v1/invoices/create_preview", new()
        {
            { "subscription", change.From.Id },
            { "subscription_details[items][0][id]", change.From.Item },
            { "subscription_details[items][0][price]", change.Price.Price },
            { "subscription_details[proration_behavior]", "always_invoice" },
            { "subscription_details[proration_date]", at },
        }, $"purser-preview-{Guid.CreateVersion7():N}", ct);
        var invoice = StripeInvoice.Of(shown);
        return new(
            change.Plan.Code,
            Names.Of(change.Interval),
            Names.Of(change.When),
            new(shown.Number("amount_due") ?? 0, invoice.Total.Currency),
            (await invoices.CreditsOf(invoice, change.From, ct)).AtOnce,
            at,
            [.. shown.Items("lines").Select(Line)]);

        PreviewLineAnswer Line(StripeObject line) =>
            new(line.Text("description") ?? "", new(line.Number("amount") ?? 0, invoice.Total.Currency));
    }

    public async Task<(SubscriptionRow Row, string? PaymentUrl)> Make(PlanChange change, string key, CancellationToken ct)
    {
        var form = new StripeForm
        {
            { "items[0][id]", change.From.Item },
            { "items[0][price]", change.Price.Price },
            { "proration_behavior", change.When == ChangeWhen.Now ? "always_invoice" : "none" },
        };
        if (change.When == ChangeWhen.Now)
        {
            // What cannot be paid does not change: the customer keeps the old plan until it is.
            form.Add("payment_behavior", "pending_if_incomplete");
            if (change.At is { } at) form.Add("proration_date", at);
        }

        form.Add("expand[0]", "latest_invoice");
        var changed = await Send(change, form, key, ct);
        var row = await subscriptions.Look(change.From.Id, ct) ?? change.From;
        if (change.When != ChangeWhen.Now || changed.Child("latest_invoice") is not { } invoice) return (row, null);

        // The credits of the change are there when the answer is, as a webhook's would be later.
        await invoices.Look(invoice.Id, ct);
        return (row, changed.Child("pending_update") is null ? null : invoice.Text("hosted_invoice_url"));
    }

    /// <summary>
    /// A change that waits for its payment ends, and its invoice with it: whoever confirms that later would pay for nothing,
    /// or twice.
    /// </summary>
    public async Task DropWaiting(string subscription, CancellationToken ct)
    {
        var told = await stripe.Get($"/v1/subscriptions/{subscription}", new() { { "expand[0]", "latest_invoice" } }, ct);
        if (told.Child("pending_update") is null || told.Child("latest_invoice") is not { } invoice || invoice.Text("status") != "open") return;

        await stripe.Post($"/v1/invoices/{invoice.Id}/void", [], $"purser-void-{invoice.Id}", ct);
    }

    // What is put off is said before it is done, and that it is not put off any more, after: read in between, or where
    // Stripe did not answer, the price that it has must not be taken for a change.
    async Task<StripeObject> Send(PlanChange change, StripeForm form, string key, CancellationToken ct)
    {
        var before = change.From;
        var later = change.When == ChangeWhen.NextPeriod;
        if (later) await subscriptions.Postpone(before.Id, change.Plan.Code, change.Interval, before.PeriodEnd, ct);
        try
        {
            var changed = await stripe.Post($"/v1/subscriptions/{before.Id}", form, key, ct);
            if (!later) await subscriptions.Unpostpone(before.Id, CancellationToken.None);
            return changed;
        }
        catch (StripeException e) when (later && e.Fault != StripeFault.Unavailable)
        {
            await subscriptions.Postpone(
                before.Id, before.PendingPlan, before.PendingInterval, before.PendingAt, CancellationToken.None);
            throw;
        }
    }

    // More now, less later: nobody loses what they have paid for.
    ChangeWhen Usual(SubscriptionRow row, Plan plan, Interval interval, string currency)
    {
        if (interval != row.Interval) return ChangeWhen.Now;

        return plan.Price(interval, currency)?.Minor < catalog.Offer.Plan(row.Plan)?.Price(interval, currency)?.Minor
            ? ChangeWhen.NextPeriod
            : ChangeWhen.Now;
    }
}
