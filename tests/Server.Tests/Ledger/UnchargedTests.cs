using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Ledger;

/// <summary>A server of one's own: a switch is everybody's.</summary>
public sealed class UnchargedTests : IAsyncLifetime
{
    readonly App app = new();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => app.InitializeAsync();

    public ValueTask DisposeAsync() => app.DisposeAsync();

    [Fact]
    public async Task While_charging_is_off_a_charge_is_priced_and_nothing_is_taken()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await Switch("BILLING_CHARGING_ENABLED", "false");

        var priced = await Charge(customer, """{"operation":"chapter","quantities":{"words":50000},"reference":"book_3"}""");
        var plain = await Charge(customer, """{"amount":7}""");

        Assert.Equal((0m, 100m, 5000m), (priced.Number("amount"), priced.Number("balance"), priced.Number("uncharged")));
        Assert.Equal("chapter", priced.Json.GetProperty("quote").GetProperty("subject").GetString());
        Assert.Equal((0m, 100m, 7m), (plain.Number("amount"), plain.Number("balance"), plain.Number("uncharged")));
        Assert.Equal([5000m, 7m], (await Open(customer)).Select(one => one.GetProperty("amount").GetDecimal()));
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task A_retry_answers_as_the_first_time_whichever_way_the_switch_stands_by_then()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var charged = await Charge(customer, """{"amount":5}""", "on");
        await Switch("BILLING_CHARGING_ENABLED", "false");
        var uncharged = await Charge(customer, """{"amount":5}""", "off");

        var chargedAgain = await Charge(customer, """{"amount":5}""", "on");
        await Switch("BILLING_CHARGING_ENABLED", "true");
        var unchargedAgain = await Charge(customer, """{"amount":5}""", "off");

        Assert.Equal((charged.Body, uncharged.Body), (chargedAgain.Body, unchargedAgain.Body));
        Assert.True(chargedAgain.Replayed && unchargedAgain.Replayed);
        Assert.Single(await Open(customer));
    }

    [Fact]
    public async Task What_both_began_and_ended_while_charging_was_on_is_charged_and_nothing_else()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var (on, off) = ("true", "false");
        var amounts = new List<decimal>();
        foreach (var (before, after) in new[] { (on, on), (on, off), (off, on), (off, off) })
        {
            await Switch("BILLING_CHARGING_ENABLED", before);
            var hold = (await app.Client.Post($"/v1/customers/{customer}/holds", """{"amount":10}""")).Text("id");
            await Switch("BILLING_CHARGING_ENABLED", after);
            var captured = await app.Client.Post($"/v1/holds/{hold}/capture", """{"amount":4}""");
            amounts.Add(captured.Number("amount"));
            Assert.Equal(captured.Number("amount") == 0, captured.Members.Contains("uncharged"));
        }

        Assert.Equal([4m, 0m, 0m, 0m], amounts);
        Assert.Equal(3, (await Open(customer)).Count);
        Assert.Equal((96m, 0m), await Balance(customer));
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task What_is_open_is_charged_later_once_however_many_ask()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await Switch("BILLING_CHARGING_ENABLED", "false");
        foreach (var _ in Enumerable.Range(0, 20)) await Charge(customer, """{"operation":"title_ideas"}""");
        Assert.Equal(409, (await ChargeLater(customer)).Status);
        await Switch("BILLING_CHARGING_ENABLED", "true");

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ChargeLater(customer)));

        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Equal((20m, 100m), (answers.Sum(answer => answer.Number("charged")), answers.Sum(answer => answer.Number("amount"))));
        Assert.Equal((0m, 0m), await Balance(customer));
        Assert.Empty(await Open(customer));
        var entries = await app.Purser.Entries.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct);
        Assert.Equal(20, entries.Count(entry => entry.Reason == "charged later" && entry.Quote is not null));
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task What_cannot_be_paid_stays_open_and_is_charged_when_it_can()
    {
        var customer = await app.Purser.GivenCustomer(8);
        await Switch("BILLING_CHARGING_ENABLED", "false");
        await Charge(customer, """{"amount":5}""");
        await Charge(customer, """{"amount":4}""");
        await Switch("BILLING_CHARGING_ENABLED", "true");

        var first = await ChargeLater(customer);
        await app.Purser.Grants.CreateAsync(customer, Wallets.Bought(10), Ct);
        var second = await ChargeLater(customer);

        Assert.Equal((1m, 1m), (first.Number("charged"), first.Number("refused")));
        Assert.Equal((1m, 0m), (second.Number("charged"), second.Number("refused")));
        Assert.Equal((9m, 0m), await Balance(customer));
    }

    [Fact]
    public async Task A_charge_that_a_server_which_died_had_begun_with_is_finished()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await Switch("BILLING_CHARGING_ENABLED", "false");
        await Charge(customer, """{"amount":5}""");
        await Switch("BILLING_CHARGING_ENABLED", "true");
        await Tables.Run(app.ConnectionString, "update uncharged set state = 2");

        Assert.Equal(1, (await ChargeLater(customer)).Number("charged"));
        Assert.Equal((95m, 0m), await Balance(customer));
    }

    [Fact]
    public async Task What_is_waived_is_never_charged()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await Switch("BILLING_CHARGING_ENABLED", "false");
        await Charge(customer, """{"amount":5}""");
        await Charge(customer, """{"amount":6}""");

        Assert.Equal(400, (await app.Client.Post("/v1/uncharged/waive", $$"""{"customer":"{{customer}}"}""")).Status);
        var waived = await app.Client.Post("/v1/uncharged/waive", $$"""{"customer":"{{customer}}","reason":"our fault"}""");
        await Switch("BILLING_CHARGING_ENABLED", "true");

        Assert.Equal((2m, 11m), (waived.Number("waived"), waived.Number("amount")));
        Assert.Equal(0, (await ChargeLater(customer)).Number("charged"));
        Assert.Equal((100m, 0m), await Balance(customer));
        var closed = (await app.Client.Read($"/v1/uncharged?customer={customer}&state=waived")).Json.GetProperty("data");
        Assert.All(closed.EnumerateArray(), one => Assert.Equal("our fault", one.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task Only_customers_within_the_rollout_are_charged()
    {
        await Switch("BILLING_ROLLOUT_PERCENTAGE", "50");
        var charged = 0;
        foreach (var _ in Enumerable.Range(0, 40))
        {
            var customer = await app.Purser.GivenCustomer(10);
            var first = (await Charge(customer, """{"amount":1}""")).Number("amount");
            Assert.Equal(first, (await Charge(customer, """{"amount":1}""")).Number("amount"));
            charged += (int)first;
        }

        Assert.InRange(charged, 6, 34);
    }

    [Fact]
    public async Task Who_is_not_within_the_rollout_is_not_charged_later_either()
    {
        await Switch("BILLING_ROLLOUT_PERCENTAGE", "0");
        var customers = new List<string>();
        foreach (var _ in Enumerable.Range(0, 40))
        {
            customers.Add(await app.Purser.GivenCustomer(10));
            await Charge(customers[^1], """{"amount":1}""");
        }

        await Switch("BILLING_ROLLOUT_PERCENTAGE", "50");
        var (inside, outside) = (new List<string>(), new List<string>());
        foreach (var customer in customers)
            ((await Charge(customer, """{"amount":2}""")).Number("amount") == 2 ? inside : outside).Add(customer);
        var named = await ChargeLater(outside[0]);
        var all = await app.Client.Post("/v1/uncharged/charge", "{}");

        Assert.Equal((409, "charging_off"), named.Code());
        Assert.Equal((200, (decimal)inside.Count, 0m), (all.Status, all.Number("charged"), all.Number("refused")));
        foreach (var customer in inside) Assert.Equal((7m, 0m), await Balance(customer));
        foreach (var customer in outside) Assert.Equal((10m, 0m), await Balance(customer));
        Assert.Equal(2, (await Open(outside[0])).Count);
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Fact]
    public async Task Rounding_can_be_changed_and_the_quote_shows_it()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var usage = """{"model":"gpt-4o-mini","usage":{"input_tokens":8,"output_tokens":20}}""";

        var exact = await Charge(customer, usage);
        await Switch("BILLING_ROUNDING_MODE", "ceil");
        var ceil = await Charge(customer, usage);

        Assert.True(exact.Number("amount") < 1);
        Assert.Equal(1m, ceil.Number("amount"));
        Assert.Equal("rounding", ceil.Json.GetProperty("quote").GetProperty("lines").EnumerateArray().Last().GetProperty("item").GetString());
    }

    async Task Switch(string name, string value)
    {
        var board = app.Services.GetRequiredService<SwitchBoard>();
        await board.Change(board.Find(name)!, value, "test", Ct);
    }

    Task<Answered> Charge(string customer, string json, string? key = null) => app.Client.Post($"/v1/customers/{customer}/charges", json, key);

    Task<Answered> ChargeLater(string customer) => app.Client.Post("/v1/uncharged/charge", $$"""{"customer":"{{customer}}"}""");

    async Task<List<JsonElement>> Open(string customer) =>
        [.. (await app.Client.Read($"/v1/uncharged?customer={customer}")).Json.GetProperty("data").EnumerateArray()];

    async Task<(decimal Balance, decimal Held)> Balance(string customer)
    {
        var balance = await app.Purser.Balances.GetAsync(customer, Ct);
        return (balance.Balance, balance.Held);
    }
}
