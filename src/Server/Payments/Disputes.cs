using Purser.Core.Payments;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>
/// Payments that the customer's bank questions. While it does, what is left of the order's credits is frozen; lost, they
/// go, and what was spent of them is owed; won, they are free again.
/// </summary>
sealed class Disputes(
    StripeClient stripe, Fulfilment fulfilment, Refunds refunds, OrderCredits credits, CreditLedger ledger, CustomerLocks locks, Db db,
    TimeProvider time)
{
    public async Task<Applied> Look(string id, CancellationToken ct)
    {
        var told = StripeDispute.Of(await stripe.Get($"/v1/disputes/{id}", null, ct));
        if (told.Livemode != stripe.Livemode) return Applied.NotOurs;
        if (await fulfilment.OrderOfPayment(told.PaymentIntent, told.Charge, ct) is not { } order) return Applied.NotOurs;

        return await locks.Hold(order.Customer, async () =>
        {
            var dispute = await db.Dispute(id, ct) ?? await Open(told, order, ct);
            await Follow(dispute, (await db.Order(order.Id, order.Livemode, ct))!, Disputing.StateOf(told.Status), ct);
            return Applied.Done;
        }, ct);
    }

    async Task<DisputeRow> Open(StripeDispute told, OrderRow order, CancellationToken ct)
    {
        // The card that it is about must not be charged by ourselves meanwhile.
        await db.SwitchRechargeOff(order.Customer, order.Livemode, "disputed", ct);
        return await db.InsertDispute(
            new(told.Id, order.Id, DisputeState.Open, told.Amount.Minor, default, null, null, 0, told.Reason), told.Livemode, time.Now(), ct);
    }

    async Task Follow(DisputeRow dispute, OrderRow order, DisputeState to, CancellationToken ct)
    {
        switch (dispute.State, to)
        {
            case (DisputeState.Open, DisputeState.Open):
                // Frozen before anybody is told that it is disputed.
                if (dispute.Hold is null) await credits.Freeze(dispute, order, ct);
                await db.AddUp(order.Id, ct);
                return;
            case (DisputeState.Open or DisputeState.Won, DisputeState.Lost):
                await Lose(dispute, order, ct);
                break;
            case (DisputeState.Open, DisputeState.Won):
                if (dispute.Hold is { } hold) await ledger.GiveBack(order.Customer, hold, time.Now());
                break;
            case (DisputeState.Lost, DisputeState.Won):
                await credits.PutBack(
                    order, $"dispute-won:{dispute.Id}:{dispute.Round}", dispute.Name, dispute.Sources!, dispute.Why(to), ct);
                break;
            // The bank took an appeal.
            case (DisputeState.Won, DisputeState.Open):
                break;
            default:
                return;
        }

        await db.Settle(dispute, to, ct);
        await Remaining(order, ct);
    }

    async Task Lose(DisputeRow dispute, OrderRow order, CancellationToken ct)
    {
        var sources = dispute.Sources;
        if (sources is null)
        {
            var facts = await credits.Facts(order, except: null, ct);
            sources = Refunding.Spread(facts, Refunding.Followed(facts, dispute.Minor));
            await db.Decide(dispute, sources, sources.Coming, ct);
        }

        await credits.Take(order, dispute.Name, sources, dispute.Hold, dispute.Why(DisputeState.Lost), ct);
    }

    /// <summary>Whatever else is in question of the order keeps what it can of the credits that are free now.</summary>
    async Task Remaining(OrderRow order, CancellationToken ct)
    {
        await credits.FreezeAgain(order, ct);
        foreach (var pending in await db.PendingRefunds(order.Id, ct)) await refunds.SetAside(pending, order, isDefault: false, ct);
    }
}
