using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Payments;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>What no event told is found by looking, and told once; and the catalog comes to Stripe.</summary>
public sealed class ReconciliationTests : IAsyncLifetime
{
    readonly Shop shop = new();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => shop.InitializeAsync();

    public ValueTask DisposeAsync() => shop.DisposeAsync();

    [Fact]
    public async Task Payments_refunds_disputes_and_renewals_that_nobody_told_of_are_found()
    {
        using var quiet = new Quiet(shop);
        await quiet.Begin();
        var (buyer, bought) = await Buy("""{"package":"starter"}""");
        var (disputer, disputed) = await Buy("""{"package":"starter"}""", "pm_card_createDispute");
        var (subscriber, _) = await Buy("""{"plan":"enterprise","interval":"month"}""");

        var first = await shop.Reconcile();
        // The others' orders were found by their dispute and their invoice.
        Assert.Single(first, line => line.StartsWith($"{bought}: was open here, and is", StringComparison.Ordinal));
        Assert.Contains(first, line => line.StartsWith("dp_", StringComparison.Ordinal));
        Assert.Contains(first, line => line.StartsWith("in_", StringComparison.Ordinal));
        Assert.Equal([9_990m, 260_000m], [await shop.Balance(buyer), await shop.Balance(subscriber)]);
        Assert.Equal("disputed", (await shop.Order(disputed)).Text("state"));
        Assert.Empty(await shop.Reconcile());

        var intent = (await Tables.Read<string>(shop.ConnectionString, $"select payment_intent from orders where id = '{bought[4..]}'")).Single();
        await shop.Stripe.Post("/v1/refunds", new() { { "payment_intent", intent } });
        await shop.Stripe.Control("clock", new { now = TimeProvider.System.GetUtcNow().AddDays(32).ToUnixTimeSeconds() });

        var second = await shop.Reconcile();
        Assert.Contains(second, line => line.StartsWith("re_", StringComparison.Ordinal));
        Assert.Contains(second, line => line.StartsWith("in_", StringComparison.Ordinal));
        Assert.Equal([0m, 520_000m], [await shop.Balance(buyer), await shop.Balance(subscriber)]);
        Assert.Equal("refunded", (await shop.Order(bought)).Text("state"));
        Assert.Empty(await shop.Reconcile());
        Assert.Equal(0m, (await shop.Purser.Balances.GetAsync(disputer, Ct)).Available);
    }

    [Fact]
    public async Task A_lost_dispute_that_the_bank_takes_up_again_differs_only_when_that_is_decided()
    {
        var (customer, order) = await Buy("""{"package":"starter"}""", "pm_card_createDispute");
        await shop.Delivered();
        using var quiet = new Quiet(shop);
        await quiet.Begin();
        await Tables.Run(shop.ConnectionString, $"""
            update dispute set state = 3, spread = 'coming:0' where order_id = '{order[4..]}'
            """);

        Assert.Empty(await shop.Reconcile());
        var dispute = (await shop.Stripe.Get("/v1/disputes")).GetProperty("data")[0].GetProperty("id").GetString();
        await shop.Stripe.Post($"/v1/disputes/{dispute}", new() { { "evidence[uncategorized_text]", "winning_evidence" }, { "submit", true } });
        await Eventually.Holds(async () =>
            (await shop.Stripe.Get($"/v1/disputes/{dispute}")).GetProperty("status").GetString() == "won");

        Assert.StartsWith($"{dispute}: is won", Assert.Single(await shop.Reconcile()), StringComparison.Ordinal);
        Assert.Equal(9_990m, await shop.Balance(customer));
    }

    [Fact]
    public async Task What_changed_long_after_it_was_made_is_found_without_the_lists()
    {
        var (disputer, disputed) = await Buy("""{"package":"starter"}""", "pm_card_createDispute");
        var (buyer, bought) = await Buy("""{"package":"starter"}""", "pm_card_refundFail");
        var (subscriber, _) = await Buy("""{"plan":"enterprise","interval":"month"}""");
        await shop.Delivered();
        await shop.UseCard(subscriber, "pm_card_chargeCustomerFail");
        await shop.Advance(TimeProvider.System.GetUtcNow(), 32);
        await shop.Client.Post($"/v1/orders/{bought}/refund", """{"reason":"closed account"}""");
        Assert.Equal([0m, 260_000m], [await shop.Balance(buyer), await shop.Balance(subscriber)]);

        using var quiet = new Quiet(shop);
        await quiet.Begin();
        var intent = (await Tables.Read<string>(shop.ConnectionString, $"select payment_intent from orders where id = '{bought[4..]}'")).Single();
        await shop.Stripe.Control($"payments/{intent}/settle", new { success = false });
        var dispute = (await shop.Stripe.Get("/v1/disputes")).GetProperty("data")[0].GetProperty("id").GetString();
        await shop.Stripe.Post($"/v1/disputes/{dispute}", new() { { "evidence[uncategorized_text]", "losing_evidence" }, { "submit", true } });
        await Eventually.Holds(async () =>
            (await shop.Stripe.Get($"/v1/disputes/{dispute}")).GetProperty("status").GetString() == "lost");
        var unpaid = (await shop.Stripe.Get("/v1/invoices?status=open")).GetProperty("data")[0].GetProperty("id").GetString();
        await shop.Stripe.Post($"/v1/invoices/{unpaid}/pay", new() { { "payment_method", "pm_card_visa" } });

        var lines = new List<string>();
        var now = TimeProvider.System.GetUtcNow().AddMinutes(5);
        await shop.Services.GetRequiredService<Reconciliation>().Run(now, since: now.AddDays(100), lines.Add, Ct);

        Assert.Contains(lines, line => line.StartsWith($"{dispute}: is lost", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith(unpaid!, StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("re_", StringComparison.Ordinal));
        Assert.Equal(
            [0m, 9_990m, 520_000m], [await shop.Balance(disputer), await shop.Balance(buyer), await shop.Balance(subscriber)]);
        Assert.Equal(("refunded", "paid"), ((await shop.Order(disputed)).Text("state"), (await shop.Order(bought)).Text("state")));
    }

    [Fact]
    public async Task Setup_run_again_makes_nothing_twice()
    {
        var first = await Setup();
        var second = await Setup();

        Assert.Contains(first, line => line.StartsWith("STRIPE_WEBHOOK_SECRET=whsec_", StringComparison.Ordinal));
        Assert.Contains(first, line => line.StartsWith("STRIPE_PRICE_STARTER_USD=price_", StringComparison.Ordinal));
        Assert.Contains(first, line => line.StartsWith("STRIPE_PRICE_PRO_YEAR_EUR=price_", StringComparison.Ordinal));
        Assert.Equal(Prices(first), Prices(second));
        Assert.Equal(Prices(first).Count, (await shop.Stripe.Get("/v1/prices?limit=100")).GetProperty("data").GetArrayLength());
        Assert.Equal(6, (await shop.Stripe.Get("/v1/products?limit=100")).GetProperty("data").GetArrayLength());
        Assert.Empty(await Check());
    }

    [Fact]
    public async Task Check_says_what_differs_and_setup_puts_it_right()
    {
        await Setup();
        var starter = (await shop.Stripe.Get("/v1/prices?lookup_keys[0]=purser_package_starter_usd")).GetProperty("data")[0];
        await shop.Stripe.Post("/v1/prices", new()
        {
            { "product", starter.GetProperty("product").GetString() },
            { "currency", "usd" }, { "unit_amount", 1 },
            { "lookup_key", "purser_package_starter_usd" }, { "transfer_lookup_key", true },
        });
        await shop.Stripe.Post("/v1/products/purser_plan_pro", new() { { "name", "Amateur" } });

        var differences = await Check();

        Assert.Equal(2, differences.Count);
        Assert.Contains(differences, line => line.Contains("purser_package_starter_usd", StringComparison.Ordinal));
        Assert.Contains(differences, line => line.Contains("'Amateur'", StringComparison.Ordinal));
        await Setup();
        Assert.Single(await Check());
    }

    [Fact]
    public async Task The_commands_make_it_name_what_differs_and_end_accordingly()
    {
        var (unconfigured, _) = await Command(["check"], ("STRIPE_SECRET_KEY", ""));
        var (missing, lines) = await Command(["check", "https://purser.example"]);
        var (made, printed) = await Command(["setup", "https://purser.example"]);
        var (same, agreed) = await Command(["check", "https://purser.example"], [.. printed.Select(Variable)]);
        var (again, reprinted) = await Command(["setup", "https://purser.example"]);
        var (other, named) = await Command(["check"], ("STRIPE_PRICE_STARTER_USD", "price_gone"));

        Assert.Equal((1, 1, 0, 0, 0, 1), (unconfigured, missing, made, same, again, other));
        Assert.Contains(lines, line => line.EndsWith("the product is missing at Stripe; run ./purser stripe setup.", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.EndsWith("no webhook endpoint at Stripe; run ./purser stripe setup.", StringComparison.Ordinal));
        Assert.StartsWith("STRIPE_WEBHOOK_SECRET=whsec_", printed[^1], StringComparison.Ordinal);
        Assert.Equal(["Stripe and the catalog agree."], agreed);
        Assert.Equal(Prices(printed), Prices(reprinted));
        Assert.StartsWith("STRIPE_PRICE_STARTER_USD is price_gone", Assert.Single(named), StringComparison.Ordinal);

        static (string, string) Variable(string line) => (line.Split('=')[0], line.Split('=')[1]);
    }

    [Fact]
    public async Task Beside_the_sandbox_a_command_without_a_key_works_with_it()
    {
        var sandbox = ("PURSER_SANDBOX_PORT", $"{shop.Stripe.Url.Port}");

        var (found, lines) = await Command(["check"], ("STRIPE_SECRET_KEY", ""), ("PURSER_MODE", ""), sandbox);
        var (refused, said) = await Command(["check"], ("STRIPE_SECRET_KEY", ""), ("PURSER_MODE", "production"), sandbox);

        Assert.Equal((1, 1), (found, refused));
        Assert.Contains(lines, line => line.EndsWith("run ./purser stripe setup.", StringComparison.Ordinal));
        Assert.DoesNotContain(said, line => line.EndsWith("run ./purser stripe setup.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_command_finds_what_nobody_told_of()
    {
        using var quiet = new Quiet(shop);
        await quiet.Begin();
        var (buyer, bought) = await Buy("""{"package":"starter"}""");

        var (code, lines) = await Command(["reconcile"]);
        var (_, later) = await Command(["reconcile"]);

        Assert.Equal(0, code);
        Assert.Contains(lines, line => line.Contains(bought, StringComparison.Ordinal));
        Assert.Equal("1 difference.", lines[^1]);
        Assert.Equal(9_990m, await shop.Balance(buyer));
        Assert.Equal(["Nothing differs."], later);
    }

    [Fact]
    public async Task Whatever_differs_at_Stripe_is_a_line()
    {
        await Setup();
        var yearly = (await shop.Stripe.Get("/v1/prices?lookup_keys[0]=purser_plan_pro_year_usd")).GetProperty("data")[0];
        await shop.Stripe.Post($"/v1/prices/{yearly.GetProperty("id").GetString()}", new() { { "active", false } });
        await shop.Stripe.Post("/v1/products/purser_package_writer", new() { { "active", false } });
        await shop.Stripe.Post("/v1/products", new() { { "id", "purser_plan_gold" }, { "name", "Gold" }, { "metadata[purser_code]", "gold" } });
        await shop.Stripe.Post("/v1/products", new() { { "id", "mug" }, { "name", "A mug, of somebody else's" } });
        var endpoints = (await shop.Stripe.Get("/v1/webhook_endpoints")).GetProperty("data").EnumerateArray();
        var ours = endpoints.Single(one => one.GetProperty("url").GetString()!.StartsWith("https://purser.example/", StringComparison.Ordinal));
        await shop.Stripe.Post($"/v1/webhook_endpoints/{ours.GetProperty("id").GetString()}", new()
        {
            { "disabled", true }, { "enabled_events[0]", "invoice.paid" },
        });

        Assert.Equal(
            [
                "https://purser.example/webhooks/stripe disabled", "https://purser.example/webhooks/stripe event",
                "purser_package_writer archived", "purser_plan_gold catalog", "purser_plan_pro_year_usd archived",
            ],
            (await Check()).Select(line => $"{line[..line.IndexOf(": ", StringComparison.Ordinal)]} {Word(line)}").Order(StringComparer.Ordinal));
        await Setup();
        Assert.Equal(2, (await Check()).Count);

        static string Word(string line) =>
            ((string[])["disabled", "event", "archived", "catalog"]).First(word => line.Contains(word, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_production_server_does_not_start_with_a_price_that_is_missing_at_Stripe()
    {
        var stripe = shop.Settings.Stripe! with
        {
            Prices = new Dictionary<string, string> { ["STRIPE_PRICE_STARTER_USD"] = "price_gone" },
        };
        var settings = shop.Settings with { Stripe = stripe };

        var fault = await Assert.ThrowsAsync<StartFailure>(
            () => RunningServer.Start(settings with { Mode = Mode.Production }, shop.ConnectionString, Ct));
        Assert.StartsWith("STRIPE_PRICE_STARTER_USD is price_gone", Assert.Single(fault.Lines), StringComparison.Ordinal);

        await using var other = await RunningServer.Start(settings, shop.ConnectionString, Ct);
        Assert.StartsWith("http://127.0.0.1:", other.Address, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configured_price_that_is_missing_at_Stripe_is_a_fault()
    {
        var setup = shop.Services.GetRequiredService<StripeSetup>();
        var prices = Prices(await Setup()).ToDictionary(line => line.Split('=')[0], line => line.Split('=')[1]);

        Assert.Empty(await setup.CheckConfigured(prices, Ct));
        prices["STRIPE_PRICE_STARTER_USD"] = "price_gone";
        prices["STRIPE_PRICE_GOLD_USD"] = prices["STRIPE_PRICE_WRITER_USD"];
        prices["STRIPE_PRICE_WRITER_EUR"] = prices["STRIPE_PRICE_WRITER_USD"];

        var faults = await setup.CheckConfigured(prices, Ct);

        Assert.Equal(3, faults.Count);
        Assert.Contains(faults, line => line.StartsWith("STRIPE_PRICE_STARTER_USD is price_gone", StringComparison.Ordinal));
    }

    async Task<(string Customer, string Order)> Buy(string what, string card = "pm_card_visa")
    {
        var customer = await shop.GivenCustomer();
        var (order, session) = await shop.Checkout(customer, what);
        await shop.Stripe.Pay(session, card);
        return (customer, order);
    }

    /// <summary>./purser stripe … beside the shop's server: how it ended, and what it printed.</summary>
    async Task<(int Code, List<string> Lines)> Command(string[] words, params (string Name, string Value)[] environment)
    {
        await using var command = ServerProcess.On(shop.ConnectionString, ["stripe", .. words],
        [
            ("PURSER_MODE", "development"), ("PURSER_CATALOG", shop.Settings.CatalogFile),
            ("STRIPE_API_BASE", shop.Stripe.Url.ToString()), ("STRIPE_SECRET_KEY", shop.Stripe.Key), .. environment,
        ]);
        var code = await command.WaitEnd();
        return (code, [.. command.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)]);
    }

    async Task<List<string>> Setup()
    {
        await using var output = new StringWriter();
        await shop.Services.GetRequiredService<StripeSetup>().Run("https://purser.example", output, Ct);
        return [.. output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    Task<IReadOnlyList<string>> Check() => shop.Services.GetRequiredService<StripeSetup>().Check("https://purser.example", Ct);

    static List<string> Prices(List<string> lines) => [.. lines.Where(line => line.StartsWith("STRIPE_PRICE_", StringComparison.Ordinal))];
}
