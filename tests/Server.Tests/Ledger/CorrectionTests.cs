using Purser.Client;

namespace Purser.Server.Tests.Ledger;

/// <summary>Adjustments, reversals, and who may not spend for now.</summary>
public sealed class CorrectionTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("2.5", 102.5)]
    [InlineData("-99.999999", 0.000001)]
    public async Task An_adjustment_answers_with_its_entry(string amount, decimal balance)
    {
        var customer = await app.Purser.GivenCustomer(100);

        var answer = await app.Client.Post(
            $"/v1/customers/{customer}/adjustments", $$"""{"amount":{{amount}},"reason":"Typo"}""");

        Assert.Equal(201, answer.Status);
        Assert.Equal(
            ["amount", "at", "balance", "hash", "id", "kind", "reason", "reference", "seq"], answer.Members);
        Assert.Equal(("adjustment", "Typo"), (answer.Text("kind"), answer.Text("reason")));
        Assert.Equal((amount, balance), (answer.Json.GetProperty("amount").GetRawText(), answer.Number("balance")));
    }

    [Fact]
    public async Task An_adjustment_takes_nothing_that_is_not_there_or_held()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await app.Purser.Holds.CreateAsync(customer, new() { Amount = 40 }, Ct);

        var refusal = await Assert.ThrowsAsync<InsufficientCreditsException>(
            () => app.Purser.Adjustments.CreateAsync(customer, new() { Amount = -61, Reason = "Typo" }, Ct));

        Assert.Equal((61m, 60m), (refusal.Required, refusal.Available));
    }

    [Fact]
    public async Task A_reversal_takes_what_is_there_and_the_rest_is_owed()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await app.Purser.Charges.CreateAsync(customer, new() { Amount = 70 }, Ct);

        var answer = await app.Client.Post(
            $"/v1/customers/{customer}/reversals", """{"amount":100,"reason":"Chargeback"}""");

        Assert.Equal(201, answer.Status);
        Assert.Equal(["available", "balance", "id", "owed", "taken"], answer.Members);
        Assert.Equal(
            (30m, 70m, 0m), (answer.Number("taken"), answer.Number("owed"), answer.Number("balance")));
        Assert.Equal(70, (await app.Purser.Balances.GetAsync(customer, Ct)).Owed);
    }

    [Fact]
    public async Task What_is_held_is_not_reversed()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await app.Purser.Holds.CreateAsync(customer, new() { Amount = 40 }, Ct);

        var reversal = await app.Purser.Reversals.CreateAsync(customer, new() { Amount = 100, Reason = "r" }, Ct);

        Assert.Equal((60m, 40m, 40m), (reversal.Taken, reversal.Owed, reversal.Balance));
    }

    [Fact]
    public async Task The_next_grant_pays_what_is_owed_first()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await app.Purser.Charges.CreateAsync(customer, new() { Amount = 100 }, Ct);
        await app.Purser.Reversals.CreateAsync(customer, new() { Amount = 80, Reason = "Chargeback" }, Ct);

        var part = await app.Purser.Grants.CreateAsync(customer, Wallets.Bought(50), Ct);
        var rest = await app.Purser.Grants.CreateAsync(customer, Wallets.Bought(50), Ct);

        Assert.Equal((0m, 0m), (part.Remaining, part.Balance));
        Assert.Equal((20m, 20m), (rest.Remaining, rest.Balance));
        var wallet = await app.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((20m, 0m), (wallet.Balance, wallet.Owed));
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task An_adjustment_upwards_pays_what_is_owed_too()
    {
        var customer = await app.Purser.GivenCustomer();
        await app.Purser.Reversals.CreateAsync(customer, new() { Amount = 30, Reason = "Chargeback" }, Ct);

        await app.Purser.Adjustments.CreateAsync(customer, new() { Amount = 50, Reason = "Goodwill" }, Ct);

        var wallet = await app.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((20m, 0m), (wallet.Balance, wallet.Owed));
    }

    [Fact]
    public async Task A_grant_that_is_reversed_loses_its_own_credits_first()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var second = await app.Purser.Grants.CreateAsync(customer, Wallets.Bought(50), Ct);

        await app.Purser.Reversals.CreateAsync(customer, new() { Amount = 50, Grant = second.Id, Reason = "Refund" }, Ct);

        var grants = await app.Purser.Grants.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct);
        Assert.Equal([100m, 0m], grants.Select(grant => grant.Remaining));
        Assert.Equal(second.Id, grants[1].Id);
    }

    [Fact]
    public async Task No_more_is_reversed_than_was_granted_however_often_it_is_asked()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var grant = await app.Purser.Grants.CreateAsync(customer, Wallets.Bought(50), Ct);
        var reversal = new NewReversal { Amount = 30, Grant = grant.Id, Reason = "Refund" };
        await app.Purser.Reversals.CreateAsync(customer, reversal, Ct);

        var refusal = await Assert.ThrowsAsync<InvalidRequestException>(
            () => app.Purser.Reversals.CreateAsync(customer, reversal, Ct));

        Assert.Equal("amount", refusal.Param);
        Assert.Equal(120, (await app.Purser.Balances.GetAsync(customer, Ct)).Balance);
    }

    [Fact]
    public async Task A_grant_of_somebody_else_is_not_found()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var other = await app.Purser.GivenCustomer();
        var grant = await app.Purser.Grants.CreateAsync(other, Wallets.Bought(50), Ct);

        await Assert.ThrowsAsync<NotFoundException>(() => app.Purser.Reversals.CreateAsync(
            customer, new() { Amount = 1, Grant = grant.Id, Reason = "Refund" }, Ct));
    }

    [Fact]
    public async Task A_frozen_customer_is_neither_charged_nor_held_and_still_gets_grants()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await app.Purser.Holds.CreateAsync(customer, new() { Amount = 10 }, Ct);

        var frozen = await app.Client.Put($"/v1/customers/{customer}/freeze", """{"reason":"Dispute"}""");

        Assert.Equal((200, true, "Dispute"), (frozen.Status, frozen.Json.GetProperty("frozen").GetBoolean(), frozen.Text("reason")));
        var charge = await app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":1}""");
        Assert.Equal((403, "customer_frozen"), (charge.Status, charge.Error.GetProperty("code").GetString()));
        await Assert.ThrowsAsync<ForbiddenException>(
            () => app.Purser.Holds.CreateAsync(customer, new() { Amount = 1 }, Ct));
        Assert.Equal(105, (await app.Purser.Grants.CreateAsync(customer, Wallets.Bought(5), Ct)).Balance);
        Assert.Equal((10m, 5m), await CaptureBeyond(hold));
    }

    [Fact]
    public async Task A_thawed_customer_spends_again()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await app.Purser.Freezes.PutAsync(customer, "Dispute", Ct);

        var thawed = await app.Client.Call(HttpMethod.Delete, $"/v1/customers/{customer}/freeze");

        Assert.Equal((200, false), (thawed.Status, thawed.Json.GetProperty("frozen").GetBoolean()));
        Assert.Equal(99, (await app.Purser.Charges.CreateAsync(customer, new() { Amount = 1 }, Ct)).Balance);
    }

    [Fact]
    public async Task Freezing_again_keeps_the_time_since_when()
    {
        var customer = await app.Purser.GivenCustomer();
        var first = await app.Purser.Freezes.PutAsync(customer, "Dispute", Ct);
        app.Time.Advance(TimeSpan.FromMinutes(1));

        var again = await app.Purser.Freezes.PutAsync(customer, "Dispute lost", Ct);

        Assert.Equal((first.Since, "Dispute lost"), (again.Since, again.Reason));
        Assert.Equal(again, await app.Purser.Freezes.GetAsync(customer, Ct));
    }

    // A frozen wallet pays what was promised before, and nothing beyond.
    async Task<(decimal, decimal)> CaptureBeyond(Hold hold)
    {
        var capture = await app.Purser.Holds.CaptureAsync(hold.Id, new() { Amount = hold.Amount + 5 }, Ct);
        return (capture.Amount, capture.Shortfall);
    }
}
