using Purser.Client;

namespace Purser.Server.Tests.Ledger;

/// <summary>The same key asks for the same thing, for ever.</summary>
public sealed class ReplayTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string> Writes => new()
    {
        { "customers/{customer}/grants", """{"amount":5,"source":"promotion"}""", """{"amount":6,"source":"promotion"}""" },
        {
            "customers/{customer}/grants",
            """{"amount":5,"source":"purchase","expires_at":"2027-01-01T00:00:00.000001Z","paid":{"minor":1,"currency":"usd"}}""",
            """{"amount":5,"source":"purchase","expires_at":"2027-01-01T00:00:00.000002Z","paid":{"minor":1,"currency":"usd"}}"""
        },
        { "customers/{customer}/charges", """{"amount":5,"reason":"a"}""", """{"amount":5,"reason":"b"}""" },
        { "customers/{customer}/charges", """{"operation":"outline"}""", """{"operation":"title_ideas"}""" },
        {
            "customers/{customer}/charges",
            """{"operation":"chapter","quantities":{"words":100}}""",
            """{"operation":"chapter","quantities":{"words":101}}"""
        },
        {
            "customers/{customer}/charges",
            """{"model":"gpt-5.4","usage":{"input_tokens":10}}""",
            """{"model":"gpt-5.4","usage":{"output_tokens":10}}"""
        },
        { "customers/{customer}/holds", """{"amount":5,"expires_in":60}""", """{"amount":5,"expires_in":61}""" },
        { "customers/{customer}/holds", """{"operation":"outline"}""", """{"amount":50}""" },
        { "holds/{hold}/capture", """{"amount":5}""", """{"amount":4}""" },
        { "holds/{hold}/capture", """{"quantities":{"words":50}}""", """{"quantities":{"words":60}}""" },
        { "holds/{hold}/release", "{}", "" },
        { "customers/{customer}/adjustments", """{"amount":-5,"reason":"a"}""", """{"amount":5,"reason":"a"}""" },
        { "customers/{customer}/reversals", """{"amount":150,"reason":"a"}""", """{"amount":150,"reason":"b"}""" },
    };

    [Theory]
    [MemberData(nameof(Writes))]
    public async Task A_replay_answers_as_the_first_time(string path, string body, string _)
    {
        var to = await To(path);

        var first = await app.Client.Post(to, body, "once");
        var again = await app.Client.Post(to, body, "once");

        Assert.True(first.Status is 200 or 201, first.Body);
        Assert.Equal((false, true), (first.Replayed, again.Replayed));
        Assert.Equal((first.Status, first.Body), (again.Status, again.Body));
    }

    [Theory]
    [MemberData(nameof(Writes))]
    public async Task A_key_that_was_used_for_something_else_is_a_conflict(string path, string body, string other)
    {
        Assert.SkipWhen(other.Length == 0, "There is only one way to release a hold.");
        var to = await To(path);
        await app.Client.Post(to, body, "once");

        var answer = await app.Client.Post(to, other, "once");

        Assert.Equal(
            (409, "conflict", "idempotency_key_reused"),
            (answer.Status, answer.Error.GetProperty("type").GetString(), answer.Error.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task A_replay_is_what_it_was_whatever_happened_since()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var charge = new NewCharge { Operation = "outline", IdempotencyKey = "once" };
        var first = await app.Purser.Charges.CreateAsync(customer, charge, Ct);
        await app.Purser.Charges.CreateAsync(customer, new() { Amount = 7 }, Ct);
        await app.Purser.Freezes.PutAsync(customer, "Chargeback", Ct);

        var again = await app.Purser.Charges.CreateAsync(customer, charge, Ct);

        Assert.True(again.Replayed);
        Assert.Equal((first.Id, 50m, 50m, 50m), (again.Id, again.Amount, again.Balance, again.Available));
        Assert.Equal(first.Quote!.Lines, again.Quote!.Lines);
    }

    [Fact]
    public async Task A_grant_is_replayed_even_after_its_credits_expired()
    {
        var customer = await app.Purser.GivenCustomer();
        var grant = new NewGrant
        {
            Amount = 5, Source = GrantSource.Promotion, IdempotencyKey = "once",
            ExpiresAt = app.Time.GetUtcNow().AddMinutes(1),
        };
        var first = await app.Purser.Grants.CreateAsync(customer, grant, Ct);
        app.Time.Advance(TimeSpan.FromHours(1));

        var again = await app.Purser.Grants.CreateAsync(customer, grant, Ct);

        Assert.True(again.Replayed);
        Assert.Equal((first.Id, first.Remaining, first.Balance), (again.Id, again.Remaining, again.Balance));
    }

    [Fact]
    public async Task A_refusal_is_replayed_like_any_answer()
    {
        var customer = await app.Purser.GivenCustomer(1);
        var path = $"/v1/customers/{customer}/charges";
        var first = await app.Client.Post(path, """{"amount":2}""", "once");
        await app.Purser.Grants.CreateAsync(customer, Wallets.Bought(100), Ct);

        var again = await app.Client.Post(path, """{"amount":2}""", "once");

        Assert.Equal((402, 402), (first.Status, again.Status));
        Assert.Equal((false, true), (first.Replayed, again.Replayed));
        Assert.Equal(1, again.Error.GetProperty("available").GetDecimal());
    }

    [Fact]
    public async Task A_key_under_which_nothing_could_be_decided_is_still_free()
    {
        var customer = await app.Purser.GivenCustomer(10);
        var path = $"/v1/customers/{customer}/charges";
        await app.Client.Post(path, """{"amount":0}""", "once");
        await app.Client.Post(path, """{"operation":"divination"}""", "once");
        var late = await app.Client.Post(
            $"/v1/customers/{customer}/grants",
            """{"amount":5,"source":"promotion","expires_at":"2020-01-01T00:00:00Z"}""", "once");

        var answer = await app.Client.Post(path, """{"amount":2}""", "once");

        Assert.Equal((400, "expires_at"), (late.Status, late.Error.GetProperty("param").GetString()));
        Assert.Equal((201, false), (answer.Status, answer.Replayed));
    }

    [Fact]
    public async Task Each_customer_has_keys_of_their_own()
    {
        var ann = await app.Purser.GivenCustomer(10);
        var bob = await app.Purser.GivenCustomer(10);
        var charge = new NewCharge { Amount = 1, IdempotencyKey = "chapter-3" };

        await app.Purser.Charges.CreateAsync(ann, charge, Ct);
        var other = await app.Purser.Charges.CreateAsync(bob, charge, Ct);

        Assert.False(other.Replayed);
    }

    [Fact]
    public async Task A_key_names_one_thing_whatever_kind_it_is_of()
    {
        var customer = await app.Purser.GivenCustomer(10);
        await app.Client.Post($"/v1/customers/{customer}/charges", """{"amount":1}""", "once");

        var hold = await app.Client.Post($"/v1/customers/{customer}/holds", """{"amount":1}""", "once");

        Assert.Equal((409, "idempotency_key_reused"), (hold.Status, hold.Error.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task The_same_request_written_otherwise_is_the_same_request()
    {
        var customer = await app.Purser.GivenCustomer(1_000);
        var path = $"/v1/customers/{customer}/charges";
        await app.Client.Post(path, """{"operation":"research","quantities":{"tokens":1000,"sources":2}}""", "priced");
        await app.Client.Post(path, """{"amount":1.5,"reason":"a"}""", "plain");

        var priced = await app.Client.Post(
            path, """{ "quantities": {"sources": 2.0, "tokens": 1e3}, "operation": "research" }""", "priced");
        var plain = await app.Client.Post(path, """{"reason":"a","amount":"1.50"}""", "plain");

        Assert.Equal((true, true), (priced.Replayed, plain.Replayed));
    }

    async Task<string> To(string path)
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await app.Purser.Holds.CreateAsync(
            customer, new() { Operation = "chapter", Quantities = new() { ["words"] = 100 } }, Ct);
        return $"/v1/{path.Replace("{customer}", customer, StringComparison.Ordinal).Replace("{hold}", hold.Id, StringComparison.Ordinal)}";
    }
}
