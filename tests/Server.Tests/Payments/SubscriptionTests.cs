using System.Text.Json;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>A plan is subscribed to, renewed, changed, paused, not paid for, and ended.</summary>
public sealed class SubscriptionTests : IAsyncLifetime
{
    // Each test has an account of its own: its clock is moved.
    readonly Shop shop = new();
    DateTimeOffset clock = TimeProvider.System.GetUtcNow();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => shop.InitializeAsync();

    public ValueTask DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task A_plan_is_paid_for_and_its_credits_come_with_each_paid_period()
    {
        var (customer, order) = await shop.Subscribe("enterprise", "month");

        var first = await Subscription(customer);
        Assert.Equal(("enterprise", "month", "active"), (first.Text("plan"), first.Text("interval"), first.Text("status")));
        Assert.Equal(("paid", "plan"), ((await shop.Order(order)).Text("state"), (await shop.Order(order)).Text("kind")));
        Assert.Equal(260_000m, await shop.Balance(customer));

        await Advance(32);

        Assert.Equal(520_000m, await shop.Balance(customer));
        var orders = (await shop.Client.Read($"/v1/customers/{customer}/orders")).Json.GetProperty("data").EnumerateArray().ToList();
        Assert.Equal(["renewal", "plan"], orders.Select(one => one.GetProperty("kind").GetString()));
        Assert.All(orders, one => Assert.Equal("paid", one.GetProperty("state").GetString()));
        Assert.NotEqual(first.Text("current_period_end"), (await Subscription(customer)).Text("current_period_end"));
        await shop.Redeliver();
        Assert.Equal(520_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_trial_brings_its_own_credits_once_and_then_the_plans()
    {
        var (customer, order) = await shop.Subscribe("pro", "month");

        Assert.Equal("trialing", (await Subscription(customer)).Text("status"));
        Assert.Equal(5_000m, await shop.Balance(customer));
        Assert.Equal("pro", await Plan(customer));

        await Advance(15);

        Assert.Equal("active", (await Subscription(customer)).Text("status"));
        Assert.Equal(25_000m, await shop.Balance(customer));
        Assert.Equal("paid", (await shop.Order(order)).Text("state"));

        // A trial is had once.
        await Cancel(customer, "now");
        var (_, session) = await shop.Checkout(customer, """{"plan":"pro","interval":"month"}""");
        await shop.Stripe.Pay(session);
        await shop.Delivered();
        Assert.Equal("active", (await Subscription(customer)).Text("status"));
    }

    [Fact]
    public async Task Credits_that_roll_over_stop_at_the_cap()
    {
        var (customer, _) = await shop.Subscribe("pro", "month");
        foreach (var days in (int[])[15, 32, 31, 31]) await Advance(days);

        // Five thousand of the trial and twenty thousand a month, of which forty thousand may stand.
        Assert.Equal(40_000m, await shop.Balance(customer));
        var entries = await shop.Purser.Entries.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct);
        Assert.Contains(entries, entry => entry is { Kind: Purser.Client.EntryKind.Expiry, Reason: "rollover cap" });
    }

    [Fact]
    public async Task A_customer_has_one_subscription()
    {
        var (customer, _) = await shop.Subscribe("enterprise", "month");

        var second = await shop.TryCheckout(customer, """{"plan":"pro","interval":"month"}""");

        Assert.Equal((409, "subscription_exists"), second.Code());
        Assert.Contains("/subscription/change", second.Error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancellation_is_taken_back_or_takes_effect_at_the_periods_end()
    {
        var (customer, _) = await shop.Subscribe("enterprise", "month");

        var canceled = await Cancel(customer, "period_end");
        Assert.Equal(canceled.Text("current_period_end"), canceled.Text("cancel_at"));
        Assert.False((await Post(customer, "resume", "{}")).Json.TryGetProperty("cancel_at", out _));
        await Cancel(customer, "period_end");
        Assert.Equal("enterprise", await Plan(customer));

        await Advance(32);

        Assert.Equal("canceled", (await Subscription(customer)).Text("status"));
        Assert.Equal("free", await Plan(customer));
        Assert.Equal(404, (await Post(customer, "cancel", "{}")).Status);
        Assert.Equal(260_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_pause_stops_invoices_until_it_is_resumed()
    {
        var (customer, _) = await shop.Subscribe("enterprise");

        Assert.Equal("paused", (await Post(customer, "pause", "{}")).Text("status"));
        Assert.Equal("free", await Plan(customer));
        await Advance(40);
        Assert.Equal(260_000m, await shop.Balance(customer));

        // By this server's clock, too, the period has passed.
        await Tables.Run(shop.ConnectionString, "update subscription set period_end = now() - interval '9 days'");
        Assert.Equal("active", (await Post(customer, "resume", "{}")).Text("status"));
        await shop.Delivered();
        Assert.Equal(("enterprise", 520_000m), (await Plan(customer), await shop.Balance(customer)));
        Assert.Equal((409, "nothing_to_resume"), (await Post(customer, "resume", "{}")).Code());
    }

    [Fact]
    public async Task Without_a_body_is_as_with_an_empty_one()
    {
        var (customer, _) = await shop.Subscribe("enterprise");

        foreach (var (what, status) in ((string, string)[])[("pause", "paused"), ("resume", "active"), ("cancel", "active")])
        {
            using var answer = await shop.Client.PostAsync(
                new Uri($"/v1/customers/{customer}/subscription/{what}", UriKind.Relative), null, TestContext.Current.CancellationToken);
            Assert.Equal((200, status), ((int)answer.StatusCode, (await shop.Subscription(customer)).Text("status")));
        }

        Assert.True((await shop.Subscription(customer)).Json.TryGetProperty("cancel_at", out _));
    }

    [Fact]
    public async Task What_is_left_of_a_period_after_a_pause_is_not_paid_for_again()
    {
        var (customer, _) = await shop.Subscribe("enterprise");
        var end = (await Subscription(customer)).Text("current_period_end");
        await Post(customer, "pause", "{}");

        var resumed = await Post(customer, "resume", "{}");
        await shop.Delivered();

        Assert.Equal(("active", end), (resumed.Text("status"), resumed.Text("current_period_end")));
        Assert.Equal(260_000m, await shop.Balance(customer));
        Assert.Single((await shop.Client.Read($"/v1/customers/{customer}/orders")).Json.GetProperty("data").EnumerateArray());
    }

    [Fact]
    public async Task A_pause_of_collecting_at_Stripe_brings_no_credits()
    {
        var (customer, _) = await shop.Subscribe("enterprise");
        await shop.Stripe.Post(
            $"/v1/subscriptions/{(await Subscription(customer)).Text("id")}", new() { { "pause_collection[behavior]", "void" } });

        await Advance(32);

        Assert.Equal(("active", 260_000m), ((await Subscription(customer)).Text("status"), await shop.Balance(customer)));
    }

    [Theory]
    [InlineData("unpaid", "unpaid", "free")]
    [InlineData("past_due", "past_due", "enterprise")]
    [InlineData("pause", "paused", "free")]
    public async Task A_renewal_that_is_never_paid_ends_as_the_account_says(string final, string status, string plan)
    {
        await shop.Stripe.Control("dunning", new { retries = new[] { 1, 1 }, final });
        var (customer, _) = await shop.Subscribe("enterprise");
        await shop.UseCard(customer, "pm_card_chargeCustomerFail");

        await Advance(32);
        await Advance(5);

        // Past due, it is the fortnight that ends the access, not the last attempt.
        Assert.Equal((status, plan), ((await Subscription(customer)).Text("status"), await Plan(customer)));
        Assert.Equal(260_000m, await shop.Balance(customer));
        Assert.Equal((409, "subscription_exists"), (await shop.TryCheckout(customer, """{"plan":"pro","interval":"month"}""")).Code());
    }

    [Fact]
    public async Task A_late_payment_brings_the_credits_of_its_period_and_the_access_back()
    {
        await shop.Stripe.Control("dunning", new { retries = new[] { 1, 1 }, final = "unpaid" });
        var (customer, _) = await shop.Subscribe("enterprise");
        await shop.UseCard(customer, "pm_card_chargeCustomerFail");
        await Advance(32);
        await Advance(5);

        await shop.UseCard(customer, "pm_card_visa");
        var open = await shop.Stripe.Get($"/v1/invoices?status=open&subscription={(await Subscription(customer)).Text("id")}");
        await shop.Stripe.Post($"/v1/invoices/{open.GetProperty("data")[0].GetProperty("id").GetString()}/pay");
        await shop.Delivered();

        Assert.Equal(("active", "enterprise"), ((await Subscription(customer)).Text("status"), await Plan(customer)));
        Assert.Equal(520_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_subscription_whose_customer_was_deleted_at_Stripe_before_we_heard_of_it_has_still_been_paid()
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"plan":"enterprise","interval":"month"}""");
        using (var quiet = new Quiet(shop))
        {
            await quiet.Begin();
            await shop.Stripe.Pay(session);
        }

        await shop.Stripe.Delete($"/v1/customers/{await shop.StripeCustomer(customer)}");
        await shop.Delivered();
        await Eventually.Holds(async () => (await shop.Order(order)).Text("state") == "paid");

        Assert.Equal(260_000m, await shop.Balance(customer));
        Assert.Equal("canceled", (await Subscription(customer)).Text("status"));
    }

    [Fact]
    public async Task What_a_checkout_has_offered_is_granted_whatever_the_catalog_says_by_then()
    {
        var customer = await shop.GivenCustomer();
        var (_, session) = await shop.Checkout(customer, """{"plan":"enterprise","interval":"month"}""");
        await Tables.Run(shop.ConnectionString, """
            update orders set terms = replace(terms, '"credits_micros":260000000000', '"credits_micros":300000000000')
            """);

        await shop.Stripe.Pay(session);
        await shop.Delivered();

        Assert.Equal(300_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_renewal_that_fails_is_given_time_and_then_ends()
    {
        var (customer, _) = await shop.Subscribe("pro", "month", "pm_card_chargeCustomerFail");
        Assert.Equal("pro", await Plan(customer));

        await Advance(15);

        Assert.Equal("past_due", (await Subscription(customer)).Text("status"));
        Assert.Equal("pro", await Plan(customer));
        Assert.Equal(5_000m, await shop.Balance(customer));

        await Advance(30);

        Assert.Equal("canceled", (await Subscription(customer)).Text("status"));
        Assert.Equal("free", await Plan(customer));
    }

    [Fact]
    public async Task A_first_payment_that_asks_for_confirmation_brings_nothing_before_it()
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"plan":"enterprise","interval":"month"}""");
        var asked = await shop.Stripe.Pay(session, "pm_card_threeDSecure2Required");
        await shop.Delivered();
        Assert.Equal(0m, await shop.Balance(customer));

        await shop.Stripe.Control($"payments/{Intent(asked)}/authenticate", new { success = true });
        await shop.Delivered();

        Assert.Equal(260_000m, await shop.Balance(customer));
        Assert.Equal("paid", (await shop.Order(order)).Text("state"));
    }

    [Fact]
    public async Task A_first_payment_that_nobody_confirms_ends_without_a_subscription()
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"plan":"enterprise","interval":"month"}""");
        await shop.Stripe.Pay(session, "pm_card_threeDSecure2Required");

        await Advance(2);

        Assert.Equal(("expired", 0m), ((await shop.Order(order)).Text("state"), await shop.Balance(customer)));
        Assert.Equal((404, "free"), ((await Subscription(customer)).Status, await Plan(customer)));
        Assert.Equal(201, (await shop.TryCheckout(customer, """{"plan":"pro","interval":"month"}""")).Status);
    }

    [Fact]
    public async Task A_renewal_that_asks_for_confirmation_brings_its_credits_after_it()
    {
        var (customer, _) = await shop.Subscribe("enterprise");
        var id = (await Subscription(customer)).Text("id");
        await shop.UseCard(customer, "pm_card_authenticationRequired");
        await Advance(32);
        Assert.Equal(("past_due", 260_000m), ((await Subscription(customer)).Text("status"), await shop.Balance(customer)));

        var open = (await shop.Stripe.Get($"/v1/invoices?status=open&subscription={id}")).GetProperty("data")[0].GetProperty("id").GetString();
        var payment = (await shop.Stripe.Get($"/v1/invoice_payments?invoice={open}")).GetProperty("data")[0].GetProperty("payment");
        await shop.Stripe.Control($"payments/{payment.GetProperty("payment_intent").GetString()}/authenticate", new { success = true });
        await shop.Delivered();

        Assert.Equal(("active", 520_000m), ((await Subscription(customer)).Text("status"), await shop.Balance(customer)));
    }

    [Fact]
    public async Task Whoever_has_no_subscription_has_everybodys_plan()
    {
        var customer = await shop.GivenCustomer();

        Assert.Equal(404, (await shop.Client.Read($"/v1/customers/{customer}/subscription")).Status);
        var entitlements = await shop.Client.Read($"/v1/customers/{customer}/entitlements");
        Assert.Equal("free", entitlements.Text("plan"));
        Assert.Equal(1, entitlements.Json.GetProperty("features").GetProperty("projects").GetInt32());
        Assert.Equal(404, (await shop.Client.Read("/v1/customers/nobody/entitlements")).Status);
        Assert.Equal(404, (await Post(customer, "change", """{"plan":"pro"}""")).Status);
    }

    [Fact]
    public async Task A_change_asked_for_again_answers_as_the_first_time()
    {
        var (customer, _) = await shop.Subscribe("enterprise", "month");

        var first = await shop.Client.Post($"/v1/customers/{customer}/subscription/cancel", """{"when":"period_end"}""", "key");
        await Post(customer, "resume", "{}");
        var again = await shop.Client.Post($"/v1/customers/{customer}/subscription/cancel", """{"when":"period_end"}""", "key");
        var other = await shop.Client.Post($"/v1/customers/{customer}/subscription/cancel", """{"when":"now"}""", "key");

        Assert.Equal((first.Body, true), (again.Body, again.Replayed));
        Assert.Equal((409, "idempotency_key_reused"), other.Code());
        Assert.False((await Subscription(customer)).Json.TryGetProperty("cancel_at", out _));
    }

    [Fact]
    public async Task The_portal_is_a_page_for_this_customer()
    {
        var customer = await shop.GivenCustomer();

        var portal = await shop.Client.Post($"/v1/customers/{customer}/portal", """{"return_url":"https://shop.example/"}""");

        Assert.Equal(201, portal.Status);
        Assert.Contains("/portal/", portal.Text("url"), StringComparison.Ordinal);
        Assert.Equal(400, (await shop.Client.Post($"/v1/customers/{customer}/portal", """{"return_url":"here"}""")).Status);
    }

    async Task Advance(int days) => clock = await shop.Advance(clock, days);

    Task<Answered> Subscription(string customer) => shop.Subscription(customer);

    Task<string> Plan(string customer) => shop.Plan(customer);

    Task<Answered> Post(string customer, string what, string body) => shop.Subscription(customer, what, body);

    Task<Answered> Cancel(string customer, string when) => Post(customer, "cancel", $$"""{"when":"{{when}}"}""");

    static string Intent(JsonElement page) =>
        page.GetProperty("payment_intent") is { ValueKind: JsonValueKind.Object } intent
            ? intent.GetProperty("id").GetString()!
            : page.GetProperty("payment_intent").GetString()!;
}
