using System.Text.Json;
using Purser.Client;

namespace Purser.Server.Tests.Ledger;

public sealed class ChargeTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_charge_takes_its_amount_and_says_what_is_left()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await app.Purser.Holds.CreateAsync(customer, new() { Amount = 7.5m }, Ct);

        var answer = await app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":12.5,"reason":"Chapter 3"}""");

        Assert.Equal(201, answer.Status);
        Assert.Equal(["amount", "available", "balance", "id"], answer.Members);
        Assert.StartsWith("ent_", answer.Text("id"), StringComparison.Ordinal);
        Assert.Equal((12.5m, 87.5m, 80m), (answer.Number("amount"), answer.Number("balance"), answer.Number("available")));
        Assert.False(answer.Replayed);
    }

    [Theory]
    [InlineData("\"0.000001\"", "0.000001")]
    [InlineData("0.000001", "0.000001")]
    [InlineData("1e-6", "0.000001")]
    [InlineData("\"12.5\"", "12.5")]
    [InlineData("1.5E1", "15")]
    [InlineData("2.500000", "2.5")]
    public async Task An_amount_is_exact_however_it_is_written(string written, string taken)
    {
        var customer = await app.Purser.GivenCustomer(100);

        var answer = await app.Client.Post($"/v1/customers/{customer}/charges", $$"""{"amount":{{written}}}""");

        Assert.Equal(201, answer.Status);
        Assert.Equal(taken, answer.Json.GetProperty("amount").GetRawText());
    }

    [Fact]
    public async Task An_operation_is_charged_by_its_quantities_and_itemised()
    {
        var customer = await app.Purser.GivenCustomer(1000);

        var charge = await app.Purser.Charges.CreateAsync(
            customer, new() { Operation = "chapter", Quantities = new() { ["words"] = 1_200 } }, Ct);

        Assert.Equal((120m, 880m), (charge.Amount, charge.Balance));
        Assert.NotNull(charge.Quote);
        Assert.Equal("chapter", charge.Quote.Subject);
        Assert.True(charge.Quote.Catalog > 0);
        var line = Assert.Single(charge.Quote.Lines);
        Assert.Equal(("words", 1_200m, 0.1m, 120m), (line.Item, line.Quantity, line.UnitPrice, line.Amount));
    }

    [Fact]
    public async Task A_model_is_charged_by_its_usage()
    {
        var customer = await app.Purser.GivenCustomer(1000);

        var charge = await app.Purser.Charges.CreateAsync(
            customer, new() { Model = "openai/gpt-5.4", Usage = new() { InputTokens = 1_000, OutputTokens = 500 } }, Ct);

        // 2.5 and 15 dollars a million, marked up by a fifth, at a thousand credits to the dollar.
        Assert.Equal(12m, charge.Amount);
        Assert.Equal("openai/gpt-5.4", charge.Quote!.Subject);
        Assert.Equal([3m, 9m], charge.Quote.Lines.Where(line => line.Amount > 0).Select(line => line.Amount));
    }

    [Fact]
    public async Task A_service_tier_is_charged_by_its_own_prices_and_is_part_of_what_was_asked()
    {
        var customer = await app.Purser.GivenCustomer(1000);
        var flex = new NewCharge
        {
            Model = "gpt-5.4",
            Usage = new() { InputTokens = 1_000, OutputTokens = 500 },
            ServiceTier = "flex",
            IdempotencyKey = "once",
        };

        var charge = await app.Purser.Charges.CreateAsync(customer, flex, Ct);
        var refusal = await Assert.ThrowsAsync<ConflictException>(
            () => app.Purser.Charges.CreateAsync(customer, flex with { ServiceTier = null }, Ct));

        Assert.Equal((6m, "idempotency_key_reused"), (charge.Amount, refusal.Code));
    }

    [Fact]
    public async Task What_is_not_there_is_refused_to_the_letter()
    {
        var customer = await app.Purser.GivenCustomer(10);

        var answer = await app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":250}""");

        var body = $$$"""
            {"error":{"type":"payment_required","code":"insufficient_credits","message":"Insufficient credits. Required: 250, Available: 10","required":250,"available":10,"request_id":"{{{answer.Header("X-Request-Id")}}}"}}
            """;
        Assert.Equal(402, answer.Status);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(body), answer.Json), answer.Body);
    }

    [Fact]
    public async Task A_refused_charge_takes_nothing()
    {
        var customer = await app.Purser.GivenCustomer(10);

        var refusal = await Assert.ThrowsAsync<InsufficientCreditsException>(
            () => app.Purser.Charges.CreateAsync(customer, new() { Amount = 10.000001m }, Ct));

        Assert.Equal((10.000001m, 10m), (refusal.Required, refusal.Available));
        Assert.Equal(10, (await app.Purser.Balances.GetAsync(customer, Ct)).Available);
        Assert.Single(await app.Purser.Entries.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct));
    }

    [Fact]
    public async Task The_last_millionth_can_be_spent()
    {
        var customer = await app.Purser.GivenCustomer(0.3m);

        await app.Purser.Charges.CreateAsync(customer, new() { Amount = 0.1m }, Ct);
        var last = await app.Purser.Charges.CreateAsync(customer, new() { Amount = 0.2m }, Ct);

        Assert.Equal(0, last.Balance);
    }

    [Fact]
    public async Task A_customer_that_nobody_put_is_not_found()
    {
        var answer = await app.Client.Post("/v1/customers/nobody/charges", """{"amount":1}""");

        Assert.Equal((404, "not_found"), (answer.Status, answer.Error.GetProperty("type").GetString()));
    }

    [Fact]
    public async Task A_customer_without_credits_has_a_wallet_with_nothing_in_it()
    {
        var customer = await app.Purser.GivenCustomer();

        var answer = await app.Client.Read($"/v1/customers/{customer}/balance");

        Assert.Equal(200, answer.Status);
        Assert.Equal(
            $$"""{"customer":"{{customer}}","balance":0,"held":0,"available":0,"owed":0,"usd":0}""",
            answer.Body.Replace("0.000", "0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_balance_says_what_it_is_worth()
    {
        var customer = await app.Purser.GivenCustomer(2_500);
        await app.Purser.Holds.CreateAsync(customer, new() { Amount = 500 }, Ct);

        var wallet = await app.Purser.Balances.GetAsync(customer, Ct);

        Assert.Equal(
            (2_500m, 500m, 2_000m, 0m, 2.5m),
            (wallet.Balance, wallet.Held, wallet.Available, wallet.Owed, wallet.Usd));
    }

    [Fact]
    public async Task What_the_catalog_does_not_price_is_refused_and_never_free()
    {
        var customer = await app.Purser.GivenCustomer(10);

        var operation = await Assert.ThrowsAsync<InvalidRequestException>(
            () => app.Purser.Charges.CreateAsync(customer, new() { Operation = "divination" }, Ct));
        var model = await Assert.ThrowsAsync<InvalidRequestException>(
            () => app.Purser.Charges.CreateAsync(customer, new() { Model = "oracle", Usage = new() { InputTokens = 1 } }, Ct));

        Assert.Equal(("operation", "model"), (operation.Param, model.Param));
        Assert.Equal(10, (await app.Purser.Balances.GetAsync(customer, Ct)).Balance);
    }
}
