using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

public sealed class VirtualKeyTests(Gate gate) : IClassFixture<Gate>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_is_shown_once_and_only_its_hash_is_kept()
    {
        var caller = await gate.GivenCaller();

        var listed = await gate.Client.Read($"/v1/customers/{caller.Customer}/keys");

        Assert.DoesNotContain(caller.Key, listed.Body, StringComparison.Ordinal);
        Assert.Equal(
            SHA256.HashData(Encoding.UTF8.GetBytes(caller.Key)),
            (await Tables.Read<byte[]>(gate.ConnectionString, $"select hash from virtual_key where customer = '{caller.Customer}'")).Single());
    }

    [Fact]
    public async Task Making_a_key_again_under_the_same_idempotency_key_shows_the_same_key()
    {
        var caller = await gate.GivenCaller();

        var made = await gate.Client.Post($"/v1/customers/{caller.Customer}/keys", """{"name":"a"}""", "make");
        var again = await gate.Client.Post($"/v1/customers/{caller.Customer}/keys", """{"name":"a"}""", "make");

        Assert.Equal((201, made.Body, true), (again.Status, again.Body, again.Replayed));
    }

    [Theory]
    [InlineData("""{"budget":{"amount":0,"period":"day"}}""", "budget.amount")]
    [InlineData("""{"budget":{"amount":-1,"period":"day"}}""", "budget.amount")]
    [InlineData("""{"budget":{"amount":5}}""", "budget.period")]
    [InlineData("""{"budget":{"amount":5,"period":"week"}}""", "budget.period")]
    [InlineData("""{"budget":{"amount":5,"period":"day","soft":true}}""", "budget.soft")]
    [InlineData("""{"budget":5}""", "budget")]
    [InlineData("""{"models":[]}""", "models")]
    [InlineData("""{"models":["gpt-9"]}""", "models[0]")]
    [InlineData("""{"models":[null]}""", "models[0]")]
    [InlineData("""{"requests_per_minute":0}""", "requests_per_minute")]
    [InlineData("""{"tokens_per_minute":-1}""", "tokens_per_minute")]
    [InlineData("""{"max_budget":5}""", "max_budget")]
    public async Task What_a_key_cannot_have_is_refused(string key, string param)
    {
        var caller = await gate.GivenCaller();

        var refused = await gate.Client.Post($"/v1/customers/{caller.Customer}/keys", key, $"{Guid.CreateVersion7()}");

        Assert.Equal((400, param), (refused.Status, refused.Error.GetProperty("param").GetString()));
    }

    [Fact]
    public async Task A_revoked_key_is_refused_at_once_on_every_server()
    {
        await using var other = await gate.Another();
        await other.StartAsync(Ct);
        using var atOther = new HttpClient { BaseAddress = new(other.Urls.Single()) };
        atOther.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey);
        var caller = await gate.GivenCaller();
        var there = caller with { Server = atOther };
        Assert.Equal((200, 200), ((await caller.Ask(Chat, Ask())).Status, (await there.Ask(Chat, Ask())).Status));

        var revoked = await gate.Client.Call(HttpMethod.Delete, $"/v1/keys/{caller.KeyId}");

        Assert.Equal(204, revoked.Status);
        foreach (var server in (Caller[])[caller, there])
        {
            Assert.Equal(401, (await server.Ask(Chat, Ask())).Status);
            Assert.Equal(401, (await server.Ask(Messages, Message())).Status);
            Assert.Equal(401, (await server.Ask(CountTokens, Ask("claude-sonnet-5-5"))).Status);
            using var models = new HttpRequestMessage(HttpMethod.Get, "/openai/v1/models");
            models.Headers.Authorization = new AuthenticationHeaderValue("Bearer", caller.Key);
            Assert.Equal(401, (await server.Server.Ask(models)).Status);
        }

        await caller.Settled(gate.ConnectionString, 2);
        await other.StopAsync(Ct);
    }

    [Fact]
    public async Task A_call_that_is_under_way_when_its_key_is_revoked_is_finished_and_charged()
    {
        var caller = await gate.GivenCaller(key: Budget(5000, "month"));
        var asked = caller.Ask(Chat, Stream("gpt-4o-mini@tokens:30@slow:100ms"));
        await Eventually.Holds(async () => (await caller.Balance()).Number("held") > 0);

        await gate.Client.Call(HttpMethod.Delete, $"/v1/keys/{caller.KeyId}");

        Assert.EndsWith("data: [DONE]\n\n", (await asked).Body, StringComparison.Ordinal);
        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal(("finished", 69m), (call.State(), call.Charged()));
    }

    [Fact]
    public async Task A_key_is_taken_from_the_header_of_either_sdk()
    {
        var caller = await gate.GivenCaller();
        using var http = new HttpClient { BaseAddress = gate.Client.BaseAddress };
        foreach (var path in (string[])[Chat, Messages])
        {
            using var request = caller.Request(path, path == Chat ? Ask() : Message());
            request.Headers.Authorization = null;
            request.Headers.Add("x-api-key", caller.Key);

            Assert.Equal(200, (await http.Ask(request)).Status);
        }

        await caller.Settled(gate.ConnectionString, 2);
    }

    [Theory]
    [InlineData(Given.AdminKey)]
    [InlineData("sk-123")]
    [InlineData("pvk_")]
    [InlineData("")]
    public async Task Other_keys_are_no_keys_for_the_gateway(string key)
    {
        var caller = (await gate.GivenCaller()) with { Key = key };

        var chat = await caller.Ask(Chat, Ask());
        var message = await caller.Ask(Messages, Message());

        Assert.Equal((401, "invalid_api_key"), (chat.Status, chat.Error.GetProperty("code").GetString()));
        Assert.Equal((401, "authentication_error"), (message.Status, message.Error.GetProperty("type").GetString()));
    }

    [Fact]
    public async Task A_key_of_the_gateway_is_no_key_for_the_rest_of_the_server()
    {
        var caller = await gate.GivenCaller();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/customers/{caller.Customer}/balance");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", caller.Key);

        Assert.Equal(401, (await gate.Client.Ask(request)).Status);
    }

    [Fact]
    public async Task Of_a_frozen_customer_no_call_is_made_and_one_under_way_is_charged()
    {
        var caller = await gate.GivenCaller();
        var asked = caller.Ask(Chat, Stream("gpt-4o-mini@tokens:30@slow:100ms"));
        await Eventually.Holds(async () => (await caller.Balance()).Number("held") > 0);

        await gate.Client.Put($"/v1/customers/{caller.Customer}/freeze", """{"reason":"dispute"}""");
        var refused = await caller.Ask(Chat, Ask());

        Assert.Equal((403, "customer_frozen"), (refused.Status, refused.Error.GetProperty("code").GetString()));
        Assert.EndsWith("data: [DONE]\n\n", (await asked).Body, StringComparison.Ordinal);
        Assert.Equal(69m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Fact]
    public async Task A_budget_lasts_for_its_period_and_is_there_again_in_the_next()
    {
        foreach (var (period, next) in ((string, TimeSpan)[])[("day", TimeSpan.FromDays(1)), ("month", TimeSpan.FromDays(31))])
        {
            var caller = await gate.GivenCaller(key: Budget(21, period));
            var ask = Ask("gpt-4.1-nano", ""","max_tokens":20""");

            int[] today = [(await caller.Ask(Chat, ask)).Status, (await caller.Ask(Chat, ask)).Status];
            gate.Time.Advance(next);
            int[] later = [(await caller.Ask(Chat, ask)).Status, (await caller.Ask(Chat, ask)).Status];

            Assert.Equal([200, 402, 200, 402], [.. today, .. later]);
        }
    }

    [Fact]
    public async Task A_total_budget_never_comes_back()
    {
        var caller = await gate.GivenCaller(key: Budget(21, "total"));
        var ask = Ask("gpt-4.1-nano", ""","max_tokens":20""");

        var first = await caller.Ask(Chat, ask);
        gate.Time.Advance(TimeSpan.FromDays(400));
        var second = await caller.Ask(Chat, ask);

        Assert.Equal((200, 402), (first.Status, second.Status));
    }

    [Fact]
    public async Task A_call_over_midnight_counts_in_the_day_in_which_it_began()
    {
        gate.Time.Advance(TimeSpan.FromDays(1) - gate.Time.GetUtcNow().TimeOfDay - TimeSpan.FromSeconds(1));
        var caller = await gate.GivenCaller(key: Budget(900, "day"));
        var ask = Stream("gpt-4o-mini@tokens:30@slow:100ms", ""","max_tokens":200""");
        var asked = caller.Ask(Chat, ask);
        await Eventually.Holds(async () => (await caller.Balance()).Number("held") > 0);

        gate.Time.Advance(TimeSpan.FromSeconds(2));
        await asked;
        await Eventually.Holds(async () => (await caller.Calls()).Length == 1);

        var key = (await gate.Client.Read($"/v1/customers/{caller.Customer}/keys")).Json.GetProperty("data")[0];
        Assert.Equal((0m, 0m, 900m), Amounts(key.GetProperty("budget")));
        Assert.Equal(1_000_000m - 69, (await caller.Balance()).Number("balance"));
    }

    [Fact]
    public async Task Keys_of_one_customer_have_budgets_of_their_own_and_one_wallet()
    {
        var one = await gate.GivenCaller(credits: 50, key: Budget(21, "total"));
        var two = await one.WithKey(Budget(100, "total"));
        var ask = Ask("gpt-4.1-nano", ""","max_tokens":20""");

        int[] first = [(await one.Ask(Chat, ask)).Status, (await one.Ask(Chat, ask)).Status];
        var second = await two.Ask(Chat, ask);
        var third = await two.Ask(Chat, ask);

        Assert.Equal([200, 402], first);
        Assert.Equal((200, 402), (second.Status, third.Status));
        Assert.Equal("insufficient_credits", third.Error.GetProperty("code").GetString());
        await one.Settled(gate.ConnectionString, 2);
    }

    static (decimal Used, decimal Held, decimal Left) Amounts(JsonElement budget) => (
        budget.GetProperty("used").GetDecimal(), budget.GetProperty("held").GetDecimal(), budget.GetProperty("left").GetDecimal());
}
