using Purser.Client;

namespace Purser.Server.Tests.Ledger;

public sealed class GrantTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_grant_answers_with_what_was_agreed()
    {
        var customer = await app.Purser.GivenCustomer(1);

        var answer = await app.Client.Post($"/v1/customers/{customer}/grants", """
            {"amount":9990,"source":"purchase","reason":"Starter","priority":10,"expires_at":"2027-01-01T00:00:00+01:00",
             "paid":{"minor":999,"currency":"usd"},"reference":"order-7"}
            """);

        Assert.Equal(201, answer.Status);
        Assert.Equal(
            ["amount", "at", "available", "balance", "expires_at", "id", "paid", "priority", "reason", "reference",
             "remaining", "source"], answer.Members);
        Assert.Equal(
            (9990m, 9990m, 9991m), (answer.Number("amount"), answer.Number("remaining"), answer.Number("balance")));
        Assert.Equal("2026-12-31T23:00:00Z", answer.Text("expires_at"));
        Assert.Equal("""{"minor":999,"currency":"usd"}""", answer.Json.GetProperty("paid").GetRawText());
    }

    [Theory]
    [InlineData("purchase")]
    [InlineData("subscription")]
    [InlineData("promotion")]
    [InlineData("referral")]
    [InlineData("adjustment")]
    public async Task Credits_come_from_one_of_five_sources(string source)
    {
        var customer = await app.Purser.GivenCustomer();

        var answer = await app.Client.Post(
            $"/v1/customers/{customer}/grants", $$"""{"amount":1,"source":"{{source}}"}""");

        Assert.Equal((201, source), (answer.Status, answer.Text("source")));
    }

    [Fact]
    public async Task Grants_are_listed_in_the_order_in_which_they_burn()
    {
        var customer = await app.Purser.GivenCustomer();
        var oldest = await Grant(customer, 10);
        var later = await Grant(customer, 10, expiresIn: 60);
        var sooner = await Grant(customer, 10, expiresIn: 30);
        var first = await Grant(customer, 10, priority: 0);
        var youngest = await Grant(customer, 10);

        var listed = await List(customer);

        Assert.Equal([first, sooner, later, oldest, youngest], listed.Select(grant => grant.Id));
    }

    [Fact]
    public async Task What_is_spent_burns_in_that_order_and_stands_last()
    {
        var customer = await app.Purser.GivenCustomer();
        var oldest = await Grant(customer, 10);
        var sooner = await Grant(customer, 10, expiresIn: 30);
        var first = await Grant(customer, 10, priority: 0);
        await app.Purser.Charges.CreateAsync(customer, new() { Amount = 14.25m }, Ct);

        var listed = await List(customer);

        Assert.Equal(
            [(sooner, 5.75m), (oldest, 10m), (first, 0m)], listed.Select(grant => (grant.Id, grant.Remaining)));
    }

    [Fact]
    public async Task Grants_are_read_page_by_page_the_spent_ones_included()
    {
        var customer = await app.Purser.GivenCustomer();
        for (var i = 0; i < 7; i++) await Grant(customer, 10);
        await app.Purser.Charges.CreateAsync(customer, new() { Amount = 45 }, Ct);

        var whole = await List(customer);
        var paged = await app.Purser.Grants.ListAsync(customer, pageSize: 2, cancellationToken: Ct).ToListAsync(Ct);

        Assert.Equal([5m, 10m, 10m, 0m, 0m, 0m, 0m], whole.Select(grant => grant.Remaining));
        Assert.Equal(whole.Select(grant => grant.Id), paged.Select(grant => grant.Id));
    }

    [Fact]
    public async Task A_listed_grant_says_what_was_agreed()
    {
        var customer = await app.Purser.GivenCustomer();
        await app.Client.Post($"/v1/customers/{customer}/grants", """
            {"amount":5,"source":"referral","reason":"r","paid":{"minor":1,"currency":"jpy"},"reference":"f"}
            """);

        var answer = await app.Client.Read($"/v1/customers/{customer}/grants");

        Assert.Equal(["data", "has_more"], answer.Members);
        var grant = Assert.Single(answer.Json.GetProperty("data").EnumerateArray());
        Assert.Equal(
            ["amount", "at", "id", "paid", "priority", "reason", "reference", "remaining", "reversed", "source"],
            Answered.Names(grant));
        Assert.Equal(100, grant.GetProperty("priority").GetInt32());
    }

    [Fact]
    public async Task Credits_that_have_expired_already_cannot_come_in()
    {
        var customer = await app.Purser.GivenCustomer();

        var answer = await app.Client.Post(
            $"/v1/customers/{customer}/grants",
            """{"amount":5,"source":"promotion","expires_at":"2026-01-01T00:00:00Z"}""");

        Assert.Equal((400, "expires_at"), (answer.Status, answer.Error.GetProperty("param").GetString()));
    }

    [Fact]
    public async Task No_balance_outgrows_a_trillion()
    {
        var customer = await app.Purser.GivenCustomer(1_000_000_000_000);

        var answer = await app.Client.Post(
            $"/v1/customers/{customer}/grants", """{"amount":0.000001,"source":"promotion"}""");

        Assert.Equal((400, "amount"), (answer.Status, answer.Error.GetProperty("param").GetString()));
    }

    [Fact]
    public async Task A_customer_that_nobody_put_gets_nothing_and_has_no_list()
    {
        Answered[] answers =
        [
            await app.Client.Post("/v1/customers/nobody/grants", """{"amount":1,"source":"purchase"}"""),
            await app.Client.Read("/v1/customers/nobody/grants"),
            await app.Client.Read("/v1/customers/nobody/balance"),
            await app.Client.Read("/v1/customers/nobody/entries"),
        ];

        Assert.All(answers, answer => Assert.Equal(
            (404, "not_found"), (answer.Status, answer.Error.GetProperty("type").GetString())));
    }

    async Task<string> Grant(string customer, decimal amount, int? priority = null, int? expiresIn = null)
    {
        DateTimeOffset? expiry = expiresIn is { } days ? app.Time.GetUtcNow().AddDays(days) : null;
        var grant = Wallets.Bought(amount) with { Priority = priority, ExpiresAt = expiry };
        return (await app.Purser.Grants.CreateAsync(customer, grant, Ct)).Id;
    }

    ValueTask<List<Grant>> List(string customer) =>
        app.Purser.Grants.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct);
}
