using Purser.Core;
using Purser.Core.Payments;
using Purser.Server.Catalog;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>Months that were paid for at once, as they begin.</summary>
sealed class ComingMonths(
    StripeClient stripe, Subscriptions subscriptions, OrderCredits credits, CustomerLocks locks, CurrentCatalog catalog, Db db,
    ILogger<ComingMonths> log)
{
    const int AtOnce = 200;

    public async Task Round(DateTimeOffset now, CancellationToken ct)
    {
        var after = "";
        while (true)
        {
            var due = await db.DueMonths(stripe.Livemode, now, after, AtOnce, ct);
            foreach (var (identity, customer) in due)
            {
                try
                {
                    await locks.Hold(customer, () => GrantDue(identity, now, ct), ct);
                }
                catch (Exception e) when (e is InvalidOperationException or RefusedException)
                {
                    // One customer's trouble is not the next one's.
                    log.MonthFailed(e, identity, customer.Value);
                }
            }

            if (due.Count < AtOnce) return;
            after = due[^1].Identity;
        }
    }

    /// <summary>All that have begun; several where a pause or a dispute has kept them.</summary>
    async Task<bool> GrantDue(string identity, DateTimeOffset now, CancellationToken ct)
    {
        while (await db.PaidMonths(identity, ct) is { Months: { Left: > 0 } months } row && months.NextAt <= now)
        {
            var subscription = await subscriptions.Find(row.Subscription, ct)
                ?? throw new InvalidOperationException($"The subscription of {identity} is missing.");
            // Ended, or the period that was paid for was cut short by another, and its rest given back.
            if (subscription.EndedAt <= months.NextAt || (subscription.PeriodStart < months.End && subscription.PeriodEnd != months.End))
            {
                await db.End(identity, ct);
                return false;
            }

            await Grant(row, months, subscription.Plan, ct);
        }

        return true;
    }

    async Task Grant(PaidMonthsRow row, PaidMonths months, string code, CancellationToken ct)
    {
        var plan = catalog.Offer.Plan(code) ?? throw new InvalidOperationException(
            $"The plan '{code}' is subscribed to, and the catalog does not have it any more: put it back, and its credits come.");
        var order = (await db.Order(row.Order, stripe.Livemode, ct))!;
        var given = await credits.Give(order, months.Next(plan), row.Currency, ct);
        // Should it have come before and not been written down: what came is what counts.
        var coming = months.Coming > given ? months.Coming - given : Credits.Zero;
        await db.Advance(row, months.Rest with { Coming = coming }, ct);
    }
}

static partial class Log
{
    [LoggerMessage(2061, LogLevel.Error, "The month of {Identity} could not be granted to customer {Customer}, and is tried again")]
    public static partial void MonthFailed(this ILogger log, Exception failure, string identity, string customer);
}
