using System.Net.Http.Headers;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Purser.Client;
using Purser.Server.Tests.Ledger;

namespace Purser.Server.Tests.Client;

/// <summary>Keys for the gateway and the calls made with them, as a product sees them through the SDK.</summary>
public sealed class CallTests(App app) : IClassFixture<App>, IAsyncLifetime
{
    WebApplication server = null!;
    PurserClient purser = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var sandbox = await Sandbox.Url();
        server = await app.Build(Given.Settings with { SandboxPort = sandbox.Port, EncryptionKey = "sixteen letters or more" });
        await server.StartAsync(Ct);
        purser = new(new PurserClientOptions { BaseAddress = new(server.Urls.Single()), Key = Given.AdminKey });
    }

    public async ValueTask DisposeAsync()
    {
        purser.Dispose();
        await server.StopAsync();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_key_is_made_listed_and_revoked()
    {
        var customer = await purser.GivenCustomer(credits: 1_000);

        var made = await purser.VirtualKeys.CreateAsync(customer, new()
        {
            Name = "Laptop",
            Budget = new(50, BudgetPeriod.Month),
            Models = ["gpt-4o-mini"],
            RequestsPerMinute = 60,
            TokensPerMinute = 100_000,
        }, Ct);
        app.Time.Advance(TimeSpan.FromMilliseconds(1));
        await purser.VirtualKeys.CreateAsync(customer, new(), Ct);
        var listed = await purser.VirtualKeys.ListAsync(customer, pageSize: 1, cancellationToken: Ct).ToListAsync(Ct);
        await purser.VirtualKeys.RevokeAsync(made.Id, Ct);
        var revoked = await purser.VirtualKeys.ListAsync(customer, cancellationToken: Ct).FirstAsync(Ct);

        Assert.StartsWith("pvk_", made.Key, StringComparison.Ordinal);
        Assert.DoesNotContain(made.Key!, made.ToString(), StringComparison.Ordinal);
        Assert.Equal([null, null], listed.Select(key => key.Key));
        Assert.Equal((made.Id, "Laptop", 60, 100_000L), (listed[0].Id, listed[0].Name, listed[0].RequestsPerMinute, listed[0].TokensPerMinute));
        Assert.Equal(["openai/gpt-4o-mini"], listed[0].Models!);
        Assert.Equal(new Budget { Amount = 50, Period = BudgetPeriod.Month, Left = 50 }, listed[0].Budget);
        Assert.Equal((null, null), (listed[1].Budget, listed[1].Models));
        Assert.Equal((null, app.Time.GetUtcNow()), (listed[0].RevokedAt, revoked.RevokedAt));
        await Assert.ThrowsAsync<NotFoundException>(() => purser.VirtualKeys.RevokeAsync("key_00000000000000000000000000000001", Ct));
    }

    [Fact]
    public async Task A_call_says_what_it_cost_and_why()
    {
        var customer = await purser.GivenCustomer(credits: 1_000);
        var key = await purser.VirtualKeys.CreateAsync(customer, new() { Budget = new(50, BudgetPeriod.Day) }, Ct);

        var id = await Chat(key.Key!, "gpt-4o-mini");
        var call = await purser.Calls.GetAsync(id, Ct);
        var budget = (await purser.VirtualKeys.ListAsync(customer, cancellationToken: Ct).SingleAsync(Ct)).Budget!;

        Assert.Equal((id, key.Id, CallState.Finished, "chat_completions"), (call.Id, call.Key, call.State, call.Api));
        Assert.Equal(("openai/gpt-4o-mini", false, false, 200), (call.Model, call.Stream, call.Estimated, call.ProviderStatus));
        Assert.Equal(new Usage { InputTokens = 8, OutputTokens = 20 }, call.Usage);
        Assert.Equal(call.Charged, call.Quote!.Lines.Sum(line => line.Amount));
        Assert.True(call.Held > call.Charged && call.Charged > 0);
        Assert.True(call.Took >= call.FirstByteAfter);
        Assert.Equal((call.Charged, 0m, 50 - call.Charged), (budget.Used, budget.Held, budget.Left));
        Assert.Equal(call.Entry, (await purser.Entries.ListAsync(customer, cancellationToken: Ct).FirstAsync(Ct)).Id);
        await Assert.ThrowsAsync<NotFoundException>(() => purser.Calls.GetAsync(id[..^1] + "99", Ct));
    }

    [Fact]
    public async Task Calls_are_listed_and_summed_by_model_day_and_key()
    {
        var customer = await purser.GivenCustomer(credits: 1_000);
        var one = await purser.VirtualKeys.CreateAsync(customer, new(), Ct);
        app.Time.Advance(TimeSpan.FromMilliseconds(1));
        var two = await purser.VirtualKeys.CreateAsync(customer, new(), Ct);
        string[] ids = [await Chat(one.Key!, "gpt-4o-mini"), await Chat(one.Key!, "gpt-4o"), await Chat(two.Key!, "gpt-4o")];

        var all = await purser.Calls.ListAsync(customer, pageSize: 2, cancellationToken: Ct).ToListAsync(Ct);
        var ofTwo = await purser.Calls.ListAsync(customer, two.Id, cancellationToken: Ct).ToListAsync(Ct);
        var sum = await purser.Calls.SumAsync(customer, cancellationToken: Ct);
        var byAll = await purser.Calls.SumAsync(customer, new() { By = SumsBy.Model | SumsBy.Day | SumsBy.Key }, Ct);
        var before = await purser.Calls.SumAsync(customer, new() { From = new(2025, 1, 1), To = new(2025, 1, 31) }, Ct);

        Assert.Equal(ids.Reverse(), all.Select(call => call.Id));
        Assert.Equal(ids[2], Assert.Single(ofTwo).Id);
        var today = DateOnly.FromDateTime(app.Time.GetUtcNow().UtcDateTime);
        Assert.Equal((today.AddDays(-29), today), (sum.From, sum.To));
        Assert.Equal((3L, 24L, 60L), (sum.Total.Calls, sum.Total.PromptTokens, sum.Total.AnswerTokens));
        Assert.Equal(all.Sum(call => call.Charged), sum.Total.Charged);
        Assert.Equal(
            [(today, one.Id, "openai/gpt-4o"), (today, two.Id, "openai/gpt-4o"), (today, one.Id, "openai/gpt-4o-mini")],
            byAll.Data.Select(row => (row.Day!.Value, row.Key!, row.Model!)).OrderBy(row => row.Item3).ThenBy(row => row.Item2));
        Assert.Equal((0, 0L), (before.Data.Count, before.Total.Calls));
    }

    [Fact]
    public async Task A_customers_own_key_at_a_provider_is_kept_and_forgotten()
    {
        var customer = await purser.GivenCustomer(credits: 1_000);
        var key = await purser.VirtualKeys.CreateAsync(customer, new(), Ct);

        await purser.ProviderKeys.PutAsync(customer, "openai", "sk-of-the-customer", Ct);
        var listed = await purser.ProviderKeys.ListAsync(customer, Ct).SingleAsync(Ct);
        var call = await purser.Calls.GetAsync(await Chat(key.Key!, "gpt-4o"), Ct);
        await purser.ProviderKeys.DeleteAsync(customer, "openai", Ct);

        Assert.Equal(("openai", app.Time.GetUtcNow()), (listed.Provider, listed.CreatedAt));
        Assert.Equal((true, 0m), (call.OwnKey, call.Charged));
        Assert.Empty(await purser.ProviderKeys.ListAsync(customer, Ct).ToListAsync(Ct));
        await Assert.ThrowsAsync<NotFoundException>(() => purser.ProviderKeys.DeleteAsync(customer, "openai", Ct));
        await Assert.ThrowsAsync<NotFoundException>(() => purser.ProviderKeys.PutAsync(customer, "nobody", "sk-1", Ct));
    }

    async Task<string> Chat(string key, string model)
    {
        using var http = new HttpClient { BaseAddress = new(server.Urls.Single()) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        object[] messages = [new { role = "user", content = "Hello" }];
        using var answer = await http.PostAsJsonAsync("/openai/v1/chat/completions", new { model, messages }, Ct);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Ct));
        return answer.Headers.GetValues("Purser-Call-Id").Single();
    }
}
