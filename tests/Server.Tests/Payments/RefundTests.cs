using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>Money that goes back, and the credits that go with it; disputes likewise.</summary>
public sealed class RefundTests(Shop shop) : IClassFixture<Shop>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_unspent_goes_back_at_what_was_paid_for_it()
    {
        // 52,490 credits for 49.99, a fifth of them spent.
        var (customer, order) = await Bought("writer");
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 10_498 }, Ct);

        var refund = await Refund(order, """{"reason":"not needed"}""");

        Assert.Equal((201, "succeeded"), (refund.Status, refund.Text("state")));
        Assert.Equal((41_992m, 3999L), (refund.Number("credits"), refund.Minor()));
        Assert.Equal(0m, await shop.Balance(customer));
        var after = await shop.Order(order);
        Assert.Equal("partially_refunded", after.Text("state"));
        Assert.Equal((409, "nothing_to_refund"), (await Refund(order, """{"reason":"more"}""")).Code());
        await shop.Delivered();
        Assert.Equal(0m, await shop.Balance(customer));
    }

    [Fact]
    public async Task Piece_by_piece_all_of_it_goes_back_and_not_a_cent_more()
    {
        var (customer, order) = await Bought("writer");
        long sum = 0;
        foreach (var credits in (decimal[])[1, 16_999.999999m, 0.000001m, 20_000])
        {
            var part = await Refund(order, $$"""{"credits":{{credits}},"reason":"part"}""");
            // A credit or less may be worth less than a cent: then there is nothing to send back for it.
            if (part.Status == 201) sum += part.Minor();
            else Assert.Equal("nothing_to_refund", part.Error.GetProperty("code").GetString());
        }

        sum += (await Refund(order, """{"reason":"the rest"}""")).Minor();

        Assert.Equal(4999, sum);
        Assert.Equal("refunded", (await shop.Order(order)).Text("state"));
        Assert.True(await shop.Balance(customer) < 2);
    }

    [Fact]
    public async Task Money_takes_the_credits_that_belong_to_it_and_what_is_spent_is_owed()
    {
        var (customer, order) = await Bought("starter");
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 9_000 }, Ct);

        var refund = await Refund(order, """{"money":{"minor":500,"currency":"usd"},"reason":"goodwill"}""");

        Assert.Equal((500L, 5_000m), (refund.Minor(), refund.Number("credits")));
        var balance = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((0m, 4_010m, 0m), (balance.Balance, balance.Owed, balance.Held));
    }

    [Theory]
    [InlineData("""{}""", "reason")]
    [InlineData("""{"reason":"x","credits":0}""", "credits")]
    [InlineData("""{"reason":"x","credits":-1}""", "credits")]
    [InlineData("""{"reason":"x","credits":9991}""", "credits")]
    [InlineData("""{"reason":"x","money":{"minor":1000}}""", "money")]
    [InlineData("""{"reason":"x","money":{"currency":"usd"}}""", "money.minor")]
    [InlineData("""{"reason":"x","money":{"minor":1,"currency":"eur"}}""", "money.currency")]
    [InlineData("""{"reason":"x","order":"ord_2"}""", "order")]
    public async Task What_makes_no_sense_is_refused_and_nothing_moves(string body, string param)
    {
        var (customer, order) = await Bought("starter");

        var refund = await Refund(order, body);

        Assert.Equal((400, param), (refund.Status, refund.Error.GetProperty("param").GetString()));
        Assert.Equal(9_990m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_refund_asked_for_again_is_the_same_one()
    {
        var (customer, order) = await Bought("starter");

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ =>
            shop.Client.Post($"/v1/orders/{order}/refund", """{"credits":999,"reason":"twice?"}""", "key")));

        Assert.All(answers, answer => Assert.Equal(201, answer.Status));
        Assert.Single(answers.Select(answer => answer.Text("id")).Distinct());
        Assert.Equal(3, answers.Count(answer => answer.Replayed));
        Assert.Equal(8_991m, await shop.Balance(customer));
        Assert.Equal(409, (await shop.Client.Post($"/v1/orders/{order}/refund", """{"credits":1,"reason":"x"}""", "key")).Status);
    }

    [Fact]
    public async Task A_subscriptions_order_is_refunded_like_any_other()
    {
        var (customer, order) = await shop.Subscribe("enterprise");

        var refund = await Refund(order, """{"reason":"not needed"}""");

        Assert.Equal((201, "succeeded"), (refund.Status, refund.Text("state")));
        Assert.Equal(("refunded", 0m), ((await shop.Order(order)).Text("state"), await shop.Balance(customer)));
    }

    [Fact]
    public async Task What_was_not_paid_is_not_refunded()
    {
        var customer = await shop.GivenCustomer();
        var (order, _) = await shop.Checkout(customer, """{"package":"starter"}""");

        Assert.Equal((409, "order_not_paid"), (await Refund(order, """{"reason":"x"}""")).Code());
    }

    [Fact]
    public async Task A_refund_made_at_Stripe_is_followed()
    {
        var (customer, order) = await Bought("starter");

        await shop.Stripe.Post("/v1/refunds", new() { { "payment_intent", await Intent(order) }, { "amount", 333 } });
        await shop.Delivered();
        await shop.Stripe.Post("/v1/refunds", new() { { "payment_intent", await Intent(order) }, { "amount", 666 } });
        await shop.Delivered();

        Assert.Equal(0m, await shop.Balance(customer));
        Assert.Equal("refunded", (await shop.Order(order)).Text("state"));
        var (first, more) = await shop.Client.Only($"/v1/orders/{order}/refunds?limit=1");
        var (last, evenMore) = await shop.Client.Only($"/v1/orders/{order}/refunds?after={first.GetProperty("id").GetString()}");
        Assert.Equal((3_330m, true), (first.GetProperty("credits").GetDecimal(), more));
        Assert.Equal((6_660m, false), (last.GetProperty("credits").GetDecimal(), evenMore));
    }

    [Fact]
    public async Task A_refund_on_its_way_keeps_its_credits_from_being_spent()
    {
        var (customer, order) = await Bought("starter", "pm_card_pendingRefund");

        var refund = await Refund(order, """{"reason":"slow bank"}""");
        Assert.Equal("pending", refund.Text("state"));
        var pending = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((9_990m, 9_990m, 0m), (pending.Balance, pending.Held, pending.Available));

        await Settle(order, success: true);
        Assert.Equal("refunded", (await shop.Order(order)).Text("state"));
        var after = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((0m, 0m), (after.Balance, after.Held));
    }

    [Theory]
    [InlineData(true, 9_990, 0)]
    [InlineData(true, 4_000, 0)]
    [InlineData(false, 9_990, 0)]
    [InlineData(false, 4_000, 5_990)]
    public async Task Credits_that_support_reverses_while_they_wait_for_a_refund_are_taken_once(bool success, decimal amount, decimal left)
    {
        var (customer, order) = await Bought("starter", "pm_card_pendingRefund");
        await Refund(order, """{"reason":"slow bank"}""");
        var grant = (await shop.Client.Only($"/v1/customers/{customer}/grants")).Item1.GetProperty("id").GetString();
        var reversed = await shop.Client.Post(
            $"/v1/customers/{customer}/reversals", $$"""{"amount":{{amount}},"grant":"{{grant}}","reason":"by hand"}""");
        Assert.Equal(201, reversed.Status);

        await Settle(order, success);

        Assert.Equal(success ? "refunded" : "paid", (await shop.Order(order)).Text("state"));
        var after = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((left, 0m), (after.Balance - after.Owed, after.Held));
        await shop.Verified();
    }

    [Fact]
    public async Task A_refund_that_fails_gives_the_credits_back()
    {
        var (customer, order) = await Bought("starter", "pm_card_pendingRefund");
        await Refund(order, """{"reason":"slow bank"}""");

        await Settle(order, success: false);

        Assert.Equal("paid", (await shop.Order(order)).Text("state"));
        var after = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((9_990m, 0m), (after.Balance, after.Held));
    }

    [Fact]
    public async Task A_refund_that_fails_after_it_had_succeeded_gives_them_back_too()
    {
        var (customer, order) = await Bought("starter", "pm_card_refundFail");
        var refund = await Refund(order, """{"reason":"closed account"}""");
        Assert.Equal("succeeded", refund.Text("state"));
        Assert.Equal(0m, await shop.Balance(customer));

        await Settle(order, success: false);

        Assert.Equal("paid", (await shop.Order(order)).Text("state"));
        Assert.Equal(9_990m, await shop.Balance(customer));
        await shop.Verified();
    }

    [Fact]
    public async Task A_dispute_freezes_what_is_left_and_a_lost_one_takes_what_was_spent_too()
    {
        var (customer, order) = await Disputed();
        var frozen = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((7_990m, 7_990m, 0m), (frozen.Balance, frozen.Held, frozen.Available));
        Assert.Equal((409, "order_disputed"), (await Refund(order, """{"reason":"x"}""")).Code());

        await Decide(order, "losing_evidence");

        var after = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((0m, 0m, 2_000m), (after.Balance, after.Held, after.Owed));
        Assert.Equal("refunded", (await shop.Order(order)).Text("state"));
        await shop.Verified();
    }

    [Fact]
    public async Task A_dispute_that_is_won_frees_what_was_frozen()
    {
        var (customer, order) = await Disputed();

        await Decide(order, "winning_evidence");

        var after = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((7_990m, 0m, 0m), (after.Balance, after.Held, after.Owed));
        Assert.Equal("paid", (await shop.Order(order)).Text("state"));
    }

    [Theory]
    [InlineData(333, 6_660, "partially_refunded")]
    [InlineData(999, 0, "refunded")]
    public async Task An_inquiry_that_is_settled_by_a_refund_leaves_nothing_to_spend_and_nothing_owed(int minor, int left, string state)
    {
        var (customer, order) = await Bought("starter", "pm_card_createDisputeInquiry", "disputed");
        Assert.Equal(0m, (await shop.Purser.Balances.GetAsync(customer, Ct)).Available);

        await shop.Stripe.Post("/v1/refunds", new() { { "payment_intent", await Intent(order) }, { "amount", minor } });
        await shop.Delivered();
        var between = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((left, 0m, 0m), (between.Balance, between.Available, between.Owed));

        await Close(order);
        var after = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((left, left, 0m), (after.Balance, after.Available, after.Owed));
        Assert.Equal(state, (await shop.Order(order)).Text("state"));
        await shop.Verified();
    }

    [Fact]
    public async Task What_is_left_after_a_refund_goes_with_a_dispute_that_is_lost_and_not_more()
    {
        var (customer, order) = await Bought("starter", "pm_card_createDisputeInquiry", "disputed");
        await shop.Stripe.Post("/v1/refunds", new() { { "payment_intent", await Intent(order) }, { "amount", 333 } });
        await shop.Delivered();

        // The bank takes all of it, whatever was refunded.
        await Decide(order, "losing_evidence");

        var after = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal(("refunded", 0m, 0m, 0m), ((await shop.Order(order)).Text("state"), after.Balance, after.Held, after.Owed));
        Assert.Equal((9_990m, 999L), ((await shop.Order(order)).Number("credits_returned"), (await shop.Order(order)).Minor("refunded")));
    }

    [Fact]
    public async Task Two_disputes_of_one_payment_take_its_credits_once()
    {
        var (customer, order) = await Bought("starter", "pm_card_createMultipleDisputes", "disputed");
        var frozen = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((9_990m, 0m), (frozen.Balance, frozen.Available));

        await Close(order);

        var after = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal(("refunded", 0m, 0m, 0m), ((await shop.Order(order)).Text("state"), after.Balance, after.Held, after.Owed));
        Assert.Equal(9_990m, (await shop.Order(order)).Number("credits_returned"));
        await shop.Verified();
    }

    [Fact]
    public async Task A_refund_that_fails_after_a_dispute_was_lost_leaves_the_credits_to_the_dispute()
    {
        var (customer, order) = await Bought("starter", "pm_card_pendingRefund");
        await Refund(order, """{"reason":"slow bank"}""");
        // The bank took the money while it was on its way back, so that there were no credits left for it to take.
        await Tables.Run(shop.ConnectionString, $"""
            insert into dispute (id, order_id, livemode, state, minor, credits, spread, reason, created_at)
            values ('dp_{order}', '{order[4..]}', false, 3, 999, 0, 'coming:0', 'fraudulent', now())
            """);

        await Settle(order, success: false);

        var after = await shop.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal(("refunded", 0m, 0m, 0m), ((await shop.Order(order)).Text("state"), after.Balance, after.Held, after.Owed));
        await shop.Verified();
    }

    [Fact]
    public async Task A_refund_whose_answer_was_lost_is_not_made_again_however_late()
    {
        var (customer, order) = await Bought("starter");
        await shop.Stripe.Control("faults", new { kind = "drop_after_commit", count = 4 });
        using (var quiet = new Quiet(shop))
        {
            await quiet.Begin();
            var lost = await shop.Client.Post($"/v1/orders/{order}/refund", """{"credits":999,"reason":"x"}""", "key");
            Assert.Equal(503, lost.Status);
            // Stripe forgets a key after a day.
            await shop.Stripe.Control("clock", new { now = TimeProvider.System.GetUtcNow().AddHours(30).ToUnixTimeSeconds() });
            await shop.Reconcile();
        }

        Assert.Equal(1, (await shop.Stripe.Get($"/v1/refunds?payment_intent={await Intent(order)}")).GetProperty("data").GetArrayLength());
        Assert.Equal(("partially_refunded", 8_991m), ((await shop.Order(order)).Text("state"), await shop.Balance(customer)));
        Assert.Equal(201, (await shop.Client.Post($"/v1/orders/{order}/refund", """{"credits":999,"reason":"x"}""", "key")).Status);
        Assert.Equal(8_991m, await shop.Balance(customer));
    }

    [Fact]
    public async Task What_Stripe_refuses_is_refused_again_when_asked_again()
    {
        var (customer, order) = await Bought("starter");
        var charge = (await Tables.Read<string>(shop.ConnectionString, $"select charge from orders where id = '{order[4..]}'")).Single();
        using (var quiet = new Quiet(shop))
        {
            await quiet.Begin();
            await shop.Stripe.Post("/v1/refunds", new() { { "charge", charge } });
        }

        for (var i = 0; i < 2; i++)
        {
            var refused = await shop.Client.Post($"/v1/orders/{order}/refund", """{"reason":"again"}""", "key");
            Assert.Equal((409, "refund_refused"), refused.Code());
        }

        Assert.Equal((9_990m, 0m), ((await shop.Purser.Balances.GetAsync(customer, Ct)).Available, (await shop.Purser.Balances.GetAsync(customer, Ct)).Held));
    }

    [Fact]
    public async Task Many_of_one_package_are_refunded_one_by_one_to_the_last_cent()
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, """{"package":"writer","quantity":5}""");
        await shop.Stripe.Pay(session);
        await shop.Delivered();

        long sum = 0;
        for (var i = 0; i < 5; i++) sum += (await Refund(order, """{"credits":52490,"reason":"one of five"}""")).Minor();

        Assert.Equal((await shop.Order(order)).Minor(), sum);
        Assert.Equal(("refunded", 0m), ((await shop.Order(order)).Text("state"), await shop.Balance(customer)));
    }

    async Task<(string Customer, string Order)> Bought(string package, string card = "pm_card_visa", string state = "paid")
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, $$"""{"package":"{{package}}"}""");
        await shop.Stripe.Pay(session, card);
        await shop.Delivered();
        Assert.Equal(state, (await shop.Order(order)).Text("state"));
        return (customer, order);
    }

    /// <summary>Whoever sold it accepts the disputes of its payment; an inquiry is closed by a refund of all of it.</summary>
    async Task Close(string order)
    {
        var disputes = (await shop.Stripe.Get($"/v1/disputes?payment_intent={await Intent(order)}")).GetProperty("data");
        foreach (var dispute in disputes.EnumerateArray().Where(one => one.GetProperty("status").GetString() != "warning_closed"))
            await shop.Stripe.Post($"/v1/disputes/{dispute.GetProperty("id").GetString()}/close");
        await shop.Delivered();
    }

    async Task<(string Customer, string Order)> Disputed()
    {
        var customer = await shop.GivenCustomer();
        using (var quiet = new Quiet(shop))
        {
            // Two thousand are spent before the dispute is heard of.
            await quiet.Begin();
            var (order, session) = await shop.Checkout(customer, """{"package":"starter"}""");
            await shop.Stripe.Pay(session, "pm_card_createDispute");
            await Eventually.Holds(async () => (await shop.Order(order)).Text("state") == "paid");
            await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 2_000 }, Ct);
            var dispute = (await shop.Stripe.Get($"/v1/disputes?payment_intent={await Intent(order)}")).GetProperty("data")[0];
            var opened = (await shop.Stripe.Get("/v1/events?type=charge.dispute.created")).GetProperty("data").EnumerateArray()
                .First(one => one.GetProperty("data").GetProperty("object").GetProperty("id").GetString() == dispute.GetProperty("id").GetString());
            var endpoint = (await shop.Stripe.Get("/v1/webhook_endpoints")).GetProperty("data")[0].GetProperty("id").GetString();
            await shop.Stripe.Control("webhooks/resend", new { @event = opened.GetProperty("id").GetString(), webhook_endpoint = endpoint });
            await Eventually.Holds(async () => (await shop.Order(order)).Text("state") == "disputed");
            return (customer, order);
        }
    }

    async Task Decide(string order, string evidence)
    {
        var dispute = (await shop.Stripe.Get($"/v1/disputes?payment_intent={await Intent(order)}")).GetProperty("data")[0];
        await shop.Stripe.Post(
            $"/v1/disputes/{dispute.GetProperty("id").GetString()}",
            new() { { "evidence[uncategorized_text]", evidence }, { "submit", true } });
        // The bank takes a second.
        await Eventually.Holds(async () => (await shop.Order(order)).Text("state") != "disputed");
    }

    async Task Settle(string order, bool success)
    {
        await shop.Stripe.Control($"payments/{await Intent(order)}/settle", new { success });
        await shop.Delivered();
    }

    async Task<string> Intent(string order) => (await Tables.Read<string>(
        shop.ConnectionString, $"select payment_intent from orders where id = '{order[4..]}'")).Single();

    Task<Answered> Refund(string order, string body) => shop.Client.Post($"/v1/orders/{order}/refund", body);
}
