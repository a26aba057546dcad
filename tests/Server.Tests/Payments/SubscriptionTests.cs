using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Payments;

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
        var (customer, order) = await Subscribed("enterprise", "month");

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
        var (customer, order) = await Subscribed("pro", "month");

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
        var (customer, _) = await Subscribed("pro", "month");
        foreach (var days in (int[])[15, 32, 31, 31]) await Advance(days);

        // Five thousand of the trial and twenty thousand a month, of which forty thousand may stand.
        Assert.Equal(40_000m, await shop.Balance(customer));
        var entries = await shop.Purser.Entries.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct);
        Assert.Contains(entries, entry => entry is { Kind: Purser.Client.EntryKind.Expiry, Reason: "rollover cap" });
    }

    [Fact]
    public async Task A_year_is_paid_at_once_and_granted_by_the_month()
    {
        var (customer, order) = await Subscribed("enterprise", "year");
        Assert.Equal(260_000m, await shop.Balance(customer));

        var invoices = shop.Services.GetRequiredService<Invoices>();
        await invoices.GrantDueMonths(clock.AddDays(20), Ct);
        Assert.Equal(260_000m, await shop.Balance(customer));
        await invoices.GrantDueMonths(clock.AddDays(32), Ct);
        await invoices.GrantDueMonths(clock.AddDays(32), Ct);
        Assert.Equal(520_000m, await shop.Balance(customer));
        for (var month = 2; month <= 14; month++) await invoices.GrantDueMonths(clock.AddDays(31 * month), Ct);

        Assert.Equal(3_120_000m, await shop.Balance(customer));
        var paid = (await shop.Order(order)).Json.GetProperty("money").GetProperty("minor").GetInt64();
        Assert.Equal(paid, (await Tables.Read<long>(shop.ConnectionString, "select sum(paid_minor)::bigint from order_grant")).Single());
    }

    [Fact]
    public async Task A_customer_has_one_subscription()
    {
        var (customer, _) = await Subscribed("enterprise", "month");

        var second = await shop.TryCheckout(customer, """{"plan":"pro","interval":"month"}""");

        Assert.Equal((409, "subscription_exists"), Code(second));
        Assert.Contains("/subscription/change", second.Error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_upgrade_costs_and_brings_what_its_preview_said()
    {
        var (customer, _) = await Subscribed("pro", "month");
        await Advance(15);
        await Advance(10);
        var before = await shop.Balance(customer);
        var at = clock.ToString("yyyy-MM-ddTHH:mm:ssZ", null);

        var preview = await Post(customer, "preview", $$"""{"plan":"team","at":"{{at}}"}""");
        var changed = await Post(customer, "change", $$"""{"plan":"team","at":"{{at}}"}""");
        await shop.Delivered();

        Assert.Equal((200, 200), (preview.Status, changed.Status));
        Assert.Equal("team", changed.Text("plan"));
        Assert.Equal(before + preview.Number("credits"), await shop.Balance(customer));
        Assert.InRange(preview.Number("credits"), 1, 40_000);
        var newest = (await shop.Client.Read($"/v1/customers/{customer}/orders?limit=1")).Json.GetProperty("data")[0];
        Assert.Equal(
            preview.Json.GetProperty("due").GetProperty("minor").GetInt64(), newest.GetProperty("money").GetProperty("minor").GetInt64());
        Assert.Equal("team", await Plan(customer));
    }

    [Fact]
    public async Task A_downgrade_waits_for_the_next_period()
    {
        var (customer, _) = await Subscribed("enterprise", "month");

        var preview = await Post(customer, "preview", """{"plan":"pro"}""");
        var changed = await Post(customer, "change", """{"plan":"pro"}""");
        await shop.Delivered();

        Assert.Equal(("next_period", 0m), (preview.Text("when"), preview.Number("credits")));
        Assert.Equal(("enterprise", "pro"), (changed.Text("plan"), changed.Json.GetProperty("pending_change").GetProperty("plan").GetString()));
        Assert.Equal("enterprise", await Plan(customer));
        Assert.Equal(260_000m, await shop.Balance(customer));

        await Advance(32);

        Assert.Equal(("pro", false), ((await Subscription(customer)).Text("plan"), (await Subscription(customer)).Json.TryGetProperty("pending_change", out _)));
        Assert.Equal("pro", await Plan(customer));
        Assert.Equal(40_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_change_without_proration_costs_nothing_and_brings_nothing_until_the_next_period()
    {
        var (customer, _) = await Subscribed("pro", "month");
        await Advance(15);

        var changed = await Post(customer, "change", """{"plan":"team","when":"none"}""");
        await shop.Delivered();

        Assert.Equal("team", changed.Text("plan"));
        Assert.Equal(25_000m, await shop.Balance(customer));
        await Advance(32);
        Assert.Equal(85_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task Another_interval_begins_a_new_period_now()
    {
        var (customer, _) = await Subscribed("enterprise", "month");

        Assert.Equal((409, "interval_changes_now"), Code(await Post(customer, "change", """{"plan":"enterprise","interval":"year","when":"next_period"}""")));
        var changed = await Post(customer, "change", """{"plan":"enterprise","interval":"year"}""");
        await shop.Delivered();

        Assert.Equal(("enterprise", "year"), (changed.Text("plan"), changed.Text("interval")));
        Assert.Equal(520_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task What_cannot_be_paid_does_not_change()
    {
        var (customer, _) = await Subscribed("pro", "month");
        await Advance(15);
        var subscription = (await Subscription(customer)).Text("id");
        var card = await shop.Stripe.Post(
            "/v1/payment_methods/pm_card_chargeCustomerFail/attach", new() { { "customer", await shop.StripeCustomer(customer) } });
        await shop.Stripe.Post(
            $"/v1/subscriptions/{subscription}", new() { { "default_payment_method", card.GetProperty("id").GetString() } });

        var changed = await Post(customer, "change", """{"plan":"team"}""");
        await shop.Delivered();

        Assert.Equal((200, "pro"), (changed.Status, changed.Text("plan")));
        Assert.StartsWith("http", changed.Text("payment_url"), StringComparison.Ordinal);
        Assert.Equal("pro", await Plan(customer));
        Assert.Equal(25_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_cancellation_is_taken_back_or_takes_effect_at_the_periods_end()
    {
        var (customer, _) = await Subscribed("enterprise", "month");

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
        var (customer, _) = await Subscribed("enterprise", "month");

        Assert.Equal("paused", (await Post(customer, "pause", "{}")).Text("status"));
        Assert.Equal("free", await Plan(customer));
        await Advance(40);
        Assert.Equal(260_000m, await shop.Balance(customer));

        Assert.Equal("active", (await Post(customer, "resume", "{}")).Text("status"));
        await shop.Delivered();
        Assert.Equal("enterprise", await Plan(customer));
        Assert.Equal((409, "nothing_to_resume"), Code(await Post(customer, "resume", "{}")));
    }

    [Fact]
    public async Task A_renewal_that_fails_is_given_time_and_then_ends()
    {
        var (customer, _) = await Subscribed("pro", "month", "pm_card_chargeCustomerFail");
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
    public async Task A_subscriptions_order_is_refunded_like_any_other()
    {
        var (customer, order) = await Subscribed("enterprise", "month");

        var refund = await shop.Client.Post($"/v1/orders/{order}/refund", """{"reason":"not needed"}""");

        Assert.Equal((201, "succeeded"), (refund.Status, refund.Text("state")));
        Assert.Equal(0m, await shop.Balance(customer));
        Assert.Equal("refunded", (await shop.Order(order)).Text("state"));
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
        var (customer, _) = await Subscribed("enterprise", "month");

        var first = await shop.Client.Post($"/v1/customers/{customer}/subscription/cancel", """{"when":"period_end"}""", "key");
        await Post(customer, "resume", "{}");
        var again = await shop.Client.Post($"/v1/customers/{customer}/subscription/cancel", """{"when":"period_end"}""", "key");
        var other = await shop.Client.Post($"/v1/customers/{customer}/subscription/cancel", """{"when":"now"}""", "key");

        Assert.Equal((first.Body, true), (again.Body, again.Replayed));
        Assert.Equal((409, "idempotency_key_reused"), Code(other));
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

    async Task<(string Customer, string Order)> Subscribed(string plan, string interval, string card = "pm_card_visa")
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, $$"""{"plan":"{{plan}}","interval":"{{interval}}"}""");
        await shop.Stripe.Pay(session, card);
        await shop.Delivered();
        return (customer, order);
    }

    async Task Advance(int days)
    {
        // A little more: an invoice is a draft for an hour.
        clock = clock.AddDays(days).AddHours(3);
        await shop.Stripe.Control("clock", new { now = clock.ToUnixTimeSeconds() });
        await shop.Delivered();
    }

    Task<Answered> Subscription(string customer) => shop.Client.Read($"/v1/customers/{customer}/subscription");

    async Task<string> Plan(string customer) => (await shop.Client.Read($"/v1/customers/{customer}/entitlements")).Text("plan");

    Task<Answered> Post(string customer, string what, string body) => shop.Client.Post($"/v1/customers/{customer}/subscription/{what}", body);

    Task<Answered> Cancel(string customer, string when) => Post(customer, "cancel", $$"""{"when":"{{when}}"}""");

    static string Intent(JsonElement page) =>
        page.GetProperty("payment_intent") is { ValueKind: JsonValueKind.Object } intent
            ? intent.GetProperty("id").GetString()!
            : page.GetProperty("payment_intent").GetString()!;

    static (int, string?) Code(Answered answer) => (answer.Status, answer.Error.GetProperty("code").GetString());
}
