using Purser.Client;

namespace Purser.Server.Tests.Ledger;

public sealed class EstimateTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_estimate_itemises_and_takes_nothing()
    {
        var answer = await app.Client.Post(
            "/v1/estimates", """{"operation":"research","quantities":{"tokens":2000,"sources":4}}""");

        Assert.Equal(200, answer.Status);
        Assert.Equal(["amount", "lines", "usd"], answer.Members);
        Assert.Equal((37m, 0.037m), (answer.Number("amount"), answer.Number("usd")));
        Assert.All(
            answer.Json.GetProperty("lines").EnumerateArray(),
            line => Assert.Equal(["amount", "item", "quantity", "unit_price"], Answered.Names(line)));
        Assert.Equal(
            37m, answer.Json.GetProperty("lines").EnumerateArray().Sum(line => line.GetProperty("amount").GetDecimal()));
    }

    [Theory]
    [InlineData(12, true)]
    [InlineData(11.999999, false)]
    public async Task An_estimate_for_a_customer_says_whether_they_can_afford_it(decimal credits, bool affordable)
    {
        var customer = await app.Purser.GivenCustomer(credits + 5);
        await app.Purser.Holds.CreateAsync(customer, new() { Amount = 5 }, Ct);

        var estimate = await app.Purser.Estimates.CreateAsync(
            new() { Customer = customer, Model = "gpt-5.4", Usage = new() { InputTokens = 1_000, OutputTokens = 500 } }, Ct);

        Assert.Equal((12m, affordable), (estimate.Amount, estimate.Affordable));
    }

    [Fact]
    public async Task An_estimate_for_a_customer_that_nobody_put_is_not_found() =>
        await Assert.ThrowsAsync<NotFoundException>(
            () => app.Purser.Estimates.CreateAsync(new() { Customer = "nobody", Operation = "outline" }, Ct));

    [Fact]
    public async Task What_is_charged_is_what_was_estimated()
    {
        var customer = await app.Purser.GivenCustomer(1_000);
        var words = new Dictionary<string, decimal> { ["words"] = 12_345 };

        var estimate = await app.Purser.Estimates.CreateAsync(new() { Operation = "translate", Quantities = words }, Ct);
        var charge = await app.Purser.Charges.CreateAsync(customer, new() { Operation = "translate", Quantities = words }, Ct);

        Assert.Equal(estimate.Amount, charge.Amount);
        Assert.Equal(estimate.Lines, charge.Quote!.Lines);
    }
}
