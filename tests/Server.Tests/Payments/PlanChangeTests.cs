using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Payments;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>Another plan or another interval, up and down: what it costs, what it brings, and what it must never give away.</summary>
public sealed class PlanChangeTests : IAsyncLifetime
{
    // Each test has an account of its own: its clock is moved.
    readonly Shop shop = new();
    DateTimeOffset clock = TimeProvider.System.GetUtcNow();

    public ValueTask InitializeAsync() => shop.InitializeAsync();

    public ValueTask DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task An_upgrade_costs_and_brings_what_its_preview_said()
    {
        var customer = await OnPro();
        await Advance(10);
        var before = await shop.Balance(customer);
        var at = clock.ToString("yyyy-MM-ddTHH:mm:ssZ", null);

        var preview = await shop.Subscription(customer, "preview", $$"""{"plan":"team","at":"{{at}}"}""");
        var changed = await shop.Subscription(customer, "change", $$"""{"plan":"team","at":"{{at}}"}""");
        await shop.Delivered();

        Assert.Equal((200, 200), (preview.Status, changed.Status));
        Assert.Equal("team", changed.Text("plan"));
        Assert.Equal(before + preview.Number("credits"), await shop.Balance(customer));
        Assert.InRange(preview.Number("credits"), 1, 40_000);
        Assert.Equal(preview.Minor("due"), (await Newest(customer)).GetProperty("money").GetProperty("minor").GetInt64());
        Assert.Equal("team", await shop.Plan(customer));
    }

    [Fact]
    public async Task A_downgrade_waits_for_the_next_period()
    {
        var (customer, _) = await shop.Subscribe("enterprise");

        var preview = await shop.Subscription(customer, "preview", """{"plan":"pro"}""");
        var changed = await shop.Subscription(customer, "change", """{"plan":"pro"}""");
        await shop.Delivered();

        Assert.Equal(("next_period", 0m), (preview.Text("when"), preview.Number("credits")));
        Assert.Equal(("enterprise", "pro"), (changed.Text("plan"), changed.Json.GetProperty("pending_change").GetProperty("plan").GetString()));
        Assert.Equal("enterprise", await shop.Plan(customer));
        Assert.Equal(260_000m, await shop.Balance(customer));

        await Advance(32);

        var after = await shop.Subscription(customer);
        Assert.Equal(("pro", false), (after.Text("plan"), after.Json.TryGetProperty("pending_change", out _)));
        Assert.Equal("pro", await shop.Plan(customer));
        Assert.Equal(40_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_downgrade_that_waits_is_taken_back_for_nothing()
    {
        var (customer, _) = await shop.Subscribe("enterprise");
        await shop.Subscription(customer, "change", """{"plan":"pro"}""");

        Assert.Equal((409, "change_pending"), (await shop.Subscription(customer, "change", """{"plan":"team","when":"now"}""")).Code());
        var preview = await shop.Subscription(customer, "preview", """{"plan":"enterprise"}""");
        var changed = await shop.Subscription(customer, "change", """{"plan":"enterprise","when":"now"}""");
        await shop.Delivered();

        Assert.Equal((0L, 0m), (preview.Minor("due"), preview.Number("credits")));
        Assert.Equal(("enterprise", false), (changed.Text("plan"), changed.Json.TryGetProperty("pending_change", out _)));
        Assert.Equal(260_000m, await shop.Balance(customer));
        Assert.Single(await Orders(customer));
        await Advance(32);
        Assert.Equal(("enterprise", 520_000m), (await shop.Plan(customer), await shop.Balance(customer)));
    }

    // Stripe has the later plan's price: it must not be taken for the customer's because nobody knows what became of a call.
    [Theory]
    [InlineData("""{"plan":"enterprise"}""", "enterprise")]
    [InlineData("""{"plan":"team","when":"next_period"}""", "team")]
    [InlineData("""{"plan":"team","when":"none"}""", "team")]
    public async Task A_downgrade_that_waits_goes_on_waiting_where_Stripe_does_not_answer(string body, string then)
    {
        var (customer, _) = await shop.Subscribe("enterprise");
        await shop.Services.GetRequiredService<StripeSetup>().Run(null, TextWriter.Null, TestContext.Current.CancellationToken);
        await shop.Subscription(customer, "change", """{"plan":"pro"}""");
        await shop.Delivered();
        await shop.Stripe.Control("faults", new { kind = "error_500_no_retry", count = 1 });

        var lost = await shop.Client.Post($"/v1/customers/{customer}/subscription/change", body, "key");
        await shop.Redeliver();

        Assert.Equal((503, "enterprise"), (lost.Status, (await shop.Subscription(customer)).Text("plan")));
        var again = await shop.Client.Post($"/v1/customers/{customer}/subscription/change", body, "key-2");
        Assert.Equal(200, again.Status);
        await Advance(32);
        Assert.Equal(then, await shop.Plan(customer));
    }

    [Fact]
    public async Task A_downgrade_that_waits_is_forgotten_when_the_subscription_ends()
    {
        var (customer, _) = await shop.Subscribe("enterprise");
        await shop.Subscription(customer, "change", """{"plan":"pro"}""");
        var canceled = await shop.Subscription(customer, "cancel", """{"when":"period_end"}""");
        Assert.Equal("enterprise", canceled.Text("plan"));

        await Advance(32);

        var after = await shop.Subscription(customer);
        Assert.Equal(("canceled", false), (after.Text("status"), after.Json.TryGetProperty("pending_change", out _)));
        Assert.Equal(("free", 260_000m), (await shop.Plan(customer), await shop.Balance(customer)));
    }

    [Fact]
    public async Task A_downgrade_now_takes_the_credits_whose_money_it_gives_back()
    {
        var (customer, order) = await shop.Subscribe("enterprise");
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 100_000 }, TestContext.Current.CancellationToken);

        var preview = await shop.Subscription(customer, "preview", """{"plan":"pro","when":"now"}""");
        var changed = await shop.Subscription(customer, "change", $$"""{"plan":"pro","when":"now","at":"{{preview.Text("at")}}"}""");
        await shop.Delivered();
        await shop.Redeliver();

        // Nearly all of the month is left: some 240,000 of 260,000 go, and 80,000 of them are spent.
        Assert.Equal("pro", changed.Text("plan"));
        Assert.InRange(preview.Number("credits"), -240_000, -239_000);
        var balance = await shop.Purser.Balances.GetAsync(customer, TestContext.Current.CancellationToken);
        Assert.Equal((0m, -preview.Number("credits") - 160_000), (balance.Balance, balance.Owed));
        // Its value is with the customer at Stripe already: nothing of it is left to be refunded.
        Assert.Equal(
            (409, "nothing_to_refund"), (await shop.Client.Post($"/v1/orders/{order}/refund", """{"reason":"all of it"}""")).Code());
        await shop.Verified();
    }

    [Fact]
    public async Task What_a_downgrade_gave_back_is_not_refunded_once_more()
    {
        var (customer, order) = await shop.Subscribe("enterprise");
        await shop.Subscription(customer, "change", """{"plan":"team","when":"now"}""");
        await shop.Delivered();
        var back = -await AtStripe(customer);
        Assert.InRange(back, 14_000, 16_000);

        Assert.Equal("money", (await Refund(19_900)).Error.GetProperty("param").GetString());
        Assert.Equal("money", (await Refund(19_901 - back)).Error.GetProperty("param").GetString());
        Assert.Equal(201, (await Refund(19_900 - back)).Status);
        // The credits of what was left went with it.
        Assert.InRange(await shop.Balance(customer), 0, 100);
        await shop.Verified();

        Task<Answered> Refund(long minor) =>
            shop.Client.Post($"/v1/orders/{order}/refund", $$$"""{"money":{"minor":{{{minor}}}},"reason":"all of it"}""");
    }

    // Stripe would give back for the rest of the period what the refund has given back already.
    [Theory]
    [InlineData("pm_card_visa", "succeeded")]
    [InlineData("pm_card_pendingRefund", "pending")]
    public async Task A_period_whose_money_went_back_is_not_given_back_by_a_change(string card, string state)
    {
        var (customer, order) = await shop.Subscribe("enterprise", card: card);
        var refund = await shop.Client.Post($"/v1/orders/{order}/refund", """{"reason":"all of it"}""");
        Assert.Equal(state, refund.Text("state"));

        foreach (var body in (string[])["""{"plan":"team","when":"now"}""", """{"plan":"enterprise","interval":"year"}"""])
        {
            Assert.Equal((409, "period_refunded"), (await shop.Subscription(customer, "preview", body)).Code());
            Assert.Equal((409, "period_refunded"), (await shop.Subscription(customer, "change", body)).Code());
        }

        Assert.Equal(200, (await shop.Subscription(customer, "change", """{"plan":"team","when":"none"}""")).Status);
        Assert.Equal(200, (await shop.Subscription(customer, "change", """{"plan":"pro","when":"next_period"}""")).Status);
        await shop.Delivered();
        Assert.Equal(0, await AtStripe(customer));
        Assert.Equal(0m, (await shop.Purser.Balances.GetAsync(customer, TestContext.Current.CancellationToken)).Available);
    }

    [Fact]
    public async Task A_period_whose_payment_is_disputed_is_not_given_back_by_a_change()
    {
        var (customer, order) = await shop.Subscribe("enterprise", card: "pm_card_createDispute");
        Assert.Equal("disputed", (await shop.Order(order)).Text("state"));

        Assert.Equal((409, "period_refunded"), (await shop.Subscription(customer, "change", """{"plan":"team","when":"now"}""")).Code());
    }

    [Fact]
    public async Task A_refund_of_the_last_period_keeps_nobody_from_changing_in_this_one()
    {
        var (customer, order) = await shop.Subscribe("enterprise");
        await Advance(32);
        await shop.Client.Post($"/v1/orders/{order}/refund", """{"credits":1000,"reason":"an outage last month"}""");

        Assert.Equal(200, (await shop.Subscription(customer, "change", """{"plan":"team","when":"now"}""")).Status);
    }

    [Fact]
    public async Task Changing_up_and_down_again_and_again_brings_nothing()
    {
        var (customer, _) = await shop.Subscribe("enterprise");

        for (var i = 0; i < 3; i++)
        {
            await shop.Subscription(customer, "change", """{"plan":"pro","when":"now"}""");
            await shop.Subscription(customer, "change", """{"plan":"enterprise","when":"now"}""");
            await shop.Subscription(customer, "change", """{"plan":"enterprise","interval":"year"}""");
            await shop.Subscription(customer, "change", """{"plan":"enterprise","interval":"month"}""");
        }

        await shop.Delivered();
        // A second here and there was used of a plan before it was left.
        var balance = await shop.Purser.Balances.GetAsync(customer, TestContext.Current.CancellationToken);
        Assert.InRange(balance.Balance - balance.Owed, 260_000, 261_000);
        await shop.Redeliver();
        await shop.MonthsBegin(clock.AddDays(400));
        Assert.Equal(balance.Balance, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_change_without_proration_costs_nothing_and_brings_nothing_until_the_next_period()
    {
        var customer = await OnPro();

        var changed = await shop.Subscription(customer, "change", """{"plan":"team","when":"none"}""");
        await shop.Delivered();

        Assert.Equal("team", changed.Text("plan"));
        Assert.Equal(25_000m, await shop.Balance(customer));
        await Advance(32);
        Assert.Equal(85_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task Another_interval_begins_a_new_period_now()
    {
        var (customer, _) = await shop.Subscribe("enterprise");
        await Advance(10);

        Assert.Equal(
            (409, "interval_changes_now"),
            (await shop.Subscription(customer, "change", """{"plan":"enterprise","interval":"year","when":"next_period"}""")).Code());
        var at = clock.ToString("yyyy-MM-ddTHH:mm:ssZ", null);
        var preview = await shop.Subscription(customer, "preview", $$"""{"plan":"enterprise","interval":"year","at":"{{at}}"}""");
        var changed = await shop.Subscription(customer, "change", $$"""{"plan":"enterprise","interval":"year","at":"{{at}}"}""");
        await shop.Delivered();

        Assert.Equal(("enterprise", "year"), (changed.Text("plan"), changed.Text("interval")));
        Assert.Equal(preview.Minor("due"), (await Newest(customer)).GetProperty("money").GetProperty("minor").GetInt64());
        // A month comes, and what was left of the other goes with its money.
        Assert.InRange(preview.Number("credits"), 50_000, 110_000);
        Assert.Equal(260_000m + preview.Number("credits"), await shop.Balance(customer));
    }

    [Fact]
    public async Task A_year_that_is_left_for_a_month_brings_no_more_months()
    {
        var (customer, _) = await shop.Subscribe("enterprise", "year");

        await shop.Subscription(customer, "change", """{"plan":"enterprise","interval":"month"}""");
        await shop.Delivered();
        var after = await shop.Balance(customer);
        await shop.MonthsBegin(clock.AddDays(400));

        Assert.InRange(after, 260_000, 261_000);
        Assert.Equal(after, await shop.Balance(customer));
    }

    [Fact]
    public async Task What_cannot_be_paid_does_not_change_until_it_is()
    {
        var customer = await OnPro();
        await shop.UseCard(customer, "pm_card_authenticationRequired");

        var changed = await shop.Subscription(customer, "change", """{"plan":"team"}""");
        await shop.Delivered();

        Assert.Equal((200, "pro"), (changed.Status, changed.Text("plan")));
        Assert.Equal(("pro", 25_000m), (await shop.Plan(customer), await shop.Balance(customer)));

        var invoice = new Uri(changed.Text("payment_url")).Segments[^1];
        var paid = await shop.Stripe.Get($"/v1/invoice_payments?invoice={invoice}");
        var intent = paid.GetProperty("data")[0].GetProperty("payment").GetProperty("payment_intent").GetString();
        await shop.Stripe.Control($"payments/{intent}/authenticate", new { success = true });
        await shop.Delivered();

        Assert.Equal("team", await shop.Plan(customer));
        Assert.InRange(await shop.Balance(customer), 60_000, 65_000);
    }

    [Theory]
    [InlineData("change", """{"plan":"enterprise"}""", true)]
    [InlineData("change", """{"plan":"team","when":"none"}""", false)]
    [InlineData("cancel", """{"when":"now"}""", false)]
    public async Task A_change_that_waits_for_its_payment_cannot_be_paid_after_another_or_the_end(string what, string body, bool waits)
    {
        var customer = await OnPro();
        await shop.UseCard(customer, "pm_card_authenticationRequired");
        var first = await shop.Subscription(customer, "change", """{"plan":"team"}""");
        var invoice = new Uri(first.Text("payment_url")).Segments[^1];
        Assert.Equal("open", (await shop.Stripe.Get($"/v1/invoices/{invoice}")).GetProperty("status").GetString());

        var second = await shop.Subscription(customer, what, body);
        await shop.Delivered();

        Assert.Equal((200, waits), (second.Status, second.Json.TryGetProperty("payment_url", out _)));
        Assert.Equal("void", (await shop.Stripe.Get($"/v1/invoices/{invoice}")).GetProperty("status").GetString());
        var subscription = (await shop.Subscription(customer)).Text("id");
        var open = (await shop.Stripe.Get($"/v1/invoices?subscription={subscription}&status=open")).GetProperty("data");
        Assert.Equal(waits ? 1 : 0, open.GetArrayLength());
    }

    [Fact]
    public async Task A_change_that_nobody_pays_for_is_dropped_and_can_be_made_again()
    {
        var customer = await OnPro();
        await shop.UseCard(customer, "pm_card_authenticationRequired");
        await shop.Subscription(customer, "change", """{"plan":"team"}""");

        await Advance(2);

        Assert.Equal(("pro", 25_000m), (await shop.Plan(customer), await shop.Balance(customer)));
        await shop.UseCard(customer, "pm_card_visa");
        var again = await shop.Subscription(customer, "change", """{"plan":"team"}""");
        await shop.Delivered();
        Assert.Equal("team", again.Text("plan"));
        Assert.InRange(await shop.Balance(customer), 60_000, 65_000);
    }

    [Fact]
    public async Task What_is_not_paid_for_is_not_changed_and_not_given_back()
    {
        var (customer, _) = await shop.Subscribe("enterprise");
        await shop.UseCard(customer, "pm_card_chargeCustomerFail");
        await Advance(32);
        Assert.Equal("past_due", (await shop.Subscription(customer)).Text("status"));

        var changed = await shop.Subscription(customer, "change", """{"plan":"pro","when":"now"}""");

        Assert.Equal((409, "subscription_not_active"), changed.Code());
        Assert.Equal(260_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_change_that_nobody_told_of_is_found_a_month_later_for_what_it_was()
    {
        var customer = await OnPro();
        decimal expected;
        using (var quiet = new Quiet(shop))
        {
            await quiet.Begin();
            await Advance(10);
            var at = clock.ToString("yyyy-MM-ddTHH:mm:ssZ", null);
            expected = (await shop.Subscription(customer, "preview", $$"""{"plan":"team","at":"{{at}}"}""")).Number("credits");
            await shop.ChangeAtStripe(customer, "team", "month", "always_invoice");
            await Advance(31);
            await shop.Reconcile();
        }

        // What was left of that month then, and the whole of the next one; a second may have passed until it was changed.
        Assert.InRange(await shop.Balance(customer), 25_000m + expected + 60_000m - 1, 25_000m + expected + 60_000m);
        Assert.Empty(await shop.Reconcile());
    }

    // The cap of the new plan would cut down what the change should have taken, and the change would take what is left.
    [Fact]
    public async Task A_renewal_that_is_told_before_the_change_before_it_counts_after_it()
    {
        var (customer, _) = await shop.Subscribe("enterprise");
        var subscription = (await shop.Subscription(customer)).Text("id");
        using var quiet = new Quiet(shop);
        await quiet.Begin();
        await shop.ChangeAtStripe(customer, "team", "month", "always_invoice");
        await Advance(32);

        var renewal = (await shop.Stripe.Get($"/v1/invoices?subscription={subscription}")).GetProperty("data")[0];
        Assert.Equal("subscription_cycle", renewal.GetProperty("billing_reason").GetString());
        await shop.Services.GetRequiredService<Invoices>().Look(
            renewal.GetProperty("id").GetString()!, TestContext.Current.CancellationToken);

        var balance = await shop.Purser.Balances.GetAsync(customer, TestContext.Current.CancellationToken);
        Assert.InRange(balance.Balance, 120_000, 121_000);
        Assert.Equal(0m, balance.Owed);
    }

    // A portal that prorates puts both lines on the next invoice.
    [Fact]
    public async Task A_downgrade_at_Stripe_that_is_settled_with_the_next_invoice_takes_its_credits_with_it()
    {
        var (customer, _) = await shop.Subscribe("enterprise");
        await shop.ChangeAtStripe(customer, "team", "month", "create_prorations");
        await shop.Delivered();
        Assert.Equal(260_000m, await shop.Balance(customer));

        await Advance(32);

        Assert.InRange(await shop.Balance(customer), 120_000, 121_000);
    }

    [Fact]
    public async Task Credits_of_a_plan_that_the_catalog_has_lost_are_not_lost()
    {
        var customer = await OnPro();
        await Tables.Run(shop.ConnectionString, "update stripe_price set code = 'gone' where code = 'pro'");

        await Advance(32);

        var failed = (await shop.Client.Read("/v1/webhook-events?state=failed")).Json.GetProperty("data").EnumerateArray();
        Assert.Contains(failed, one => one.GetProperty("error").GetString()!.Contains("the plan 'gone'", StringComparison.Ordinal));
        await Tables.Run(shop.ConnectionString, "update stripe_price set code = 'pro' where code = 'gone'");
        await Tables.Run(shop.ConnectionString, "update webhook_event set next_attempt_at = now() where state = 4");
        await Eventually.Holds(async () => await shop.Balance(customer) == 40_000m);
    }

    /// <summary>Past its trial: 5,000 credits of that, and the first month's 20,000.</summary>
    async Task<string> OnPro()
    {
        var (customer, _) = await shop.Subscribe("pro");
        await Advance(15);
        Assert.Equal(25_000m, await shop.Balance(customer));
        return customer;
    }

    async Task Advance(int days) => clock = await shop.Advance(clock, days);

    /// <summary>What stands on the customer's balance at Stripe: less than nothing is the customer's.</summary>
    async Task<long> AtStripe(string customer) =>
        (await shop.Stripe.Get($"/v1/customers/{await shop.StripeCustomer(customer)}")).GetProperty("balance").GetInt64();

    async Task<JsonElement> Newest(string customer) => (await Orders(customer))[0];

    async Task<List<JsonElement>> Orders(string customer) =>
        [.. (await shop.Client.Read($"/v1/customers/{customer}/orders")).Json.GetProperty("data").EnumerateArray()];
}
