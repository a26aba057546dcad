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
sealed record PlanChange(SubscriptionRow From, Plan OldPlan, Plan Plan, Interval Interval, PricedOffer Price, ChangeWhen When, DateTimeOffset? At);

/// <summary>Upgrades and downgrades: what they cost is Stripe's to say, what they bring is ours, and a preview says both beforehand.</summary>
sealed class PlanChanges(
    StripeClient stripe, Subscriptions subscriptions, StripePrices prices, Invoices invoices, CurrentCatalog catalog, TimeProvider time)
{
    public static async Task<SubscriptionRow> Live(CustomerId customer, Subscriptions subscriptions, CancellationToken ct) =>
        await subscriptions.Of(customer, ct) is { } row && row.Status.IsLive()
            ? row
            : throw new RefusedException(Error.NotFound("subscription"));

    public async Task<PlanChange> Plan(CustomerId customer, ChangeRequest request, CancellationToken ct)
    {
        var row = await Live(customer, subscriptions, ct);
        if (catalog.Offer.Plan(request.Plan.Needed("plan")) is not { Prices.Count: > 0 } plan)
            throw new InvalidRequestException("plan", $"There is no plan '{request.Plan}' to pay for: GET /v1/plans lists them.", "unknown_plan");

        var interval = request.Interval is null ? row.Interval
            : Names.Parse<Interval>(request.Interval) ?? throw new InvalidRequestException("interval", "'interval' is month or year.");
        if (plan.Code == row.Plan && interval == row.Interval && row.PendingAt is null)
            throw new RefusedException(Error.Of(ErrorType.Conflict, "same_plan", "That is what the customer has."));

        var currency = (await prices.Whose(row.Price, ct))?.Money.Currency ?? plan.Prices[0].Money.Currency;
        var money = plan.Price(interval, currency)
            ?? throw new InvalidRequestException("interval", $"The plan '{plan.Code}' is not sold by the {Names.Of(interval)} in {currency}.");
        var oldPlan = catalog.Offer.Plan(row.Plan) ?? plan;
        var when = request.When is null ? Usual(oldPlan, row, plan, interval, currency)
            : Names.Parse<ChangeWhen>(request.When) ?? throw new InvalidRequestException("when", "'when' is now, none or next_period.");
        if (when != ChangeWhen.Now && interval != row.Interval)
        {
            throw new RefusedException(Error.Of(
                ErrorType.Conflict, "interval_changes_now", "Another interval begins a new period, which is billed now: leave 'when' out."));
        }

        return new(row, oldPlan, plan, interval, await prices.Of(plan.Code, plan.Name, interval, money, ct), when, request.At);
    }

    public async Task<PreviewAnswer> Preview(PlanChange change, CancellationToken ct)
    {
        var at = change.At ?? time.Now();
        at = DateTimeOffset.FromUnixTimeSeconds(at.ToUnixTimeSeconds());
        var due = new Money(0, change.Price.Money.Currency);
        IReadOnlyList<PreviewLineAnswer> lines = [];
        if (change.When == ChangeWhen.Now)
        {
            var invoice = await stripe.Post("/v1/invoices/create_preview", new()
            {
                { "subscription", change.From.Id },
                { "subscription_details[items][0][id]", change.From.Item },
                { "subscription_details[items][0][price]", change.Price.Price },
                { "subscription_details[proration_behavior]", "always_invoice" },
                { "subscription_details[proration_date]", change.Interval == change.From.Interval ? at : null },
            }, $"purser-preview-{Guid.CreateVersion7():N}", ct);
            due = due with { Minor = invoice.Number("amount_due") ?? 0 };
            lines = [.. invoice.Items("lines").Select(line => new PreviewLineAnswer(
                line.Text("description") ?? "", new(line.Number("amount") ?? 0, due.Currency)))];
        }

        return new(
            change.Plan.Code, Names.Of(change.Interval), Names.Of(change.When), new(due.Minor, due.Currency), Brings(change, at), at, lines);
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
            if (change.At is { } at && change.Interval == change.From.Interval) form.Add("proration_date", at);
        }

        if (change.When == ChangeWhen.NextPeriod)
            await subscriptions.Postpone(change.From.Id, change.Plan.Code, change.Interval, change.From.PeriodEnd, ct);
        else
            await subscriptions.Unpostpone(change.From.Id, ct);

        form.Add("expand[0]", "latest_invoice");
        var changed = await stripe.Post($"/v1/subscriptions/{change.From.Id}", form, key, ct);
        var row = await subscriptions.Look(change.From.Id, ct) ?? change.From;
        if (change.When != ChangeWhen.Now || changed.Child("latest_invoice") is not { } invoice) return (row, null);

        // The credits of the change are there when the answer is, as a webhook's would be later.
        await invoices.Look(invoice.Id, ct);
        return (row, changed.Child("pending_update") is null ? null : invoice.Text("hosted_invoice_url"));
    }

    // More now, less later: nobody loses what they have paid for.
    static ChangeWhen Usual(Plan oldPlan, SubscriptionRow row, Plan plan, Interval interval, string currency)
    {
        if (interval != row.Interval) return ChangeWhen.Now;

        return plan.Price(interval, currency)?.Minor < oldPlan.Price(row.Interval, currency)?.Minor ? ChangeWhen.NextPeriod : ChangeWhen.Now;
    }

    static Credits Brings(PlanChange change, DateTimeOffset at)
    {
        if (change.When != ChangeWhen.Now || change.From.Status == SubscriptionStatus.Trialing) return Credits.Zero;
        if (change.Interval != change.From.Interval) return change.Plan.Included;

        var (start, end) = InvoiceGrants.MonthAround(change.Interval, change.From.PeriodStart, change.From.PeriodEnd, at);
        return InvoiceGrants.Difference(change.OldPlan, change.Plan, start, at, end);
    }
}
