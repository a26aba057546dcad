using Npgsql;
using Purser.Core;
using Purser.Core.Payments;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

sealed record DisputeRow(
    string Id, Id<Order> Order, DisputeState State, long Minor, Credits Credits, long? Hold, string? Spread, string Reason);

/// <summary>
/// Payments that the customer's bank questions. While it does, what is left of the order's credits is frozen; lost, they
/// go, and what was spent of them is owed; won, they are free again.
/// </summary>
sealed class Disputes(
    StripeClient stripe, Fulfilment fulfilment, OrderCredits credits, CreditLedger ledger, CustomerLocks locks, Db db, TimeProvider time)
{
    public async Task<Applied> Look(string id, CancellationToken ct)
    {
        var told = StripeDispute.Of(await stripe.Get($"/v1/disputes/{id}", null, ct));
        if (told.Livemode != stripe.Livemode) return Applied.NotOurs;
        if (await fulfilment.OrderOfPayment(told.PaymentIntent, told.Charge, ct) is not { } order) return Applied.NotOurs;

        return await locks.Hold(order.Customer, async () =>
        {
            var dispute = await Find(id, ct) ?? await Open(told, (await db.Order(order.Id, ct))!, ct);
            await Follow(dispute, order, Disputing.StateOf(told.Status), ct);
            return Applied.Done;
        }, ct);
    }

    public async Task<DisputeState?> StateOf(string id, CancellationToken ct) => (await Find(id, ct))?.State;

    async Task Follow(DisputeRow dispute, OrderRow order, DisputeState to, CancellationToken ct)
    {
        if (dispute.State == DisputeState.Open)
        {
            // Frozen before anybody is told that it is disputed.
            if (dispute.Hold is null) dispute = await Freeze(dispute, order, ct);
            await db.Change(order.Id, known => known with { Disputed = true }, ct);
        }

        if (dispute.State == to) return;

        var now = time.Now();
        var why = $"dispute ({dispute.Reason}) {Names.Of(to)}";
        switch (dispute.State, to)
        {
            case (DisputeState.Open, DisputeState.Lost):
                dispute = await Spread(dispute, order, ct);
                await credits.Take(order, $"dispute:{dispute.Id}", dispute.Spread!, dispute.Hold, why, now);
                break;
            case (DisputeState.Open, DisputeState.Won):
                if (dispute.Hold is { } hold) await ledger.GiveBack(order.Customer, hold, now);
                break;
            case (DisputeState.Lost, DisputeState.Won):
                await credits.PutBack(order, $"dispute-won:{dispute.Id}", dispute.Spread ?? "", why, now);
                break;
            // Lost after it was won, or open once more: the bank took an appeal. There is no hold any more to end.
            case (DisputeState.Won, DisputeState.Lost):
                dispute = await Spread(dispute, order, ct);
                await credits.Take(order, $"dispute-lost:{dispute.Id}", dispute.Spread!, hold: null, why, now);
                break;
            default:
                return;
        }

        await Settle(dispute, to, ct);
    }

    async Task<DisputeRow> Open(StripeDispute told, OrderRow order, CancellationToken ct)
    {
        var facts = await credits.Facts(order, except: null, ct);
        await db.Run($"""
            insert into dispute (id, order_id, livemode, state, minor, credits, reason, created_at)
            values ({told.Id}, {order.Id}, {told.Livemode}, {(short)DisputeState.Open}, {told.Amount.Minor},
              {Disputing.AtStake(facts, told.Amount.Minor)}, {told.Reason}, {time.Now()})
            on conflict (id) do nothing
            """, ct);
        return (await Find(told.Id, ct))!;
    }

    async Task<DisputeRow> Freeze(DisputeRow dispute, OrderRow order, CancellationToken ct)
    {
        var facts = await credits.Facts(order, except: null, ct);
        var frozen = Credits.Min(dispute.Credits, facts.Unspent);
        var aside = await ledger.SetAside(
            order.Customer, $"frozen:{dispute.Id}", frozen, $"dispute ({dispute.Reason})", order.Reference, time.Now());
        await db.Run($"update dispute set hold = {aside.Hold} where id = {dispute.Id}", ct);
        return dispute with { Hold = aside.Hold };
    }

    async Task<DisputeRow> Spread(DisputeRow dispute, OrderRow order, CancellationToken ct)
    {
        if (dispute.Spread is not null) return dispute;

        var spread = await credits.Spread(order, dispute.Credits, ct);
        await db.Run($"update dispute set spread = {spread} where id = {dispute.Id}", ct);
        return dispute with { Spread = spread };
    }

    async Task Settle(DisputeRow dispute, DisputeState to, CancellationToken ct) => await db.Transact(async tx =>
    {
        var moved = await tx.Run($"""
            update dispute set state = {(short)to} where id = {dispute.Id} and state = {(short)dispute.State}
            """, ct) == 1;
        if (!moved) return false;

        await tx.Run($"""
            update orders set disputed = exists (select from dispute where order_id = {dispute.Order} and state = 1)
            where id = {dispute.Order}
            """, ct);
        // Money that a lost dispute took is money that went back, as far as there was any left to go.
        var order = (await tx.One($"select * from orders where id = {dispute.Order} for update", Orders.Read, ct))!;
        var (minor, micros) = (dispute.State, to) switch
        {
            (_, DisputeState.Lost) => (Math.Min(dispute.Minor, order.Received.Minor - order.RefundedMinor), dispute.Credits.Micros),
            (DisputeState.Lost, _) => (-Math.Min(dispute.Minor, order.RefundedMinor), -dispute.Credits.Micros),
            _ => (0, 0),
        };
        await tx.MoveSums(dispute.Order, minor, micros, ct);
        return true;
    }, ct);

    Task<DisputeRow?> Find(string id, CancellationToken ct) => db.One($"""
        select id, order_id, state, minor, credits, hold, spread, reason from dispute where id = {id}
        """, Read, ct);

    static DisputeRow Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetId<Order>(1), (DisputeState)row.GetInt16(2), row.GetInt64(3), row.GetCredits(4), row.Maybe<long>(5),
        row.Text(6), row.GetString(7));
}
