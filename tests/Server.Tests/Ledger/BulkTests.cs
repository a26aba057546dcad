using System.Globalization;
using System.Text.Json;

namespace Purser.Server.Tests.Ledger;

public sealed class BulkTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_damaged_wallet_is_that_charges_error_and_no_others()
    {
        var (damaged, sound) = (await app.Purser.GivenCustomer(100), await app.Purser.GivenCustomer(100));
        var wallet = Purser.Core.Ledger.WalletId.Of(Purser.Core.CustomerId.Parse(damaged, null));
        // An entry stands where the next one is to be written.
        await Tables.Run(app.ConnectionString, $"""
            insert into entry (bucket, wallet_id, seq, kind, amount, balance, owed, at, hash)
            select bucket, wallet_id, 2, 5, 0, balance, owed, at, hash from entry where wallet_id = '{wallet.Value}'
            """);

        var answer = await app.Client.Post(
            "/v1/charges", $$"""{"charges":[{{Charge(damaged, 1, "\"amount\":1")}},{{Charge(sound, 2, "\"amount\":1")}}]}""");
        await Tables.Run(app.ConnectionString, $"""
            alter table entry disable trigger all;
            delete from entry where wallet_id = '{wallet.Value}' and seq = 2;
            alter table entry enable trigger all
            """);

        Assert.Equal(200, answer.Status);
        var results = answer.Json.GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal("internal", results[0].GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(99, results[1].GetProperty("charge").GetProperty("balance").GetInt32());
    }

    [Fact]
    public async Task A_thousand_charges_are_each_decided_and_answered_in_order()
    {
        var customers = new List<string>();
        for (var i = 0; i < 7; i++) customers.Add(await app.Purser.GivenCustomer(10_000));
        // Amounts of every length, so that some stand astride the pieces in which a long body arrives.
        var charges = Enumerable.Range(0, 1_000).Select(i => (i % 5) switch
        {
            0 => Charge(customers[i % 7], i, $"\"amount\":{Amount(i)}"),
            1 => Charge(customers[i % 7], i, "\"operation\":\"title_ideas\""),
            2 => Charge(customers[i % 7], i, "\"amount\":1000000"),
            3 => Charge("nobody", i, $"\"amount\":{Amount(i)}"),
            _ => Charge(customers[i % 7], i, "\"amount\":-1"),
        });

        var answer = await app.Client.Post("/v1/charges", $$"""{"charges":[{{string.Join(',', charges)}}]}""");

        Assert.Equal(200, answer.Status);
        var results = answer.Json.GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal(1_000, results.Length);
        Assert.All(results.Index(), one => Assert.Equal(Expected(one.Index), Seen(one.Item)));
        await Wallets.AssertProven(app.ConnectionString);

        static (string, string?) Expected(int i) => (i % 5) switch
        {
            0 => ("charge", Amount(i)),
            1 => ("charge", "5"),
            2 => ("error", "insufficient_credits"),
            3 => ("error", "not_found"),
            _ => ("error", "invalid_value"),
        };
    }

    [Fact]
    public async Task One_that_is_refused_says_what_it_would_say_alone()
    {
        var customer = await app.Purser.GivenCustomer(10);

        var answer = await app.Client.Post("/v1/charges", $$"""{"charges":[{{Charge(customer, 1, "\"amount\":250")}}]}""");

        var error = answer.Json.GetProperty("results")[0].GetProperty("error");
        Assert.Equal(
            ["available", "code", "message", "request_id", "required", "type"], Answered.Names(error));
        Assert.Equal("Insufficient credits. Required: 250, Available: 10", error.GetProperty("message").GetString());
        Assert.Equal(answer.Header("X-Request-Id"), error.GetProperty("request_id").GetString());
    }

    [Fact]
    public async Task The_same_charges_again_take_nothing()
    {
        var customer = await app.Purser.GivenCustomer(10);
        var body = $$"""{"charges":[{{Charge(customer, 1, "\"amount\":6")}},{{Charge(customer, 2, "\"amount\":6")}}]}""";
        var first = await app.Client.Post("/v1/charges", body);

        var again = await app.Client.Post("/v1/charges", body);

        var (before, after) = (first.Json.GetProperty("results"), again.Json.GetProperty("results"));
        Assert.True(JsonElement.DeepEquals(before[0].GetProperty("charge"), after[0].GetProperty("charge")));
        Assert.True(after[0].GetProperty("replayed").GetBoolean());
        Assert.Equal("insufficient_credits", after[1].GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(4, (await app.Purser.Balances.GetAsync(customer, Ct)).Balance);
    }

    [Fact]
    public async Task A_key_stands_for_the_same_charge_alone_and_among_many()
    {
        var customer = await app.Purser.GivenCustomer(10);
        await app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":6}""", "key-1");

        var answer = await app.Client.Post("/v1/charges", $$"""{"charges":[{{Charge(customer, 1, "\"amount\":6")}}]}""");

        Assert.True(answer.Json.GetProperty("results")[0].GetProperty("replayed").GetBoolean());
    }

    [Fact]
    public async Task A_key_twice_among_many_charges_once()
    {
        var customer = await app.Purser.GivenCustomer(10);
        var charge = Charge(customer, 1, "\"amount\":6");

        var answer = await app.Client.Post("/v1/charges", $$"""{"charges":[{{charge}},{{charge}}]}""");

        var results = answer.Json.GetProperty("results");
        Assert.Equal(
            results[0].GetProperty("charge").GetProperty("id").GetString(),
            results[1].GetProperty("charge").GetProperty("id").GetString());
        Assert.Equal(4, (await app.Purser.Balances.GetAsync(customer, Ct)).Balance);
    }

    [Fact]
    public async Task The_key_of_a_call_stands_for_its_charges_and_for_no_others()
    {
        var customer = await app.Purser.GivenCustomer(10);
        var body = $$"""{"charges":[{{Keyless(customer, 1)}},{{Keyless(customer, 1)}},{{Keyless(customer, 50)}}]}""";
        var first = await app.Client.Post("/v1/charges", body, $"call {customer}");

        var again = await app.Client.Post("/v1/charges", body.Replace(",", " , ", StringComparison.Ordinal), $"call {customer}");
        var other = await app.Client.Post(
            "/v1/charges", $$"""{"charges":[{{Keyless(customer, 2)}}]}""", $"call {customer}");
        var single = await app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":1}""", $"call {customer}");

        Assert.Equal((200, null), (first.Status, first.Header("Idempotency-Replayed")));
        Assert.Equal((200, "true"), (again.Status, again.Header("Idempotency-Replayed")));
        var (before, after) = (first.Json.GetProperty("results"), again.Json.GetProperty("results"));
        for (var i = 0; i < 2; i++)
            Assert.True(JsonElement.DeepEquals(before[i].GetProperty("charge"), after[i].GetProperty("charge")));
        Assert.Equal("insufficient_credits", after[2].GetProperty("error").GetProperty("code").GetString());
        Assert.Equal((409, "idempotency_key_reused"), (other.Status, other.Error.GetProperty("code").GetString()));
        Assert.Equal((201, null), (single.Status, single.Header("Idempotency-Replayed")));
        Assert.Equal(7, (await app.Purser.Balances.GetAsync(customer, Ct)).Balance);
    }

    [Fact]
    public async Task A_call_again_does_what_was_left_over_and_is_then_no_replay()
    {
        var customer = await app.Purser.GivenCustomer(10);
        var body = $$"""{"charges":[{{Keyless(customer, 1)}},{{Keyless($"late_{customer}", 0.5m)}}]}""";
        await app.Client.Post("/v1/charges", body, $"call {customer}");
        await app.Purser.Customers.PutAsync($"late_{customer}", new(), Ct);
        await app.Purser.Grants.CreateAsync($"late_{customer}", Wallets.Bought(1), Ct);

        var again = await app.Client.Post("/v1/charges", body, $"call {customer}");
        var third = await app.Client.Post("/v1/charges", body, $"call {customer}");

        Assert.Equal((null, "true"), (again.Header("Idempotency-Replayed"), third.Header("Idempotency-Replayed")));
        Assert.Equal(0.5m, again.Json.GetProperty("results")[1].GetProperty("charge").GetProperty("balance").GetDecimal());
        Assert.Equal(9, (await app.Purser.Balances.GetAsync(customer, Ct)).Balance);
    }

    [Fact]
    public async Task One_call_at_two_servers_at_once_charges_once()
    {
        await using var second = await app.Build(Given.Settings);
        await second.StartAsync(Ct);
        using var there = new HttpClient { BaseAddress = new(second.Urls.Single()) };
        there.DefaultRequestHeaders.Authorization = app.Client.DefaultRequestHeaders.Authorization;
        var customer = await app.Purser.GivenCustomer(1_000);
        var body = $$"""{"charges":[{{string.Join(',', Enumerable.Repeat(Keyless(customer, 1), 100))}}]}""";

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(i =>
            (i % 2 == 0 ? app.Client : there).Post("/v1/charges", body, $"call {customer}")));

        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Equal(900, (await app.Purser.Balances.GetAsync(customer, Ct)).Balance);
        await Wallets.AssertProven(app.ConnectionString);
    }

    [Theory]
    [InlineData("\"amount\":1,\"idempotency_key\":null", "idempotency_key")]
    [InlineData("\"amount\":1,\"idempotency_key\":\"\"", "idempotency_key")]
    [InlineData("\"amount\":1,\"idempotency_key\":\"k\",\"operation\":\"outline\"", "amount")]
    [InlineData("\"operation\":\"chapter\",\"idempotency_key\":\"k\"", "quantities.words")]
    public async Task One_that_makes_no_sense_leaves_the_others_alone(string members, string param)
    {
        var customer = await app.Purser.GivenCustomer(10);
        var bad = $$"""{"customer":"{{customer}}",{{members}}}""";

        var answer = await app.Client.Post(
            "/v1/charges", $$"""{"charges":[{{bad}},{{Charge(customer, 1, "\"amount\":6")}}]}""");

        var results = answer.Json.GetProperty("results");
        Assert.Equal(param, results[0].GetProperty("error").GetProperty("param").GetString());
        Assert.Equal(6, results[1].GetProperty("charge").GetProperty("amount").GetDecimal());
    }

    static string Charge(string customer, int i, string what) =>
        $$"""{"customer":"{{customer}}","idempotency_key":"key-{{i}}",{{what}}}""";

    static string Keyless(string customer, decimal amount) =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"customer":"{{customer}}","amount":{{amount}}}""");

    static string Amount(int i) =>
        ((i + 1) * 0.001001m).ToString("0.######", CultureInfo.InvariantCulture);

    static (string, string?) Seen(JsonElement result) => result.TryGetProperty("charge", out var charge)
        ? ("charge", charge.GetProperty("amount").GetRawText())
        : ("error", result.GetProperty("error").GetProperty("code").GetString());
}
