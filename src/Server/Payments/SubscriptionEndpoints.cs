using Purser.Core;
using Purser.Core.Catalog;
using Purser.Core.Payments;
using Purser.Server.Catalog;
using Purser.Server.Ledger;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

sealed record ChangeRequest
{
    public string? Plan { get; init; }
    public string? Interval { get; init; }
    public string? When { get; init; }

    /// <summary>The moment that a preview was made for: the change then costs to the cent what it said.</summary>
    public DateTimeOffset? At { get; init; }
}

sealed record CancelRequest
{
    public string? When { get; init; }
}

sealed record PauseRequest;

sealed record ResumeRequest;

sealed record PendingChangeAnswer(string Plan, string Interval, DateTimeOffset At);

/// <param name="PaymentUrl">Where the customer confirms a payment that the bank asks to confirm.</param>
sealed record SubscriptionAnswer(
    string Id, string Plan, string Interval, string Status, DateTimeOffset CurrentPeriodStart, DateTimeOffset CurrentPeriodEnd,
    DateTimeOffset? CancelAt, DateTimeOffset? EndedAt, DateTimeOffset? TrialEnd, PendingChangeAnswer? PendingChange, string? PaymentUrl)
{
    public static SubscriptionAnswer Of(SubscriptionRow row, string? paymentUrl = null) => new(
        row.Id,
        row.Plan,
        Names.Of(row.Interval),
        Names.Of(row.Status),
        row.PeriodStart,
        row.PeriodEnd,
        row.CancelAt,
        row.EndedAt,
        row.TrialEnd,
        row is { PendingPlan: { } plan, PendingInterval: { } interval, PendingAt: { } at }
            ? new(plan, Names.Of(interval), at)
            : null,
        paymentUrl);
}

sealed record PreviewLineAnswer(string Description, MoneyAnswer Amount);

/// <param name="Due">To be paid now; what is negative stays with the customer for the next invoice.</param>
/// <param name="Credits">What the change brings at once; less than nothing where what is given back had brought more.</param>
/// <param name="At">Hand it to the change, and it costs exactly this.</param>
sealed record PreviewAnswer(
    string Plan, string Interval, string When, MoneyAnswer Due, Credits Credits, DateTimeOffset At, IReadOnlyList<PreviewLineAnswer> Lines);

sealed record EntitlementsAnswer(string? Plan, IReadOnlyDictionary<string, Entitlement> Features);

static class SubscriptionEndpoints
{
    public static void MapSubscriptions(this IEndpointRouteBuilder routes)
    {
        var customer = routes.MapGroup("/v1/customers/{customer}").WithTags("Payments");
        customer.MapGet("/subscription", Show).WithSummary("The customer's subscription").Produces<SubscriptionAnswer>();
        customer.MapPost("/subscription/change", Change).Once().WithSummary("Another plan or interval: now, none (no proration), or next_period")
            .Produces<SubscriptionAnswer>();
        customer.MapPost("/subscription/preview", Preview).Once().WithSummary("What a change would cost and bring, to the cent").Produces<PreviewAnswer>();
        customer.MapPost("/subscription/cancel", Cancel).Once().WithSummary("End it at the period's end, or now").Produces<SubscriptionAnswer>();
        customer.MapPost("/subscription/resume", Resume).Once().WithSummary("Take a cancellation back, or go on after a pause")
            .Produces<SubscriptionAnswer>();
        customer.MapPost("/subscription/pause", Pause).Once().WithSummary("No invoices and no credits until it is resumed")
            .Produces<SubscriptionAnswer>();
        customer.MapGet("/entitlements", Entitled).WithSummary("What the customer's plan allows").Produces<EntitlementsAnswer>();
    }

    static async Task<IResult> Show(CustomerId customer, Subscriptions subscriptions, HttpContext http, CancellationToken ct) =>
        await subscriptions.Of(customer, ct) is { } row && row.Status != SubscriptionStatus.IncompleteExpired
            ? TypedResults.Ok(SubscriptionAnswer.Of(row))
            : Error.NotFound("subscription").Answer(http);

    static async Task<IResult> Entitled(
        CustomerId customer, Subscriptions subscriptions, CurrentCatalog catalog, Db db, TimeProvider time, HttpContext http,
        CancellationToken ct)
    {
        var row = await subscriptions.Of(customer, ct);
        if (row is null && !await db.Exists(customer, ct)) return Error.NotFound("customer").Answer(http);

        var access = row is not null && Access.Of(row.Status, row.PastDueSince, time.Now());
        var plan = Access.Plan(catalog.Offer, row?.Plan, access);
        return TypedResults.Ok(new EntitlementsAnswer(
            plan?.Code, plan?.Entitlements ?? new Dictionary<string, Entitlement>()));
    }

    static Task<IResult> Change(
        CustomerId customer, ChangeRequest request, PlanChanges changes, Subscriptions subscriptions, CustomerLocks locks, Selling selling,
        HttpContext http, CancellationToken ct) =>
        locks.Hold(customer, () => DoneAlready(customer, subscriptions, http, async () =>
        {
            selling.RefuseUnlessOnFor(customer);
            var change = await changes.Plan(customer, request, ct);
            // What waits at a second try may be what the first one made.
            if (!http.IsSecondTry()) await changes.DropWaiting(change.From.Id, ct);
            var (row, paymentUrl) = await changes.Make(change, Key(http), ct);
            return TypedResults.Ok(SubscriptionAnswer.Of(row, paymentUrl));
        }, ct), ct);

    static async Task<IResult> Preview(CustomerId customer, ChangeRequest request, PlanChanges changes, CancellationToken ct) =>
        TypedResults.Ok(await changes.Preview(await changes.Plan(customer, request, ct), ct));

    static Task<IResult> Cancel(
        CustomerId customer, CancelRequest? request, PlanChanges changes, Subscriptions subscriptions, StripeClient stripe, CustomerLocks locks,
        HttpContext http, CancellationToken ct) => locks.Hold(customer, () => DoneAlready(customer, subscriptions, http, async () =>
    {
        var now = request?.When switch
        {
            null or "period_end" => false,
            "now" => true,
            _ => throw new InvalidRequestException("when", "'when' is period_end or now."),
        };
        var row = await subscriptions.Live(customer, ct);
        if (now)
        {
            await changes.DropWaiting(row.Id, ct);
            await End(row.Id, stripe, ct);
        }
        else
            await stripe.Post($"/v1/subscriptions/{row.Id}", new() { { "cancel_at_period_end", true } }, Key(http), ct);
        return TypedResults.Ok(SubscriptionAnswer.Of((await subscriptions.Look(row.Id, ct))!));
    }, ct), ct);

    // The answer to a first attempt may be lost: that there is nothing to end any more says that it came through.
    static async Task End(string subscription, StripeClient stripe, CancellationToken ct)
    {
        try
        {
            await stripe.Delete($"/v1/subscriptions/{subscription}", null, ct);
        }
        catch (StripeException e) when (e.Fault == StripeFault.Missing)
        {
            // What is told of it next says how it ended.
        }
    }

    static Task<IResult> Resume(
        CustomerId customer, ResumeRequest? request, Subscriptions subscriptions, StripeClient stripe, CustomerLocks locks, TimeProvider time,
        HttpContext http, CancellationToken ct) => locks.Hold(customer, () => DoneAlready(customer, subscriptions, http, async () =>
    {
        var row = await subscriptions.Live(customer, ct);
        if (row.Status == SubscriptionStatus.Paused)
        {
            // What is left of a period that was paid for is not paid for again.
            var anchor = time.Now() < row.PeriodEnd ? "unchanged" : "now";
            await stripe.Post($"/v1/subscriptions/{row.Id}/resume", new() { { "billing_cycle_anchor[type]", anchor } }, Key(http), ct);
        }
        else if (row.CancelAt is not null)
            await stripe.Post($"/v1/subscriptions/{row.Id}", new() { { "cancel_at_period_end", false } }, Key(http), ct);
        else
            throw new RefusedException(Error.Of(ErrorType.Conflict, "nothing_to_resume", "The subscription is neither paused nor canceled."));
        return TypedResults.Ok(SubscriptionAnswer.Of((await subscriptions.Look(row.Id, ct))!));
    }, ct), ct);

    static Task<IResult> Pause(
        CustomerId customer, PauseRequest? request, Subscriptions subscriptions, StripeClient stripe, CustomerLocks locks, HttpContext http,
        CancellationToken ct) => locks.Hold(customer, () => DoneAlready(customer, subscriptions, http, async () =>
    {
        var row = await subscriptions.Live(customer, ct);
        await stripe.Post($"/v1/subscriptions/{row.Id}/pause", new() { { "type", "subscription" } }, Key(http), ct);
        return TypedResults.Ok(SubscriptionAnswer.Of((await subscriptions.Look(row.Id, ct))!));
    }, ct), ct);

    /// <summary>
    /// Asked for again after a server died at it: that it cannot be done any more only says that it was done.
    /// </summary>
    static async Task<IResult> DoneAlready(
        CustomerId customer, Subscriptions subscriptions, HttpContext http, Func<Task<IResult>> work, CancellationToken ct)
    {
        try
        {
            return await work();
        }
        catch (RefusedException e) when (http.IsSecondTry() && e is not StripeException { Fault: not StripeFault.Invalid })
        {
            if (await subscriptions.Of(customer, ct) is not { } known) throw;

            return TypedResults.Ok(SubscriptionAnswer.Of(await subscriptions.Look(known.Id, ct) ?? known));
        }
    }

    // The caller's own key where there is one: asked again after a lost answer, Stripe knows it too.
    static string Key(HttpContext http) => http.IdempotencyKey() is { } key
        ? $"purser-{Fingerprint.Of(http.Request.Path.Value, key):N}"
        : $"purser-{Guid.CreateVersion7():N}";
}
