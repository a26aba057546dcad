using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Payments;

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
        await UseCard(customer, "pm_card_chargeCustomerFail");
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
        if (card is not null) await UseCard(customer, card);
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

    async Task UseCard(string customer, string card)
    {
        var cus = await shop.StripeCustomer(customer);
        var method = await shop.Stripe.Post($"/v1/payment_methods/{card}/attach", new() { { "customer", cus } });
        await shop.Stripe.Post(
            $"/v1/customers/{cus}", new() { { "invoice_settings[default_payment_method]", method.GetProperty("id").GetString() } });
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

    async Task<List<(string Kind, string State)>> Orders(string customer) =>
        [.. (await shop.Client.Read($"/v1/customers/{customer}/orders")).Json.GetProperty("data").EnumerateArray()
            .Select(order => (order.GetProperty("kind").GetString()!, order.GetProperty("state").GetString()!))];
}
