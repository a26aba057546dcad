using Purser.Core;
using Purser.Core.Ledger;
using Purser.Core.Payments;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>
/// The credits of an order: bringing them, what is left of them, and taking them back. Whoever takes them back holds the
/// customer's lock.
/// </summary>
sealed class OrderCredits(CreditLedger ledger, Db db, TimeProvider time)
{
    /// <summary>Brings what an invoice has paid for, and returns how much that is: another may have done so before.</summary>
    public async Task<Credits> Give(OrderRow order, InvoiceGrant grant, string currency, CancellationToken ct)
    {
        var now = time.Now();
        // An invoice that is found long after its period brings nothing that could still be spent.
        if (grant.Amount <= Credits.Zero || grant.ExpiresAt <= now) return grant.Amount;

        var terms = new GrantTerms(
            GrantSource.Subscription, GrantTerms.OrdinaryPriority, grant.ExpiresAt, new(grant.PaidMinor, currency));
        var receipt = await ledger.Grant(
            order.Customer, grant.Identity, new(grant.Amount, terms, grant.Why, order.Reference, grant.Cap), now);
        await db.Remember(new(grant.Identity, order.Id, receipt.Entry!.Value, receipt.Amount, grant.PaidMinor), now, ct);
        return receipt.Amount;
    }

    /// <summary>What is known of an order when money of it goes back; refunds on their way count as gone.</summary>
    /// <param name="except">A refund that is itself in question.</param>
    public async Task<RefundFacts> Facts(OrderRow order, Id<Refund>? except, CancellationToken ct)
    {
        var grants = await db.Grants(order.Id, ct);
        var months = await db.PaidMonthsOf(order.Id, ct);
        var gone = await db.Gone(order.Id, except, ct);
        var refunded = Math.Min(gone.Minor, order.Received.Minor);
        // What a later invoice gave back, money and credits, is as if it had never been of this order.
        var (minorBack, back) = await GivenBack(order, ct);
        var lots = await Lots(order.Customer, [.. grants.Select(grant => grant.Lot)], ct);
        return new(
            order.PaidAt is not null,
            order.Disputed,
            Math.Max(refunded, order.Received.Minor - minorBack),
            grants.Sum(grant => CostOf(grant, back.GetValueOrDefault(grant.Lot))) + months.Sum(row => row.Months.Minor),
            refunded,
            gone.Credits,
            [.. lots.Select(lot => Without(lot, back.GetValueOrDefault(lot.Seq)))])
        {
            Coming = new(months.Sum(row => row.Months.Coming.Micros)),
            Forgone = new(months.Sum(row => row.Forgone.Micros)),
            Step = Currencies.Step(order.Money.Currency),
        };
    }

    async Task<(long Minor, Dictionary<long, Credits> Lots)> GivenBack(OrderRow order, CancellationToken ct)
    {
        if (order.Subscription is not { } subscription) return (0, []);

        var orders = await db.OrdersOfSubscription(subscription, ct);
        var minor = Refunding.GivenBack([.. orders.Select(one => (one.Received.Minor, one.Terms.Total.Minor))]);
        var lots = orders.SelectMany(one => one.GivenBack?.Lots ?? []).GroupBy(part => part.Lot)
            .ToDictionary(parts => parts.Key, parts => new Credits(parts.Sum(part => part.Amount.Micros)));
        var own = orders.FindIndex(one => one.Id == order.Id);
        return (own < 0 ? 0 : minor[own], lots);
    }

    static long CostOf(OrderGrant grant, Credits back) => back >= grant.Credits
        ? 0
        : (long)((Int128)grant.PaidMinor * (grant.Credits - back).Micros / grant.Credits.Micros);

    static RefundableLot Without(RefundableLot lot, Credits back) => lot with
    {
        Amount = lot.Amount - Credits.Min(back, lot.Amount), Reversed = lot.Reversed - Credits.Min(back, lot.Reversed),
    };

    public async Task<Credits> Available(CustomerId customer, CancellationToken ct)
    {
        var wallet = WalletId.Of(customer);
        var rows = await db.All($"""
            select balance - held from wallet where bucket = {wallet.Bucket} and id = {wallet.Value}
            """, row => row.GetCredits(0), ct);
        return rows.SingleOrDefault();
    }

    /// <summary>From where credits are taken whose time was given back: what the subscription brought last goes first.</summary>
    public async Task<RefundSources> LastOf(OrderRow order, InvoiceReturn gone, CancellationToken ct)
    {
        var grants = await db.GrantsOfSubscription(order.Subscription!, ct);
        var lots = await Lots(order.Customer, [.. grants.Select(grant => grant.Lot)], ct);
        return new(gone.Coming, Refunding.Spread(lots, gone.Amount));
    }

    /// <summary>
    /// Takes no more of a lot than is left to be taken: somebody may have reversed it by hand meanwhile. What was taken
    /// under this name before was taken.
    /// </summary>
    /// <param name="hold">What was set aside for it: it ends with the first lot.</param>
    public async Task Take(OrderRow order, string identity, RefundSources sources, long? hold, string reason, CancellationToken ct)
    {
        for (var i = 0; i < sources.Lots.Count; i++)
        {
            var (lot, amount) = sources.Lots[i];
            var left = (await Lots(order.Customer, [lot], ct)).Sum(one => one.Amount.Micros - one.Reversed.Micros);
            var part = Credits.Min(amount, new(left));
            // A refusal would be kept under the name for ever.
            if (part > Credits.Zero)
            {
                await ledger.Reverse(
                    order.Customer, $"{identity}:{i}", new(part, lot, reason, order.Reference, i == 0 ? hold : null), time.Now());
            }
            else if (i == 0 && hold is { } idle) await ledger.GiveBack(order.Customer, idle, time.Now());
        }

        if (sources.Lots.Count == 0 && hold is { } unused) await ledger.GiveBack(order.Customer, unused, time.Now());
    }

    /// <param name="taken">The name under which they were taken: what was not, does not come back.</param>
    public async Task PutBack(
        OrderRow order, string identity, string taken, RefundSources sources, string reason, CancellationToken ct)
    {
        for (var i = 0; i < sources.Lots.Count; i++)
        {
            var amount = await ledger.Reversed(order.Customer, $"{taken}:{i}", ct);
            if (amount == Credits.Zero) continue;

            await ledger.Restore(
                order.Customer, $"{identity}:{i}", new(amount, sources.Lots[i].Lot, reason, order.Reference), time.Now());
        }
    }

    /// <summary>
    /// Keeps what is left of a disputed order's credits from being spent. What was kept before ends first: it may have gone
    /// into a refund, or may be less than can be kept now.
    /// </summary>
    public async Task Freeze(DisputeRow dispute, OrderRow order, CancellationToken ct)
    {
        if (dispute.Hold is { } before)
        {
            await ledger.GiveBack(order.Customer, before, time.Now());
            dispute = await db.Thaw(dispute, ct);
        }

        var facts = await Facts(order, except: null, ct);
        var atStake = Refunding.Spread(facts, Refunding.Followed(facts, dispute.Minor));
        var aside = await ledger.SetAside(
            order.Customer, $"frozen:{dispute.Id}:{dispute.Round}", Credits.Min(atStake.InWallet, facts.Unspent),
            $"dispute ({dispute.Reason})", order.Reference, time.Now());
        await db.KeepFrozen(dispute, aside.Hold!.Value, ct);
    }

    /// <summary>Credits of the order are free again: what is still in question keeps them.</summary>
    public async Task FreezeAgain(OrderRow order, CancellationToken ct)
    {
        foreach (var open in await db.OpenDisputes(order.Id, ct)) await Freeze(open, order, ct);
    }

    /// <summary>
    /// A refund has failed, and its money went back by a dispute all the same: what the dispute did not take for that
    /// reason it takes now.
    /// </summary>
    public async Task CatchUp(OrderRow order, Id<Refund> failed, CancellationToken ct)
    {
        if (await db.LostDispute(order.Id, ct) is not { Sources: { } taken } dispute) return;

        var facts = await Facts(order, failed, ct);
        var more = Refunding.Spread(facts, Refunding.Followed(facts, 0));
        var all = new RefundSources(taken.Coming + more.Coming, [.. taken.Lots, .. more.Lots]);
        if (more.Total > Credits.Zero) await db.Decide(dispute, all, more.Coming, ct);
        await Take(order, dispute.Name, all, hold: null, dispute.Why(DisputeState.Lost), ct);
    }

    async Task<IReadOnlyList<RefundableLot>> Lots(CustomerId customer, long[] seqs, CancellationToken ct)
    {
        var wallet = WalletId.Of(customer);
        await using var read = await db.Snapshot(ct);
        var live = await LotRows.Read(read.Connection, wallet, ct);
        var rows = await read.All($"""
            select seq, amount, reversed from lot
            where bucket = {wallet.Bucket} and wallet_id = {wallet.Value} and seq = any({seqs})
            """, row => (Seq: row.GetInt64(0), Amount: row.GetCredits(1), Reversed: row.GetCredits(2)), ct);
        return [.. rows.Select(row => new RefundableLot(
            row.Seq, row.Amount, live.Find(row.Seq)?.Remaining ?? Credits.Zero, row.Reversed))];
    }
}
