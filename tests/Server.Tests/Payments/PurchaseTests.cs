using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>A package is bought: page, payment, webhook, credits.</summary>
public sealed class PurchaseTests(Shop shop) : IClassFixture<Shop>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_paid_for_is_granted_once_and_explained()
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"package":"writer"}""");

        await shop.Stripe.Pay(session);
        await shop.Delivered();

        var paid = await shop.Order(order);
        Assert.Equal(("paid", "writer", "package"), (paid.Text("state"), paid.Text("package"), paid.Text("kind")));
        Assert.Equal(52_490m, paid.Number("credits"));
        Assert.StartsWith("http", paid.Text("receipt_url"), StringComparison.Ordinal);
        Assert.Equal(52_490m, await shop.Balance(customer));
        var entry = Assert.Single(await shop.Purser.Entries.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct));
        Assert.Equal((order, "1 × Writer"), (entry.Reference, entry.Reason));
        var grant = Assert.Single(await shop.Purser.Grants.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct));
        Assert.Equal((4999L, "usd"), (grant.Paid!.Minor, grant.Paid.Currency));
    }

    [Fact]
    public async Task The_success_page_finds_the_credits_although_no_event_came()
    {
        using var quiet = new Quiet(shop);
        await quiet.Begin();
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"package":"starter"}""");
        Assert.Equal("open", (await shop.Order(order)).Text("state"));
        await shop.Stripe.Pay(session);

        // It asks Stripe again after two seconds at the earliest.
        await Eventually.Holds(async () => (await shop.Order(order)).Text("state") == "paid");

        Assert.Equal(9_990m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_discount_by_quantity_is_the_catalogs_to_give()
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"package":"publisher","quantity":20,"currency":"eur"}""");

        await shop.Stripe.Pay(session);
        await shop.Delivered();

        var paid = await shop.Order(order);
        // Ten percent off 94.99, rounded to the cent, twenty times.
        Assert.Equal(8549 * 20, paid.Json.GetProperty("money").GetProperty("minor").GetInt64());
        Assert.Equal(20 * 109_990m, await shop.Balance(customer));
    }

    [Theory]
    [InlineData("""{}""", "package")]
    [InlineData("""{"package":"starter","plan":"pro"}""", "package")]
    [InlineData("""{"package":"gold"}""", "package")]
    [InlineData("""{"package":"starter","quantity":0}""", "quantity")]
    [InlineData("""{"package":"starter","quantity":11}""", "quantity")]
    [InlineData("""{"package":"starter","currency":"xyz"}""", "currency")]
    [InlineData("""{"package":"starter","price":1}""", "price")]
    [InlineData("""{"package":"starter","credits":1000000}""", "credits")]
    [InlineData("""{"package":"starter","interval":"month"}""", "interval")]
    [InlineData("""{"plan":"pro"}""", "interval")]
    [InlineData("""{"plan":"pro","interval":"week"}""", "interval")]
    [InlineData("""{"plan":"free","interval":"month"}""", "plan")]
    [InlineData("""{"plan":"pro","interval":"month","quantity":2}""", "quantity")]
    public async Task What_is_not_for_sale_is_refused_by_name(string what, string param)
    {
        var customer = await shop.GivenCustomer();

        var answer = await shop.TryCheckout(customer, what);

        Assert.Equal((400, param), (answer.Status, answer.Error.GetProperty("param").GetString()));
        Assert.Empty((await shop.Client.Read($"/v1/customers/{customer}/orders")).Json.GetProperty("data").EnumerateArray());
    }

    [Theory]
    [InlineData("success_url", "")]
    [InlineData("success_url", "javascript:alert(1)")]
    [InlineData("cancel_url", "not a url")]
    public async Task Only_web_addresses_are_returned_to(string param, string url)
    {
        var customer = await shop.GivenCustomer();
        var other = param == "success_url" ? "cancel_url" : "success_url";

        var answer = await shop.Client.Post(
            $"/v1/customers/{customer}/checkout", $$"""{"package":"starter","{{param}}":"{{url}}","{{other}}":"https://a.example"}""");

        Assert.Equal((400, param), (answer.Status, answer.Error.GetProperty("param").GetString()));
    }

    [Fact]
    public async Task A_customer_nobody_knows_buys_nothing() =>
        Assert.Equal(404, (await shop.TryCheckout("nobody", """{"package":"starter"}""")).Status);

    [Fact]
    public async Task A_checkout_asked_for_again_is_the_same_one()
    {
        var customer = await shop.GivenCustomer();
        var body = Shop.Body("""{"package":"starter"}""");

        var first = await shop.Client.Post($"/v1/customers/{customer}/checkout", body, "key");
        var again = await shop.Client.Post($"/v1/customers/{customer}/checkout", body, "key");
        var other = await shop.Client.Post($"/v1/customers/{customer}/checkout", Shop.Body("""{"package":"writer"}"""), "key");

        Assert.Equal((201, 201, 409), (first.Status, again.Status, other.Status));
        Assert.Equal(first.Body, again.Body);
        Assert.Equal((false, true), (first.Replayed, again.Replayed));

        await shop.Stripe.Pay(new Uri(first.Text("url")).Segments[^1]);
        await shop.Delivered();
        Assert.Equal(first.Body, (await shop.Client.Post($"/v1/customers/{customer}/checkout", body, "key")).Body);
    }

    [Fact]
    public async Task A_session_that_Stripe_has_lost_keeps_nobody_from_buying()
    {
        var customer = await shop.GivenCustomer();
        var (order, _) = await shop.Checkout(customer, """{"package":"starter"}""");
        await Tables.Run(shop.ConnectionString, $"update orders set session = 'cs_test_gone{order}' where id = '{order[4..]}'");

        Assert.Equal(201, (await shop.TryCheckout(customer, """{"package":"starter"}""")).Status);
        Assert.Equal("failed", (await shop.Order(order)).Text("state"));
    }

    [Fact]
    public async Task What_belongs_to_somebody_else_at_Stripe_changes_nothing_here()
    {
        // Another product on the same account sells, refunds and is disputed.
        var other = await shop.Stripe.Post("/v1/payment_intents", new()
        {
            { "amount", 500 }, { "currency", "usd" }, { "confirm", true }, { "payment_method", "pm_card_createDisputeInquiry" },
            { "automatic_payment_methods[enabled]", true }, { "automatic_payment_methods[allow_redirects]", "never" },
        });
        await shop.Stripe.Post("/v1/refunds", new() { { "payment_intent", other.GetProperty("id").GetString() } });
        await shop.Delivered();

        Assert.Equal(0, (await Tables.Read<long>(shop.ConnectionString, $"""
            select count(*) from webhook_event where state not in (3) and convert_from(body, 'UTF8') like '%{other.GetProperty("id").GetString()}%'
            """)).Single());
        Assert.Empty(await Tables.Read<string>(shop.ConnectionString, "select id from dispute"));
        var intent = other.GetProperty("id").GetString()!;
        Assert.Single(shop.Log.Lines, line => line.Contains($"(payment_intent.succeeded) is about {intent}, which is nothing of ours", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_customer_has_one_open_session_for_an_offer()
    {
        var customer = await shop.GivenCustomer();

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => shop.TryCheckout(customer, """{"package":"starter"}""")));
        await shop.TryCheckout(customer, """{"package":"writer"}""");

        Assert.All(answers, answer => Assert.Equal(201, answer.Status));
        var orders = (await shop.Client.Read($"/v1/customers/{customer}/orders")).Json.GetProperty("data").EnumerateArray().ToList();
        Assert.Equal(6, orders.Count);
        Assert.Equal(1, orders.Count(one => one.GetProperty("state").GetString() == "open" && one.GetProperty("package").GetString() == "starter"));
        var cus = await shop.StripeCustomer(customer);
        var sessions = (await shop.Stripe.Get($"/v1/checkout/sessions?customer={cus}&status=open")).GetProperty("data").GetArrayLength();
        Assert.Equal(2, sessions);
    }

    [Fact]
    public async Task A_session_that_is_paid_while_another_is_opened_is_not_lost()
    {
        var customer = await shop.GivenCustomer();
        var (first, session) = await shop.Checkout(customer, """{"package":"starter"}""");
        await shop.Stripe.Pay(session);
        var (second, _) = await shop.Checkout(customer, """{"package":"starter"}""");
        await shop.Delivered();

        Assert.Equal(("paid", "open"), ((await shop.Order(first)).Text("state"), (await shop.Order(second)).Text("state")));
        Assert.Equal(9_990m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_decline_costs_nothing_and_the_next_card_pays()
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"package":"starter"}""");

        await Assert.ThrowsAsync<StripeRefusal>(() => shop.Stripe.Pay(session, "pm_card_chargeDeclined"));
        await shop.Delivered();
        Assert.Equal("open", (await shop.Order(order)).Text("state"));
        await shop.Stripe.Pay(session);
        await shop.Delivered();

        Assert.Equal("paid", (await shop.Order(order)).Text("state"));
        Assert.Equal(9_990m, await shop.Balance(customer));
    }

    [Theory]
    [InlineData(true, "paid", 9990)]
    [InlineData(false, "failed", 0)]
    public async Task A_payment_that_takes_days_brings_credits_when_it_arrives(bool success, string state, int credits)
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"package":"starter"}""");
        await shop.Stripe.Pay(session, "pm_usBankAccount");
        await shop.Delivered();
        Assert.Equal(("open", 0m), ((await shop.Order(order)).Text("state"), await shop.Balance(customer)));
        Assert.Equal(409, (await shop.TryCheckout(customer, """{"package":"starter"}""")).Status);

        await shop.Stripe.Control($"payments/{session}/settle", new { success });
        await shop.Delivered();

        Assert.Equal((state, (decimal)credits), ((await shop.Order(order)).Text("state"), await shop.Balance(customer)));
    }

    [Fact]
    public async Task A_session_that_nobody_pays_expires()
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"package":"starter"}""");

        await shop.Stripe.Post($"/v1/checkout/sessions/{session}/expire");
        await shop.Delivered();

        Assert.Equal("expired", (await shop.Order(order)).Text("state"));
    }

    [Fact]
    public async Task A_customer_deleted_at_Stripe_is_made_anew()
    {
        var customer = await shop.GivenCustomer();
        await shop.Checkout(customer, """{"package":"starter"}""");
        var before = await shop.StripeCustomer(customer);
        using (var quiet = new Quiet(shop))
        {
            await quiet.Begin();
            await shop.Stripe.Delete($"/v1/customers/{before}");
        }

        var (_, session) = await shop.Checkout(customer, """{"package":"writer"}""");
        await shop.Stripe.Pay(session);
        await shop.Delivered();

        Assert.NotEqual(before, await shop.StripeCustomer(customer));
        Assert.Equal(52_490m, await shop.Balance(customer));
    }

    [Fact]
    public async Task Buying_at_the_same_time_makes_one_customer_at_Stripe()
    {
        var customer = await shop.GivenCustomer();

        await Task.WhenAll(
            shop.TryCheckout(customer, """{"package":"starter"}"""),
            shop.TryCheckout(customer, """{"package":"writer"}"""),
            shop.TryCheckout(customer, """{"package":"publisher"}"""));

        var found = await shop.Stripe.Get($"/v1/customers/search?query=metadata['purser_customer']:'{customer}'");
        Assert.Equal(1, found.GetProperty("data").GetArrayLength());
    }

    [Fact]
    public async Task Events_that_come_twice_late_and_in_any_order_make_no_difference()
    {
        await shop.Stripe.Control("webhooks/chaos", new { duplicate = 0.5, shuffle = 0.5, drop = 0.2 });
        try
        {
            var customers = new List<(string Customer, string Order)>();
            for (var i = 0; i < 10; i++)
            {
                var customer = await shop.GivenCustomer();
                var (order, session) = await shop.Checkout(customer, """{"package":"starter"}""");
                await shop.Stripe.Pay(session);
                customers.Add((customer, order));
            }

            foreach (var (customer, order) in customers)
            {
                await Eventually.Holds(async () => (await shop.Order(order)).Text("state") == "paid");
                Assert.Equal(9_990m, await shop.Balance(customer));
            }
        }
        finally
        {
            await shop.Stripe.Control("webhooks/chaos", new { duplicate = 0, shuffle = 0, drop = 0 });
        }
    }

    [Fact]
    public async Task What_others_sell_on_the_same_account_is_kept_and_changes_nothing()
    {
        var stranger = await shop.Stripe.Post("/v1/customers", new() { { "name", "A stranger" } });
        var session = await shop.Stripe.Post("/v1/checkout/sessions", new()
        {
            { "mode", "payment" }, { "success_url", "https://other.example" }, { "customer", stranger.GetProperty("id").GetString() },
            { "line_items[0][quantity]", 1 },
            { "line_items[0][price_data][currency]", "usd" },
            { "line_items[0][price_data][unit_amount]", 999 },
            { "line_items[0][price_data][product_data][name]", "A book" },
        });
        var id = session.GetProperty("id").GetString()!;
        await shop.Stripe.Pay(id);
        await shop.Delivered();

        var events = await Tables.Read<short>(shop.ConnectionString, $"select state from webhook_event where object = '{id}'");
        Assert.Equal([(short)3], events.Distinct());
        Assert.Empty(await Tables.Read<string>(shop.ConnectionString, $"select id::text from orders where session = '{id}'"));
    }

    [Fact]
    public async Task What_Stripe_does_not_answer_is_asked_again_under_the_same_key()
    {
        var customer = await shop.GivenCustomer();
        // Nothing else asks Stripe meanwhile, and takes the fault upon itself.
        await shop.Delivered();
        await shop.Stripe.Control("faults", new { kind = "error_500_no_retry", count = 1 });
        var body = Shop.Body("""{"package":"starter"}""");

        var first = await shop.Client.Post($"/v1/customers/{customer}/checkout", body, "key");
        var second = await shop.Client.Post($"/v1/customers/{customer}/checkout", body, "key");

        Assert.Equal((503, "stripe_unavailable"), (first.Status, first.Error.GetProperty("code").GetString()));
        Assert.Equal(201, second.Status);
    }
}
