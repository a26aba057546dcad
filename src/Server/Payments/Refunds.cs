using Purser.Core;
using Purser.Core.Payments;
using Purser.Server.Catalog;
using Purser.Server.Ledger;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

sealed record MoneyRequest
{
    public long? Minor { get; init; }
    public string? Currency { get; init; }
}

sealed record RefundRequest
{
    public Credits? Credits { get; init; }
    public MoneyRequest? Money { get; init; }
    public string? Reason { get; init; }
}

sealed record RefundAnswer(
    string Id, string Order, string State, Credits Credits, MoneyAnswer Money, string Reason, string? Failure, DateTimeOffset CreatedAt);

/// <summary>
/// Refunds, asked for here or made at Stripe. The credits are set aside before Stripe is asked, leave when the money does,
/// and come back if it does not.
/// </summary>
sealed class Refunds(
    StripeClient stripe, Fulfilment fulfilment, OrderCredits credits, CreditLedger ledger, CustomerLocks locks, Db db, TimeProvider time)
{
    const string RefundKey = "purser_refund";
    const int LongestReason = 500;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/orders/{order}/refund", Create).WithTags("Payments")
            .WithSummary("Refund an order: what is unspent, or so many credits, or so much money").Produces<RefundAnswer>(StatusCodes.Status201Created);
        routes.MapGet("/v1/orders/{order}/refunds", List).WithTags("Payments")
            .WithSummary("The refunds of an order").Produces<Page<RefundAnswer>>();
    }

    static async Task<IResult> Create(
        Id<Order> order, RefundRequest request, Refunds refunds, Db db, StripeClient stripe, HttpContext http, CancellationToken ct)
    {
        var key = http.IdempotencyKey();
        if (await db.Order(order, stripe.Livemode, ct) is not { } found) return Error.NotFound("order").Answer(http);

        var (refund, replayed) = await refunds.Ask(found, request, key, ct);
        if (replayed) http.Response.Headers["Idempotency-Replayed"] = "true";
        return TypedResults.Created((string?)null, Answer(refund, found));
    }

    static async Task<IResult> List(Id<Order> order, Db db, StripeClient stripe, HttpContext http, CancellationToken ct)
    {
        if (await db.Order(order, stripe.Livemode, ct) is not { } found) return Error.NotFound("order").Answer(http);

        var refunds = await db.Refunds(order, ct);
        return TypedResults.Ok(refunds.Select(refund => Answer(refund, found)).Page(refund => refund.Id, http));
    }

    static RefundAnswer Answer(RefundRow refund, OrderRow order) => new(
        refund.Id.ToString(), order.Reference, Names.Of(refund.State), refund.Credits, new(refund.Minor, order.Money.Currency),
        refund.Reason, refund.Failure, refund.CreatedAt);

    public Task<(RefundRow Refund, bool Replayed)> Ask(OrderRow order, RefundRequest request, string? key, CancellationToken ct)
    {
        var reason = request.Reason.Needed("reason").Short("reason", LongestReason)!;
        var minor = Minor(request.Money, order.Money.Currency);
        var asked = Fingerprint.Of("refund", order.Reference, request.Credits?.ToString(), minor?.ToString(null, null), reason);
        Guid? requestKey = key is null ? null : Fingerprint.Of("refund", order.Reference, key);
        return locks.Hold(order.Customer, async () =>
        {
            if (requestKey is { } named && await db.RefundOfRequest(named, ct) is { } before)
            {
                if (before.Request != asked)
                {
                    throw new RefusedException(Error.Of(
                        ErrorType.Conflict, "idempotency_key_reused", "This Idempotency-Key was used before, for another request."));
                }

                var pursued = await Pursue(before, isDefault: false, ct);
                return pursued is { State: RefundState.Failed, StripeId: null } ? throw NotMade(pursued.Failure!) : (pursued, true);
            }

            var now = time.Now();
            var current = (await db.Order(order.Id, order.Livemode, ct))!;
            var facts = await credits.Facts(current, except: null, ct);
            var decided = Decided(Refunding.Decide(
                facts with { IsPaid = facts.IsPaid && current.PaymentIntent is not null },
                request.Credits, minor, await credits.Available(current.Customer, ct)));
            var refund = new RefundRow(
                Id<Refund>.New(now), order.Id, null, RefundState.Pending, decided.Minor, decided.Credits, null, null, reason,
                AtStripe: false, null, requestKey, asked, now);
            await Insert(refund, current, ct);
            return (await Pay(refund, isDefault: request.Credits is null && minor is null, ct), false);
        }, ct);
    }

    /// <summary>Takes a refund further that was left on its way, by a server that died or an answer that was lost.</summary>
    public Task<RefundRow> Pursue(Id<Refund> id, CustomerId customer, CancellationToken ct) =>
        locks.Hold(customer, async () => await Pursue((await db.Refund(id, ct))!, isDefault: false, ct), ct);

    async Task<RefundRow> Pursue(RefundRow refund, bool isDefault, CancellationToken ct)
    {
        if (refund.State != RefundState.Pending) return refund;
        if (refund.StripeId is { } known)
        {
            await Look(known, ct);
            return (await db.Refund(refund.Id, ct))!;
        }

        // It may have been made, however long ago: Stripe knows a key for a day.
        var order = (await db.OrderOfRefund(refund, ct))!;
        await foreach (var made in stripe.List("/v1/refunds", new() { { "payment_intent", order.PaymentIntent } }, ct))
        {
            if (made.Metadata.GetValueOrDefault(RefundKey) != refund.Id.ToString()) continue;

            await Follow(StripeRefund.Of(made), order, ct);
            return (await db.Refund(refund.Id, ct))!;
        }

        return await Pay(refund, isDefault, ct);
    }

    async Task<RefundRow> Pay(RefundRow refund, bool isDefault, CancellationToken ct)
    {
        var order = (await db.OrderOfRefund(refund, ct))!;
        refund = await SetAside(refund, order, isDefault, ct);
        try
        {
            var made = StripeRefund.Of(await stripe.Post(
                "/v1/refunds",
                new()
                {
                    { "payment_intent", order.PaymentIntent },
                    { "amount", refund.Minor },
                    { "reason", "requested_by_customer" },
                    { $"metadata[{RefundKey}]", refund.Id.ToString() },
                },
                $"purser-refund-{refund.Id}",
                ct));
            await Follow(made, order, CancellationToken.None);
        }
        catch (StripeException e) when (e.Fault is StripeFault.Invalid or StripeFault.Missing or StripeFault.Declined)
        {
            await GiveUp(refund, order, e.Said);
            throw NotMade(e.Said);
        }

        return (await db.Refund(refund.Id, ct))!;
    }

    /// <summary>What an event or the sweep says of one refund.</summary>
    public async Task<Applied> Look(string id, CancellationToken ct) =>
        await Told(StripeRefund.Of(await stripe.Get($"/v1/refunds/{id}", null, ct)), ct);

    /// <summary>All refunds of a charge: its event does not say which one is new.</summary>
    public async Task<Applied> LookAtCharge(string charge, CancellationToken ct)
    {
        var applied = Applied.NotOurs;
        await foreach (var one in stripe.List("/v1/refunds", new() { { "charge", charge } }, ct))
            if (await Told(StripeRefund.Of(one), ct) == Applied.Done) applied = Applied.Done;

        return applied;
    }

    public async Task<Applied> Told(StripeRefund told, CancellationToken ct)
    {
        var known = await db.RefundAtStripe(told.Id, ct) ?? await Asked(told, ct);
        var order = known is not null ? await db.OrderOfRefund(known, ct) : await fulfilment.OrderOfPayment(told.PaymentIntent, told.Charge, ct);
        if (order is null) return Applied.NotOurs;

        return await locks.Hold(order.Customer, async () =>
        {
            await Follow(told, order, ct);
            return Applied.Done;
        }, ct);
    }

    /// <summary>The one that was asked for here, as its metadata says.</summary>
    async Task<RefundRow?> Asked(StripeRefund told, CancellationToken ct) =>
        Id<Refund>.TryParse(told.Metadata.GetValueOrDefault(RefundKey), null, out var id)
            && await db.Refund(id, ct) is { StripeId: null } asked
            ? asked
            : null;

    async Task Follow(StripeRefund told, OrderRow order, CancellationToken ct)
    {
        var refund = await db.RefundAtStripe(told.Id, ct);
        refund ??= await Asked(told, ct) is { } asked && asked.Order == order.Id
            ? await db.Named(asked, told.Id, ct)
            : await Adopt(told, order, ct);
        order = (await db.OrderOfRefund(refund, ct))!;
        switch (told.Status)
        {
            case "succeeded" when refund.State == RefundState.Pending: await Succeed(refund, order, ct); break;
            case "failed" or "canceled" when refund.State == RefundState.Succeeded: await Undo(refund, order, told.FailureReason, ct); break;
            case "failed" or "canceled" when refund.State == RefundState.Pending: await GiveUp(refund, order, told.FailureReason ?? told.Status); break;
            case "pending" or "requires_action" when refund.State == RefundState.Pending: await SetAside(refund, order, isDefault: false, ct); break;
        }
    }

    // Made at the dashboard: there is nothing to ask any more, only to follow.
    async Task<RefundRow> Adopt(StripeRefund told, OrderRow order, CancellationToken ct)
    {
        var now = time.Now();
        var facts = await credits.Facts((await db.Order(order.Id, order.Livemode, ct))!, except: null, ct);
        await Insert(
            new(
                Id<Refund>.New(now), order.Id, told.Id, RefundState.Pending, told.Amount.Minor, Refunding.Followed(facts, told.Amount.Minor),
                null, null, "refunded at Stripe", AtStripe: true, null, null, null, now),
            order,
            ct);
        return (await db.RefundAtStripe(told.Id, ct))!;
    }

    // Whoever has money back does not want to be charged a moment later, because credits ran low by it.
    async Task Insert(RefundRow refund, OrderRow order, CancellationToken ct)
    {
        await db.SwitchRechargeOff(order.Customer, order.Livemode, "refunded", ct);
        await db.InsertRefund(refund, ct);
    }

    public async Task<RefundRow> SetAside(RefundRow refund, OrderRow order, bool isDefault, CancellationToken ct)
    {
        if (refund.Hold is not null) return refund;

        var facts = await credits.Facts(order, refund.Id, ct);
        var sources = refund.Sources ?? Refunding.Spread(facts, refund.Credits);
        // What a dispute has frozen is set aside already.
        if ((await db.OpenDisputes(order.Id, ct)).Count > 0) return await db.Decide(refund, sources, ct);

        var aside = await ledger.SetAside(
            order.Customer, $"aside:{refund.Id}", sources.InWallet, $"refund of {order.Terms.Name}", order.Reference, time.Now());
        refund = refund with { Hold = aside.Hold };
        if (isDefault && aside.Amount < sources.InWallet)
        {
            // Some of it was spent in this moment: only what is unspent goes back, by default.
            var unspent = sources.Coming + aside.Amount;
            if (Refunding.Decide(facts, unspent > Credits.Zero ? unspent : null, null, aside.Amount) is not RefundDecision.Refund less)
            {
                await GiveUp(refund, order, "spent");
                throw Refused(RefundRefusal.NothingLeft);
            }

            refund = refund with { Minor = less.Minor, Credits = less.Credits };
            sources = Refunding.Spread(facts, less.Credits);
        }

        return await db.Decide(refund, sources, ct);
    }

    async Task Succeed(RefundRow refund, OrderRow order, CancellationToken ct)
    {
        if (refund.Sources is null)
            refund = await db.Decide(refund, Refunding.Spread(await credits.Facts(order, refund.Id, ct), refund.Credits), ct);

        // What a dispute has frozen of the order is what is refunded; it freezes the rest anew.
        var frozen = refund.Hold is null ? (await db.OpenDisputes(order.Id, ct)).FirstOrDefault(dispute => dispute.Hold is not null) : null;
        await credits.Take(order, $"refund:{refund.Id}", refund.Sources!, refund.Hold ?? frozen?.Hold, refund.Reason, ct);
        if (frozen is not null) await credits.Freeze(frozen, order, ct);
        await db.Settle(refund, RefundState.Succeeded, null, ct);
    }

    async Task Undo(RefundRow refund, OrderRow order, string? why, CancellationToken ct)
    {
        if (refund.Sources is { } sources)
        {
            await credits.PutBack(
                order, $"restore:{refund.Id}", $"refund:{refund.Id}", sources, $"refund failed: {why ?? "unknown"}", ct);
        }


        refund = await db.Reclaim(refund, ct);
        await credits.CatchUp(order, refund.Id, ct);
        await db.Settle(refund, RefundState.Failed, why ?? "failed", ct);
        await credits.FreezeAgain(order, ct);
    }

    async Task GiveUp(RefundRow refund, OrderRow order, string why)
    {
        if (refund.Hold is { } hold) await ledger.GiveBack(order.Customer, hold, time.Now());
        refund = await db.Reclaim(refund, CancellationToken.None);
        await credits.CatchUp(order, refund.Id, CancellationToken.None);
        await db.Settle(refund, RefundState.Failed, why, CancellationToken.None);
        await credits.FreezeAgain(order, CancellationToken.None);
    }

    static long? Minor(MoneyRequest? money, string currency)
    {
        if (money is null) return null;

        var minor = money.Minor.Needed("money.minor");
        return money.Currency is null || money.Currency == currency
            ? minor
            : throw new InvalidRequestException("money.currency", $"The order was paid in {currency}.");
    }

    static RefundDecision.Refund Decided(RefundDecision decision) => decision switch
    {
        RefundDecision.Refund refund => refund,
        RefundDecision.Refused refused => throw Refused(refused.Why),
        _ => throw new InvalidOperationException("A refund is decided or refused."),
    };

    static RefusedException NotMade(string why) =>
        new(Error.Of(ErrorType.Conflict, "refund_refused", $"Stripe refuses the refund: {why}"));

    static RefusedException Refused(RefundRefusal why) => new(why switch
    {
        RefundRefusal.NotPaid => Error.Of(ErrorType.Conflict, "order_not_paid", "Nothing was paid for this order."),
        RefundRefusal.Disputed => Error.Of(ErrorType.Conflict, "order_disputed", "The customer's bank disputes the payment; it decides where the money goes."),
        RefundRefusal.AmountNotPositive => Error.Invalid("credits", "What is refunded is more than nothing."),
        RefundRefusal.NothingLeft => Error.Of(ErrorType.Conflict, "nothing_to_refund", "Nothing of this order is unspent and unrefunded. Say 'money' to refund it all the same."),
        RefundRefusal.MoneyExceedsPaid => Error.Invalid("money", "More than is left of what was paid."),
        RefundRefusal.CreditsExceedGranted => Error.Invalid("credits", "More than is left of what the order brought."),
    });
}
