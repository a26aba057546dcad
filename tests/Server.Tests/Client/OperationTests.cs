using System.Runtime.CompilerServices;
using Purser.Client;
using Purser.Server.Tests.Ledger;

namespace Purser.Server.Tests.Client;

/// <summary>AI work that a product does itself, paid for through the SDK.</summary>
public sealed class OperationTests(App app) : IClassFixture<App>
{
    // gpt-4o costs 0.003 credits for a token in and 0.012 for one out.
    static readonly NewHold Worst = new() { Model = "gpt-4o", Usage = new() { InputTokens = 1_000, OutputTokens = 1_000 } };

    static readonly Usage Used = new() { InputTokens = 500, OutputTokens = 100 };

    const decimal UsedCredits = 2.7m;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Work_is_charged_what_it_reports()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);
        decimal? heldMeanwhile = null;

        var text = await app.Purser.Operations.RunAsync(customer, Worst, async (operation, ct) =>
        {
            heldMeanwhile = (await app.Purser.Balances.GetAsync(customer, ct)).Held;
            operation.Report(Used);
            return "Once upon a time";
        }, cancellationToken: Ct);

        Assert.Equal(("Once upon a time", 15m), (text, heldMeanwhile));
        Assert.Equal((100 - UsedCredits, 0m), await Wallet(customer));
        var charge = await LastEntry(customer);
        Assert.Equal((EntryKind.Charge, -UsedCredits, "openai/gpt-4o"), (charge.Kind, charge.Amount, charge.Quote!.Subject));
    }

    [Fact]
    public async Task What_is_not_affordable_is_not_begun()
    {
        var customer = await app.Purser.GivenCustomer(credits: 1);
        var begun = false;

        await Assert.ThrowsAsync<InsufficientCreditsException>(() => app.Purser.Operations.RunAsync(customer, Worst, (_, _) =>
        {
            begun = true;
            return Task.FromResult(0);
        }, cancellationToken: Ct));

        Assert.False(begun);
    }

    [Fact]
    public async Task Work_that_reports_nothing_costs_what_was_held()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);

        await app.Purser.Operations.RunAsync(
            customer, new() { Operation = "outline" }, (_, _) => Task.FromResult(0), cancellationToken: Ct);

        Assert.Equal((50m, 0m), await Wallet(customer));
        Assert.Equal("outline", (await LastEntry(customer)).Quote!.Subject);
    }

    [Fact]
    public async Task Work_that_fails_before_anything_came_costs_nothing()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => app.Purser.Operations.RunAsync<int>(customer, Worst, (operation, _) =>
        {
            operation.Report(new Usage { InputTokens = 900 });
            throw new InvalidDataException("The provider is down.");
        }, cancellationToken: Ct));

        Assert.Equal("The provider is down.", error.Message);
        Assert.Equal((100m, 0m), await Wallet(customer));
    }

    [Fact]
    public async Task Work_that_fails_after_the_answer_costs_what_was_reported()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);

        await Assert.ThrowsAsync<InvalidDataException>(() => app.Purser.Operations.RunAsync<int>(customer, Worst, (operation, _) =>
        {
            operation.Report(Used);
            throw new InvalidDataException("The answer could not be read.");
        }, cancellationToken: Ct));

        Assert.Equal((100 - UsedCredits, 0m), await Wallet(customer));
    }

    [Fact]
    public async Task A_stream_that_is_read_to_its_end_is_charged_to_the_token()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);
        var pieces = Enumerable.Repeat("a text of sixteen", 30).ToArray();

        var read = await app.Purser.Operations
            .StreamAsync(customer, Worst, (operation, ct) => Pieces(pieces, operation, Used, ct), cancellationToken: Ct)
            .ToListAsync(Ct);

        Assert.Equal(pieces, read);
        Assert.Equal((100 - UsedCredits, 0m), await Wallet(customer));
    }

    [Fact]
    public async Task A_stream_that_nobody_reads_on_is_charged_by_what_came()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);
        Operation? seen = null;

        await app.Purser.Operations.StreamAsync(customer, Worst, (operation, ct) =>
        {
            seen = operation;
            operation.Report(new Usage { InputTokens = 500 });
            return Pieces(Enumerable.Repeat("four and twenty bytes...", 100), operation, Used, ct);
        }, cancellationToken: Ct).Take(10).ToListAsync(Ct);

        // 500 tokens in, and 240 bytes out: 60 tokens.
        Assert.Equal((100 - 1.5m - 0.72m, 0m), await Wallet(customer));
        Assert.Equal((2.22m, true), (seen!.Settlement!.Amount, seen.Settlement.Estimated));
    }

    [Fact]
    public async Task A_stream_that_breaks_off_is_charged_by_what_came_after_the_last_report()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);

        async IAsyncEnumerable<string> Breaking(Operation operation)
        {
            yield return new('x', 400);
            operation.Report(Used);
            yield return new('y', 40);
            await Task.Yield();
            throw new InvalidDataException("The provider broke off.");
        }

        await Assert.ThrowsAsync<InvalidDataException>(async () => await app.Purser.Operations
            .StreamAsync(customer, Worst, (operation, _) => Breaking(operation), cancellationToken: Ct).CountAsync(Ct));

        Assert.Equal((100 - UsedCredits - (10 * 0.012m), 0m), await Wallet(customer));
    }

    [Fact]
    public async Task A_stream_that_breaks_before_its_first_item_costs_nothing()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);

        await Assert.ThrowsAsync<InvalidDataException>(async () => await app.Purser.Operations
            .StreamAsync<string>(customer, Worst, (_, _) => throw new InvalidDataException("429"), cancellationToken: Ct).CountAsync(Ct));

        Assert.Equal((100m, 0m), await Wallet(customer));
    }

    [Fact]
    public async Task Cancelling_ends_the_work_but_not_the_charge()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Ct);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in app.Purser.Operations.StreamAsync(
                customer, Worst, (operation, ct) => Endless(operation, ct), cancellationToken: leaving.Token))
                await leaving.CancelAsync();
        });

        // 500 tokens in, and 40 bytes out.
        Assert.Equal((100 - 1.5m - 0.12m, 0m), await Wallet(customer));
    }

    [Theory]
    [InlineData(Unfinished.ChargeReported, 99.88)]
    [InlineData(Unfinished.ChargeNothing, 100)]
    [InlineData(Unfinished.ChargeHeld, 85)]
    public async Task What_is_left_unfinished_costs_what_the_product_wants(Unfinished policy, double left)
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);

        await using (var operation = await app.Purser.Operations.BeginAsync(customer, Worst, policy, Ct))
        {
            operation.Report(new Usage { InputTokens = 0 });
            operation.Received(new('x', 40));
        }

        Assert.Equal(((decimal)left, 0m), await Wallet(customer));
    }

    [Fact]
    public async Task However_often_it_is_settled_it_is_charged_once()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);
        await using var operation = await app.Purser.Operations.BeginAsync(customer, Worst, cancellationToken: Ct);
        operation.Report(Used);

        var settlements = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => operation.SettleAsync()));
        operation.Report(Worst.Usage!);
        await operation.DisposeAsync();

        Assert.Single(settlements.Select(one => one.Charge!.Id).Distinct());
        Assert.Equal((100 - UsedCredits, 0m), await Wallet(customer));
    }

    [Fact]
    public async Task Under_its_key_an_operation_is_gone_on_with_made_again_and_never_charged_twice()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);
        var named = Worst with { IdempotencyKey = "chapter-7" };

        // As a process that dies leaves it.
        var first = await app.Purser.Operations.BeginAsync(customer, named, cancellationToken: Ct);
        await using (var second = await app.Purser.Operations.BeginAsync(customer, named, Unfinished.ChargeNothing, Ct))
            Assert.Equal(first.Hold.Id, second.Hold.Id);
        await using var third = await app.Purser.Operations.BeginAsync(customer, named, cancellationToken: Ct);
        third.Report(Used);
        await third.SettleAsync();
        var done = await Assert.ThrowsAsync<ConflictException>(
            () => app.Purser.Operations.BeginAsync(customer, named, cancellationToken: Ct));

        Assert.NotEqual(first.Hold.Id, third.Hold.Id);
        Assert.Equal("hold_captured", done.Code);
        Assert.Equal((100 - UsedCredits, 0m), await Wallet(customer));
    }

    [Fact]
    public async Task Quantities_and_plain_credits_are_reported_as_they_were_held()
    {
        var customer = await app.Purser.GivenCustomer(credits: 100);
        NewHold words = new() { Operation = "chapter", Quantities = new() { ["words"] = 500 } };

        await app.Purser.Operations.RunAsync(customer, words, (operation, _) =>
        {
            operation.Report(new Dictionary<string, decimal> { ["words"] = 300 });
            Assert.Throws<InvalidOperationException>(() => operation.Report(Used));
            return Task.FromResult(0);
        }, cancellationToken: Ct);
        await app.Purser.Operations.RunAsync(customer, new() { Amount = 20 }, (operation, _) =>
        {
            operation.Report(12.5m);
            Assert.Throws<InvalidOperationException>(() => operation.Report(new Dictionary<string, decimal>()));
            return Task.FromResult(0);
        }, cancellationToken: Ct);

        Assert.Equal((100 - 30 - 12.5m, 0m), await Wallet(customer));
    }

    static async IAsyncEnumerable<string> Pieces(
        IEnumerable<string> pieces, Operation operation, Usage usage, [EnumeratorCancellation] CancellationToken ct)
    {
        foreach (var piece in pieces)
        {
            await Task.Yield();
            ct.ThrowIfCancellationRequested();
            yield return piece;
        }

        operation.Report(usage);
    }

    static async IAsyncEnumerable<string> Endless(Operation operation, [EnumeratorCancellation] CancellationToken ct)
    {
        operation.Report(new Usage { InputTokens = 500 });
        yield return new('x', 40);
        await Task.Delay(Timeout.Infinite, ct);
    }

    async Task<(decimal Balance, decimal Held)> Wallet(string customer)
    {
        var wallet = await app.Purser.Balances.GetAsync(customer, Ct);
        return (wallet.Balance, wallet.Held);
    }

    ValueTask<Entry> LastEntry(string customer) => app.Purser.Entries.ListAsync(customer, cancellationToken: Ct).FirstAsync(Ct);
}
