using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Server.Editions.ScholarLink;
using Purser.Server.Gateway;
using Purser.Server.Payments;
using Purser.Server.Platform;
using Purser.Server.Tests.Gateway;
using Purser.Server.Tests.Identity;
using Purser.Server.Tests.Payments;

namespace Purser.Server.Tests.Editions.ScholarLink;

/// <summary>The edition with an issuer, a Stripe account and AI providers of its own.</summary>
public sealed class ScholarLinkApp : IAsyncLifetime
{
    readonly List<HttpClient> clients = [];
    Postgres postgres = null!;
    WebApplication server = null!;

    internal StripeAccount Stripe { get; private set; } = null!;

    internal TestIssuer Issuer { get; private set; } = null!;

    internal Settings Settings { get; private set; } = null!;

    public string ConnectionString => postgres.ConnectionString;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        Stripe = await StripeAccount.Open();
        Issuer = await TestIssuer.Start();
        Settings = Given.Settings with
        {
            Edition = "scholarlink",
            CatalogFile = $"{Checkout.Root}/catalogs/scholarlink.yaml",
            Oidc = Issuer.Access,
            Origins = ["https://scholarlink.example"],
            Stripe = new(Stripe.Url, Stripe.Key, []),
            Providers = new Dictionary<string, ProviderAccess> { ["openai"] = new(new(Stripe.Url, "/openai/v1"), $"sk-{Guid.CreateVersion7():N}") },
        };
        server = await PurserServer.Build(Settings, ConnectionString);
        await server.StartAsync();
        var endpoint = await Stripe.Post("/v1/webhook_endpoints", new()
        {
            { "url", $"{server.Urls.Single()}/api/stripe/webhook" },
            { "enabled_events[0]", "*" },
        });
        server.Services.GetRequiredService<WebhookSecrets>().Current = [endpoint.GetProperty("secret").GetString()!];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients) client.Dispose();
        await server.StopAsync();
        await server.DisposeAsync();
        await Issuer.DisposeAsync();
        await postgres.DisposeAsync();
        Stripe.Dispose();
    }

    public HttpClient AsUser(string user, bool admin = false) => As(Issuer.Token(user, TimeProvider.System.GetUtcNow(), admin));

    public HttpClient As(string token)
    {
        var client = new HttpClient { BaseAddress = new(server.Urls.Single()) };
        clients.Add(client);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }
}

public sealed class ScholarLinkTests(ScholarLinkApp app) : IClassFixture<ScholarLinkApp>
{
    const string Hello = """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}""";

    static int users;

    readonly string customer = $"scholar_{Interlocked.Increment(ref users)}";

    HttpClient User => app.AsUser(customer);

    [Fact]
    public async Task The_summary_of_somebody_new_is_as_the_runbook_has_it()
    {
        var summary = await User.Read("/api/billing/summary");

        Assert.StartsWith("""{"balanceMillicredits":"0","balanceCredits":0,"balanceUsd":0.00,"packages":[""", summary.Body, StringComparison.Ordinal);
        Assert.EndsWith(""","recentLedger":[],"recentUsage":[]}""", summary.Body, StringComparison.Ordinal);
        Assert.Equal(
            ["gpt-4o 5 20", "gpt-4o-mini 0.3 1.2", "gpt-4.1 4 16", "gpt-4.1-mini 0.8 3.2"],
            summary.Json.GetProperty("activeRates").EnumerateArray().Select(rate =>
                $"{rate.GetProperty("model").GetString()} {Thousand(rate, "inputCreditsPerMillion")} {Thousand(rate, "outputCreditsPerMillion")}"));

        static decimal Thousand(JsonElement rate, string name) => rate.GetProperty(name).GetDecimal() / 1000;
    }

    [Theory]
    [InlineData("""{"packageCode":"everything"}""", "unknown_package")]
    [InlineData("{}", "missing_member")]
    [InlineData("""{"packageCode":"starter","successUrl":"https://evil.example/"}""", "foreign_origin")]
    [InlineData("""{"packageCode":"starter","cancelUrl":"https://evil.example/"}""", "foreign_origin")]
    [InlineData("""{"packageCode":7}""", "invalid_value")]
    [InlineData("not JSON", "invalid_json")]
    public async Task A_checkout_that_makes_no_sense_is_refused_in_the_product_s_words(string changes, string code)
    {
        var answer = await User.Post("/api/stripe/create-checkout-session", changes.StartsWith('{') ? Body(changes) : changes);

        Assert.Equal((400, code), (answer.Status, answer.Text("code")));
        Assert.Equal(["code", "error"], answer.Members);
    }

    [Fact]
    public async Task What_a_page_says_of_the_price_counts_for_nothing()
    {
        var opened = await User.Post(
            "/api/stripe/create-checkout-session", Body("""{"packageCode":"professional","price":1,"amount":1,"credits":1000000,"currency":"jpy"}"""));

        Assert.Equal(200, opened.Status);
        var page = await app.Stripe.Get($"/v1/payment_pages/{opened.Text("sessionId")}");
        Assert.Equal((4999, "usd"), (page.GetProperty("amount_total").GetInt32(), page.GetProperty("currency").GetString()));
    }

    [Fact]
    public async Task Users_see_their_own_and_nobody_else_s()
    {
        await Buy();

        var other = await app.AsUser("somebody_else").Read("/api/billing/summary");

        Assert.Equal("0", other.Text("balanceMillicredits"));
        Assert.Equal(401, (await app.As(Given.AdminKey).Read("/api/billing/summary")).Status);
        Assert.Equal(403, (await User.Read($"/v1/customers/{customer}")).Status);
    }

    [Fact]
    public async Task A_chat_costs_what_its_tokens_cost()
    {
        await Buy();

        var chat = await User.Post("/api/ai/chat", Hello);

        // 8 tokens at $0.15 and 20 at $0.60 a million, twice: 0.0264 credits.
        Assert.Equal((200, "0.0264"), (chat.Status, chat.Header("Purser-Charged")));
        var summary = (await User.Read("/api/billing/summary")).Json;
        Assert.Equal("9989973.6", summary.GetProperty("balanceMillicredits").GetString());
        var usage = summary.GetProperty("recentUsage")[0];
        Assert.Equal((8, 20, "26.4"), (
            usage.GetProperty("inputTokens").GetInt32(), usage.GetProperty("outputTokens").GetInt32(), usage.GetProperty("chargedMillicredits").GetString()));
    }

    [Fact]
    public async Task Who_cannot_pay_is_told_so_in_exactly_these_words()
    {
        var refused = await User.Post(
            "/api/ai/chat", """{"model":"gpt-4o","max_tokens":10000,"messages":[{"role":"user","content":"Hello"}]}""");

        Assert.Equal(402, refused.Status);
        Assert.Equal("false", refused.Header("x-should-retry"));
        Assert.Equal(["currentCredits", "error", "redirectTo", "requiredCredits"], refused.Members);
        Assert.Equal(
            ("Insufficient credits", 0m, "/billing?tab=credits"),
            (refused.Text("error"), refused.Number("currentCredits"), refused.Text("redirectTo")));
        Assert.InRange(refused.Number("requiredCredits"), 200, 201);
    }

    [Theory]
    [InlineData("""{"model":"gpt-9","messages":[]}""", 404, "model_not_found")]
    [InlineData("""{"messages":[]}""", 400, "missing_member")]
    [InlineData("[]", 400, "not_json")]
    public async Task A_chat_that_cannot_be_made_is_refused_in_the_product_s_words(string body, int status, string code)
    {
        var refused = await User.Post("/api/ai/chat", body);

        Assert.Equal((status, code), (refused.Status, refused.Text("code")));
        Assert.Equal(["code", "error"], refused.Members);
    }

    [Theory]
    [InlineData("error=400", 400)]
    [InlineData("error=429, retry-after=0", 429)]
    [InlineData("error=500", 500)]
    public async Task What_a_provider_refuses_is_refused_in_the_product_s_words(string behaviour, int status)
    {
        await Buy();
        // An account of its own, whose calls all go wrong.
        using var account = new AiAccount(app.Stripe.Url);
        await account.Next(behaviour, 20);
        await using var server = await PurserServer.Build(app.Settings with { Stripe = null, Providers = account.Access }, app.ConnectionString);
        await server.StartAsync(TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = new(server.Urls.Single()) };
        http.DefaultRequestHeaders.Authorization = User.DefaultRequestHeaders.Authorization;

        var refused = await http.Post("/api/ai/chat", Hello);
        var streamed = await http.Post("/api/ai/chat", Hello.Replace("{\"model\"", "{\"stream\":true,\"model\"", StringComparison.Ordinal));
        await server.StopAsync(TestContext.Current.CancellationToken);

        Assert.All([refused, streamed], answer =>
        {
            Assert.Equal(status, answer.Status);
            Assert.Equal(["code", "error"], answer.Members);
            Assert.True(answer.Text("error").Length > 0 && answer.Text("code").Length > 0);
        });
    }

    [Theory]
    [InlineData("""{"error":{"message":"Too long.","type":"invalid_request_error","code":null}}""", "Too long.", "invalid_request_error")]
    [InlineData("""[{"error":{"code":400,"message":"No such thing.","status":"INVALID_ARGUMENT"}}]""", "No such thing.", "provider_refused")]
    [InlineData("""{"object":"error","message":"Not so.","type":"bad_request"}""", "Not so.", "bad_request")]
    [InlineData("""{"error":"Away."}""", "Away.", "provider_refused")]
    [InlineData("<h1>Bad gateway</h1>", "acme answered with 502.", "provider_refused")]
    [InlineData("[]", "acme answered with 502.", "provider_refused")]
    public void Each_provider_s_own_form_is_understood(string body, string error, string code)
    {
        var refusal = new GatewayError(502, "provider_refused", "acme answered with 502.");

        var worded = (JsonHttpResult<Problem>)Wording.OfProvider(refusal, System.Text.Encoding.UTF8.GetBytes(body));

        Assert.Equal((502, new Problem(error, code)), (worded.StatusCode, worded.Value));
    }

    [Fact]
    public async Task The_views_count_all_tokens_of_a_prompt_as_the_summary_does()
    {
        await Buy();
        using var account = new AiAccount(app.Stripe.Url, app.Settings.Providers["openai"].Key);
        await account.Next("cached=5");
        await User.Post("/api/ai/chat", Hello);

        var usage = (await User.Read("/api/billing/summary")).Json.GetProperty("recentUsage")[0];

        Assert.Equal((8, 20), (usage.GetProperty("inputTokens").GetInt32(), usage.GetProperty("outputTokens").GetInt32()));
        Assert.Equal(["8 20"], await Tables.Read<string>(
            app.ConnectionString, $"select input_tokens || ' ' || output_tokens from usage_events where user_id = '{customer}'"));
    }

    [Fact]
    public async Task A_user_s_own_calls_go_by_one_key_that_can_be_revoked_and_never_presented()
    {
        await Buy();
        await User.Post("/api/ai/chat", Hello);
        await User.Post("/api/ai/chat", Hello);
        var admin = app.AsUser("root", admin: true);

        var key = Assert.Single((await admin.Read($"/v1/customers/{customer}/keys")).Json.GetProperty("data").EnumerateArray());
        Assert.Equal(204, (await admin.Call(HttpMethod.Delete, $"/v1/keys/{key.GetProperty("id").GetString()}")).Status);

        Assert.Equal((401, "invalid_api_key"), ((await User.Post("/api/ai/chat", Hello)) is var refused ? (refused.Status, refused.Text("code")) : default));
    }

    [Fact]
    public async Task Deliveries_that_are_not_Stripe_s_are_refused()
    {
        using var http = new HttpClient { BaseAddress = User.BaseAddress };

        var answer = await http.Post("/api/stripe/webhook", """{"id":"evt_1","type":"checkout.session.completed"}""");

        Assert.Equal((400, "missing_signature"), (answer.Status, answer.Error.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Without_Stripe_nothing_is_sold_and_the_rest_goes_on()
    {
        await Buy();
        await using var server = await PurserServer.Build(app.Settings with { Stripe = null }, app.ConnectionString);
        await server.StartAsync(TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = new(server.Urls.Single()) };
        http.DefaultRequestHeaders.Authorization = User.DefaultRequestHeaders.Authorization;

        var summary = await http.Read("/api/billing/summary");
        var chat = await http.Post("/api/ai/chat", Hello);
        var checkout = await http.Post("/api/stripe/create-checkout-session", Body("""{"packageCode":"starter"}"""));
        await server.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal((200, "9990000", 200, 404), (summary.Status, summary.Text("balanceMillicredits"), chat.Status, checkout.Status));
    }

    async Task Buy()
    {
        var opened = await User.Post("/api/stripe/create-checkout-session", Body("""{"packageCode":"starter"}"""));
        await app.Stripe.Pay(opened.Text("sessionId"));
        await Server.Tests.Platform.Eventually.Holds(async () => (await User.Read("/api/billing/summary")).Text("balanceMillicredits") == "9990000");
    }

    static string Body(string changes)
    {
        var body = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(changes)!;
        body.TryAdd("successUrl", JsonElement.Parse("\"https://scholarlink.example/billing?success=true\""));
        body.TryAdd("cancelUrl", JsonElement.Parse("\"https://scholarlink.example/billing\""));
        return JsonSerializer.Serialize(body);
    }
}
