using Purser.Client;

namespace Purser.Server.Tests.Client;

public sealed class PurserClientTests
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static Action[] Nonsense =>
    [
        () => _ = new NewCharge { Amount = 0.0000001m },
        () => _ = new NewHold { Amount = -1.1234567m },
        () => _ = new NewGrant { Amount = 1.0000001m, Source = GrantSource.Purchase },
        () => _ = new NewGrant { Amount = 1, Source = GrantSource.Unknown },
        () => _ = new NewGrant { Amount = 1, Source = (GrantSource)99 },
        () => _ = new NewAdjustment { Amount = 1.0000001m, Reason = "" },
        () => _ = new NewCapture { Amount = 1.0000001m },
        () => _ = new NewReversal { Amount = 1.0000001m, Reason = "" },
        () => _ = new NewHold { ExpiresIn = TimeSpan.FromMilliseconds(1_500) },
        () => _ = new NewCharge { IdempotencyKey = "" },
        () => _ = new NewCharge { IdempotencyKey = new('k', 256) },
        () => _ = new NewCharge { IdempotencyKey = " chapter" },
        () => _ = new NewCharge { IdempotencyKey = "line\nbreak" },
        () => _ = new NewCharge { IdempotencyKey = "schlüssel" },
        () => _ = new PurserClient(new PurserClientOptions { Retries = -1 }),
        () => _ = new PurserClient(new PurserClientOptions { Retries = 11 }),
        () => _ = new PurserClient(new PurserClientOptions { Timeout = TimeSpan.Zero }),
        () => _ = new PurserClient(new PurserClientOptions { TotalTimeout = Timeout.InfiniteTimeSpan }),
        () => _ = new PurserClient(new PurserClientOptions { BaseAddress = new("ftp://127.0.0.1") }),
        () => _ = new PurserClient(new PurserClientOptions { BaseAddress = new("/v1", UriKind.Relative) }),
        () => _ = new PurserClient(new PurserClientOptions { BaseAddress = new("http://127.0.0.1?x=1") }),
        () => _ = new PurserClient(new PurserClientOptions { Key = "" }),
    ];

    [Fact]
    public void What_makes_no_sense_cannot_be_said() =>
        Assert.All(Nonsense, say => Assert.ThrowsAny<ArgumentException>(say));

    [Fact]
    public void A_key_that_cannot_be_sent_is_not_repeated_in_the_complaint()
    {
        var options = new PurserClientOptions { Key = "sk_secret\n" };

        var error = Assert.Throws<ArgumentException>(() => new PurserClient(options));

        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_makes_no_sense_together_is_not_sent()
    {
        await using var server = await ScriptedServer.Start();
        using var purser = server.Client();
        NewCharge[] nonsense =
        [
            new(),
            new() { Amount = 1, Operation = "outline" },
            new() { Operation = "outline", Model = "gpt-5.4", Usage = new() },
            new() { Model = "gpt-5.4" },
            new() { Amount = 1, Usage = new() },
            new() { Amount = 1, Quantities = [] },
            new() { Amount = 1, ServiceTier = "flex" },
        ];

        foreach (var charge in nonsense)
            await Assert.ThrowsAsync<ArgumentException>(() => purser.Charges.CreateAsync("user_42", charge, Ct));
        foreach (var customer in new[] { "", " ", ".", ".." })
            await Assert.ThrowsAsync<ArgumentException>(() => purser.Charges.CreateAsync(customer, Sdk.Chapter, Ct));
        foreach (var capture in new NewCapture[] { new(), new() { Amount = 1, Usage = new() }, new() { Amount = 1, ServiceTier = "flex" } })
            await Assert.ThrowsAsync<ArgumentException>(() => purser.Holds.CaptureAsync("hold_1", capture, Ct));
        await Assert.ThrowsAsync<ArgumentException>(() => purser.Estimates.CreateAsync(new(), Ct));
        Assert.ThrowsAny<ArgumentException>(() => purser.Customers.ListAsync(pageSize: 501, cancellationToken: Ct));
        await Assert.ThrowsAsync<ArgumentNullException>(() => purser.Customers.PutAsync("user_42", null!, Ct));
        await Assert.ThrowsAsync<ArgumentNullException>(() => purser.Adjustments.CreateAsync("user_42", null!, Ct));

        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task A_server_may_live_under_a_path()
    {
        await using var server = await ScriptedServer.Start(Reply.Json(Sdk.Balance));
        var address = new Uri(server.Address, "/money/purser");
        using var purser = new PurserClient(new PurserClientOptions { BaseAddress = address });

        await purser.Balances.GetAsync("user_42", Ct);

        Assert.Equal("/money/purser/v1/customers/user_42/balance", server.Request.Target);
    }

    [Fact]
    public async Task Given_connections_stay_as_they_were_and_open()
    {
        await using var server = await ScriptedServer.Start(Reply.Json(Sdk.Balance), Reply.Json(Sdk.Balance));
        using var http = new HttpClient { BaseAddress = server.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", "sk_of_the_factory");

        using (var purser = new PurserClient(http)) await purser.Balances.GetAsync("user_42", Ct);
        await http.GetAsync("/still/open", Ct);

        Assert.Equal("Bearer sk_of_the_factory", server.Requests[0].Headers["Authorization"]);
        Assert.Equal(server.Address, http.BaseAddress);
        Assert.Empty(http.DefaultRequestHeaders.UserAgent);
        Assert.Equal("/still/open", server.Requests[1].Target);
    }

    [Fact]
    public async Task Connections_of_its_own_end_with_it()
    {
        await using var server = await ScriptedServer.Start(Reply.Json(Sdk.Balance));
        var purser = server.Client();

        purser.Dispose();
        purser.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => purser.Balances.GetAsync("user_42", Ct));
    }

    [Fact]
    public async Task One_client_serves_many_callers_at_once_and_mixes_nothing_up()
    {
        await using var server = await ScriptedServer.Start([.. Enumerable.Repeat(Reply.With(201, Sdk.Charged), 200)]);
        using var purser = server.Client();

        await Parallel.ForAsync(0, 200, Ct, async (i, ct) =>
            await purser.Charges.CreateAsync($"user_{i}", new() { Amount = i }, ct));

        Assert.Equal(200, server.Requests.Select(request => request.Key).Distinct().Count());
        Assert.All(server.Requests, request =>
            Assert.Equal($$"""{"amount":{{request.Target.Split('/', '_')[4]}}}""", request.Body));
    }
}
