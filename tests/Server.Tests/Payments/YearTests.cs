namespace Purser.Server.Tests.Payments;

/// <summary>A year is paid at once and granted by the month: until it ends, is paused, disputed, or its money goes back.</summary>
public sealed class YearTests : IAsyncLifetime
{
    readonly Shop shop = new();
    readonly DateTimeOffset start = TimeProvider.System.GetUtcNow();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => shop.InitializeAsync();

    public ValueTask DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task A_year_is_paid_at_once_and_granted_by_the_month()
    {
        var (customer, order) = await shop.Subscribe("enterprise", "year");
        Assert.Equal(260_000m, await shop.Balance(customer));

        await Begin(days: 20);
        Assert.Equal(260_000m, await shop.Balance(customer));
        await Task.WhenAll(Begin(days: 32), Begin(days: 32));
        Assert.Equal(520_000m, await shop.Balance(customer));
        await Begin(days: 400);

        Assert.Equal(3_120_000m, await shop.Balance(customer));
        var paid = (await shop.Order(order)).Minor();
        Assert.Equal(paid, (await Tables.Read<long>(shop.ConnectionString, "select sum(paid_minor)::bigint from order_grant")).Single());
    }

    [Fact]
    public async Task A_catalog_that_changes_does_not_touch_what_was_paid_for()
    {
        var (customer, _) = await shop.Subscribe("enterprise", "year");
        await Tables.Run(shop.ConnectionString, "update paid_months set coming = coming * 2");

        await Begin(days: 32);

        // What comes is what was written down when it was paid, and not what the catalog includes by now.
        Assert.Equal(780_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task One_whose_months_cannot_be_granted_does_not_keep_the_next_one_from_theirs()
    {
        var (broken, _) = await shop.Subscribe("enterprise", "year");
        await Tables.Run(shop.ConnectionString, "update paid_months set identity = 'a' || identity; update subscription set plan = 'gone'");
        var (customer, _) = await shop.Subscribe("enterprise", "year");

        await Begin(days: 32);

        Assert.Equal((260_000m, 520_000m), (await shop.Balance(broken), await shop.Balance(customer)));
    }

    [Fact]
    public async Task A_pause_keeps_the_months_and_its_end_brings_them()
    {
        var (customer, _) = await shop.Subscribe("enterprise", "year");
        await shop.Subscription(customer, "pause");

        await Begin(days: 63);
        Assert.Equal(260_000m, await shop.Balance(customer));

        await shop.Subscription(customer, "resume");
        await Begin(days: 63);
        Assert.Equal(780_000m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_subscription_that_was_ended_brings_no_more_months()
    {
        var (customer, order) = await shop.Subscribe("enterprise", "year");
        await shop.Subscription(customer, "cancel", """{"when":"now"}""");

        await Begin(days: 400);
        Assert.Equal(260_000m, await shop.Balance(customer));

        // What will not come was paid for all the same.
        var refund = await shop.Client.Post($"/v1/orders/{order}/refund", """{"reason":"ended"}""");
        Assert.Equal((3_120_000m, 199_000L), (refund.Number("credits"), refund.Minor()));
    }

    [Fact]
    public async Task A_refund_gives_the_price_of_the_months_that_are_left_and_they_do_not_come()
    {
        var (customer, order) = await shop.Subscribe("enterprise", "year");
        await Begin(days: 32);
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 390_000 }, Ct);

        var refund = await shop.Client.Post($"/v1/orders/{order}/refund", """{"reason":"moving on"}""");

        // Ten months and a half of twelve.
        Assert.Equal((201, "succeeded"), (refund.Status, refund.Text("state")));
        Assert.Equal((2_730_000m, 174_125L), (refund.Number("credits"), refund.Minor()));
        await Begin(days: 400);
        Assert.Equal(0m, await shop.Balance(customer));
        Assert.Equal("partially_refunded", (await shop.Order(order)).Text("state"));
        await shop.Verified();
    }

    [Fact]
    public async Task A_part_of_the_money_makes_the_months_to_come_smaller()
    {
        var (customer, order) = await shop.Subscribe("enterprise", "year");

        // A twelfth of the year: 260,000 of the eleven months that are left.
        var refund = await shop.Client.Post($"/v1/orders/{order}/refund", """{"money":{"minor":16583},"reason":"goodwill"}""");
        Assert.Equal(201, refund.Status);
        Assert.InRange(refund.Number("credits"), 259_990, 260_000);
        Assert.Equal(260_000m, await shop.Balance(customer));

        await Begin(days: 400);
        Assert.Equal(3_120_000m - refund.Number("credits"), await shop.Balance(customer));
    }

    [Fact]
    public async Task A_refund_that_fails_brings_the_months_back()
    {
        var (customer, order) = await shop.Subscribe("enterprise", "year", "pm_card_pendingRefund");
        var refund = await shop.Client.Post($"/v1/orders/{order}/refund", """{"reason":"all of it"}""");
        Assert.Equal(("pending", 199_000L), (refund.Text("state"), refund.Minor()));
        await Begin(days: 32);
        Assert.Equal(0m, (await shop.Purser.Balances.GetAsync(customer, Ct)).Available);

        var intent = (await Tables.Read<string>(shop.ConnectionString, "select payment_intent from orders")).Single();
        await shop.Stripe.Control($"payments/{intent}/settle", new { success = false });
        await shop.Delivered();
        await Begin(days: 400);

        Assert.Equal("paid", (await shop.Order(order)).Text("state"));
        Assert.Equal(3_120_000m, (await shop.Purser.Balances.GetAsync(customer, Ct)).Available);
    }

    [Fact]
    public async Task A_refund_that_fails_after_a_dispute_was_lost_leaves_the_months_to_the_dispute()
    {
        var (customer, order) = await shop.Subscribe("enterprise", "year", "pm_card_pendingRefund");
        await shop.Client.Post($"/v1/orders/{order}/refund", """{"reason":"all of it"}""");
        await Tables.Run(shop.ConnectionString, $"""
            insert into dispute (id, order_id, livemode, state, minor, credits, spread, reason, created_at)
            values ('dp_year', '{order[4..]}', false, 3, 199000, 0, 'coming:0', 'fraudulent', now())
            """);

        var intent = (await Tables.Read<string>(shop.ConnectionString, "select payment_intent from orders")).Single();
        await shop.Stripe.Control($"payments/{intent}/settle", new { success = false });
        await shop.Delivered();
        await Begin(days: 400);

        var after = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal(("refunded", 0m, 0m), ((await shop.Order(order)).Text("state"), after.Balance, after.Owed));
        await shop.Verified();
    }

    [Fact]
    public async Task A_dispute_keeps_the_months_and_a_lost_one_takes_them()
    {
        var (customer, order) = await shop.Subscribe("enterprise", "year", "pm_card_createDispute");
        Assert.Equal("disputed", (await shop.Order(order)).Text("state"));
        await Begin(days: 32);
        var frozen = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((260_000m, 0m), (frozen.Balance, frozen.Available));

        var dispute = (await shop.Stripe.Get("/v1/disputes")).GetProperty("data")[0].GetProperty("id").GetString();
        await shop.Stripe.Post($"/v1/disputes/{dispute}/close");
        await shop.Delivered();
        await Begin(days: 400);

        var after = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal(("refunded", 0m, 0m), ((await shop.Order(order)).Text("state"), after.Balance, after.Owed));
        await shop.Verified();
    }

    [Fact]
    public async Task An_upgrade_of_a_year_brings_the_difference_each_month_and_is_refunded_for_what_it_was()
    {
        var (customer, first) = await shop.Subscribe("pro", "year");
        var clock = await shop.Advance(start, 15);
        var began = await shop.Balance(customer);

        var changed = await shop.Subscription(customer, "change", """{"plan":"team"}""");
        await shop.Delivered();
        Assert.Equal("team", changed.Text("plan"));
        Assert.InRange(await shop.Balance(customer) - began, 38_000, 39_000);
        await shop.MonthsBegin(clock.AddDays(33));
        Assert.InRange(await shop.Balance(customer) - began, 98_000, 99_000);

        // Eleven months of the difference and what was left of this one.
        var orders = (await shop.Client.Read($"/v1/customers/{customer}/orders")).Json.GetProperty("data");
        var upgrade = orders[0].GetProperty("id").GetString();
        Assert.NotEqual(first, upgrade);
        var refund = await shop.Client.Post($"/v1/orders/{upgrade}/refund", """{"credits":40000,"reason":"a month of it"}""");
        var price = orders[0].GetProperty("money").GetProperty("minor").GetInt64();
        Assert.InRange(refund.Minor(), price / 12, price / 11);
    }

    Task Begin(int days) => shop.MonthsBegin(start.AddDays(days));
}
