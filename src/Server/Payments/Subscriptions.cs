using Npgsql;
using Purser.Core;
using Purser.Core.Catalog;
using Purser.Core.Payments;
using Purser.Server.Catalog;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>A subscription as it is stored.</summary>
/// <param name="Plan">What the customer is on: a change for the next period is not in it yet, though Stripe's price is.</param>
/// <param name="Anchor">What its periods are counted from.</param>
sealed record SubscriptionRow(
    string Id,
    CustomerId Customer,
    Id<Order>? Order,
    string Plan,
    Interval Interval,
    string Price,
    string Item,
    SubscriptionStatus Status,
    DateTimeOffset Anchor,
    DateTimeOffset PeriodStart,
    DateTimeOffset PeriodEnd)
{
    public DateTimeOffset? CancelAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public DateTimeOffset? TrialEnd { get; init; }
    public DateTimeOffset? PastDueSince { get; init; }
    public string? PendingPlan { get; init; }
    public Interval? PendingInterval { get; init; }
    public DateTimeOffset? PendingAt { get; init; }
}

sealed class Subscriptions(
    StripeClient stripe, StripeCustomers customers, StripePrices prices, CurrentCatalog catalog, Db db, TimeProvider time)
{
    sealed record Reading(long Number);

    /// <summary>Stripe's word on a subscription, written down; null where it is none of ours.</summary>
    public async Task<SubscriptionRow?> Look(string id, CancellationToken ct)
    {
        var reading = await NextReading(ct);
        return await Follow(StripeSubscription.Of(await stripe.Get($"/v1/subscriptions/{id}", null, ct)), reading, ct);
    }

    /// <summary>Taken before Stripe is asked: of two answers, the one that was asked for later counts.</summary>
    public async Task<long> NextReading(CancellationToken ct) =>
        (await db.One($"select nextval('stripe_read')", row => new Reading(row.GetInt64(0)), ct))!.Number;

    public async Task<SubscriptionRow?> Follow(StripeSubscription told, long reading, CancellationToken ct)
    {
        if (told.Livemode != stripe.Livemode || await CustomerOf(told, ct) is not { } customer) return null;
        if (told.Price is null || told.ItemId is null || told.PeriodStart is null || told.PeriodEnd is null)
            throw new InvalidOperationException($"{told.Id} has no item with a price and a period.");
        if (await SoldFor(told.Price, ct) is not { Interval: { } interval } sold)
            throw new InvalidOperationException($"The price {told.Price} of {told.Id} is not one of the catalog's: run ./purser stripe check.");

        return await Keep(told, customer, sold.Code, interval, reading, ct);
    }

    /// <summary>What was sold for a price: by our own record, or by its lookup key at Stripe, where another database made it.</summary>
    public async Task<PricedOffer?> SoldFor(string price, CancellationToken ct)
    {
        if (await prices.Whose(price, ct) is { } known) return known;

        var told = await stripe.Get($"/v1/prices/{price}", null, ct);
        if (told.Amount("unit_amount") is not { } money) return null;

        foreach (var plan in catalog.Offer.Plans)
        {
            foreach (var offered in plan.Prices.Where(one => one.Money.Currency == money.Currency))
            {
                if (told.Text("lookup_key") == StripePrices.LookupKey(plan.Code, offered.Interval, money.Currency))
                    return new(price, told.Reference("product") ?? "", plan.Code, offered.Interval, money);
            }
        }

        return null;
    }

    /// <summary>The customer's one subscription: the live one, or else the last that there was.</summary>
    public Task<SubscriptionRow?> Of(CustomerId customer, CancellationToken ct) => db.One($"""
        select * from subscription
        where customer = {customer.Value} and livemode = {stripe.Livemode}
        order by (status in (3, 4, 5, 7, 8)) desc, created_at desc limit 1
        """, Read, ct);

    public async Task<SubscriptionRow> Live(CustomerId customer, CancellationToken ct) =>
        await Of(customer, ct) is { } row && row.Status.IsLive() ? row : throw new RefusedException(Error.NotFound("subscription"));

    /// <summary>Those that have not ended as far as is known here, in the order of their ids.</summary>
    public Task<List<string>> LiveAfter(string id, int limit, CancellationToken ct) => db.All($"""
        select id from subscription
        where livemode = {stripe.Livemode} and status not in (2, 6) and id > {id}
        order by id limit {limit}
        """, row => row.GetString(0), ct);

    public Task<SubscriptionRow?> Find(string id, CancellationToken ct) =>
        db.One($"select * from subscription where id = {id} and livemode = {stripe.Livemode}", Read, ct);

    /// <summary>A customer has one subscription: whoever has it changes it, in place of buying another.</summary>
    public async Task RefuseSecond(CustomerId customer, CancellationToken ct)
    {
        if (await Of(customer, ct) is not { } there || !there.Status.IsLive()) return;

        // It may have ended without our having heard of it.
        if (await Look(there.Id, ct) is not { } now || !now.Status.IsLive()) return;

        throw new RefusedException(Error.Of(
            ErrorType.Conflict,
            "subscription_exists",
            $"The customer subscribes to '{now.Plan}' already. "
                + $"Change it with POST /v1/customers/{customer}/subscription/change, or cancel it first."));
    }

    /// <summary>A trial is had once.</summary>
    public async Task<bool> MayTry(CustomerId customer, CancellationToken ct) => await db.One($"""
        select id from subscription where customer = {customer.Value} and livemode = {stripe.Livemode} and trial_end is not null limit 1
        """, row => row.GetString(0), ct) is null;

    /// <summary>Says before it is done that the plan changes only with the next period; or with nulls, that it does not.</summary>
    public Task Postpone(string id, string? plan, Interval? interval, DateTimeOffset? at, CancellationToken ct) => db.Run($"""
        update subscription set pending_plan = {plan}, pending_interval = {(short?)interval}, pending_at = {at} where id = {id}
        """, ct);

    public Task Unpostpone(string id, CancellationToken ct) => Postpone(id, null, null, null, ct);

    async Task<CustomerId?> CustomerOf(StripeSubscription told, CancellationToken ct)
    {
        if (await customers.Whose(told.Customer, ct) is { } customer) return customer;

        // Its customer at Stripe was replaced meanwhile: it is known from before, or says which order it began with.
        if (await Find(told.Id, ct) is { } known) return known.Customer;
        return await db.OrderNamed(told.Metadata, stripe.Livemode, ct) is { } order ? order.Customer : null;
    }

    async Task<SubscriptionRow> Keep(
        StripeSubscription told, CustomerId customer, string plan, Interval interval, long reading, CancellationToken ct)
    {
        var order = await db.OrderNamed(told.Metadata, stripe.Livemode, ct) is { } named && named.Customer == customer ? named : null;
        return await db.Transact(async tx =>
        {
            var now = time.Now();
            var status = SubscriptionStatuses.Parse(told.Status);
            var anchor = told.Anchor ?? told.PeriodStart!.Value;
            await tx.Run($"""
                insert into subscription (id, customer, livemode, order_id, plan, interval, price, item, status, anchor,
                  period_start, period_end, read, created_at, updated_at)
                values ({told.Id}, {customer.Value}, {told.Livemode}, {order?.Id.Value}, {plan}, {(short)interval}, {told.Price},
                  {told.ItemId}, {(short)status}, {anchor}, {told.PeriodStart!.Value}, {told.PeriodEnd!.Value}, 0, {now}, {now})
                on conflict (id) do nothing
                """, ct);
            var known = (await tx.One($"select * from subscription where id = {told.Id} for update", Read, ct))!;
            var before = (await tx.One($"select read from subscription where id = {told.Id}", row => new Reading(row.GetInt64(0)), ct))!;
            // What ended does not come back, whatever an answer that was long on its way says.
            if (before.Number > reading || (known.Status.IsOver() && !status.IsOver())) return known;

            var next = Followed(known, told, status, plan, interval, now);
            await tx.Run($"""
                update subscription set
                  plan = {next.Plan}, interval = {(short)next.Interval}, price = {next.Price}, item = {next.Item},
                  status = {(short)next.Status}, anchor = {next.Anchor}, period_start = {next.PeriodStart}, period_end = {next.PeriodEnd},
                  cancel_at = {next.CancelAt}, ended_at = {next.EndedAt}, trial_end = {next.TrialEnd},
                  past_due_since = {next.PastDueSince}, pending_plan = {next.PendingPlan},
                  pending_interval = {(short?)next.PendingInterval}, pending_at = {next.PendingAt}, read = {reading},
                  updated_at = {now}
                where id = {told.Id}
                """, ct);
            return next;
        }, ct);
    }

    static SubscriptionRow Followed(
        SubscriptionRow known, StripeSubscription told, SubscriptionStatus status, string plan, Interval interval, DateTimeOffset now)
    {
        // A change that was put off: Stripe has the new price already, or has heard of nothing new yet, and the customer has
        // the old plan until the period turns.
        var waits = known.PendingAt is { } at && told.PeriodStart < at
            && ((plan, interval) == (known.PendingPlan, known.PendingInterval)
                || (plan, interval) == (known.Plan, known.Interval)
                || told.Price == known.Price);
        var pending = waits && !status.IsOver();
        return known with
        {
            Plan = waits ? known.Plan : plan,
            Interval = waits ? known.Interval : interval,
            Price = told.Price!,
            Item = told.ItemId!,
            Status = status,
            Anchor = told.Anchor ?? known.Anchor,
            PeriodStart = told.PeriodStart!.Value,
            PeriodEnd = told.PeriodEnd!.Value,
            CancelAt = told.CancelAt,
            EndedAt = told.EndedAt,
            TrialEnd = told.TrialEnd ?? known.TrialEnd,
            PastDueSince = status == SubscriptionStatus.PastDue ? known.PastDueSince ?? now : null,
            PendingPlan = pending ? known.PendingPlan : null,
            PendingInterval = pending ? known.PendingInterval : null,
            PendingAt = pending ? known.PendingAt : null,
        };
    }

    static SubscriptionRow Read(NpgsqlDataReader row) => new(
        row.GetString(row.GetOrdinal("id")),
        CustomerId.Parse(row.GetString(row.GetOrdinal("customer")), null),
        row.Maybe<Guid>(row.GetOrdinal("order_id")) is { } order ? new Id<Order>(order) : null,
        row.GetString(row.GetOrdinal("plan")),
        (Interval)row.GetInt16(row.GetOrdinal("interval")),
        row.GetString(row.GetOrdinal("price")),
        row.GetString(row.GetOrdinal("item")),
        (SubscriptionStatus)row.GetInt16(row.GetOrdinal("status")),
        row.GetInstant(row.GetOrdinal("anchor")),
        row.GetInstant(row.GetOrdinal("period_start")),
        row.GetInstant(row.GetOrdinal("period_end")))
    {
        CancelAt = row.Maybe<DateTimeOffset>(row.GetOrdinal("cancel_at")),
        EndedAt = row.Maybe<DateTimeOffset>(row.GetOrdinal("ended_at")),
        TrialEnd = row.Maybe<DateTimeOffset>(row.GetOrdinal("trial_end")),
        PastDueSince = row.Maybe<DateTimeOffset>(row.GetOrdinal("past_due_since")),
        PendingPlan = row.Text(row.GetOrdinal("pending_plan")),
        PendingInterval = row.Maybe<short>(row.GetOrdinal("pending_interval")) is { } pending ? (Interval)pending : null,
        PendingAt = row.Maybe<DateTimeOffset>(row.GetOrdinal("pending_at")),
    };
}
