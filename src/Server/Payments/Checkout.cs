using Purser.Core;
using Purser.Core.Catalog;
using Purser.Core.Payments;
using Purser.Server.Catalog;
using Purser.Server.Ledger;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

sealed record CheckoutRequest
{
    public string? Package { get; init; }
    public string? Plan { get; init; }
    public string? Interval { get; init; }
    public int? Quantity { get; init; }
    public string? Currency { get; init; }
    public string? SuccessUrl { get; init; }
    public string? CancelUrl { get; init; }
}

sealed record CheckoutAnswer(string Order, string Url, DateTimeOffset ExpiresAt);

/// <summary>
/// A purchase on Stripe's page. The client names a product; what it costs and brings is the catalog's to say, and stays as
/// it was said when the order was made.
/// </summary>
sealed class Checkout(
    StripeClient stripe, StripeCustomers customers, StripePrices prices, Fulfilment fulfilment, Subscriptions subscriptions,
    CustomerLocks locks, Selling selling, CurrentCatalog catalog, Db db, TimeProvider time)
{
    const int LongestUrl = 2048;

    public static void Map(IEndpointRouteBuilder routes) => routes
        .MapPost("/v1/customers/{customer}/checkout", Create).WithTags("Payments")
        .WithSummary("A page at Stripe on which the customer buys a package or subscribes to a plan")
        .Produces<CheckoutAnswer>(StatusCodes.Status201Created);

    static async Task<IResult> Create(
        CustomerId customer, CheckoutRequest request, Checkout checkout, Db db, HttpContext http, CancellationToken ct)
    {
        var key = http.IdempotencyKey();
        if (!await db.Exists(customer, ct)) return Error.NotFound("customer").Answer(http);

        var (order, replayed) = await checkout.Open(customer, request, key, ct);
        if (replayed) http.Response.Headers["Idempotency-Replayed"] = "true";
        return TypedResults.Created((string?)null, new CheckoutAnswer(order.Reference, order.Url ?? "", order.ExpiresAt ?? order.CreatedAt));
    }

    /// <summary>For a user, who calls from a page of the product and may only be led back to one.</summary>
    public Task<(OrderRow Order, bool Replayed)> OpenForUser(CustomerId customer, CheckoutRequest request, string? key, CancellationToken ct)
    {
        selling.RefuseForeign(request.SuccessUrl, "success_url");
        selling.RefuseForeign(request.CancelUrl, "cancel_url");
        return Open(customer, request, key, ct);
    }

    public async Task<(OrderRow Order, bool Replayed)> Open(
        CustomerId customer, CheckoutRequest request, string? key, CancellationToken ct)
    {
        var asked = Fingerprint.Of(
            "checkout", request.Package, request.Plan, request.Interval, request.Quantity?.ToString(null, null), request.Currency,
            request.SuccessUrl, request.CancelUrl);
        Guid? requestKey = key is null ? null : Fingerprint.Of("checkout", customer.Value, key);
        return await locks.Hold(customer, async () =>
        {
            if (requestKey is { } named && await db.OrderOfRequest(customer, stripe.Livemode, named, ct) is { } before)
            {
                if (before.Request != asked) throw KeyReused();
                // The answer got lost before there was a session: it is made now, under the key it would have had.
                var again = before is { Session: null, State: OrderState.Open } ? await Begin(before, ct) : before;
                if (again.State == OrderState.Failed && again.Session is null)
                    throw new RefusedException(Error.Invalid(null, again.Failure!, "stripe_refused"));
                return (again, true);
            }

            var terms = Terms(request);
            selling.RefuseUnlessOnFor(customer);
            var order = NewOrder(customer, terms, request) with { RequestKey = requestKey, Request = asked };
            await MakeWay(customer, terms.Offer, ct);
            // Only now: what should have made way may have been paid, and be the subscription.
            if (terms.Kind == OrderKind.Plan) await subscriptions.RefuseSecond(customer, ct);
            await db.Insert(order, ct);
            return (await Begin(order, ct), false);
        }, ct);
    }

    static RefusedException KeyReused() => new(Error.Of(
        ErrorType.Conflict, "idempotency_key_reused", "This Idempotency-Key was used before, for another request."));

    OrderTerms Terms(CheckoutRequest request)
    {
        if (request.Package is null == request.Plan is null)
            throw new InvalidRequestException("package", "Give either 'package' or 'plan'.", "missing_member");

        return request.Package is { } package ? PackageTerms(package, request) : PlanTerms(request.Plan!, request);
    }

    OrderTerms PackageTerms(string code, CheckoutRequest request)
    {
        if (request.Interval is not null) throw new InvalidRequestException("interval", "A package has no interval.");
        if (catalog.Offer.Package(code) is not { } package)
            throw new InvalidRequestException("package", $"There is no package '{code}': GET /v1/packages lists them.", "unknown_package");

        var quantity = request.Quantity ?? 1;
        if (quantity < 1 || quantity > package.MaxQuantity)
            throw new InvalidRequestException("quantity", $"'quantity' is 1 to {package.MaxQuantity} for this package.");

        return OrderTerms.Of(package, quantity, Currency(request, package.Prices), catalog.Rates.Version)
            ?? throw NotSoldIn(request);
    }

    OrderTerms PlanTerms(string code, CheckoutRequest request)
    {
        if (request.Quantity is not (null or 1)) throw new InvalidRequestException("quantity", "A customer has one subscription.");
        if (catalog.Offer.Plan(code) is not { } plan)
            throw new InvalidRequestException("plan", $"There is no plan '{code}': GET /v1/plans lists them.", "unknown_plan");
        if (plan.Prices.Count == 0) throw new InvalidRequestException("plan", $"The plan '{code}' is free and needs no checkout.", "free_plan");
        if (Names.Parse<Interval>(request.Interval.Needed("interval")) is not { } interval)
            throw new InvalidRequestException("interval", "'interval' is month or year.");

        var sold = plan.Prices.Where(price => price.Interval == interval).Select(price => price.Money).ToList();
        if (sold.Count == 0) throw new InvalidRequestException("interval", $"The plan '{code}' is not sold by the {request.Interval}.");

        return OrderTerms.Of(plan, interval, Currency(request, sold), catalog.Rates.Version) ?? throw NotSoldIn(request);
    }

    static string Currency(CheckoutRequest request, IReadOnlyList<Money> prices) => request.Currency ?? prices[0].Currency;

    static InvalidRequestException NotSoldIn(CheckoutRequest request) =>
        new("currency", $"It is not sold in '{request.Currency}'.", "unknown_currency");

    OrderRow NewOrder(CustomerId customer, OrderTerms terms, CheckoutRequest request)
    {
        var now = time.Now();
        return new(Id<Order>.New(now), customer, stripe.Livemode, terms.Kind, terms, terms.Total, terms.Credits, now)
        {
            SuccessUrl = Url(request.SuccessUrl, "success_url"),
            CancelUrl = Url(request.CancelUrl, "cancel_url"),
        };
    }

    static string Url(string? text, string param)
    {
        var url = text.Needed(param).Short(param, LongestUrl)!;
        return Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https"
            ? url
            : throw new InvalidRequestException(param, $"'{param}' is an http:// or https:// address.");
    }

    /// <summary>One open session for an offer: an older one is ended, unless it was paid in this moment.</summary>
    async Task MakeWay(CustomerId customer, string offer, CancellationToken ct)
    {
        if (await db.OpenOrder(customer, stripe.Livemode, offer, ct) is not { } older) return;

        if (older.Session is { } session)
        {
            try
            {
                await stripe.Post($"/v1/checkout/sessions/{session}/expire", [], $"purser-expire-{older.Id}", ct);
            }
            catch (StripeException e) when (e.Fault is StripeFault.Invalid or StripeFault.Missing)
            {
                // It has ended already, one way or the other.
            }

            await Ended(older, session, ct);
        }
        else
        {
            // If it has a session after all, and that is paid, then that is found by its metadata.
            await db.Change(older.Id, known => known with { Failure = "superseded" }, ct);
        }

        if (await db.OpenOrder(customer, stripe.Livemode, offer, ct) is not { } pending) return;

        throw new RefusedException(Error.Of(
            ErrorType.Conflict, "payment_pending", $"Order {pending.Id} for the same is still waiting for its payment to arrive."));
    }

    async Task Ended(OrderRow order, string session, CancellationToken ct)
    {
        try
        {
            await fulfilment.Session(session, ct);
        }
        catch (StripeException e) when (e.Fault == StripeFault.Missing)
        {
            // Test data was deleted at Stripe: nobody can pay it any more.
            await db.Change(order.Id, known => known with { Failure = "missing at Stripe" }, ct);
        }
    }

    async Task<OrderRow> Begin(OrderRow order, CancellationToken ct)
    {
        try
        {
            var session = await customers.With(order.Customer, async customer => CheckoutSession.Of(await stripe.Post(
                "/v1/checkout/sessions", await Form(order, customer, ct), $"purser-session-{order.Id}-{customer}", ct)), ct);
            return await db.Change(order.Id, known => known with
            {
                Session = known.Session ?? session.Id,
                Url = session.Url ?? known.Url,
                ExpiresAt = session.ExpiresAt,
            }, ct);
        }
        catch (StripeException e) when (e.Fault is StripeFault.Invalid or StripeFault.Missing or StripeFault.Declined)
        {
            await db.Change(order.Id, known => known with { Failure = e.Error.Message }, CancellationToken.None);
            throw;
        }
    }

    async Task<StripeForm> Form(OrderRow order, string customer, CancellationToken ct)
    {
        var terms = order.Terms;
        Dictionary<string, string> metadata = new()
        {
            [Orders.OrderKey] = order.Reference,
            [Orders.CustomerKey] = order.Customer.Value,
        };
        var form = new StripeForm
        {
            { "mode", terms.Kind == OrderKind.Plan ? "subscription" : "payment" },
            { "customer", customer },
            { "client_reference_id", order.Customer.Value },
            { "success_url", order.SuccessUrl },
            { "cancel_url", order.CancelUrl },
            { "metadata", metadata },
            { "line_items[0][quantity]", terms.Quantity },
        };
        if (terms.Kind == OrderKind.Plan)
        {
            var price = await prices.Of(terms.Code, terms.Name, terms.Interval, terms.UnitPrice, ct);
            form.Add("line_items[0][price]", price.Price);
            form.Add("subscription_data[metadata]", metadata);
            if (terms.TrialDays > 0 && await subscriptions.MayTry(order.Customer, ct))
                form.Add("subscription_data[trial_period_days]", terms.TrialDays);
            return form;
        }

        // A discount by quantity has prices that no list shows; the product is the same.
        form.Add("line_items[0][price_data][product]", await prices.Product(terms.Code, terms.Name, plan: false, ct));
        form.Add("line_items[0][price_data][currency]", terms.UnitPrice.Currency);
        form.Add("line_items[0][price_data][unit_amount]", terms.UnitPrice.Minor);
        form.Add("payment_intent_data[metadata]", metadata);
        form.Add("payment_intent_data[setup_future_usage]", "off_session");
        return form;
    }
}
