using System.Text;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>Customers who bring a key of their own at the provider.</summary>
public sealed class OwnKeyTests(Gate gate) : IClassFixture<Gate>
{
    [Theory]
    [InlineData("openai", Chat, "gpt-4o-mini", "authorization", "Bearer ")]
    [InlineData("anthropic", Messages, "claude-sonnet-5-5", "x-api-key", "")]
    public async Task The_provider_gets_their_key_and_they_are_charged_the_base_fee(string provider, string path, string model, string header, string scheme)
    {
        var (caller, own) = await GivenOwnKey(provider);
        using var account = own;

        var answer = await caller.Ask(path, Message(model));

        Assert.Equal((200, "1"), (answer.Status, answer.Header("Purser-Charged")));
        var call = Assert.Single(await caller.Settled(gate.ConnectionString));
        Assert.Equal((true, 1m, 1m), (call.GetProperty("own_key").GetBoolean(), call.Charged(), call.GetProperty("held").GetDecimal()));
        Assert.Equal((8, 20), (call.Used("input_tokens"), call.Used("output_tokens")));
        var request = Assert.Single(await account.Requests(10));
        Assert.Equal(scheme + account.Key, request.GetProperty("headers").GetProperty(header).GetString());
    }

    [Fact]
    public async Task At_other_providers_they_call_under_the_key_of_the_server()
    {
        var (caller, own) = await GivenOwnKey("anthropic");
        using var account = own;

        await caller.Ask(Chat, Ask());

        Assert.Equal(49m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
        Assert.Empty(await account.Requests(10));
    }

    [Fact]
    public async Task A_key_of_theirs_that_the_provider_refuses_is_their_affair()
    {
        var (caller, own) = await GivenOwnKey("openai", $"sk-invalid-{Guid.CreateVersion7():N}");
        using var account = own;

        var answer = await caller.Ask(Chat, Ask());

        Assert.Equal((401, "invalid_api_key"), (answer.Status, answer.Error.GetProperty("code").GetString()));
        Assert.DoesNotContain(account.Key, answer.Body, StringComparison.Ordinal);
        Assert.Equal(0m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Fact]
    public async Task An_account_of_theirs_that_is_empty_is_their_affair()
    {
        var (caller, own) = await GivenOwnKey("openai");
        using var account = own;

        var answer = await caller.Ask(Chat, Ask("gpt-4o-mini@error:insufficient_quota"));

        Assert.Equal((429, "credit_balance_exhausted"), (answer.Status, answer.Error.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Their_key_lies_sealed_in_the_database_and_is_never_shown()
    {
        var (caller, own) = await GivenOwnKey("openai");
        using var account = own;
        await caller.Ask(Chat, Ask());

        var stored = (await Tables.Read<byte[]>(gate.ConnectionString, $"select sealed from provider_key where customer = '{caller.Customer}'")).Single();
        var listed = await gate.Client.Read($"/v1/customers/{caller.Customer}/provider-keys");

        Assert.DoesNotContain(account.Key, Encoding.Latin1.GetString(stored), StringComparison.Ordinal);
        Assert.Contains("openai", listed.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(account.Key, listed.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sealed_key_that_is_moved_to_another_customer_opens_for_nobody()
    {
        var (caller, own) = await GivenOwnKey("openai");
        using var account = own;
        var thief = await gate.GivenCaller();

        await Tables.Run(gate.ConnectionString, $"""
            insert into provider_key select '{thief.Customer}', provider, sealed, created_at from provider_key where customer = '{caller.Customer}'
            """);
        var answer = await thief.Ask(Chat, Ask());

        Assert.Equal(500, answer.Status);
        Assert.Empty(await account.Requests(10));
        Assert.Equal(0m, (await thief.Balance()).Number("held"));
        Assert.Contains(gate.Log.Of(3022), line => line.Contains($"The key of {thief.Customer} at openai was sealed under another", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_their_key_calls_cost_what_they_cost_again()
    {
        var (caller, own) = await GivenOwnKey("openai");
        using var account = own;

        var removed = await gate.Client.Call(HttpMethod.Delete, $"/v1/customers/{caller.Customer}/provider-keys/openai");
        await caller.Ask(Chat, Ask());

        Assert.Equal(204, removed.Status);
        Assert.Equal(49m, Assert.Single(await caller.Settled(gate.ConnectionString)).Charged());
    }

    [Fact]
    public async Task A_server_that_could_not_open_their_keys_does_not_charge_them_as_if_they_had_none()
    {
        var (_, own) = await GivenOwnKey("openai");
        own.Dispose();

        await using var server = ServerProcess.Serve(gate.ConnectionString, ("PURSER_CATALOG", Gate.CatalogFile));

        Assert.NotEqual(0, await server.WaitEnd());
        Assert.Contains("PURSER_ENCRYPTION_KEY is not set", server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_credit_for_the_fee_there_is_no_call_with_their_key_either()
    {
        var (caller, own) = await GivenOwnKey("openai", credits: 0.5m);
        using var account = own;

        Assert.Equal(402, (await caller.Ask(Chat, Ask())).Status);
        Assert.Empty(await account.Requests(10));
    }

    [Fact]
    public async Task Their_keys_are_listed_page_by_page()
    {
        var (caller, own) = await GivenOwnKey("openai");
        using var account = own;
        await gate.Client.Put($"/v1/customers/{caller.Customer}/provider-keys/anthropic", """{"key":"sk-ant-1"}""");

        var (first, more) = await gate.Client.Only($"/v1/customers/{caller.Customer}/provider-keys?limit=1");
        var (last, evenMore) = await gate.Client.Only($"/v1/customers/{caller.Customer}/provider-keys?after=anthropic");

        Assert.Equal(("anthropic", true), (first.GetProperty("provider").GetString(), more));
        Assert.Equal(("openai", false), (last.GetProperty("provider").GetString(), evenMore));
    }

    [Theory]
    [InlineData("""{"key":"sk 1"}""", "key", 400)]
    [InlineData("""{"key":""}""", "key", 400)]
    [InlineData("{}", "key", 400)]
    [InlineData("""{"key":"sk-1","base_url":"http://evil"}""", "base_url", 400)]
    public async Task What_is_no_key_is_refused(string json, string param, int status)
    {
        var caller = await gate.GivenCaller();

        var answer = await gate.Client.Put($"/v1/customers/{caller.Customer}/provider-keys/openai", json);

        Assert.Equal((status, param), (answer.Status, answer.Error.GetProperty("param").GetString()));
    }

    async Task<(Caller Caller, AiAccount Account)> GivenOwnKey(string provider, string? key = null, decimal credits = 1_000)
    {
        var caller = await gate.GivenCaller(credits);
        var account = new AiAccount(gate.Ai.Url, key);
        var put = await gate.Client.Put($"/v1/customers/{caller.Customer}/provider-keys/{provider}", $$"""{"key":"{{account.Key}}"}""");
        Assert.Equal(204, put.Status);
        return (caller, account);
    }
}
