using Purser.Client;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Ledger;

/// <summary>A server that ends, and another one that starts with a changed catalog on what the first has written.</summary>
public sealed class CatalogChangeTests : IAsyncLifetime
{
    const string Before = """
        credit: { usd: 0.001 }
        operations: { chat: { name: Chat, flat: 1 }, tale: { name: Tale, flat: 5 } }
        models: { openai: { quill: { input: 1, output: 10 } } }
        """;

    readonly TestFolder folder = new();
    Postgres postgres = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => postgres = await Postgres.Create();

    public async ValueTask DisposeAsync()
    {
        await postgres.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task What_was_charged_keeps_its_price_and_its_answer_though_the_operation_is_gone()
    {
        var request = new NewCharge { Operation = "tale", IdempotencyKey = "tale-1" };
        var (customer, first) = await With(Before, async purser =>
        {
            var customer = await purser.GivenCustomer(100);
            return (customer, await purser.Charges.CreateAsync(customer, request, Ct));
        });

        await With("credit: { usd: 0.001 }\noperations: { chat: { name: Chat, flat: 2 } }", async purser =>
        {
            var again = await purser.Charges.CreateAsync(customer, request, Ct);
            var chat = await purser.Charges.CreateAsync(customer, new() { Operation = "chat" }, Ct);
            var entries = await purser.Entries.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct);

            Assert.Equal((first.Id, 5m, true), (again.Id, again.Amount, again.Replayed));
            Assert.Equal((1, 2), (again.Quote!.Catalog, chat.Quote!.Catalog));
            Assert.Equal([2, 1, null], entries.Select(entry => entry.Quote?.Catalog));
            Assert.Equal(93, chat.Balance);
            return chat;
        });
    }

    [Fact]
    public async Task A_hold_for_a_model_is_captured_though_another_provider_offers_its_name_since()
    {
        var hold = await With(Before, async purser => await purser.Holds.CreateAsync(
            await purser.GivenCustomer(100), new() { Model = "quill", Usage = new() { InputTokens = 1_000, OutputTokens = 1_000 } }, Ct));

        var capture = await With(
            Before.Replace("models: {", "models: { groq: { quill: { input: 2, output: 20 } },", StringComparison.Ordinal),
            purser => purser.Holds.CaptureAsync(hold.Id, new() { Usage = new() { InputTokens = 1_000, OutputTokens = 500 } }, Ct));

        Assert.Equal(("openai/quill", 2, 6m), (capture.Quote!.Subject, capture.Quote.Catalog, capture.Amount));
    }

    /// <summary>What becomes of a server that has this catalog.</summary>
    async Task<T> With<T>(string catalog, Func<PurserClient, Task<T>> work)
    {
        var file = Path.Combine(folder.Path, "catalog.yaml");
        await File.WriteAllTextAsync(file, catalog, Ct);
        await using var server = await PurserServer.Build(Given.Settings with { CatalogFile = file }, postgres.ConnectionString);
        await server.StartAsync(Ct);
        using var purser = new PurserClient(new() { BaseAddress = new(server.Urls.Single()), Key = Given.AdminKey });
        var result = await work(purser);
        await server.StopAsync(Ct);
        return result;
    }
}
