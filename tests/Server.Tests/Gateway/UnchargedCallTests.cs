using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Client;
using Purser.Server.Platform;
using Purser.Server.Tests.Ledger;
using Purser.Server.Tests.Payments;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Gateway;

/// <summary>Calls to models while charging is switched off, or is switched over before they end.</summary>
public sealed class UnchargedCallTests : IAsyncLifetime
{
    const string Chat = """{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hello"}]}""";

    readonly string providerKey = $"sk-uncharged-{Guid.CreateVersion7():N}";
    Postgres postgres = null!;
    WebApplication server = null!;
    HttpClient admin = null!;
    PurserClient purser = null!;
    Uri sandbox = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        sandbox = await Sandbox.Url();
        var settings = Given.Settings with
        {
            Providers = new Dictionary<string, ProviderAccess> { ["openai"] = new(new(sandbox, "/openai/v1"), providerKey) },
        };
        server = await PurserServer.Build(settings, postgres.ConnectionString);
        await server.StartAsync(Ct);
        admin = new() { BaseAddress = new(server.Urls.Single()) };
        admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey);
        purser = new(admin);
    }

    public async ValueTask DisposeAsync()
    {
        purser.Dispose();
        admin.Dispose();
        await server.StopAsync(CancellationToken.None);
        await server.DisposeAsync();
        await postgres.DisposeAsync();
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(false, false, false)]
    public async Task A_call_is_charged_only_if_charging_was_on_from_beginning_to_end(bool before, bool after, bool charged)
    {
        var (customer, key) = await GivenCaller(100);
        await Behave("slow=50ms, tokens=20");
        await Switch(before);

        using var answer = await Call(key);
        await Switch(after);
        var text = await answer.Content.ReadAsStringAsync(Ct);

        Assert.Contains("[DONE]", text, StringComparison.Ordinal);
        var call = await Settled(answer);
        var (charge, uncharged) = (call.Number("charged"), call.Members.Contains("uncharged") ? call.Number("uncharged") : 0);
        Assert.Equal((charged, !charged), (charge > 0, uncharged > 0));
        Assert.Equal(100 - charge, (await purser.Balances.GetAsync(customer, Ct)).Balance);
        Assert.Equal(0, (await purser.Balances.GetAsync(customer, Ct)).Held);
        await Wallets.AssertProven(postgres.ConnectionString);
    }

    [Fact]
    public async Task Who_has_no_credits_is_answered_while_charging_is_off_and_at_full_length()
    {
        var (customer, key) = await GivenCaller(0);
        await Switch(on: false);

        using var answer = await Call(key);
        await answer.Content.ReadAsStringAsync(Ct);

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.False(answer.Headers.Contains("Purser-Limited-To"));
        var call = await Settled(answer);
        Assert.Equal((0m, 0m), (call.Number("held"), call.Number("charged")));
        var open = (await admin.Read($"/v1/uncharged?customer={customer}")).Json.GetProperty("data")[0];
        Assert.Equal(call.Number("uncharged"), open.GetProperty("amount").GetDecimal());
        Assert.Equal("openai/gpt-4o-mini", open.GetProperty("quote").GetProperty("subject").GetString());
    }

    [Fact]
    public async Task What_is_estimated_while_charging_is_off_has_its_price_too()
    {
        var (_, key) = await GivenCaller(100);
        await Behave("no-usage, tokens=40");
        await Switch(on: false);

        using var answer = await Call(key);
        await answer.Content.ReadAsStringAsync(Ct);

        var call = await Settled(answer);
        Assert.True(call.Json.GetProperty("estimated").GetBoolean());
        Assert.True(call.Number("uncharged") > 0);
    }

    [Fact]
    public async Task A_call_s_cost_is_what_its_provider_charges_without_our_markup()
    {
        var (_, key) = await GivenCaller(100);

        using var answer = await Call(key);
        await answer.Content.ReadAsStringAsync(Ct);

        // 8 tokens at $0.15 and 20 at $0.60 a million; the customer pays 1.2 times that, in credits of a tenth of a cent.
        var call = await Settled(answer);
        Assert.Equal((0.0000132m, 0.01584m), (call.Number("cost_usd"), call.Number("charged")));
        Assert.Equal([0.0000132m], await Tables.Read<decimal>(postgres.ConnectionString, "select sum(cost) * 0.000000000001 from call_day"));
    }

    async Task<(string Customer, string Key)> GivenCaller(decimal credits)
    {
        var customer = await purser.GivenCustomer(credits);
        return (customer, (await admin.Post($"/v1/customers/{customer}/keys", "{}")).Text("key"));
    }

    async Task<HttpResponseMessage> Call(string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/openai/v1/chat/completions", UriKind.Relative))
        {
            Content = new StringContent(Chat, Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return await admin.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
    }

    async Task<Answered> Settled(HttpResponseMessage answer)
    {
        var path = $"/v1/calls/{answer.Headers.GetValues("Purser-Call-Id").Single()}";
        await Eventually.Holds(async () => (await admin.Read(path)).Text("state") != "running");
        return await admin.Read(path);
    }

    async Task Switch(bool on)
    {
        var board = server.Services.GetRequiredService<SwitchBoard>();
        await board.Change(board.Find("BILLING_CHARGING_ENABLED")!, on ? "true" : "false", "test", Ct);
    }

    async Task Behave(string behaviour)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(sandbox, "/control/ai/next"))
        {
            Content = new StringContent(JsonSerializer.Serialize(new { behave = behaviour }), Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", providerKey);
        using var answer = await admin.SendAsync(request, Ct);
        answer.EnsureSuccessStatusCode();
    }
}
