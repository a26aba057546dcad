using Purser.Core.Payments;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>
/// Compares what is known here with Stripe, and repairs what no event told: by the same functions that an event leads to.
/// Each difference is a line.
/// </summary>
sealed class Reconciliation(
    StripeClient stripe, Fulfilment fulfilment, Subscriptions subscriptions, Invoices invoices, Refunds refunds, Disputes disputes,
    Recharges recharges, CustomerLocks locks, Db db, TimeProvider time)
{
    const string JobName = "compare with Stripe";
    const int AtOnce = 200;

    // A person asks for all that Stripe still has events of; the job, for what came since it ran, and for as long before
    // as Stripe tries to deliver.
    static readonly TimeSpan Longest = TimeSpan.FromDays(35);
    static readonly TimeSpan Deliveries = TimeSpan.FromDays(3);

    // What is in the middle of being made is no difference.
    static readonly TimeSpan Settled = TimeSpan.FromMinutes(1);
    static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    // Where the walk of open orders was when its time ran out: the next one goes on from there.
    Guid walkedTo;

    /// <summary>
    /// Returns how many differences there were. Open orders come last: most were left by somebody who bought nothing, and
    /// each of them is a call.
    /// </summary>
    /// <param name="since">
    /// How far back Stripe's lists are read; what is open here is compared however old it is. Refunds fail for weeks after
    /// they have succeeded.
    /// </param>
    public async Task<int> Run(DateTimeOffset now, DateTimeOffset since, Action<string> difference, CancellationToken ct)
    {
        var count = 0;
        void Told(string line)
        {
            count++;
            difference(line);
        }

        await LiveSubscriptions(Told, ct);
        await PaidInvoices(since, Told, ct);
        await AllRefunds(now - Longest, Told, ct);
        await AllDisputes(since, Told, ct);
        await RefundsUnderWay(now, Told, ct);
        await OpenDisputes(Told, ct);
        await Orders(now, Told, ct);
        return count;
    }

    async Task Orders(DateTimeOffset now, Action<string> told, CancellationToken ct)
    {
        var began = walkedTo;
        await Walk(began, Guid.AllBitsSet, now, told, ct);
        if (began != Guid.Empty) await Walk(Guid.Empty, began, now, told, ct);
        walkedTo = Guid.Empty;
    }

    async Task Walk(Guid after, Guid upTo, DateTimeOffset now, Action<string> told, CancellationToken ct)
    {
        while (true)
        {
            var open = await db.OpenOrders(stripe.Livemode, now - Settled, after, upTo, AtOnce, ct);
            foreach (var order in open)
            {
                walkedTo = order.Id.Value;
                await Guarded(order.Reference, told, () => Look(order, now, ct));
                if ((await db.Order(order.Id, order.Livemode, ct))!.State is var state and not OrderState.Open)
                    told($"{order.Id}: was open here, and is {Names.Of(state)}");
            }

            if (open.Count < AtOnce) return;
            after = open[^1].Id.Value;
        }
    }

    async Task Look(OrderRow order, DateTimeOffset now, CancellationToken ct)
    {
        if (order.Session is { } session) await fulfilment.Session(session, ct);
        else if (order.PaymentIntent is { } intent) await fulfilment.Intent(intent, ct);
        else if (order.Kind == OrderKind.Recharge) await locks.Hold(order.Customer, () => Pursue(order, ct), ct);
        else if (order.CreatedAt < now - Abandoned && order.Kind is OrderKind.Package or OrderKind.Plan)
            await db.Change(order.Id, known => known with { Failure = "abandoned" }, ct);
    }

    // It is made if it never was, whatever the balance is by now: it was decided, and counts towards the ceilings.
    async Task<bool> Pursue(OrderRow order, CancellationToken ct)
    {
        if (await db.Order(order.Id, order.Livemode, ct) is { State: OrderState.Open } open) await recharges.Pursue(open, ct);
        return true;
    }

    async Task RefundsUnderWay(DateTimeOffset now, Action<string> told, CancellationToken ct)
    {
        var after = Guid.Empty;
        while (true)
        {
            var underWay = await db.RefundsUnderWay(stripe.Livemode, now - Settled, after, AtOnce, ct);
            foreach (var refund in underWay)
            {
                var order = (await db.OrderOfRefund(refund, ct))!;
                await Guarded(refund.Id.ToString(), told, () => refunds.Pursue(refund.Id, order.Customer, ct));
                if ((await db.Refund(refund.Id, ct))!.State is var state and not RefundState.Pending)
                    told($"{refund.Id}: was pending here, and has {Names.Of(state)}");
            }

            if (underWay.Count < AtOnce) return;
            after = underWay[^1].Id.Value;
        }
    }

    async Task LiveSubscriptions(Action<string> told, CancellationToken ct)
    {
        // What is written down meanwhile was read later than this, and stays.
        var reading = await subscriptions.NextReading(ct);
        var listed = new HashSet<string>();
        await foreach (var one in stripe.List("/v1/subscriptions", [], ct))
        {
            listed.Add(one.Id);
            await Compare(one.Id, told, () => subscriptions.Follow(StripeSubscription.Of(one), reading, ct), ct);
            if (one.Reference("latest_invoice") is { } latest && await db.OrderOfInvoice(latest, ct) is not { PaidAt: not null })
                await LateInvoices(one.Id, told, ct);
        }

        // Those that have ended are in no list.
        var after = "";
        while (true)
        {
            var live = await subscriptions.LiveAfter(after, AtOnce, ct);
            foreach (var id in live.Where(id => !listed.Contains(id))) await Compare(id, told, () => subscriptions.Look(id, ct), ct);
            if (live.Count < AtOnce) return;
            after = live[^1];
        }
    }

    Task Compare(string id, Action<string> told, Func<Task<SubscriptionRow?>> look, CancellationToken ct) => Guarded(id, told, async () =>
    {
        var before = await subscriptions.Find(id, ct);
        if (await look() is not { } now) return;

        if (before is null) told($"{id}: was unknown here, and is {Words(now)}");
        else if (Differs(before, now)) told($"{id}: was {Words(before)} here, and is {Words(now)}");
    });

    static bool Differs(SubscriptionRow a, SubscriptionRow b) =>
        (a.Status, a.Plan, a.Interval, a.PeriodEnd, a.CancelAt) != (b.Status, b.Plan, b.Interval, b.PeriodEnd, b.CancelAt);

    static string Words(SubscriptionRow row) => $"{Names.Of(row.Status)} on {row.Plan} until {row.PeriodEnd:u}";

    async Task PaidInvoices(DateTimeOffset since, Action<string> told, CancellationToken ct)
    {
        await foreach (var one in stripe.List("/v1/invoices", new() { { "status", "paid" }, { "created[gte]", since } }, ct))
            await Settle(one.Id, told, ct);
    }

    // An invoice may be paid weeks after it was made: as long as Stripe goes on trying.
    async Task LateInvoices(string subscription, Action<string> told, CancellationToken ct)
    {
        await foreach (var one in stripe.List("/v1/invoices", new() { { "subscription", subscription }, { "status", "paid" } }, ct))
            if (!await Settle(one.Id, told, ct)) return;
    }

    /// <summary>Whether there was something to settle.</summary>
    async Task<bool> Settle(string invoice, Action<string> told, CancellationToken ct)
    {
        if (await db.OrderOfInvoice(invoice, ct) is { PaidAt: not null }) return false;

        await Guarded(invoice, told, async () =>
        {
            if (await invoices.Look(invoice, ct) == Applied.Done && await db.OrderOfInvoice(invoice, ct) is { } order)
                told($"{invoice}: was paid at Stripe and unknown here; it is {order.Id} now");
        });
        return true;
    }

    async Task AllRefunds(DateTimeOffset since, Action<string> told, CancellationToken ct)
    {
        await foreach (var one in stripe.List("/v1/refunds", new() { { "created[gte]", since } }, ct))
        {
            var refund = StripeRefund.Of(one);
            var before = await db.RefundAtStripe(refund.Id, ct);
            if (before is not null && Fits(before.State, refund.Status)) continue;

            await Guarded(refund.Id, told, async () =>
            {
                if (await refunds.Told(refund, ct) == Applied.Done && (await db.RefundAtStripe(refund.Id, ct))?.State != before?.State)
                    told($"{refund.Id}: is {refund.Status} at Stripe, and was {(before is null ? "unknown" : Names.Of(before.State))} here");
            });
        }
    }

    static bool Fits(RefundState state, string status) => status switch
    {
        "succeeded" => state == RefundState.Succeeded,
        "failed" or "canceled" => state == RefundState.Failed,
        _ => state == RefundState.Pending,
    };

    async Task AllDisputes(DateTimeOffset since, Action<string> told, CancellationToken ct)
    {
        await foreach (var one in stripe.List("/v1/disputes", new() { { "created[gte]", since } }, ct))
        {
            var dispute = StripeDispute.Of(one);
            var before = await db.Dispute(dispute.Id, ct);
            var now = Disputing.StateOf(dispute.Status);
            // One that is open and freezes nothing was left by a server that died.
            if (before?.State == now && (now != DisputeState.Open || before.Hold is not null)) continue;

            await Compare(dispute.Id, before, told, ct);
        }
    }

    // A bank may take months.
    async Task OpenDisputes(Action<string> told, CancellationToken ct)
    {
        var after = "";
        while (true)
        {
            var open = await db.OpenDisputes(stripe.Livemode, after, AtOnce, ct);
            foreach (var dispute in open) await Compare(dispute.Id, dispute, told, ct);
            if (open.Count < AtOnce) return;
            after = open[^1].Id;
        }
    }

    Task Compare(string id, DisputeRow? before, Action<string> told, CancellationToken ct) => Guarded(id, told, async () =>
    {
        // A lost one that the bank takes up again stays lost until that is decided.
        if (await disputes.Look(id, ct) == Applied.Done && await db.Dispute(id, ct) is { } after
            && (after.State != before?.State || after.Hold != before?.Hold))
            told($"{id}: is {Names.Of(after.State)} at Stripe, and was {(before is null ? "unknown" : Names.Of(before.State))} here");
    });

    // What cannot be repaired is said, and keeps nothing else from being looked at.
    static async Task Guarded(string what, Action<string> told, Func<Task> look)
    {
        try
        {
            await look();
        }
        catch (StripeException e) when (e.Fault == StripeFault.Missing)
        {
            told($"{what}: Stripe does not know it ({e.Said})");
        }
        catch (Exception e) when (e is InvalidOperationException or RefusedException and not StripeException { Fault: StripeFault.Unavailable })
        {
            told($"{what}: {e.Message}");
        }
    }

    public static Job Job(IServiceProvider provider)
    {
        var log = provider.GetRequiredService<ILogger<Reconciliation>>();
        var sweep = provider.GetRequiredService<Reconciliation>();
        return new(JobName, TimeSpan.FromHours(1), async (now, ct) =>
        {
            // Who has sold nothing yet has nothing to compare.
            if (await sweep.AnyOrders(ct)) await sweep.Run(now, await sweep.Since(now, ct), log.Difference, ct);
        });
    }

    sealed record LastRun(DateTimeOffset? At);

    async Task<DateTimeOffset> Since(DateTimeOffset now, CancellationToken ct)
    {
        var last = (await db.One($"select last_run from job where name = {JobName}", row => new LastRun(row.Maybe<DateTimeOffset>(0)), ct))?.At;
        var longest = now - Longest;
        return last - Deliveries is { } since && since > longest ? since : longest;
    }

    async Task<bool> AnyOrders(CancellationToken ct) => await db.One($"""
        select state::text from orders where livemode = {stripe.Livemode} limit 1
        """, row => row.GetString(0), ct) is not null;

    /// <summary>For a person, who asks about everything: what was made a moment ago as well.</summary>
    public Task<int> RunNow(Action<string> difference, CancellationToken ct)
    {
        var now = time.Now();
        return Run(now + Settled, now - Longest, difference, ct);
    }
}

static partial class Log
{
    [LoggerMessage(2051, LogLevel.Warning, "Different from Stripe, and repaired as far as it could be: {Line}")]
    public static partial void Difference(this ILogger log, string line);
}
