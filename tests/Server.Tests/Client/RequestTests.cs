using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Purser.Client;

namespace Purser.Server.Tests.Client;

public sealed class RequestTests
{
    const string Entry = """
        {"id":"ent_1","seq":7,"kind":"adjustment","amount":-5,"balance":95,"reason":"Typo","reference":null,
         "at":"2026-07-01T12:00:00.123456Z","hash":"ab12"}
        """;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_customer_is_put_and_read()
    {
        const string body = """
            {"id":"org:7@x","name":"Ada","email":"ada@example.com","metadata":{"Tier":"gold"},
             "created_at":"2026-07-01T12:00:00Z","new":1}
            """;
        await using var server = await ScriptedServer.Start(Reply.Json(body), Reply.Json(body));
        using var purser = server.Client();

        var put = await purser.Customers.PutAsync(
            "org:7@x", new() { Email = "ada@example.com", Metadata = new() { ["Tier"] = "gold" } }, Ct);
        var got = await purser.Customers.GetAsync("org:7@x", Ct);

        Sent(server, 0, "PUT", "/v1/customers/org%3A7%40x",
            """{"email":"ada@example.com","metadata":{"Tier":"gold"}}""");
        Sent(server, 1, "GET", "/v1/customers/org%3A7%40x", "");
        Assert.Equal("Bearer sk_ordinary", server.Requests[0].Headers["Authorization"]);
        Assert.Equal("application/json", server.Requests[0].Headers["Content-Type"]);
        Assert.StartsWith("purser-dotnet/", server.Requests[0].Headers["User-Agent"], StringComparison.Ordinal);
        Assert.Equal("gold", put.Metadata["Tier"]);
        Assert.Equal(new DateTimeOffset(2026, 7, 1, 12, 0, 0, TimeSpan.Zero), got.CreatedAt);
    }

    [Fact]
    public async Task A_balance_is_read_to_the_last_digit()
    {
        await using var server = await ScriptedServer.Start(Reply.Json("""
            {"customer":"user_42","balance":9007199254740993.000001,"held":1e-6,"available":"9007199254740993",
             "owed":0,"usd":1e-9}
            """));
        using var purser = server.Client();

        var wallet = await purser.Balances.GetAsync("user_42", Ct);

        Assert.Equal(9_007_199_254_740_993.000001m, wallet.Balance);
        Assert.Equal(0.000001m, wallet.Held);
        Assert.Equal(9_007_199_254_740_993m, wallet.Available);
        Assert.Equal(0.000000001m, wallet.Usd);
    }

    [Fact]
    public async Task A_grant_says_where_its_credits_came_from()
    {
        await using var server = await ScriptedServer.Start(Reply.With(201, """
            {"id":"gr_1","amount":500,"remaining":500,"balance":600,"source":"gift_card",
             "expires_at":"2026-12-31T23:00:00Z"}
            """));
        using var purser = server.Client();

        var grant = await purser.Grants.CreateAsync("user_42", new()
        {
            Amount = 500,
            Source = GrantSource.Purchase,
            Reason = "Starter",
            Priority = 10,
            ExpiresAt = new(2027, 1, 1, 0, 0, 0, TimeSpan.FromHours(1)),
            Paid = new(1_900, "eur"),
            Reference = "order-1",
        }, Ct);

        Sent(server, 0, "POST", "/v1/customers/user_42/grants", """
            {"amount":500,"source":"purchase","reason":"Starter","priority":10,"expires_at":"2026-12-31T23:00:00Z",
             "paid":{"minor":1900,"currency":"eur"},"reference":"order-1"}
            """);
        Assert.Equal(600m, grant.Balance);
        // A source of a newer server.
        Assert.Equal(GrantSource.Unknown, grant.Source);
    }

    [Fact]
    public async Task A_charge_is_for_an_amount_an_operation_or_a_model()
    {
        const string quoted = """
            {"id":"ch_1","amount":2.4,"balance":10,"available":10,
             "quote":{"catalog":3,"subject":"outline",
              "lines":[{"item":"words","quantity":1200,"unit_price":0.002,"amount":2.4}]}}
            """;
        await using var server = await ScriptedServer.Start(
            Reply.With(201, Sdk.Charged), Reply.With(201, quoted), Reply.With(201, Sdk.Charged));
        using var purser = server.Client();

        await purser.Charges.CreateAsync(
            "user_42", new() { Amount = 12.500_000_0m, Reason = "Chapter", Reference = "ch-3" }, Ct);
        var charge = await purser.Charges.CreateAsync(
            "user_42", new() { Operation = "outline", Quantities = new() { ["words"] = 1_200, ["Pages"] = 2.5m } }, Ct);
        await purser.Charges.CreateAsync(
            "user_42", new()
            {
                Model = "gpt-5.4",
                Usage = new() { InputTokens = 1_200, CacheWrite1hTokens = 4, WebSearches = 2 },
                ServiceTier = "flex",
            }, Ct);

        const string target = "/v1/customers/user_42/charges";
        Sent(server, 0, "POST", target, """{"amount":12.500000,"reason":"Chapter","reference":"ch-3"}""");
        Sent(server, 1, "POST", target, """{"operation":"outline","quantities":{"words":1200,"Pages":2.5}}""");
        Sent(server, 2, "POST", target, """
            {"model":"gpt-5.4","usage":{"input_tokens":1200,"cache_write_1h_tokens":4,"web_searches":2},"service_tier":"flex"}
            """);
        Assert.Equal(("outline", 3), (charge.Quote!.Subject, charge.Quote.Catalog));
        Assert.Equal(
            new QuoteLine { Item = "words", Quantity = 1200, UnitPrice = 0.002m, Amount = 2.4m },
            Assert.Single(charge.Quote.Lines));
        Assert.False(charge.Replayed);
    }

    [Fact]
    public async Task Each_of_many_charges_has_its_own_key_and_its_own_result()
    {
        await using var server = await ScriptedServer.Start(
            Reply.With(503, ""),
            Reply.Json("""
                {"results":[
                  {"charge":{"id":"ch_1","amount":1,"balance":9,"available":9},"replayed":true},
                  {"error":{"type":"payment_required","code":"insufficient_credits","message":"Too few.",
                            "required":2,"available":1}},
                  {"error":{"type":"invented_tomorrow"}}]}
                """));
        using var purser = server.Client();

        var results = await purser.Charges.CreateManyAsync(
            [
                new() { Customer = "a", Amount = 1, IdempotencyKey = "mine" },
                new() { Customer = "b", Amount = 2 },
                new() { Customer = "c", Operation = "outline" },
            ],
            "batch-9", Ct);

        Sent(server, 1, "POST", "/v1/charges", """
            {"charges":[{"customer":"a","idempotency_key":"mine","amount":1},
                        {"customer":"b","idempotency_key":"batch-9.1","amount":2},
                        {"customer":"c","idempotency_key":"batch-9.2","operation":"outline"}]}
            """);
        Assert.Equal(server.Requests[0], server.Requests[1] with { Headers = server.Requests[0].Headers });
        Assert.Equal("batch-9", server.Requests[1].Key);

        Assert.True(results[0].Succeeded);
        Assert.True(results[0].Charge!.Replayed);
        var poor = Assert.IsType<InsufficientCreditsException>(results[1].Error);
        Assert.Equal(2m, poor.Required);
        Assert.Equal("batch-9.1", poor.IdempotencyKey);
        Assert.IsType<PurserException>(results[2].Error);
        Assert.Equal("c", results[2].Request.Customer);
    }

    [Theory]
    [InlineData("""{"results":[]}""")]
    [InlineData("""{"results":[{}]}""")]
    [InlineData("""{"results":[{"error":"no"}]}""")]
    public async Task Results_that_do_not_fit_the_charges_are_not_believed(string body)
    {
        await using var server = await ScriptedServer.Start(Reply.Json(body));
        using var purser = server.Client();

        var error = await Assert.ThrowsAsync<TransportException>(
            () => purser.Charges.CreateManyAsync([new() { Customer = "a", Amount = 1 }], cancellationToken: Ct));

        Assert.True(error.OutcomeUnknown);
        Assert.Equal(server.Request.Key, error.IdempotencyKey);
    }

    [Fact]
    public async Task At_most_a_thousand_charges_go_in_one_call_and_none_in_none()
    {
        await using var server = await ScriptedServer.Start();
        using var purser = server.Client();
        var one = new CustomerCharge { Customer = "a", Amount = 1 };

        await Assert.ThrowsAsync<ArgumentException>(
            () => purser.Charges.CreateManyAsync(Enumerable.Repeat(one, 1001), cancellationToken: Ct));
        Assert.Empty(await purser.Charges.CreateManyAsync([], cancellationToken: Ct));

        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task A_hold_is_made_captured_released_and_read()
    {
        await using var server = await ScriptedServer.Start(
            Reply.With(201, """{"id":"hold_1","amount":40,"expires_at":"2026-07-01T12:05:00Z","available":60}"""),
            Reply.With(201, """{"id":"ch_1","amount":45,"released":0,"shortfall":2.5,"balance":55,"available":55}"""),
            Reply.Json("""{"id":"hold_2","released":40,"available":100}""", ("Idempotency-Replayed", "true")),
            Reply.Json("""
                {"id":"hold_1","customer":"user_42","amount":40,"state":"captured","captured":45,
                 "expires_at":"2026-07-01T12:05:00Z"}
                """));
        using var purser = server.Client();

        var hold = await purser.Holds.CreateAsync(
            "user_42", new() { Amount = 40, ExpiresIn = TimeSpan.FromMinutes(5) }, Ct);
        var capture = await purser.Holds.CaptureAsync(hold.Id, new() { Usage = new() { OutputTokens = 9 } }, Ct);
        var release = await purser.Holds.ReleaseAsync("hold_2", "give-up", Ct);
        var read = await purser.Holds.GetAsync(hold.Id, Ct);

        Sent(server, 0, "POST", "/v1/customers/user_42/holds", """{"amount":40,"expires_in":300}""");
        Sent(server, 1, "POST", "/v1/holds/hold_1/capture", """{"usage":{"output_tokens":9}}""");
        Sent(server, 2, "POST", "/v1/holds/hold_2/release", "{}");
        Sent(server, 3, "GET", "/v1/holds/hold_1", "");
        Assert.Equal(("user_42", HoldState.Open, 60m), (hold.Customer, hold.State, hold.Available));
        Assert.Equal(2.5m, capture.Shortfall);
        Assert.Equal("give-up", server.Requests[2].Key);
        Assert.True(release.Replayed);
        Assert.Equal((HoldState.Captured, 45m), (read.State, read.Captured));
    }

    [Fact]
    public async Task Corrections_answer_with_their_entry()
    {
        await using var server = await ScriptedServer.Start(
            Reply.With(201, Entry),
            Reply.With(201, """{"id":"ent_2","taken":3,"owed":2,"balance":0,"available":0}"""));
        using var purser = server.Client();

        var adjusted = await purser.Adjustments.CreateAsync("user_42", new() { Amount = -5, Reason = "Typo" }, Ct);
        var reversed = await purser.Reversals.CreateAsync(
            "user_42", new() { Amount = 5, Grant = "gr_1", Reason = "Refund", Reference = "re_1" }, Ct);

        Sent(server, 0, "POST", "/v1/customers/user_42/adjustments", """{"amount":-5,"reason":"Typo"}""");
        Sent(server, 1, "POST", "/v1/customers/user_42/reversals",
            """{"amount":5,"grant":"gr_1","reason":"Refund","reference":"re_1"}""");
        Assert.Equal((7L, EntryKind.Adjustment, -5m), (adjusted.Seq, adjusted.Kind, adjusted.Amount));
        Assert.Equal((3m, 2m), (reversed.Taken, reversed.Owed));
    }

    [Fact]
    public async Task A_customer_is_frozen_and_thawed()
    {
        const string frozen =
            """{"customer":"user_42","frozen":true,"reason":"Chargeback","since":"2026-07-01T12:00:00Z"}""";
        await using var server = await ScriptedServer.Start(
            Reply.Json(frozen), Reply.Json(frozen), Reply.Json("""{"customer":"user_42","frozen":false}"""));
        using var purser = server.Client();

        await purser.Freezes.PutAsync("user_42", "Chargeback", Ct);
        var read = await purser.Freezes.GetAsync("user_42", Ct);
        var thawed = await purser.Freezes.DeleteAsync("user_42", Ct);

        Sent(server, 0, "PUT", "/v1/customers/user_42/freeze", """{"reason":"Chargeback"}""");
        Sent(server, 1, "GET", "/v1/customers/user_42/freeze", "");
        Sent(server, 2, "DELETE", "/v1/customers/user_42/freeze", "");
        Assert.True(read.Frozen);
        Assert.False(thawed.Frozen);
        Assert.Null(thawed.Since);
    }

    [Fact]
    public async Task An_estimate_is_itemised()
    {
        await using var server = await ScriptedServer.Start(Reply.Json("""
            {"amount":2.4,"usd":0.0024,"affordable":false,
             "lines":[{"item":"words","quantity":1200,"unit_price":0.002,"amount":2.4}]}
            """));
        using var purser = server.Client();

        var estimate = await purser.Estimates.CreateAsync(
            new() { Operation = "outline", Quantities = new() { ["words"] = 1_200 }, Customer = "user_42" }, Ct);

        Sent(server, 0, "POST", "/v1/estimates",
            """{"customer":"user_42","operation":"outline","quantities":{"words":1200}}""");
        Assert.NotNull(server.Request.Key);
        Assert.Equal(0.0024m, estimate.Usd);
        Assert.False(estimate.Affordable);
    }

    [Fact]
    public async Task A_list_that_is_left_out_is_empty()
    {
        await using var server = await ScriptedServer.Start(
            Reply.Json("""{"amount":2.4,"usd":0.1}"""), Reply.Json("""{"data":[{"id":"gpt-5.4","prices":null}]}"""));
        using var purser = server.Client();

        var estimate = await purser.Estimates.CreateAsync(new() { Operation = "outline" }, Ct);
        var rate = await Single(purser.Rates.ListAsync(Ct));

        Assert.Empty(estimate.Lines);
        Assert.Empty(rate.Prices);
    }

    [Fact]
    public async Task What_is_on_offer_needs_no_key()
    {
        await using var server = await ScriptedServer.Start(
            Reply.Json("""
                {"data":[{"code":"starter","name":"Starter","credits":5000,"bonus":500,
                          "prices":[{"minor":1900,"currency":"usd"}],"discounts":[{"from":5,"percent":2.5}]}],
                 "has_more":false}
                """),
            Reply.Json("""
                {"data":[{"code":"pro","included":{"credits":20000,"rollover":"capped","rollover_cap":40000},
                          "prices":[{"interval":"year","minor":29000,"currency":"usd"}],"entitlements":{"seats":3}}],
                 "has_more":false}
                """),
            Reply.Json("""
                {"data":[{"id":"model/openai/gpt-5.4","kind":"model",
                          "prices":[{"unit":"input_tokens","per":1000000,"credits":2500}]}]}
                """));
        using var purser = new PurserClient(new PurserClientOptions { BaseAddress = server.Address });

        var package = await Single(purser.Packages.ListAsync(Ct));
        var plan = await Single(purser.Plans.ListAsync(Ct));
        var rate = await Single(purser.Rates.ListAsync(Ct));

        Assert.All(server.Requests, request => Assert.False(request.Headers.ContainsKey("Authorization")));
        Assert.Equal((5_000m, 500m), (package.Credits, package.Bonus));
        Assert.Equal(new Money(1_900, "usd"), Assert.Single(package.Prices));
        Assert.Equal(new QuantityDiscount(5, 2.5m), Assert.Single(package.Discounts));
        Assert.Equal(new PlanPrice(Interval.Year, 29_000, "usd"), Assert.Single(plan.Prices));
        Assert.Equal(new IncludedCredits(20_000, Rollover.Capped, 40_000), plan.Included);
        Assert.Equal(3, plan.Entitlements["seats"].GetInt32());
        Assert.Equal(new UsageRate("input_tokens", 1_000_000, 2_500), Assert.Single(rate.Prices));
    }

    [Fact]
    public async Task A_list_asks_for_the_next_page_when_it_is_come_to()
    {
        static RequestDelegate Page(string ids)
        {
            var rows = ids.Select(id => $$"""{"id":"{{id}}/","amount":1,"balance":1}""");
            return Reply.Json($$"""{"data":[{{string.Join(',', rows)}}],"has_more":true}""");
        }
        await using var server = await ScriptedServer.Start(Page("ab"), Reply.With(500, ""), Page("cd"), Page(""));
        using var purser = server.Client();

        var ids = new List<string>();
        await foreach (var entry in purser.Entries.ListAsync("user_42", after: "z", pageSize: 2, cancellationToken: Ct))
        {
            ids.Add(entry.Id);
            Assert.Equal(ids.Count > 2 ? 3 : 1, server.Requests.Count);
        }

        Assert.Equal(["a/", "b/", "c/", "d/"], ids);
        Assert.Equal("/v1/customers/user_42/entries?limit=2&after=z", server.Requests[0].Target);
        Assert.Equal("/v1/customers/user_42/entries?limit=2&after=b%2F", server.Requests[1].Target);
        Assert.Equal("/v1/customers/user_42/entries?limit=2&after=d%2F", server.Requests[3].Target);
    }

    [Fact]
    public async Task A_list_can_be_left_in_the_middle()
    {
        await using var server = await ScriptedServer.Start(
            Reply.Json("""{"data":[{"id":"a"},{"id":"b"}],"has_more":true}"""), Reply.Silence);
        using var purser = server.Client();
        using var reader = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            var customers = purser.Customers.ListAsync(cancellationToken: Ct);
            await foreach (var customer in customers.WithCancellation(reader.Token))
                if (customer.Id == "b") await reader.CancelAsync();
        });

        Assert.Equal("/v1/customers?limit=100", server.Request.Target);
    }

    static async Task<T> Single<T>(IAsyncEnumerable<T> list) => Assert.Single(await list.ToListAsync(Ct));

    static void Sent(ScriptedServer server, int index, string method, string target, string body)
    {
        var request = server.Requests[index];
        Assert.Equal((method, target), (request.Method, request.Target));
        Assert.True(
            body == request.Body || JsonElement.DeepEquals(JsonElement.Parse(body), JsonElement.Parse(request.Body)),
            $"Expected {body}, got {request.Body}");
    }
}
