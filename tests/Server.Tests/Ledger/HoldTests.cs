using Purser.Client;

namespace Purser.Server.Tests.Ledger;

public sealed class HoldTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_hold_reserves_its_credits_for_ten_minutes()
    {
        var customer = await app.Purser.GivenCustomer(100);

        var answer = await app.Client.Post($"/v1/customers/{customer}/holds", """{"amount":30}""");

        Assert.Equal(201, answer.Status);
        Assert.Equal(["amount", "available", "expires_at", "id"], answer.Members);
        Assert.Equal((30m, 70m), (answer.Number("amount"), answer.Number("available")));
        Assert.Equal(app.Time.GetUtcNow().AddSeconds(600), answer.Json.GetProperty("expires_at").GetDateTimeOffset());
        var wallet = await app.Purser.Balances.GetAsync(customer, Ct);
        Assert.Equal((100m, 30m, 70m), (wallet.Balance, wallet.Held, wallet.Available));
    }

    [Fact]
    public async Task A_hold_can_be_read()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await app.Purser.Holds.CreateAsync(
            customer, new() { Amount = 30, ExpiresIn = TimeSpan.FromSeconds(1), Reason = "r", Reference = "f" }, Ct);

        var answer = await app.Client.Read($"/v1/holds/{hold.Id}");

        Assert.Equal(200, answer.Status);
        Assert.Equal(
            ["amount", "captured", "customer", "expires_at", "id", "reason", "reference", "state"], answer.Members);
        Assert.Equal((hold.Id, customer, "open"), (answer.Text("id"), answer.Text("customer"), answer.Text("state")));
        Assert.Equal((30m, 0m), (answer.Number("amount"), answer.Number("captured")));
    }

    [Fact]
    public async Task What_is_held_cannot_be_spent_or_held_again()
    {
        var customer = await app.Purser.GivenCustomer(100);
        await Hold(customer, 60);

        var charge = await Assert.ThrowsAsync<InsufficientCreditsException>(
            () => app.Purser.Charges.CreateAsync(customer, new() { Amount = 41 }, Ct));
        var hold = await app.Client.Post($"/v1/customers/{customer}/holds", """{"amount":41}""");

        Assert.Equal(40, charge.Available);
        Assert.Equal(402, hold.Status);
        Assert.Equal(
            "Insufficient credits. Required: 41, Available: 40", hold.Error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task A_capture_takes_what_was_used_and_frees_the_rest()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await Hold(customer, 60);

        var answer = await app.Client.Post($"/v1/holds/{hold.Id}/capture", """{"amount":45.5}""");

        Assert.Equal(201, answer.Status);
        Assert.Equal(["amount", "available", "balance", "id", "released", "shortfall"], answer.Members);
        Assert.Equal(
            (45.5m, 14.5m, 0m, 54.5m, 54.5m),
            (answer.Number("amount"), answer.Number("released"), answer.Number("shortfall"), answer.Number("balance"),
                answer.Number("available")));
        var captured = await app.Purser.Holds.GetAsync(hold.Id, Ct);
        Assert.Equal((HoldState.Captured, 45.5m), (captured.State, captured.Captured));
    }

    [Fact]
    public async Task A_capture_of_nothing_frees_all_of_it_and_stands_in_the_ledger()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await Hold(customer, 60);

        var capture = await app.Purser.Holds.CaptureAsync(hold.Id, new() { Amount = 0 }, Ct);

        Assert.Equal((0m, 60m, 100m), (capture.Amount, capture.Released, capture.Available));
        Assert.Equal(capture.Id, (await Entries(customer))[0].Id);
    }

    [Fact]
    public async Task A_capture_above_its_hold_takes_the_excess_from_what_is_available()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await Hold(customer, 60);

        var capture = await app.Purser.Holds.CaptureAsync(hold.Id, new() { Amount = 90 }, Ct);

        Assert.Equal(
            (90m, 0m, 0m, 10m), (capture.Amount, capture.Released, capture.Shortfall, capture.Available));
    }

    [Fact]
    public async Task What_a_capture_cannot_have_is_its_shortfall()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await Hold(customer, 60);
        await Hold(customer, 30);

        var capture = await app.Purser.Holds.CaptureAsync(hold.Id, new() { Amount = 90 }, Ct);

        Assert.Equal((70m, 20m, 30m, 0m), (capture.Amount, capture.Shortfall, capture.Balance, capture.Available));
        var entries = await app.Client.Read($"/v1/customers/{customer}/entries?limit=1");
        Assert.Equal(20, entries.Json.GetProperty("data")[0].GetProperty("shortfall").GetDecimal());
    }

    [Fact]
    public async Task A_hold_for_a_model_is_captured_by_its_usage()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await app.Purser.Holds.CreateAsync(
            customer, new() { Model = "gpt-5.4", Usage = new() { InputTokens = 1_000, OutputTokens = 2_000 } }, Ct);

        var capture = await app.Purser.Holds.CaptureAsync(
            hold.Id, new() { Usage = new() { InputTokens = 1_000, OutputTokens = 500 } }, Ct);

        Assert.Equal(39, hold.Amount);
        Assert.Equal((12m, 27m), (capture.Amount, capture.Released));
        Assert.Equal("openai/gpt-5.4", capture.Quote!.Subject);
    }

    [Fact]
    public async Task A_hold_for_a_service_tier_is_captured_by_it_unless_another_one_was_given()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var usage = new Usage { InputTokens = 1_000 };
        var priority = await app.Purser.Holds.CreateAsync(customer, new() { Model = "gpt-5.4", Usage = usage, ServiceTier = "priority" }, Ct);
        var other = await app.Purser.Holds.CreateAsync(customer, new() { Model = "gpt-5.4", Usage = usage, ServiceTier = "priority" }, Ct);

        var capture = await app.Purser.Holds.CaptureAsync(priority.Id, new() { Usage = usage }, Ct);
        var ordinary = await app.Purser.Holds.CaptureAsync(other.Id, new() { Usage = usage, ServiceTier = "default" }, Ct);

        Assert.Equal((6m, 6m, 3m), (priority.Amount, capture.Amount, ordinary.Amount));
    }

    [Fact]
    public async Task A_hold_for_an_operation_is_captured_by_its_quantities()
    {
        var customer = await app.Purser.GivenCustomer(1_000);
        var hold = await app.Purser.Holds.CreateAsync(
            customer, new() { Operation = "chapter", Quantities = new() { ["words"] = 5_000 } }, Ct);

        var capture = await app.Purser.Holds.CaptureAsync(
            hold.Id, new() { Quantities = new() { ["words"] = 1_234 } }, Ct);

        Assert.Equal((500m, 123.4m, 376.6m), (hold.Amount, capture.Amount, capture.Released));
        Assert.Equal("chapter", capture.Quote!.Subject);
    }

    [Fact]
    public async Task The_quote_of_a_capture_with_a_shortfall_says_what_it_would_have_cost()
    {
        var customer = await app.Purser.GivenCustomer(10);
        var hold = await app.Purser.Holds.CreateAsync(
            customer, new() { Operation = "chapter", Quantities = new() { ["words"] = 100 } }, Ct);

        var capture = await app.Purser.Holds.CaptureAsync(hold.Id, new() { Quantities = new() { ["words"] = 300 } }, Ct);

        Assert.Equal((10m, 20m, 30m), (capture.Amount, capture.Shortfall, capture.Quote!.Lines.Sum(line => line.Amount)));
    }

    [Theory]
    [InlineData("""{"usage":{"input_tokens":1}}""", "usage")]
    [InlineData("""{"quantities":{"words":1}}""", "quantities")]
    public async Task A_hold_of_an_amount_is_captured_by_an_amount(string body, string param)
    {
        var hold = await Hold(await app.Purser.GivenCustomer(100), 60);

        var answer = await app.Client.Post($"/v1/holds/{hold.Id}/capture", body);

        Assert.Equal((400, param), (answer.Status, answer.Error.GetProperty("param").GetString()));
        Assert.Equal(HoldState.Open, (await app.Purser.Holds.GetAsync(hold.Id, Ct)).State);
    }

    [Fact]
    public async Task A_release_gives_all_of_it_back()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await Hold(customer, 60);

        var answer = await app.Client.Call(HttpMethod.Post, $"/v1/holds/{hold.Id}/release");

        Assert.Equal(200, answer.Status);
        Assert.Equal(["available", "id", "released"], answer.Members);
        Assert.Equal((hold.Id, 60m, 100m), (answer.Text("id"), answer.Number("released"), answer.Number("available")));
        Assert.Equal(HoldState.Released, (await app.Purser.Holds.GetAsync(hold.Id, Ct)).State);
    }

    [Fact]
    public async Task A_second_release_answers_as_the_first_did()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var hold = await Hold(customer, 60);
        var first = await app.Client.Call(HttpMethod.Post, $"/v1/holds/{hold.Id}/release");
        await app.Purser.Charges.CreateAsync(customer, new() { Amount = 33 }, Ct);

        var second = await app.Client.Call(HttpMethod.Post, $"/v1/holds/{hold.Id}/release");

        Assert.Equal((first.Status, first.Body), (second.Status, second.Body));
    }

    [Fact]
    public async Task A_hold_ends_once()
    {
        var customer = await app.Purser.GivenCustomer(100);
        var captured = await Hold(customer, 10);
        var released = await Hold(customer, 10);
        await app.Purser.Holds.CaptureAsync(captured.Id, new() { Amount = 10 }, Ct);
        await app.Purser.Holds.ReleaseAsync(released.Id, cancellationToken: Ct);

        string[] codes =
        [
            await Conflict(() => app.Purser.Holds.CaptureAsync(captured.Id, new() { Amount = 10 }, Ct)),
            await Conflict(() => app.Purser.Holds.ReleaseAsync(captured.Id, cancellationToken: Ct)),
            await Conflict(() => app.Purser.Holds.CaptureAsync(released.Id, new() { Amount = 10 }, Ct)),
        ];

        Assert.Equal(["hold_captured", "hold_captured", "hold_released"], codes);
        Assert.Equal(90, (await app.Purser.Balances.GetAsync(customer, Ct)).Available);
    }

    [Theory]
    [InlineData("hld_{wallet}_99")]
    [InlineData("hld_00000000000000000000000000000000_1")]
    public async Task A_hold_that_never_was_is_not_found(string shape)
    {
        var hold = await Hold(await app.Purser.GivenCustomer(100), 10);
        var id = shape.Replace("{wallet}", hold.Id.Split('_')[1], StringComparison.Ordinal);

        Answered[] answers =
        [
            await app.Client.Read($"/v1/holds/{id}"),
            await app.Client.Post($"/v1/holds/{id}/capture", """{"amount":1}"""),
            await app.Client.Post($"/v1/holds/{id}/capture", """{"usage":{"input_tokens":1}}"""),
            await app.Client.Call(HttpMethod.Post, $"/v1/holds/{id}/release"),
        ];

        Assert.All(answers, answer => Assert.Equal(
            (404, "There is no such hold."), (answer.Status, answer.Error.GetProperty("message").GetString())));
    }

    Task<Hold> Hold(string customer, decimal amount) =>
        app.Purser.Holds.CreateAsync(customer, new() { Amount = amount }, Ct);

    ValueTask<List<Entry>> Entries(string customer) =>
        app.Purser.Entries.ListAsync(customer, cancellationToken: Ct).ToListAsync(Ct);

    static async Task<string> Conflict(Func<Task> call) => (await Assert.ThrowsAsync<ConflictException>(call)).Code;
}
