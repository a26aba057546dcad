using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Purser.Core.Payments;
using Purser.Server.Payments;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>Twenty mistakes that others have made with Stripe and credits, each tried on us.</summary>
public sealed class TwentyMistakesTests : IAsyncLifetime
{
    readonly Shop shop = new();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => shop.InitializeAsync();

    public ValueTask DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task M01_The_webhook_and_the_success_page_and_a_retry_all_grant()
    {
        var (customer, order, _) = await Paid("starter", deliver: false);

        await Task.WhenAll(shop.Delivered(), shop.Order(order), shop.Order(order), shop.Redeliver());
        await shop.Redeliver();

        Assert.Equal(9_990m, await shop.Balance(customer));
        Assert.Equal(1, await Count("select count(*) from entry"));
    }

    [Fact]
    public async Task M02_The_event_is_marked_done_before_the_work_is()
    {
        var (customer, _, _) = await Paid("starter", deliver: false);
        await shop.Stripe.Control("faults", new { kind = "error_500_no_retry", count = 4 });

        await shop.Stripe.Flush();
        await Eventually.Holds(async () => await Count("select count(*) from webhook_event where state not in (2, 3)") == 0);

        Assert.True(await Count("select count(*) from webhook_event where attempts > 1") > 0);
        Assert.Equal(9_990m, await shop.Balance(customer));
    }

    [Fact]
    public async Task M03_Coming_back_to_the_success_page_counts_as_payment()
    {
        var customer = await shop.GivenCustomer();
        var (order, _) = await shop.Checkout(customer, """{"package":"starter"}""");

        var shown = await shop.Order(order);

        Assert.Equal(("open", 0m), (shown.Text("state"), await shop.Balance(customer)));
    }

    [Fact]
    public async Task M04_An_older_event_that_comes_later_overwrites_what_is_newer()
    {
        var (customer, _) = await Subscribed();
        await shop.Client.Post($"/v1/customers/{customer}/subscription/cancel", """{"when":"now"}""");
        await shop.Delivered();

        await Tables.Run(shop.ConnectionString, """
            update webhook_event set state = 1, next_attempt_at = now()
            where type in ('customer.subscription.created', 'customer.subscription.updated', 'invoice.paid')
            """);
        await shop.Delivered();

        Assert.Equal("canceled", (await shop.Client.Read($"/v1/customers/{customer}/subscription")).Text("status"));
        Assert.Equal(260_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task M05_A_session_that_is_completed_is_taken_for_paid()
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"package":"starter"}""");

        await shop.Stripe.Pay(session, "pm_usBankAccount");
        await shop.Delivered();

        Assert.Equal("complete", (await shop.Stripe.Get($"/v1/checkout/sessions/{session}")).GetProperty("status").GetString());
        Assert.Equal(("open", 0m), ((await shop.Order(order)).Text("state"), await shop.Balance(customer)));
    }

    [Fact]
    public async Task M06_The_signature_is_checked_over_JSON_that_was_written_again()
    {
        // Spaces, an escaped and a plain letter: whoever writes it again writes it otherwise.
        var body = Encoding.UTF8.GetBytes("""{ "id":"evt_x" ,"type":"a.b","created":1,"livemode":false,"data":{"object":{"id":"\u00fcü€"}}}""");

        Assert.Equal(200, (await Deliver(body)).Status);
        Assert.Equal([body], await Tables.Read<byte[]>(shop.ConnectionString, "select body from webhook_event where id = 'evt_x'"));
    }

    [Fact]
    public async Task M07_Any_time_is_tolerated_or_none()
    {
        var now = TimeProvider.System.GetUtcNow();
        var body = """{"id":"evt_t","type":"a.b","created":1,"livemode":false}"""u8.ToArray();

        Assert.Equal(400, (await Deliver(body, now.AddMinutes(-6))).Status);
        Assert.Equal(400, (await Deliver(body, now.AddMinutes(6))).Status);
        Assert.Equal(200, (await Deliver(body, now.AddMinutes(-4))).Status);
        Assert.Equal(200, (await Deliver(body, now.AddMinutes(4))).Status);
    }

    [Fact]
    public async Task M08_A_subscription_that_was_created_or_updated_is_taken_for_paid()
    {
        var customer = await shop.GivenCustomer();
        var (_, session) = await shop.Checkout(customer, """{"plan":"enterprise","interval":"month"}""");
        await shop.Stripe.Pay(session, "pm_card_threeDSecure2Required");

        await shop.Delivered();

        Assert.True(await Count("select count(*) from webhook_event where type like 'customer.subscription.%'") > 0);
        Assert.Equal(0m, await shop.Balance(customer));
    }

    [Fact]
    public async Task M09_An_invoice_for_a_change_brings_a_whole_plan()
    {
        var customer = await Trialed("pro");
        var before = await shop.Balance(customer);

        await shop.Client.Post($"/v1/customers/{customer}/subscription/change", """{"plan":"team"}""");
        await shop.Delivered();

        // The whole plan has sixty thousand, of which twenty thousand were paid for before.
        Assert.InRange(await shop.Balance(customer) - before, 1, 40_000);
    }

    [Fact]
    public async Task M10_Paid_and_payment_succeeded_and_an_invoice_of_nothing_all_grant()
    {
        var customer = await Trialed("pro");

        Assert.True(await Count("select count(*) from webhook_event where type in ('invoice.paid', 'invoice.payment_succeeded')") >= 4);
        Assert.Equal(25_000m, await shop.Balance(customer));
        Assert.Equal(2, await Count("select count(*) from entry"));
    }

    [Fact]
    public async Task M11_The_client_says_what_it_pays()
    {
        var customer = await shop.GivenCustomer();
        foreach (var member in (string[])["amount", "price", "credits", "unit_amount", "money"])
            Assert.Equal(400, (await shop.TryCheckout(customer, $$"""{"package":"publisher","{{member}}":1}""")).Status);

        // Sessions of somebody else's making, for half a dollar, under the names of our orders: of one that is on its own page,
        // and of one whose page was not written down.
        var (order, _) = await shop.Checkout(customer, """{"package":"publisher"}""");
        var (unwritten, _) = await shop.Checkout(customer, """{"package":"publisher"}""");
        await Tables.Run(shop.ConnectionString, $"update orders set session = null where id = '{unwritten[4..]}'");
        foreach (var name in (string[])[order, unwritten])
        {
            var forged = await shop.Stripe.Post("/v1/checkout/sessions", new()
            {
                { "mode", "payment" }, { "success_url", "https://a.example" },
                { "line_items[0][quantity]", 1 },
                { "line_items[0][price_data][currency]", "usd" },
                { "line_items[0][price_data][unit_amount]", 50 },
                { "line_items[0][price_data][product_data][name]", "Publisher" },
                { "metadata[purser_order]", name }, { "metadata[purser_customer]", customer },
            });
            await shop.Stripe.Pay(forged.GetProperty("id").GetString()!);
        }

        await shop.Delivered();

        Assert.Equal(0m, await shop.Balance(customer));
        var failed = (await shop.Client.Read("/v1/webhook-events?state=failed")).Json.GetProperty("data").EnumerateArray()
            .Select(one => one.GetProperty("error").GetString()!).ToList();
        foreach (var name in (string[])[order, unwritten])
            Assert.Contains(failed, why => why.Contains("0.50 USD", StringComparison.Ordinal) && why.Contains(name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task M12_A_refund_of_credits_that_are_spent_is_forgotten()
    {
        var (customer, _, session) = await Paid("starter");
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 9_000 }, Ct);

        await RefundAtStripe(session, null);

        var balance = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((0m, 9_000m), (balance.Balance, balance.Owed));
        Assert.Equal(402, (await shop.Client.Post($"/v1/customers/{customer}/charges", """{"amount":1}""")).Status);
    }

    [Fact]
    public async Task M13_What_was_refunded_so_far_is_taken_for_what_is_refunded_now()
    {
        var (customer, _, session) = await Paid("starter");

        foreach (var minor in (long[])[100, 200, 300]) await RefundAtStripe(session, minor);
        await shop.Redeliver();

        Assert.Equal(9_990m - 6_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task M14_A_dispute_is_ignored_or_taken_for_lost_when_it_opens()
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"package":"starter"}""");
        await shop.Stripe.Pay(session, "pm_card_createDispute");
        await shop.Delivered();

        var balance = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal("disputed", (await shop.Order(order)).Text("state"));
        Assert.Equal((9_990m, 9_990m, 0m), (balance.Balance, balance.Held, balance.Owed));
    }

    [Fact]
    public async Task M15_A_call_whose_answer_was_lost_is_made_anew()
    {
        var customer = await shop.GivenCustomer();
        await shop.Stripe.Control("faults", new { kind = "drop_after_commit", count = 3 });

        await shop.Checkout(customer, """{"package":"starter"}""");

        Assert.Equal(1, (await shop.Stripe.Get("/v1/customers")).GetProperty("data").GetArrayLength());
        Assert.Equal(1, (await shop.Stripe.Get("/v1/checkout/sessions")).GetProperty("data").GetArrayLength());
    }

    [Fact]
    public async Task M16_A_customer_is_made_twice_or_is_gone()
    {
        var customer = await shop.GivenCustomer();
        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => shop.TryCheckout(customer, $$"""{"package":"publisher","quantity":{{i + 1}}}""")));
        Assert.Equal(1, (await shop.Stripe.Get("/v1/customers")).GetProperty("data").GetArrayLength());

        await shop.Stripe.Delete($"/v1/customers/{await shop.StripeCustomer(customer)}");
        await shop.Delivered();

        Assert.Equal(201, (await shop.TryCheckout(customer, """{"package":"starter"}""")).Status);
    }

    [Fact]
    public async Task M17_Events_of_an_older_version_are_not_understood()
    {
        foreach (var endpoint in (await shop.Stripe.Get("/v1/webhook_endpoints")).GetProperty("data").EnumerateArray())
            await shop.Stripe.Delete($"/v1/webhook_endpoints/{endpoint.GetProperty("id").GetString()}");
        var old = await shop.Stripe.Post("/v1/webhook_endpoints", new()
        {
            { "url", new Uri(shop.Client.BaseAddress!, "/webhooks/stripe").ToString() },
            { "enabled_events[0]", "*" }, { "api_version", "2024-06-20" },
        });
        shop.Services.GetRequiredService<WebhookSecrets>().Current = [old.GetProperty("secret").GetString()!];

        var (customer, _) = await Subscribed();

        Assert.Equal(["2024-06-20"], await Tables.Read<string>(shop.ConnectionString, "select distinct api_version from webhook_event"));
        Assert.Equal(260_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task M18_Test_and_live_are_mixed()
    {
        var live = """{"id":"evt_live","type":"checkout.session.completed","created":1,"livemode":true,"data":{"object":{"id":"cs_live_1"}}}"""u8;
        Assert.Equal((400, "wrong_mode"), Code(await Deliver(live.ToArray())));

        var faults = Assert.Throws<StartFailure>(() => Settings.Read(
            new Dictionary<string, string>
            {
                ["DATABASE_URL"] = "postgres://a@b/c", ["PURSER_ADMIN_KEY"] = "an-admin-key-of-some-length",
                ["STRIPE_SECRET_KEY"] = "sk_test_1", ["STRIPE_WEBHOOK_SECRET"] = "whsec_1", ["OPENAI_API_KEY"] = "sk-proj-live",
            },
            Purpose.Server));
        Assert.Contains("STRIPE_SECRET_KEY: a test key beside", Assert.Single(faults.Lines), StringComparison.Ordinal);
        await Paid("starter");
        Assert.Equal([false], await Tables.Read<bool>(shop.ConnectionString, "select distinct livemode from orders"));
    }

    [Fact]
    public async Task M19_The_handler_is_slow_or_fails_on_what_it_does_not_know()
    {
        // Stripe itself answers nothing: what comes in is kept and answered all the same.
        await shop.Stripe.Control("faults", new { kind = "timeout", count = 1 });
        var known = """{"id":"evt_k","type":"checkout.session.completed","created":1,"livemode":false,"data":{"object":{"id":"cs_1"}}}"""u8.ToArray();
        var unknown = """{"id":"evt_u","type":"v9.thing.happened","created":1,"livemode":false,"data":{"object":{}},"more":[{}]}"""u8.ToArray();

        Assert.Equal(200, (await Deliver(known)).Status);
        Assert.Equal("pending", (await shop.Client.Read("/v1/webhook-events/evt_k")).Text("state"));
        Assert.Equal(200, (await Deliver(unknown)).Status);
        Assert.Equal("ignored", (await shop.Client.Read("/v1/webhook-events/evt_u")).Text("state"));
    }

    [Fact]
    public async Task M20_Yen_have_cents()
    {
        using var folder = new TestFolder();
        var file = Path.Combine(folder.Path, "yen.yaml");
        var catalog = await File.ReadAllTextAsync(Given.Settings.CatalogFile, Ct);
        await File.WriteAllTextAsync(file, catalog.Replace("{ usd: 999, eur: 949, gbp: 829 }", "{ jpy: 1500 }", StringComparison.Ordinal), Ct);
        var yen = new Shop { CatalogFile = file };
        await yen.InitializeAsync();
        try
        {
            var customer = await yen.GivenCustomer();
            var (order, session) = await yen.Checkout(customer, """{"package":"starter","quantity":3}""");
            await yen.Stripe.Pay(session);
            await yen.Delivered();

            Assert.Equal(4500, (await yen.Stripe.Get($"/v1/checkout/sessions/{session}")).GetProperty("amount_total").GetInt64());
            Assert.Equal((4500, "jpy"), Money(await yen.Order(order)));
            Assert.Equal(29_970m, await yen.Balance(customer));
            var refund = await yen.Client.Post($"/v1/orders/{order}/refund", """{"credits":9990,"reason":"one of three"}""");
            Assert.Equal((1500, "jpy"), Money(refund));
        }
        finally
        {
            await yen.DisposeAsync();
        }
    }

    async Task<(string Customer, string Order, string Session)> Paid(string package, bool deliver = true)
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, $$"""{"package":"{{package}}"}""");
        if (deliver)
        {
            await shop.Stripe.Pay(session);
            await shop.Delivered();
            return (customer, order, session);
        }

        // What Stripe has to tell waits until the test has it told.
        await shop.Stripe.Control("webhooks/chaos", new { duplicate = 0, shuffle = 1, drop = 0 });
        await shop.Stripe.Pay(session);
        await shop.Stripe.Control("webhooks/chaos", new { duplicate = 0, shuffle = 0, drop = 0 });
        return (customer, order, session);
    }

    async Task<(string Customer, string Session)> Subscribed()
    {
        var customer = await shop.GivenCustomer();
        var (_, session) = await shop.Checkout(customer, """{"plan":"enterprise","interval":"month"}""");
        await shop.Stripe.Pay(session);
        await shop.Delivered();
        return (customer, session);
    }

    async Task<string> Trialed(string plan)
    {
        var customer = await shop.GivenCustomer();
        var (_, session) = await shop.Checkout(customer, $$"""{"plan":"{{plan}}","interval":"month"}""");
        await shop.Stripe.Pay(session);
        await shop.Stripe.Control("clock", new { now = TimeProvider.System.GetUtcNow().AddDays(15).ToUnixTimeSeconds() });
        await shop.Delivered();
        return customer;
    }

    async Task RefundAtStripe(string session, long? minor)
    {
        var intent = (await shop.Stripe.Get($"/v1/checkout/sessions/{session}")).GetProperty("payment_intent").GetString();
        await shop.Stripe.Post("/v1/refunds", new() { { "payment_intent", intent }, { "amount", minor } });
        await shop.Delivered();
    }

    Task<Answered> Deliver(byte[] body, DateTimeOffset? at = null)
    {
        var secret = shop.Services.GetRequiredService<WebhookSecrets>().Current[0];
        var request = new HttpRequestMessage(HttpMethod.Post, "/webhooks/stripe") { Content = new ByteArrayContent(body) };
        request.Headers.Add("Stripe-Signature", StripeSignature.Header(secret, at ?? TimeProvider.System.GetUtcNow(), body));
        return shop.Client.Ask(request);
    }

    async Task<long> Count(string sql) => (await Tables.Read<long>(shop.ConnectionString, sql)).Single();

    static (long, string?) Money(Answered answer) =>
        (answer.Json.GetProperty("money").GetProperty("minor").GetInt64(), answer.Json.GetProperty("money").GetProperty("currency").GetString());

    static (int, string?) Code(Answered answer) => (answer.Status, answer.Error.GetProperty("code").GetString());
}
