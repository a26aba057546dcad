using Purser.Core;
using Purser.Core.Payments;
using Purser.Server.Catalog;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>
/// Buys a package when credits run low, off-session, with the card that the customer paid with before. One attempt at a
/// time; ceilings refuse; a card that declines is left alone for longer and longer, and then for good.
/// </summary>
sealed class Recharges(
    StripeClient stripe, StripeCustomers customers, Fulfilment fulfilment, OrderCredits credits, CustomerLocks locks,
    Selling selling, CurrentCatalog catalog, Db db, ILogger<Recharges> log)
{
    const int AtOnce = 100;
    const int AtATime = 2;
    static readonly TimeSpan UntilRolledOut = TimeSpan.FromMinutes(5);

    /// <summary>Every customer whose credits are low, once.</summary>
    public async Task Round(DateTimeOffset now, CancellationToken ct)
    {
        if (!selling.AutoRecharge.Value || !selling.Purchases.Value) return;

        var low = await db.LowWallets(stripe.Livemode, now, AtOnce, ct);
        await Parallel.ForEachAsync(low, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = ct }, async (customer, one) =>
        {
            try
            {
                // Whoever it is not rolled out to yet makes room for the others.
                if (!selling.RechargesFor(customer)) await db.RechargeNotBefore(customer, stripe.Livemode, now + UntilRolledOut, one);
                else await locks.Hold(customer, () => Attend(customer, now, one), one);
            }
            catch (Exception e) when (e is RefusedException or InvalidOperationException)
            {
                // One customer's trouble is not the next one's.
                log.RechargeFailed(e, customer.Value);
                await db.RechargeNotBefore(customer, stripe.Livemode, now + AutoRecharge.WhileInFlight, one);
            }
        });
    }

    /// <summary>What it would do now.</summary>
    public async Task<RechargeDecision> Decide(RechargeRow row, DateTimeOffset now, CancellationToken ct)
    {
        var price = catalog.Offer.Package(row.Package)?.UnitPrice(row.Currency, 1)?.Minor ?? 0;
        return AutoRecharge.Decide(row.Terms, await Facts(row, now, ct), price, now);
    }

    async Task<bool> Attend(CustomerId customer, DateTimeOffset now, CancellationToken ct)
    {
        // It may have been switched off while this waited for the lock.
        if (await db.Recharge(customer, stripe.Livemode, ct) is not { Terms.Enabled: true } row) return false;

        if (await db.RechargeUnderWay(customer, stripe.Livemode, ct) is { } underWay)
        {
            await Pursue(underWay, ct);
            await db.RechargeNotBefore(customer, stripe.Livemode, now + AutoRecharge.WhileInFlight, ct);
        }
        else if (Terms(row) is { } terms)
        {
            await Buy(row, terms, now, ct);
        }
        else
        {
            await SwitchOff(row, "package_not_sold", ct);
        }

        return true;
    }

    OrderTerms? Terms(RechargeRow row) =>
        catalog.Offer.Package(row.Package) is { } package && OrderTerms.Of(package, 1, row.Currency, catalog.Rates.Version) is { } terms
            ? terms with { Kind = OrderKind.Recharge }
            : null;

    async Task Buy(RechargeRow row, OrderTerms terms, DateTimeOffset now, CancellationToken ct)
    {
        var facts = await Facts(row, now, ct);
        var decision = AutoRecharge.Decide(row.Terms, facts, terms.Total.Minor, now);
        if (decision == RechargeDecision.SwitchedOff) await SwitchOff(row, "declined", ct);
        if (decision != RechargeDecision.Buy)
        {
            await db.RechargeNotBefore(row.Customer, stripe.Livemode, AutoRecharge.NotBefore(decision, facts, now), ct);
            return;
        }

        var order = new OrderRow(
            Id<Order>.New(now), row.Customer, stripe.Livemode, OrderKind.Recharge, terms, terms.Total, terms.Credits, now);
        await db.Insert(order, ct);
        await Pay(order, ct);
    }

    /// <summary>Takes an attempt further, from wherever a server that died may have left it.</summary>
    public async Task Pursue(OrderRow order, CancellationToken ct)
    {
        var intent = order.PaymentIntent ?? await Made(order, ct);
        if (intent is null) await Pay(order, ct);
        else await fulfilment.Intent(intent, ct);
    }

    // Its answer may have been lost, however long ago: Stripe knows a key for a day, and only with the same card.
    async Task<string?> Made(OrderRow order, CancellationToken ct)
    {
        if (await customers.Find(order.Customer, ct) is not { } customer) return null;

        var since = order.CreatedAt.AddHours(-1);
        await foreach (var intent in stripe.List("/v1/payment_intents", new() { { "customer", customer }, { "created[gte]", since } }, ct))
            if (intent.Metadata.GetValueOrDefault(Orders.OrderKey) == order.Reference) return intent.Id;

        return null;
    }

    async Task Pay(OrderRow order, CancellationToken ct)
    {
        if (await Card(order.Customer, ct) is not var (customer, card))
        {
            await Failed(order, null, "no_payment_method", ct);
            return;
        }

        try
        {
            var intent = await stripe.Post("/v1/payment_intents", Form(order, customer, card), $"purser-recharge-{order.Id}", ct);
            await db.Change(order.Id, known => known with { PaymentIntent = intent.Id }, ct);
            await fulfilment.Intent(intent.Id, ct);
        }
        catch (StripeException e) when (e.Fault is StripeFault.Declined or StripeFault.Invalid or StripeFault.Missing)
        {
            await Failed(order, e.PaymentIntent, e.DeclineCode ?? e.Code ?? "declined", ct);
        }
    }

    static StripeForm Form(OrderRow order, string customer, string card) => new()
    {
        { "amount", order.Money.Minor },
        { "currency", order.Money.Currency },
        { "customer", customer },
        { "payment_method", card },
        { "off_session", true },
        { "confirm", true },
        { "description", order.Terms.Name },
        { $"metadata[{Orders.OrderKey}]", order.Reference },
        { $"metadata[{Orders.CustomerKey}]", order.Customer.Value },
    };

    async Task Failed(OrderRow order, string? intent, string code, CancellationToken ct)
    {
        await db.Change(order.Id, known => known with { PaymentIntent = known.PaymentIntent ?? intent, Failure = code }, ct);
        if (AutoRecharge.SwitchesOff(code) && await db.Recharge(order.Customer, stripe.Livemode, ct) is { } row) await SwitchOff(row, code, ct);
    }

    // The one that invoices are paid with, or else the one that was used last.
    async Task<(string Customer, string Card)?> Card(CustomerId owner, CancellationToken ct)
    {
        if (await customers.Find(owner, ct) is not { } customer) return null;

        var fetched = await stripe.Get($"/v1/customers/{customer}", null, ct);
        if (fetched.Deleted)
        {
            await customers.Forget(customer, ct);
            return null;
        }

        if (fetched.Child("invoice_settings")?.Reference("default_payment_method") is { } chosen) return (customer, chosen);

        var methods = await stripe.Get($"/v1/customers/{customer}/payment_methods", new() { { "limit", 1 } }, ct);
        return methods.First("data").MaybeId is { } last ? (customer, last) : null;
    }

    async Task<RechargeFacts> Facts(RechargeRow row, DateTimeOffset now, CancellationToken ct)
    {
        var past = await db.PastRecharges(row, stripe.Livemode, now, ct);
        var failures = (await db.LastRecharges(row, stripe.Livemode, AutoRecharge.MostFailures, ct))
            .TakeWhile(attempt => attempt.State == OrderState.Failed).ToList();
        return new(
            await credits.Available(row.Customer, ct),
            await db.RechargeUnderWay(row.Customer, stripe.Livemode, ct) is not null,
            past.Today,
            past.MinorThisMonth,
            failures.Count,
            failures.FirstOrDefault()?.At);
    }

    async Task SwitchOff(RechargeRow row, string why, CancellationToken ct)
    {
        log.SwitchedOff(row.Customer.Value, why);
        await db.SwitchRechargeOff(row.Customer, stripe.Livemode, why, ct);
    }
}

static partial class Log
{
    [LoggerMessage(2041, LogLevel.Warning, "Auto-recharge of customer {Customer} failed and is tried again")]
    public static partial void RechargeFailed(this ILogger log, Exception failure, string customer);

    [LoggerMessage(2042, LogLevel.Warning, "Auto-recharge of customer {Customer} is switched off ({Why}): PUT …/auto-recharge switches it on again")]
    public static partial void SwitchedOff(this ILogger log, string customer, string why);
}
