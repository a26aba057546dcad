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

    static async Task<IResult> Create(Id<Order> order, RefundRequest request, Refunds refunds, Db db, HttpContext http, CancellationToken ct)
    {
        var key = http.IdempotencyKey();
        if (await db.Order(order, ct) is not { } found) return Error.NotFound("order").Answer(http);

        var (refund, replayed) = await refunds.Ask(found, request, key, ct);
        if (replayed) http.Response.Headers["Idempotency-Replayed"] = "true";
        return TypedResults.Created((string?)null, Answer(refund, found));
    }

    static async Task<IResult> List(Id<Order> order, Db db, HttpContext http, CancellationToken ct)
    {
        if (await db.Order(order, ct) is not { } found) return Error.NotFound("order").Answer(http);

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

                return (await Pursue(before, isDefault: false, ct), true);
            }

            var now = time.Now();
            var current = await db.Order(order.Id, ct) ?? order;
            var facts = await credits.Facts(current, except: null, ct);
            var decided = Decided(Refunding.Decide(
                facts with { IsPaid = facts.IsPaid && current.PaymentIntent is not null },
                request.Credits, minor, await credits.Available(current.Customer, ct)));
            var refund = new RefundRow(
                Id<Refund>.New(now), order.Id, null, RefundState.Pending, decided.Minor, decided.Credits, null, null, reason,
                AtStripe: false, null, requestKey, asked, now);
            await db.InsertRefund(refund, ct);
            return (await Pursue(refund, isDefault: request.Credits is null && minor is null, ct), false);
        }, ct);
    }

    /// <summary>Takes a refund further from wherever it stands: asked for again, or left by a server that died.</summary>
    public async Task<RefundRow> Pursue(RefundRow refund, bool isDefault, CancellationToken ct)
    {
        if (refund is not { State: RefundState.Pending, StripeId: null }) return refund;

        var order = (await db.Order(refund.Order, ct))!;
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
            await Follow(made, CancellationToken.None);
        }
        catch (StripeException e) when (e.Fault is StripeFault.Invalid or StripeFault.Missing or StripeFault.Declined)
        {
            await GiveUp(refund, order, e.Said);
            throw new RefusedException(Error.Of(ErrorType.Conflict, "refund_refused", $"Stripe refuses the refund: {e.Said}"), e);
        }

        return (await db.Refund(refund.Id, ct))!;
    }

    /// <summary>What an event or the sweep says of one refund.</summary>
    public async Task<Applied> Look(string id, CancellationToken ct) =>
        await Follow(StripeRefund.Of(await stripe.Get($"/v1/refunds/{id}", null, ct)), ct);

    /// <summary>All refunds of a charge: its event does not say which one is new.</summary>
    public async Task<Applied> LookAtCharge(string charge, CancellationToken ct)
    {
        var applied = Applied.NotOurs;
        await foreach (var one in stripe.List("/v1/refunds", new() { { "charge", charge } }, ct))
            if (await Follow(StripeRefund.Of(one), ct) == Applied.Done) applied = Applied.Done;

        return applied;
    }

    public async Task<Applied> Follow(StripeRefund told, CancellationToken ct)
    {
        if (await Known(told, ct) is not { } refund) return Applied.NotOurs;

        var order = (await db.Order(refund.Order, ct))!;
        switch (told.Status)
        {
            case "succeeded" when refund.State == RefundState.Pending: await Succeed(refund, order, ct); break;
            case "failed" or "canceled" when refund.State == RefundState.Succeeded: await Undo(refund, order, told.FailureReason, ct); break;
            case "failed" or "canceled" when refund.State == RefundState.Pending: await GiveUp(refund, order, told.FailureReason ?? told.Status); break;
            case "pending" or "requires_action" when refund.State == RefundState.Pending: await SetAside(refund, order, isDefault: false, ct); break;
        }

        return Applied.Done;
    }

    async Task<RefundRow?> Known(StripeRefund told, CancellationToken ct)
    {
        if (await db.RefundAtStripe(told.Id, ct) is { } known) return known;

        if (Id<Refund>.TryParse(told.Metadata.GetValueOrDefault(RefundKey), null, out var id) && await db.Refund(id, ct) is { } asked)
        {
            if (asked.StripeId is null) return await db.Named(asked, told.Id, ct);
            if (asked.StripeId == told.Id) return asked;
        }

        return await fulfilment.OrderOfPayment(told.PaymentIntent, told.Charge, ct) is { } order ? await Adopt(told, order, ct) : null;
    }

    // Made at the dashboard: there is nothing to ask any more, only to follow.
    Task<RefundRow?> Adopt(StripeRefund told, OrderRow order, CancellationToken ct) => locks.Hold(order.Customer, async () =>
    {
        if (await db.RefundAtStripe(told.Id, ct) is { } known) return known;

        var now = time.Now();
        var facts = await credits.Facts((await db.Order(order.Id, ct))!, except: null, ct);
        await db.InsertRefund(
            new(
                Id<Refund>.New(now), order.Id, told.Id, RefundState.Pending, told.Amount.Minor, Refunding.Followed(facts, told.Amount.Minor),
                null, null, "refunded at Stripe", AtStripe: true, null, null, null, now),
            ct);
        return await db.RefundAtStripe(told.Id, ct);
    }, ct);

    async Task<RefundRow> SetAside(RefundRow refund, OrderRow order, bool isDefault, CancellationToken ct)
    {
        if (refund.Hold is not null) return refund;

        var aside = await ledger.SetAside(
            order.Customer, $"aside:{refund.Id}", refund.Credits, $"refund of {order.Terms.Name}", order.Reference, time.Now());
        refund = refund with { Hold = aside.Hold };
        if (isDefault && aside.Amount < refund.Credits)
        {
            // Some of it was spent in this moment: only what is unspent goes back, by default.
            var facts = await credits.Facts(order, refund.Id, ct);
            if (Refunding.Decide(facts, aside.Amount > Credits.Zero ? aside.Amount : null, null, aside.Amount) is not RefundDecision.Refund less)
            {
                await GiveUp(refund, order, "spent");
                throw Refused(RefundRefusal.NothingLeft);
            }

            refund = refund with { Minor = less.Minor, Credits = less.Credits };
        }

        return await db.KeepAside(refund, ct);
    }

    async Task Succeed(RefundRow refund, OrderRow order, CancellationToken ct)
    {
        if (refund.Spread is null) refund = await db.Decided(refund, await credits.Spread(order, refund.Credits, ct), ct);
        await credits.Take(order, $"refund:{refund.Id}", refund.Spread!, refund.Hold, refund.Reason, time.Now());
        await db.Settle(refund, RefundState.Succeeded, null, ct);
    }

    async Task Undo(RefundRow refund, OrderRow order, string? why, CancellationToken ct)
    {
        await credits.PutBack(order, $"restore:{refund.Id}", refund.Spread ?? "", $"refund failed: {why ?? "unknown"}", time.Now());
        await db.Settle(refund, RefundState.Failed, why ?? "failed", ct);
    }

    async Task GiveUp(RefundRow refund, OrderRow order, string why)
    {
        if (refund.Hold is { } hold) await ledger.GiveBack(order.Customer, hold, time.Now());
        await db.Settle(refund, RefundState.Failed, why, CancellationToken.None);
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
