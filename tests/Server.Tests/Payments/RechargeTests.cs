using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Server.Payments;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>Credits that are bought because they ran low.</summary>
public sealed class RechargeTests : IAsyncLifetime
{
    readonly Shop shop = new();
    readonly DateTimeOffset now = TimeProvider.System.GetUtcNow();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => shop.InitializeAsync();

    public ValueTask DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task Credits_that_run_low_are_bought_with_the_card_that_paid_before()
    {
        var customer = await Buyer();
        await Switch(customer, """{"package":"starter","threshold":1000,"daily_max_orders":3,"monthly_max_minor":5000,"enabled":true}""");
        Assert.Equal("enough", await State(customer));

        await Spend(customer, 9_500);
        await Rounds(customer, 3);

        Assert.Equal(490m + 9_990m, await shop.Balance(customer));
        var orders = await Orders(customer);
        Assert.Equal(["recharge", "package"], orders.Select(order => order.Kind));
        Assert.All(orders, order => Assert.Equal("paid", order.State));
        await shop.Delivered();
        Assert.Equal(490m + 9_990m, await shop.Balance(customer));
    }

    [Fact]
    public async Task The_daily_ceiling_refuses()
    {
        var customer = await Buyer();
        await Switch(customer, """{"package":"starter","threshold":100000,"daily_max_orders":2,"monthly_max_minor":50000,"enabled":true}""");

        await Rounds(customer, 5);

        Assert.Equal(2, (await Orders(customer)).Count(order => order.Kind == "recharge"));
        Assert.Equal("daily_ceiling", await State(customer));
    }

    [Fact]
    public async Task The_monthly_ceiling_refuses()
    {
        var customer = await Buyer();
        await Switch(customer, """{"package":"starter","threshold":100000,"daily_max_orders":9,"monthly_max_minor":2500,"enabled":true}""");

        await Rounds(customer, 5);

        Assert.Equal(2, (await Orders(customer)).Count(order => order.Kind == "recharge"));
        Assert.Equal("monthly_ceiling", await State(customer));
    }

    [Fact]
    public async Task A_card_that_declines_is_left_alone_and_at_last_for_good()
    {
        var customer = await Buyer();
        await shop.UseCard(customer, "pm_card_chargeCustomerFail");
        await Switch(customer, """{"package":"starter","threshold":100000,"daily_max_orders":9,"monthly_max_minor":50000,"enabled":true}""");

        await Rounds(customer, 3);
        Assert.Equal("backing_off", await State(customer));
        await Round(now.AddHours(2));
        await Round(now.AddHours(3));
        await Round(now.AddHours(8));
        await Round(now.AddHours(20));

        var failed = (await Orders(customer)).Where(order => order.Kind == "recharge").ToList();
        Assert.Equal(3, failed.Count);
        Assert.All(failed, order => Assert.Equal("failed", order.State));
        var settings = await shop.Client.Read($"/v1/customers/{customer}/auto-recharge");
        Assert.Equal((false, "switched_off", "declined"), (settings.Json.GetProperty("enabled").GetBoolean(), settings.Text("state"), settings.Text("why_off")));
        Assert.Equal(9_990m, await shop.Balance(customer));
    }

    [Theory]
    [InlineData("pm_card_authenticationRequired", "authentication_required")]
    [InlineData(null, "no_payment_method")]
    public async Task What_only_the_customer_can_put_right_switches_it_off(string? card, string why)
    {
        var customer = card is null ? await shop.GivenCustomer() : await Buyer();
        if (card is not null) await shop.UseCard(customer, card);
        await Switch(customer, """{"package":"starter","threshold":100000,"daily_max_orders":9,"monthly_max_minor":50000,"enabled":true}""");

        await Rounds(customer, 2);

        var settings = await shop.Client.Read($"/v1/customers/{customer}/auto-recharge");
        Assert.Equal((false, why), (settings.Json.GetProperty("enabled").GetBoolean(), settings.Text("why_off")));
        Assert.Single(await Orders(customer), order => order.Kind == "recharge");
    }

    [Fact]
    public async Task An_attempt_whose_answer_was_lost_is_made_once()
    {
        var customer = await Buyer();
        await Switch(customer, """{"package":"starter","threshold":100000,"daily_max_orders":1,"monthly_max_minor":50000,"enabled":true}""");
        await shop.Stripe.Control("faults", new { kind = "drop_after_commit", count = 1 });

        await Rounds(customer, 3);

        Assert.Equal(2 * 9_990m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_payment_whose_answer_was_lost_is_found_although_the_card_has_changed_since()
    {
        var customer = await Buyer();
        await using var stopped = await StopJob();
        await Switch(customer, """{"package":"starter","threshold":100000,"daily_max_orders":1,"monthly_max_minor":50000,"enabled":true}""");
        // What a server leaves that dies between the payment and the answer to it.
        var order = $"ord_{Guid.CreateVersion7():N}";
        await Tables.Run(shop.ConnectionString, $"""
            insert into orders (id, customer, livemode, kind, state, offer, terms, money_minor, currency, credits, created_at)
            select '{order[4..]}', customer, livemode, 4, 1, offer, terms, money_minor, currency, credits, now() from orders
            """);
        using (var quiet = new Quiet(shop))
        {
            await quiet.Begin();
            await shop.Stripe.Post("/v1/payment_intents", new()
            {
                { "amount", 999 }, { "currency", "usd" }, { "customer", await shop.StripeCustomer(customer) },
                { "payment_method", "pm_card_visa" }, { "off_session", true }, { "confirm", true },
                { "metadata[purser_order]", order }, { "metadata[purser_customer]", customer },
            });
        }

        await shop.UseCard(customer, "pm_card_mastercard");
        await Round(now.AddMinutes(1));

        Assert.Equal(("paid", 2 * 9_990m), ((await shop.Order(order)).Text("state"), await shop.Balance(customer)));
        var intents = await shop.Stripe.Get($"/v1/payment_intents?customer={await shop.StripeCustomer(customer)}");
        Assert.Equal(2, intents.GetProperty("data").GetArrayLength());
    }

    [Fact]
    public async Task Two_servers_at_once_buy_once()
    {
        var customer = await Buyer();
        await using var other = await PurserServer.Build(shop.Settings, shop.ConnectionString);
        await Switch(customer, """{"package":"starter","threshold":15000,"daily_max_orders":9,"monthly_max_minor":50000,"enabled":true}""");
        var lanes = other.Services.GetRequiredService<Server.Ledger.Lanes>();
        await lanes.StartAsync(Ct);

        await Task.WhenAll(
            Round(now), other.Services.GetRequiredService<Recharges>().Round(now, Ct), Round(now),
            other.Services.GetRequiredService<Recharges>().Round(now, Ct));
        await Rounds(customer, 2);

        Assert.Equal(2 * 9_990m, await shop.Balance(customer));
        await lanes.StopAsync(Ct);
    }

    [Fact]
    public async Task Whoever_has_money_back_is_not_charged_for_the_credits_that_went_with_it()
    {
        var customer = await Buyer();
        var order = (await shop.Client.Read($"/v1/customers/{customer}/orders")).Json.GetProperty("data")[0].GetProperty("id").GetString();
        await Switch(customer, """{"package":"starter","threshold":1000,"daily_max_orders":9,"monthly_max_minor":50000,"enabled":true}""");

        Assert.Equal(201, (await shop.Client.Post($"/v1/orders/{order}/refund", """{"reason":"unhappy"}""")).Status);
        await Rounds(customer, 3);

        Assert.Equal((0m, "refunded"), (await shop.Balance(customer), await WhyOff(customer)));
        Assert.DoesNotContain(await Orders(customer), one => one.Kind == "recharge");
    }

    [Fact]
    public async Task Whoever_disputes_a_payment_is_not_charged_again_unasked()
    {
        var customer = await Buyer();
        await Switch(customer, """{"package":"starter","threshold":1000,"daily_max_orders":9,"monthly_max_minor":50000,"enabled":true}""");

        var (_, session) = await shop.Checkout(customer, """{"package":"writer"}""");
        await shop.Stripe.Pay(session, "pm_card_createDispute");
        await shop.Delivered();

        Assert.Equal("disputed", await WhyOff(customer));
    }

    [Fact]
    public async Task Settings_that_are_saved_again_do_not_make_a_declined_card_good()
    {
        const string Settings =
            """{"package":"starter","threshold":100000,"daily_max_orders":9,"monthly_max_minor":50000,"enabled":true}""";
        var customer = await Buyer();
        await shop.UseCard(customer, "pm_card_chargeCustomerFail");
        await Switch(customer, Settings);
        await Rounds(customer, 2);
        Assert.Equal("backing_off", await State(customer));

        for (var i = 0; i < 3; i++)
        {
            await Switch(customer, Settings);
            await Rounds(customer, 2);
        }

        Assert.Single(await Orders(customer), order => order.Kind == "recharge");
        await Switch(customer, Settings.Replace("true", "false", StringComparison.Ordinal));
        await Switch(customer, Settings);
        await Eventually.Holds(async () => (await Orders(customer)).Count(order => order.Kind == "recharge") == 2);
    }

    [Fact]
    public async Task A_customer_deleted_at_Stripe_has_no_card_any_more()
    {
        var customer = await Buyer();
        using (var quiet = new Quiet(shop))
        {
            await quiet.Begin();
            await shop.Stripe.Delete($"/v1/customers/{await shop.StripeCustomer(customer)}");
            await Switch(customer, """{"package":"starter","threshold":100000,"daily_max_orders":9,"monthly_max_minor":50000,"enabled":true}""");
            await Rounds(customer, 2);
        }

        Assert.Equal("no_payment_method", await WhyOff(customer));
    }

    [Fact]
    public async Task A_new_day_and_a_new_month_have_ceilings_of_their_own()
    {
        var customer = await Buyer();
        await shop.Stripe.Control("clock", new { now = now.AddMonths(2).ToUnixTimeSeconds() });
        await using var stopped = await StopJob();
        await Switch(customer, """{"package":"starter","threshold":1000000,"daily_max_orders":1,"monthly_max_minor":2000,"enabled":true}""");
        DateTimeOffset next = new(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero);
        next = next.AddMonths(2);
        await Tables.Run(shop.ConnectionString, "update auto_recharge set since = '2020-01-01', next_at = '2020-01-01'");
        var before = (await Orders(customer)).Count(order => order.Kind == "recharge");

        foreach (var at in (DateTimeOffset[])[next.AddSeconds(-1), next.AddSeconds(-1), next, next.AddHours(23), next.AddDays(1), next.AddDays(2), next.AddDays(20)])
            await Round(at);

        // One in the last second of the month, one in the first of the next, one a day later; then two cost all of 20.00.
        Assert.Equal(3, (await Orders(customer)).Count(order => order.Kind == "recharge") - before);
    }

    [Theory]
    [InlineData("""{"threshold":1,"daily_max_orders":1,"monthly_max_minor":999,"enabled":true}""", "package")]
    [InlineData("""{"package":"gold","threshold":1,"daily_max_orders":1,"monthly_max_minor":999,"enabled":true}""", "package")]
    [InlineData("""{"package":"starter","threshold":0,"daily_max_orders":1,"monthly_max_minor":999,"enabled":true}""", "threshold")]
    [InlineData("""{"package":"starter","threshold":1,"daily_max_orders":0,"monthly_max_minor":999,"enabled":true}""", "daily_max_orders")]
    [InlineData("""{"package":"starter","threshold":1,"daily_max_orders":1,"monthly_max_minor":998,"enabled":true}""", "monthly_max_minor")]
    [InlineData("""{"package":"starter","threshold":1,"daily_max_orders":1,"monthly_max_minor":999}""", "enabled")]
    public async Task Settings_that_make_no_sense_are_refused(string body, string param)
    {
        var customer = await shop.GivenCustomer();

        var answer = await shop.Client.Put($"/v1/customers/{customer}/auto-recharge", body);

        Assert.Equal((400, param), (answer.Status, answer.Error.GetProperty("param").GetString()));
        Assert.Equal(404, (await shop.Client.Read($"/v1/customers/{customer}/auto-recharge")).Status);
    }

    async Task<string> Buyer()
    {
        var customer = await shop.GivenCustomer();
        var (_, session) = await shop.Checkout(customer, """{"package":"starter"}""");
        await shop.Stripe.Pay(session);
        await shop.Delivered();
        return customer;
    }

    async Task Switch(string customer, string body)
    {
        var answer = await shop.Client.Put($"/v1/customers/{customer}/auto-recharge", body);
        Assert.True(answer.Status == 200, answer.ToString());
    }

    async Task Spend(string customer, decimal amount) =>
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = amount }, Ct);

    // The server's own job is at it as well; what is asked here is only that it has been done.
    async Task Rounds(string customer, int count)
    {
        for (var i = 0; i < count; i++) await Round(TimeProvider.System.GetUtcNow());
        await State(customer);
    }

    Task Round(DateTimeOffset at) => shop.Services.GetRequiredService<Recharges>().Round(at, Ct);

    async Task<string> State(string customer) => (await shop.Client.Read($"/v1/customers/{customer}/auto-recharge")).Text("state");

    async Task<string> WhyOff(string customer) => (await shop.Client.Read($"/v1/customers/{customer}/auto-recharge")).Text("why_off");

    /// <summary>Until it is disposed, only the rounds of the test are made: the server's own job passes by.</summary>
    async Task<NpgsqlConnection> StopJob()
    {
        var held = new NpgsqlConnection(shop.ConnectionString);
        await held.OpenAsync(Ct);
        await using var command = new NpgsqlCommand("""
            insert into job (name) values ('recharge low wallets') on conflict do nothing;
            begin;
            select name from job where name = 'recharge low wallets' for update
            """, held);
        await command.ExecuteNonQueryAsync(Ct);
        return held;
    }

    async Task<List<(string Kind, string State)>> Orders(string customer) =>
        [.. (await shop.Client.Read($"/v1/customers/{customer}/orders")).Json.GetProperty("data").EnumerateArray()
            .Select(order => (order.GetProperty("kind").GetString()!, order.GetProperty("state").GetString()!))];
}
