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
    Db db, TimeProvider time)
{
    const int AtOnce = 200;

    // Stripe keeps events for thirty days; what lies further back was compared often enough.
    static readonly TimeSpan Back = TimeSpan.FromDays(35);

    // What is in the middle of being made is no difference.
    static readonly TimeSpan Settled = TimeSpan.FromMinutes(1);
    static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    /// <summary>Returns how many differences there were.</summary>
    public async Task<int> Run(DateTimeOffset now, Action<string> difference, CancellationToken ct)
    {
        var count = 0;
        void Told(string line)
        {
            count++;
            difference(line);
        }

        await Orders(now, Told, ct);
        await RefundsUnderWay(now, Told, ct);
        await LiveSubscriptions(Told, ct);
        await PaidInvoices(now, Told, ct);
        await AllRefunds(now, Told, ct);
        await AllDisputes(now, Told, ct);
        return count;
    }

    async Task Orders(DateTimeOffset now, Action<string> told, CancellationToken ct)
    {
        var after = Guid.Empty;
        while (true)
        {
            var open = await db.OpenOrders(stripe.Livemode, now - Settled, after, AtOnce, ct);
            foreach (var order in open)
            {
                await Guarded(order.Reference, told, () => Look(order, now, ct));
                if ((await db.Order(order.Id, ct))!.State is var state and not OrderState.Open)
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
        else if (order.CreatedAt < now - Abandoned && order.Kind is OrderKind.Package or OrderKind.Plan)
            await db.Change(order.Id, known => known with { Failure = "abandoned" }, ct);
    }

    async Task RefundsUnderWay(DateTimeOffset now, Action<string> told, CancellationToken ct)
    {
        foreach (var refund in await db.RefundsUnderWay(now - Settled, AtOnce, ct))
        {
            await Guarded(refund.Id.ToString(), told, async () =>
            {
                if (refund.StripeId is { } id) await refunds.Look(id, ct);
                else await refunds.Pursue(refund, isDefault: false, ct);
            });
            if ((await db.Refund(refund.Id, ct))!.State is var state and not RefundState.Pending)
                told($"{refund.Id}: was pending here, and has {Names.Of(state)}");
        }
    }

    async Task LiveSubscriptions(Action<string> told, CancellationToken ct)
    {
        var after = "";
        while (true)
        {
            var live = await db.All($"""
                select id from subscription
                where livemode = {stripe.Livemode} and status not in (2, 6) and id > {after}
                order by id limit {AtOnce}
                """, row => row.GetString(0), ct);
            foreach (var id in live)
            {
                await Guarded(id, told, async () =>
                {
                    var before = await subscriptions.Find(id, ct);
                    var now = await subscriptions.Look(id, ct);
                    if (before is not null && now is not null && Differs(before, now)) told($"{id}: was {Words(before)} here, and is {Words(now)}");
                });
            }

            if (live.Count < AtOnce) return;
            after = live[^1];
        }
    }

    static bool Differs(SubscriptionRow a, SubscriptionRow b) =>
        (a.Status, a.Plan, a.Interval, a.PeriodEnd, a.CancelAt) != (b.Status, b.Plan, b.Interval, b.PeriodEnd, b.CancelAt);

    static string Words(SubscriptionRow row) => $"{Names.Of(row.Status)} on {row.Plan} until {row.PeriodEnd:u}";

    async Task PaidInvoices(DateTimeOffset now, Action<string> told, CancellationToken ct)
    {
        await foreach (var one in stripe.List("/v1/invoices", Since(now, ("status", "paid")), ct))
        {
            var invoice = StripeInvoice.Of(one);
            if (await db.OrderOfInvoice(invoice.Id, ct) is { PaidAt: not null }) continue;

            await Guarded(invoice.Id, told, async () =>
            {
                if (await invoices.Look(invoice.Id, ct) == Applied.Done && await db.OrderOfInvoice(invoice.Id, ct) is { } order)
                    told($"{invoice.Id}: was paid at Stripe and unknown here; it is {order.Id} now");
            });
        }
    }

    async Task AllRefunds(DateTimeOffset now, Action<string> told, CancellationToken ct)
    {
        await foreach (var one in stripe.List("/v1/refunds", Since(now), ct))
        {
            var refund = StripeRefund.Of(one);
            var before = await db.RefundAtStripe(refund.Id, ct);
            if (before is not null && Fits(before.State, refund.Status)) continue;

            await Guarded(refund.Id, told, async () =>
            {
                if (await refunds.Follow(refund, ct) == Applied.Done && (await db.RefundAtStripe(refund.Id, ct))?.State != before?.State)
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

    async Task AllDisputes(DateTimeOffset now, Action<string> told, CancellationToken ct)
    {
        await foreach (var one in stripe.List("/v1/disputes", Since(now), ct))
        {
            var dispute = StripeDispute.Of(one);
            var before = await disputes.StateOf(dispute.Id, ct);
            if (before == Disputing.StateOf(dispute.Status)) continue;

            await Guarded(dispute.Id, told, async () =>
            {
                if (await disputes.Look(dispute.Id, ct) == Applied.Done)
                    told($"{dispute.Id}: is {dispute.Status} at Stripe, and was {(before is null ? "unknown" : Names.Of(before.Value))} here");
            });
        }
    }

    static StripeForm Since(DateTimeOffset now, params (string Name, string Value)[] more)
    {
        var form = new StripeForm { { "created[gte]", now - Back } };
        foreach (var (name, value) in more) form.Add(name, value);
        return form;
    }

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
        return new("compare with Stripe", TimeSpan.FromHours(1), async (now, ct) =>
        {
            if (await sweep.AnyOrders(ct)) await sweep.Run(now, log.Difference, ct);
        });
    }

    // Who has sold nothing yet has nothing to compare.
    async Task<bool> AnyOrders(CancellationToken ct) => await db.One($"""
        select state::text from orders where livemode = {stripe.Livemode} limit 1
        """, row => row.GetString(0), ct) is not null;

    /// <summary>For a person, who asks about everything: what was made a moment ago as well.</summary>
    public Task<int> RunNow(Action<string> difference, CancellationToken ct) => Run(time.Now() + Settled, difference, ct);
}

static partial class Log
{
    [LoggerMessage(2051, LogLevel.Warning, "Different from Stripe, and repaired as far as it could be: {Line}")]
    public static partial void Difference(this ILogger log, string line);
}
