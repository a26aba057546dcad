using System.Text.Json;
using Purser.Client;

namespace Purser.Server.Tests.Ledger;

public sealed class EntryTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_entry_says_all_that_the_contract_names()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await app.Purser.Charges.CreateAsync(
            customer, new() { Operation = "outline", Reason = "Book 2", Reference = "book-2" }, Ct);

        var charge = (await Entries(customer))[0];

        Assert.Equal(
            ["amount", "at", "balance", "hash", "id", "kind", "quote", "reason", "reference", "seq"],
            Answered.Names(charge));
        Assert.Equal((2, "charge"), (charge.GetProperty("seq").GetInt32(), charge.GetProperty("kind").GetString()));
        Assert.Equal(
            (-50m, 50m), (charge.GetProperty("amount").GetDecimal(), charge.GetProperty("balance").GetDecimal()));
        Assert.Matches("^[0-9a-f]{64}$", charge.GetProperty("hash").GetString());
        Assert.Equal("outline", charge.GetProperty("quote").GetProperty("subject").GetString());
    }

    [Fact]
    public async Task What_has_no_reason_says_so()
    {
        var customer = await app.Purser.GivenCustomer(100);

        var grant = (await Entries(customer))[0];

        Assert.Equal(JsonValueKind.Null, grant.GetProperty("reason").ValueKind);
        Assert.Equal(JsonValueKind.Null, grant.GetProperty("reference").ValueKind);
        Assert.False(grant.TryGetProperty("quote", out _));
    }

    [Fact]
    public async Task Entries_come_newest_first_page_by_page()
    {
        var customer = await app.Purser.GivenCustomer(100);
        for (var i = 0; i < 6; i++) await app.Purser.Charges.CreateAsync(customer, new() { Amount = 1 }, Ct);

        var first = await app.Client.Read($"/v1/customers/{customer}/entries?limit=3");
        var last = first.Json.GetProperty("data")[2].GetProperty("id").GetString();
        var second = await app.Client.Read($"/v1/customers/{customer}/entries?limit=4&after={last}");

        Assert.Equal([7, 6, 5], Numbers(first));
        Assert.True(first.Json.GetProperty("has_more").GetBoolean());
        Assert.Equal([4, 3, 2, 1], Numbers(second));
        Assert.False(second.Json.GetProperty("has_more").GetBoolean());
    }

    [Fact]
    public async Task What_is_written_meanwhile_moves_no_page()
    {
        var customer = await app.Purser.GivenCustomer(100);
        for (var i = 0; i < 3; i++) await app.Purser.Charges.CreateAsync(customer, new() { Amount = 1 }, Ct);
        var first = await app.Client.Read($"/v1/customers/{customer}/entries?limit=2");
        await app.Purser.Charges.CreateAsync(customer, new() { Amount = 1 }, Ct);

        var last = first.Json.GetProperty("data")[1].GetProperty("id").GetString();
        var second = await app.Client.Read($"/v1/customers/{customer}/entries?limit=2&after={last}");

        Assert.Equal([2, 1], Numbers(second));
    }

    [Fact]
    public async Task A_page_holds_fifty_unless_told_otherwise()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var many = Enumerable.Repeat(new CustomerCharge { Customer = customer, Amount = 1 }, 60);
        await app.Purser.Charges.CreateManyAsync(many, cancellationToken: Ct);

        var answer = await app.Client.Read($"/v1/customers/{customer}/entries");

        Assert.Equal(50, answer.Json.GetProperty("data").GetArrayLength());
    }

    [Fact]
    public async Task Every_entry_carries_on_from_the_one_before()
    {
        var customer = await app.Purser.GivenCustomer(100);
        for (var i = 1; i <= 5; i++) await app.Purser.Charges.CreateAsync(customer, new() { Amount = i }, Ct);

        var entries = await app.Purser.Entries.ListAsync(customer, pageSize: 2, cancellationToken: Ct).ToListAsync(Ct);

        entries.Reverse();
        Assert.All(entries.Skip(1).Zip(entries), pair =>
        {
            Assert.Equal(pair.Second.Seq + 1, pair.First.Seq);
            Assert.Equal(pair.Second.Balance + pair.First.Amount, pair.First.Balance);
            Assert.True(pair.First.At > pair.Second.At);
        });
        Assert.Equal(entries.Count, entries.Select(entry => entry.Hash).Distinct().Count());
    }

    async Task<List<JsonElement>> Entries(string customer)
    {
        var answer = await app.Client.Read($"/v1/customers/{customer}/entries");
        Assert.Equal(["data", "has_more"], answer.Members);
        return [.. answer.Json.GetProperty("data").EnumerateArray()];
    }

    static int[] Numbers(Answered page) =>
        [.. page.Json.GetProperty("data").EnumerateArray().Select(entry => entry.GetProperty("seq").GetInt32())];
}
