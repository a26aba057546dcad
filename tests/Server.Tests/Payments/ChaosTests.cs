using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>
/// Customers who buy, subscribe, change, recharge, are refunded and dispute, while deliveries come twice, late, in any order or never,
/// Stripe fails, and the server is killed again and again. In the end everything is as an obvious model says.
/// </summary>
public sealed class ChaosTests : IAsyncLifetime
{
    static readonly int Customers = Environment.GetEnvironmentVariable("PURSER_TEST_LONG") == "1" ? 1_000 : 220;

    const int AtOnce = 24;

    static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    readonly int port = Ports.Free();
    readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(40) };
    Postgres postgres = null!;
    StripeAccount stripe = null!;
    ServerProcess server = null!;
    string secret = "";
    int done;

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        stripe = await StripeAccount.Open();
        http.BaseAddress = new($"http://127.0.0.1:{port}");
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Given.AdminKey);
        var endpoint = await stripe.Post("/v1/webhook_endpoints", new()
        {
            { "url", $"http://127.0.0.1:{port}/webhooks/stripe" },
            { "enabled_events[0]", "*" },
        });
        secret = endpoint.GetProperty("secret").GetString()!;
        server = await Serve();
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        http.Dispose();
        stripe.Dispose();
        await postgres.DisposeAsync();
    }

    [Fact]
    public async Task Whatever_happens_on_the_way_it_ends_as_an_obvious_model_says()
    {
        await stripe.Control("webhooks/chaos", new { duplicate = 0.3, shuffle = 0.3, drop = 0.2 });
        using var over = new CancellationTokenSource();
        var trouble = MakeTrouble(over.Token);
        using var room = new SemaphoreSlim(AtOnce);
        var lives = await Task.WhenAll(Enumerable.Range(0, Customers).Select(async number =>
        {
            await room.WaitAsync(Ct);
            try
            {
                return await Live(number);
            }
            finally
            {
                room.Release();
            }
        }));
        await over.CancelAsync();
        Assert.InRange(await trouble, 3, int.MaxValue);
        await stripe.Control("webhooks/chaos", new { duplicate = 0, shuffle = 0, drop = 0 });
        await Calm();

        // A month later, all who still subscribe pay again.
        await stripe.Control("clock", new { now = TimeProvider.System.GetUtcNow().AddDays(31).AddHours(3).ToUnixTimeSeconds() });
        await stripe.Flush();
        await Eventually.Holds(async () => await Count("select count(*) from webhook_event where state in (1, 4)") == 0, Patience);
        await Reconciled();

        foreach (var life in lives)
        {
            var balance = await Ask(HttpMethod.Get, $"/v1/customers/{life.Customer}/balance", null, null);
            Assert.Equal((life.Customer, life.Balance, life.Held), (life.Customer, balance.Number("balance"), balance.Number("held")));
            foreach (var (order, state) in life.Orders)
                Assert.Equal((order, state), (order, (await Ask(HttpMethod.Get, $"/v1/orders/{order}", null, null)).Text("state")));
            if (life.Plan is null) continue;

            var subscription = await Ask(HttpMethod.Get, $"/v1/customers/{life.Customer}/subscription", null, null);
            Assert.Equal((life.Customer, life.Plan), (life.Customer, $"{subscription.Text("plan")} {subscription.Text("interval")} {subscription.Text("status")}"));
        }

        await using var verify = ServerProcess.On(postgres.ConnectionString, ["verify"]);
        Assert.True(await verify.WaitEnd() == 0, verify.Output);
    }

    /// <summary>What a customer did, and what must have come of it.</summary>
    sealed record Course(string Customer)
    {
        public decimal Balance { get; set; }
        public decimal Held { get; set; }
        public string? Plan { get; set; }
        public Dictionary<string, string> Orders { get; } = [];
        public Dictionary<string, string> Intents { get; } = [];
    }

    Task<Course> Live(int number) => (number % 11) switch
    {
        0 => Buys(number, times: 3),
        1 => IsRefunded(number, "all"),
        2 => IsRefunded(number, "some"),
        3 => IsRefundedAtStripe(number),
        4 => Disputes(number, lose: false),
        5 => Disputes(number, lose: true),
        6 => Subscribes(number, cancel: false),
        7 => Subscribes(number, cancel: true),
        8 => Changes(number, """{"plan":"enterprise","interval":"year"}""", "enterprise year active", renewed: 0),
        9 => Changes(number, """{"plan":"team","when":"now"}""", "team month active", renewed: 60_000),
        _ => Recharges(number),
    };

    // Ten credits for a cent, so that every sum is exact: 9,990 for 9.99.
    async Task<Course> Buys(int number, int times)
    {
        var life = await Born(number);
        for (var i = 0; i < times; i++)
        {
            await Pays(life, $$"""{"package":"starter","quantity":{{i + 1}}}""", $"buy-{i}");
            life.Balance += 9_990 * (i + 1);
        }

        return life;
    }

    async Task<Course> IsRefunded(int number, string how)
    {
        var life = await Born(number);
        var order = await Pays(life, """{"package":"starter"}""", "buy");
        var body = how == "all" ? """{"reason":"unhappy"}""" : """{"credits":3330,"reason":"a third"}""";
        await Until(order, "paid");
        var refund = await Ask(HttpMethod.Post, $"/v1/orders/{order}/refund", body, "refund");
        Assert.True(refund.Status == 201, refund.ToString());
        life.Balance = how == "all" ? 0 : 6_660;
        life.Orders[order] = how == "all" ? "refunded" : "partially_refunded";
        return life;
    }

    async Task<Course> IsRefundedAtStripe(int number)
    {
        var life = await Born(number);
        var order = await Pays(life, """{"package":"starter"}""", "buy");
        await Until(order, "paid");
        var intent = life.Intents[order];
        foreach (var minor in (long[])[100, 250])
            await Persist(() => stripe.Post("/v1/refunds", new() { { "payment_intent", intent }, { "amount", minor } }, $"refund-{intent}-{minor}"));
        life.Balance = 9_990 - 3_500;
        life.Orders[order] = "partially_refunded";
        return life;
    }

    async Task<Course> Disputes(int number, bool lose)
    {
        var life = await Born(number);
        var order = await Pays(life, """{"package":"starter"}""", "buy", "pm_card_createDispute");
        life.Balance = life.Held = lose ? 0 : 9_990;
        life.Orders[order] = lose ? "refunded" : "disputed";
        if (!lose) return life;

        var disputes = await Persist(() => stripe.Get($"/v1/disputes?payment_intent={life.Intents[order]}"));
        var dispute = disputes.GetProperty("data")[0].GetProperty("id").GetString();
        await Persist(async () =>
        {
            var known = await stripe.Get($"/v1/disputes/{dispute}");
            return known.GetProperty("status").GetString() == "lost" ? known : await stripe.Post($"/v1/disputes/{dispute}/close");
        });
        return life;
    }

    async Task<Course> Subscribes(int number, bool cancel)
    {
        var life = await Born(number);
        var order = await Pays(life, """{"plan":"enterprise","interval":"month"}""", "subscribe");
        if (cancel)
        {
            await Until(order, "paid");
            var canceled = await Ask(HttpMethod.Post, $"/v1/customers/{life.Customer}/subscription/cancel", "{}", "cancel");
            Assert.True(canceled.Status == 200, canceled.ToString());
        }

        life.Balance = cancel ? 260_000 : 520_000;
        life.Plan = cancel ? "enterprise month canceled" : "enterprise month active";
        return life;
    }

    // A change moves the credits that its preview says.
    async Task<Course> Changes(int number, string to, string plan, decimal renewed)
    {
        var life = await Born(number);
        var order = await Pays(life, """{"plan":"enterprise","interval":"month"}""", "subscribe");
        await Until(order, "paid");
        var subscription = $"/v1/customers/{life.Customer}/subscription";
        var preview = await Ask(HttpMethod.Post, $"{subscription}/preview", to, "preview");
        Assert.True(preview.Status == 200, preview.ToString());
        var changed = await Ask(
            HttpMethod.Post, $"{subscription}/change", to.TrimEnd('}') + $$""","at":"{{preview.Text("at")}}"}""", "change");
        Assert.True(changed.Status == 200, changed.ToString());
        life.Balance = 260_000 + preview.Number("credits") + renewed;
        life.Plan = plan;
        return life;
    }

    async Task<Course> Recharges(int number)
    {
        var life = await Born(number);
        var order = await Pays(life, """{"package":"starter"}""", "buy");
        await Until(order, "paid");
        await Ask(
            HttpMethod.Put, $"/v1/customers/{life.Customer}/auto-recharge",
            """{"package":"starter","threshold":5000,"daily_max_orders":2,"monthly_max_minor":5000,"enabled":true}""", null);
        await Ask(HttpMethod.Post, $"/v1/customers/{life.Customer}/charges", """{"amount":9000}""", "spend");
        life.Balance = 990 + 9_990;
        await Eventually.Holds(async () =>
            (await Ask(HttpMethod.Get, $"/v1/customers/{life.Customer}/balance", null, null)).Number("balance") == life.Balance, Patience);
        return life;
    }

    async Task<Course> Born(int number)
    {
        var customer = $"chaos_{number}";
        await Ask(HttpMethod.Put, $"/v1/customers/{customer}", """{"email":"c@example.com"}""", null);
        return new(customer);
    }

    async Task<string> Pays(Course life, string what, string key, string card = "pm_card_visa")
    {
        var checkout = await Ask(HttpMethod.Post, $"/v1/customers/{life.Customer}/checkout", Shop.Body(what), key);
        Assert.True(checkout.Status == 201, checkout.ToString());
        var session = new Uri(checkout.Text("url")).Segments[^1];
        var paid = await Persist(async () =>
        {
            // Whether the payment of a lost answer was made, the session says.
            var known = await stripe.Get($"/v1/checkout/sessions/{session}");
            return known.GetProperty("status").GetString() == "complete" ? known : await stripe.Pay(session, card);
        });
        var order = checkout.Text("order");
        life.Orders[order] = "paid";
        if (paid.GetProperty("payment_intent") is { ValueKind: not JsonValueKind.Null } intent)
            life.Intents[order] = (intent.ValueKind == JsonValueKind.Object ? intent.GetProperty("id") : intent).GetString()!;
        return order;
    }

    async Task Until(string order, string state) =>
        await Eventually.Holds(async () => (await Ask(HttpMethod.Get, $"/v1/orders/{order}", null, null)).Text("state") == state, Patience);

    /// <summary>A client that does not give up: with the key, asking again is safe.</summary>
    async Task<Answered> Ask(HttpMethod method, string path, string? body, string? key)
    {
        var last = "nothing was answered yet";
        for (var asked = Stopwatch.StartNew(); asked.Elapsed < Patience;)
        {
            try
            {
                using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
                if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
                if (key is not null) request.Headers.Add("Idempotency-Key", key);
                using var response = await http.SendAsync(request, Ct);
                var text = await response.Content.ReadAsStringAsync(Ct);
                var answer = new Answered((int)response.StatusCode, response.Headers, text);
                if (answer.Status < 500 && !text.Contains("request_in_progress", StringComparison.Ordinal))
                {
                    if (key is not null) Interlocked.Increment(ref done);
                    return answer;
                }

                last = answer.ToString();
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                // It was killed, and comes back.
                last = e.Message;
            }

            await Task.Delay(100, Ct);
        }

        throw new TimeoutException($"{method} {path} ({key}) came to nothing in {Patience}: {last}");
    }

    static async Task<JsonElement> Persist(Func<Task<JsonElement>> call)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await call();
            }
            catch (Exception e) when (attempt < 100 && (e is HttpRequestException or IOException || e is StripeRefusal { Status: >= 409 }))
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }
    }

    /// <summary>
    /// Kills the server again and again, and lets Stripe fail in all its ways meanwhile. It is killed when it has got something
    /// done, or a slow machine would see nothing but starting servers. Returns how often.
    /// </summary>
    async Task<int> MakeTrouble(CancellationToken over)
    {
        string[] kinds = ["lock_timeout_should_retry", "error_500_no_retry", "drop_after_commit", "rate_limit"];
        var (kills, doneBefore) = (0, 0);
        for (var round = 0; !over.IsCancellationRequested; round++)
        {
            await Persist(() => stripe.Control("faults", new { kind = kinds[round % kinds.Length], count = 2 }));
            await Task.WhenAny(Task.Delay(TimeSpan.FromSeconds(1), over));
            if (round % 3 != 1 || done < doneBefore + AtOnce || over.IsCancellationRequested) continue;

            await server.Kill();
            await server.DisposeAsync();
            server = await Serve();
            doneBefore = done;
            kills++;
        }

        return kills;
    }

    // Faults that are left hit somebody; here it is nobody.
    async Task Calm()
    {
        for (var calm = 0; calm < 3;)
        {
            try
            {
                await stripe.Get("/v1/customers?limit=1");
                calm++;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or StripeRefusal)
            {
                calm = 0;
            }
        }
    }

    async Task<ServerProcess> Serve()
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await Start();
            }
            catch (InvalidOperationException) when (attempt < 20)
            {
                // While it was down, its port may serve somebody else's connection for a moment.
                await Task.Delay(250, Ct);
            }
        }
    }

    async Task<ServerProcess> Start()
    {
        var started = ServerProcess.Serve(
            postgres.ConnectionString,
            ("PURSER_PORT", $"{port}"), ("STRIPE_API_BASE", stripe.Url.ToString()), ("STRIPE_SECRET_KEY", stripe.Key),
            ("STRIPE_WEBHOOK_SECRET", secret));
        try
        {
            await started.WaitReady();
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    async Task Reconciled()
    {
        for (var i = 0; ; i++)
        {
            await using var reconcile = ServerProcess.On(
                postgres.ConnectionString,
                ["stripe", "reconcile"],
                ("PURSER_MODE", "development"), ("STRIPE_API_BASE", stripe.Url.ToString()), ("STRIPE_SECRET_KEY", stripe.Key));
            Assert.True(await reconcile.WaitEnd() == 0, reconcile.Output);
            if (reconcile.Output.Contains("Nothing differs.", StringComparison.Ordinal)) return;

            // What no event told is repaired now; a second look finds nothing more.
            Assert.True(i < 3, reconcile.Output);
        }
    }

    async Task<long> Count(string sql) => (await Tables.Read<long>(postgres.ConnectionString, sql)).Single();
}
