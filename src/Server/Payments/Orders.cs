using System.Text.Json;
using Npgsql;
using Purser.Core;
using Purser.Core.Catalog;
using Purser.Core.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>An order as it is stored.</summary>
sealed record OrderRow(
    Id<Order> Id,
    CustomerId Customer,
    bool Livemode,
    OrderKind Kind,
    OrderTerms Terms,
    Money Money,
    Credits Credits,
    DateTimeOffset CreatedAt)
{
    public Guid? RequestKey { get; init; }
    public Guid? Request { get; init; }
    public string? SuccessUrl { get; init; }
    public string? CancelUrl { get; init; }
    public string? Session { get; init; }
    public string? Url { get; init; }
    public string? PaymentIntent { get; init; }
    public string? Charge { get; init; }
    public string? Invoice { get; init; }
    public string? Subscription { get; init; }
    public string? ReceiptUrl { get; init; }
    /// <summary>What arrived in the end, where it is not what was asked for: nothing for a trial, less after a discount.</summary>
    public long? Paid { get; init; }

    /// <summary>From where the credits were taken whose time its invoice gave back, once that is decided.</summary>
    public RefundSources? GivenBack { get; init; }

    public long RefundedMinor { get; init; }
    public Credits Returned { get; init; }
    public bool Disputed { get; init; }

    /// <summary>Its session ended without a payment.</summary>
    public bool Expired { get; init; }

    public string? Failure { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? PaidAt { get; init; }

    /// <summary>When Stripe was last asked about it because somebody wanted to know.</summary>
    public DateTimeOffset? LookedAt { get; init; }

    public Money Received => Money with { Minor = Paid ?? Money.Minor };

    public OrderState State => new OrderFacts(PaidAt, Received, RefundedMinor, Disputed, Expired, Failure).State;

    /// <summary>How its payment, its refunds and its disputes name it in the ledger.</summary>
    public string Reference => Id.ToString();
}

/// <summary>What an order brought, and where in the wallet.</summary>
sealed record OrderGrant(string Identity, Id<Order> Order, long Lot, Credits Credits, long PaidMinor);

static class Orders
{
    /// <summary>What names an order and its customer in metadata at Stripe.</summary>
    public const string OrderKey = "purser_order";
    public const string CustomerKey = "purser_customer";

    /// <summary>Of the mode of this deployment: one of the other mode is not there.</summary>
    public static Task<OrderRow?> Order(this Db db, Id<Order> id, bool livemode, CancellationToken ct) =>
        db.One($"select * from orders where id = {id} and livemode = {livemode}", Read, ct);

    /// <summary>
    /// The order that metadata at Stripe names. Whoever can write there could name any; so its customer must be named too.
    /// </summary>
    public static async Task<OrderRow?> OrderNamed(
        this Db db, IReadOnlyDictionary<string, string> metadata, bool livemode, CancellationToken ct)
    {
        if (!Id<Order>.TryParse(metadata.GetValueOrDefault(OrderKey), null, out var id)) return null;

        var order = await db.Order(id, livemode, ct);
        return order?.Customer.Value == metadata.GetValueOrDefault(CustomerKey) ? order : null;
    }

    public static Task<OrderRow?> OrderOfSession(this Db db, string session, CancellationToken ct) =>
        db.One($"select * from orders where session = {session}", Read, ct);

    public static Task<OrderRow?> OrderOfIntent(this Db db, string intent, CancellationToken ct) =>
        db.One($"select * from orders where payment_intent = {intent}", Read, ct);

    public static Task<OrderRow?> OrderOfCharge(this Db db, string charge, CancellationToken ct) =>
        db.One($"select * from orders where charge = {charge} order by created_at limit 1", Read, ct);

    public static Task<OrderRow?> OrderOfInvoice(this Db db, string invoice, CancellationToken ct) =>
        db.One($"select * from orders where invoice = {invoice}", Read, ct);

    public static Task<OrderRow?> OrderOfRefund(this Db db, RefundRow refund, CancellationToken ct) =>
        db.One($"select * from orders where id = {refund.Order}", Read, ct);

    public static Task<OrderRow?> OrderOfRequest(
        this Db db, CustomerId customer, bool livemode, Guid key, CancellationToken ct) => db.One($"""
        select * from orders where customer = {customer.Value} and livemode = {livemode} and request_key = {key}
        """, Read, ct);

    public static Task<OrderRow?> OpenOrder(
        this Db db, CustomerId customer, bool livemode, string offer, CancellationToken ct) => db.One($"""
        select * from orders
        where customer = {customer.Value} and livemode = {livemode} and offer = {offer} and state = 1 and kind <= 2
        """, Read, ct);

    /// <summary>Open orders that were made in a time, for whoever compares them with Stripe.</summary>
    public static Task<List<OrderRow>> OpenOrders(
        this Db db, bool livemode, DateTimeOffset until, Guid after, Guid upTo, int limit, CancellationToken ct) => db.All($"""
        select * from orders
        where state = 1 and livemode = {livemode} and created_at <= {until} and id > {after} and id <= {upTo}
        order by id limit {limit}
        """, Read, ct);

    public static Task<List<OrderRow>> OrdersOf(
        this Db db, CustomerId customer, bool livemode, Id<Order>? after, int limit, CancellationToken ct)
    {
        var last = after?.Value;
        return db.All($"""
            select * from orders
            where customer = {customer.Value} and livemode = {livemode}
              and ({last}::uuid is null
                or (created_at, id) < (select created_at, id from orders where id = {last}::uuid))
            order by created_at desc, id desc limit {limit}
            """, Read, ct);
    }

    /// <summary>For an order that an invoice stands for: whoever comes second finds the first one's.</summary>
    public static async Task InsertOnce(this Db db, OrderRow order, CancellationToken ct)
    {
        try
        {
            await db.Insert(order, ct);
        }
        catch (PostgresException e) when (e is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "orders_invoice_key" })
        {
            // It is there.
        }
    }

    public static Task Insert(this Db db, OrderRow order, CancellationToken ct) => db.Run($"""
        insert into orders (id, customer, livemode, kind, state, offer, terms, money_minor, currency, credits,
          request_key, request, success_url, cancel_url, payment_intent, invoice, subscription, created_at, expires_at)
        values ({order.Id}, {order.Customer.Value}, {order.Livemode}, {(short)order.Kind}, {(short)order.State},
          {order.Terms.Offer}, {Write(order.Terms)}, {order.Money.Minor}, {order.Money.Currency}, {order.Credits},
          {order.RequestKey}, {order.Request}, {order.SuccessUrl}, {order.CancelUrl}, {order.PaymentIntent},
          {order.Invoice}, {order.Subscription}, {order.CreatedAt}, {order.ExpiresAt})
        """, ct);

    /// <summary>Changes an order under its lock: what is known of it may have grown since it was read.</summary>
    public static Task<OrderRow> Change(this Db db, Id<Order> id, Func<OrderRow, OrderRow> change, CancellationToken ct) =>
        db.Transact(async tx =>
        {
            var order = await tx.One($"select * from orders where id = {id} for update", Read, ct)
                ?? throw new InvalidOperationException($"There is no order {id}.");
            var changed = change(order);
            if (changed == order) return order;

            await tx.Run($"""
                update orders set
                  state = {(short)changed.State}, session = {changed.Session}, url = {changed.Url},
                  payment_intent = {changed.PaymentIntent}, charge = {changed.Charge}, invoice = {changed.Invoice},
                  subscription = {changed.Subscription}, receipt_url = {changed.ReceiptUrl},
                  paid_minor = {changed.Paid}, refunded_minor = {changed.RefundedMinor}, returned = {changed.Returned}, disputed = {changed.Disputed},
                  expired = {changed.Expired}, failure = {changed.Failure}, expires_at = {changed.ExpiresAt},
                  paid_at = {changed.PaidAt}, looked_at = {changed.LookedAt}
                where id = {id}
                """, ct);
            return changed;
        }, ct);

    /// <summary>Writes down from where the credits are taken that its invoice gave back, before the first is taken.</summary>
    public static Task<bool> GiveBack(this Db db, OrderRow order, RefundSources sources, CancellationToken ct) => db.Transact(async tx =>
    {
        await tx.Run($"update orders set given_back = {Spreads.Write(sources)} where id = {order.Id}", ct);
        await tx.GiveBackMonths(order.Subscription!, sources.Coming, ct);
        return true;
    }, ct);

    /// <summary>What was paid of a subscription, and what gave back, oldest first.</summary>
    public static Task<List<OrderRow>> OrdersOfSubscription(this Db db, string subscription, CancellationToken ct) => db.All($"""
        select * from orders
        where subscription = {subscription} and (paid_at is not null or given_back is not null)
        order by created_at, id
        """, Read, ct);

    /// <summary>Everything that a subscription brought so far.</summary>
    public static Task<List<OrderGrant>> GrantsOfSubscription(this Db db, string subscription, CancellationToken ct) => db.All($"""
        select g.identity, g.order_id, g.lot, g.credits, g.paid_minor
        from order_grant g join orders o on o.id = g.order_id where o.subscription = {subscription}
        """, ReadGrant, ct);

    /// <summary>Remembers where a grant stands; the grant itself is in the ledger, under the same name.</summary>
    /// <returns>Whether it was not remembered before.</returns>
    public static async Task<bool> Remember(this Db db, OrderGrant grant, DateTimeOffset now, CancellationToken ct) => await db.Run($"""
        insert into order_grant (identity, order_id, livemode, lot, credits, paid_minor, created_at)
        select {grant.Identity}, id, livemode, {grant.Lot}, {grant.Credits}, {grant.PaidMinor}, {now}
        from orders where id = {grant.Order}
        on conflict (identity) do nothing
        """, ct) == 1;

    public static Task<List<OrderGrant>> Grants(this Db db, Id<Order> order, CancellationToken ct) => db.All($"""
        select identity, order_id, lot, credits, paid_minor from order_grant where order_id = {order} order by lot
        """, ReadGrant, ct);

    static OrderGrant ReadGrant(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetId<Order>(1), row.GetInt64(2), row.GetCredits(3), row.GetInt64(4));

    public static OrderRow Read(NpgsqlDataReader row) => new(
        row.GetId<Order>(row.GetOrdinal("id")),
        CustomerId.Parse(row.GetString(row.GetOrdinal("customer")), null),
        row.GetBoolean(row.GetOrdinal("livemode")),
        (OrderKind)row.GetInt16(row.GetOrdinal("kind")),
        ReadTerms(row.GetString(row.GetOrdinal("terms"))),
        new(row.GetInt64(row.GetOrdinal("money_minor")), row.GetString(row.GetOrdinal("currency"))),
        row.GetCredits(row.GetOrdinal("credits")),
        row.GetInstant(row.GetOrdinal("created_at")))
    {
        RequestKey = row.Maybe<Guid>(row.GetOrdinal("request_key")),
        Request = row.Maybe<Guid>(row.GetOrdinal("request")),
        SuccessUrl = row.Text(row.GetOrdinal("success_url")),
        CancelUrl = row.Text(row.GetOrdinal("cancel_url")),
        Session = row.Text(row.GetOrdinal("session")),
        Url = row.Text(row.GetOrdinal("url")),
        PaymentIntent = row.Text(row.GetOrdinal("payment_intent")),
        Charge = row.Text(row.GetOrdinal("charge")),
        Invoice = row.Text(row.GetOrdinal("invoice")),
        Subscription = row.Text(row.GetOrdinal("subscription")),
        ReceiptUrl = row.Text(row.GetOrdinal("receipt_url")),
        Paid = row.Maybe<long>(row.GetOrdinal("paid_minor")),
        GivenBack = Spreads.Read(row.Text(row.GetOrdinal("given_back"))),
        RefundedMinor = row.GetInt64(row.GetOrdinal("refunded_minor")),
        Returned = row.GetCredits(row.GetOrdinal("returned")),
        Disputed = row.GetBoolean(row.GetOrdinal("disputed")),
        Expired = row.GetBoolean(row.GetOrdinal("expired")),
        Failure = row.Text(row.GetOrdinal("failure")),
        ExpiresAt = row.Maybe<DateTimeOffset>(row.GetOrdinal("expires_at")),
        PaidAt = row.Maybe<DateTimeOffset>(row.GetOrdinal("paid_at")),
        LookedAt = row.Maybe<DateTimeOffset>(row.GetOrdinal("looked_at")),
    };

    static string Write(OrderTerms terms) => JsonSerializer.Serialize(
        new StoredTerms(
            terms.Kind, terms.Code, terms.Name, terms.Quantity, terms.UnitPrice.Minor, terms.Total.Minor, terms.Total.Currency,
            terms.Credits.Micros, terms.CatalogVersion, terms.Interval, terms.ValidDays, terms.TrialDays),
        PaymentsJson.Default.StoredTerms);

    static OrderTerms ReadTerms(string text)
    {
        var stored = JsonSerializer.Deserialize(text, PaymentsJson.Default.StoredTerms)!;
        return new(
            stored.Kind, stored.Code, stored.Name, stored.Quantity, new(stored.UnitMinor, stored.Currency),
            new(stored.TotalMinor, stored.Currency), new(stored.CreditsMicros), stored.CatalogVersion)
        {
            Interval = stored.Interval,
            ValidDays = stored.ValidDays,
            TrialDays = stored.TrialDays,
        };
    }
}

/// <summary>The snapshot as it is written, for ever readable: members may be added, none renamed.</summary>
sealed record StoredTerms(
    OrderKind Kind, string Code, string Name, int Quantity, long UnitMinor, long TotalMinor, string Currency,
    long CreditsMicros, int CatalogVersion, Interval? Interval, int? ValidDays, int TrialDays);
