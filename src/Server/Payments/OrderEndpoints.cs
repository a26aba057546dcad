using Purser.Core;
using Purser.Core.Payments;
using Purser.Server.Catalog;
using Purser.Server.Ledger;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

sealed record OrderAnswer(
    string Id, string Customer, string Kind, string State, string? Package, string? Plan, string? Interval, int Quantity,
    Credits Credits, MoneyAnswer Money, MoneyAnswer? Refunded, Credits? CreditsReturned, string? ReceiptUrl, string? Url, string? Failure,
    string? Subscription, DateTimeOffset CreatedAt, DateTimeOffset? PaidAt, DateTimeOffset? ExpiresAt)
{
    public static OrderAnswer Of(OrderRow order)
    {
        var isPlan = order.Kind is OrderKind.Plan or OrderKind.Renewal;
        return new(
            order.Reference,
            order.Customer.Value,
            Names.Of(order.Kind),
            Names.Of(order.State),
            isPlan ? null : order.Terms.Code,
            isPlan ? order.Terms.Code : null,
            order.Terms.Interval is { } interval ? Names.Of(interval) : null,
            order.Terms.Quantity,
            order.Credits,
            new(order.Money.Minor, order.Money.Currency),
            order.RefundedMinor > 0 ? new(order.RefundedMinor, order.Money.Currency) : null,
            order.Returned > Credits.Zero ? order.Returned : null,
            order.ReceiptUrl,
            order.State == OrderState.Open ? order.Url : null,
            order.State == OrderState.Failed ? order.Failure : null,
            order.Subscription,
            order.CreatedAt,
            order.PaidAt,
            order.State == OrderState.Open ? order.ExpiresAt : null);
    }
}

static class OrderEndpoints
{
    // A success page that asks again and again must not make Stripe refuse the rest of us.
    static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(2);

    public static void MapOrders(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/orders/{order}", Show).WithTags("Payments")
            .WithSummary("One order; an open one is compared with Stripe first").Produces<OrderAnswer>();
        routes.MapGet("/v1/customers/{customer}/orders", List).WithTags("Payments")
            .WithSummary("A customer's orders, newest first").Produces<Page<OrderAnswer>>();
    }

    static async Task<IResult> Show(
        Id<Order> order, Fulfilment fulfilment, StripeClient stripe, Db db, TimeProvider time, HttpContext http, CancellationToken ct)
    {
        if (await db.Order(order, stripe.Livemode, ct) is not { } found) return Error.NotFound("order").Answer(http);

        return TypedResults.Ok(OrderAnswer.Of(await Fresh(found, fulfilment, db, time.Now(), ct)));
    }

    // This is what a success page asks for: it learns of the payment even if no event ever comes.
    static async Task<OrderRow> Fresh(OrderRow order, Fulfilment fulfilment, Db db, DateTimeOffset now, CancellationToken ct)
    {
        if (order is not { State: OrderState.Open, Session: { } session } || order.LookedAt + LookAgain > now) return order;

        await db.Change(order.Id, known => known with { LookedAt = now }, ct);
        try
        {
            await fulfilment.Session(session, ct);
        }
        catch (StripeException e) when (e.Fault is StripeFault.Unavailable or StripeFault.Unauthorized)
        {
            // What is known is still true.
        }

        return await db.Order(order.Id, order.Livemode, ct) ?? order;
    }

    static async Task<IResult> List(CustomerId customer, StripeClient stripe, Db db, HttpContext http, CancellationToken ct)
    {
        var limit = Paging.Limit(http);
        var after = Paging.After<Id<Order>>(http);
        if (!await db.Exists(customer, ct)) return Error.NotFound("customer").Answer(http);

        var orders = await db.OrdersOf(customer, stripe.Livemode, after, limit + 1, ct);
        return TypedResults.Ok(orders.ConvertAll(OrderAnswer.Of).Page(limit));
    }
}
