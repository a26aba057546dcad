using System.Globalization;
using System.Text.Json;
using static Purser.Server.Editions.Rehearsal;

namespace Purser.Server.Editions.ScholarLink;

/// <summary>The runbook's page "T-0: Production Smoke Test", and the switches and views it relies on.</summary>
sealed class SmokeTest(Rehearsal at)
{
    static readonly object Hello = new { model = "gpt-4o-mini", messages = new[] { new { role = "user", content = "Hello" } } };

    static readonly string[] Metrics =
    [
        "billing_credits_purchased_total{package=\"starter\"}", "billing_credits_deducted_total{model=\"gpt-4o-mini\"}",
        "billing_402_insufficient_credits_total", "stripe_webhook_events_total{type=\"checkout.session.completed\"}",
        "stripe_webhook_failures_total", "purser_webhook_refusals_total{reason=\"bad_signature\"}", "finance_margin_daily_usd", "finance_liability_credits_usd",
    ];

    readonly string customer = $"smoke_{Guid.CreateVersion7():N}";
    string? userToken;
    string? adminToken;

    string User => userToken ?? throw new LeftOut("there is no user's token");

    string Admin => adminToken ?? throw new LeftOut("there is no administrator's token");

    public async Task Run(CancellationToken ct)
    {
        await at.Check("A user and an administrator have tokens", async () =>
        {
            try
            {
                userToken = await at.Token(customer, admin: false, ct);
            }
            finally
            {
                adminToken = await at.Token("smoke_admin", admin: true, ct);
            }
        });
        await HealthCheck(ct);
        await PurchaseFlow(ct);
        await UsageDeduction(ct);
        await InsufficientCredits(ct);
        await AccessControl(ct);
        if (at.IsPlay) await Switches(ct);
        else await at.Say("The switches are left alone: other people are here.");
        await Observability(ct);
    }

    async Task HealthCheck(CancellationToken ct)
    {
        await at.Check("The server is ready", async () => Same(200, (await at.Get("/health/ready", null, ct)).Status, "the status"));
        await at.Check("Without a token, or with one that was made up, nobody is let in", async () =>
        {
            var nobody = await at.Get("/api/billing/summary", null, ct);
            Same((401, "error,code"), (nobody.Status, string.Join(',', nobody.Members)), "the answer");
            Same(401, (await at.Get("/api/billing/summary", Forged(User), ct)).Status, "the status");
        });
        await at.Check("The billing summary has its seven members, a balance of nothing to begin with", async () =>
        {
            var summary = await at.Get("/api/billing/summary", User, ct);
            Same(
                "balanceMillicredits,balanceCredits,balanceUsd,packages,activeRates,recentLedger,recentUsage",
                string.Join(',', summary.Members), "the members");
            if (summary.Json.GetProperty("recentLedger").GetArrayLength() > 0) return;

            Expect(
                summary.Body.StartsWith("""{"balanceMillicredits":"0","balanceCredits":0,"balanceUsd":0.00,"packages":[""", StringComparison.Ordinal)
                    && summary.Body.EndsWith(""","recentLedger":[],"recentUsage":[]}""", StringComparison.Ordinal),
                $"it is {summary}");
        });
        await at.Check("Starter brings 9,990 credits for $9.99, Professional 52,490 for $49.99, Enterprise 109,990 for $99.99", async () =>
        {
            var packages = (await at.Get("/api/billing/summary", User, ct)).Json.GetProperty("packages").EnumerateArray()
                .Select(one => $"{one.GetProperty("code").GetString()} {one.GetProperty("credits")} {one.GetProperty("priceUsd")}");
            Same("starter 9990 9.99, professional 52490 49.99, enterprise 109990 99.99", string.Join(", ", packages), "the list");
        });
    }

    async Task PurchaseFlow(CancellationToken ct)
    {
        await at.Check("A package that nobody sells, and a way back to somebody else's page, are refused", async () =>
        {
            Same(400, (await Checkout("everything", at.Page("/billing"), ct)).Status, "the status");
            var foreign = await Checkout("starter", "https://elsewhere.example/billing", ct);
            Same((400, "foreign_origin"), (foreign.Status, foreign.Json.GetProperty("code").GetString()), "the answer");
        });
        var session = "";
        var before = 0m;
        await at.Check("Buying Starter costs $9.99, whatever price the page sends", async () =>
        {
            before = await Balance(ct);
            var opened = await Checkout("starter", at.Page("/billing?success=true"), ct);
            Same(200, opened.Status, "the status");
            session = opened.Json.GetProperty("sessionId").GetString()!;
            await at.Pay(session, opened.Json.GetProperty("url").GetString()!, 999, ct);
        });
        await at.Check("The purchase is one ledger entry of 9,990 credits, and they are in the balance", async () =>
        {
            if (session.Length == 0) throw new LeftOut("nothing was bought");
            await at.Until("the credits", async () => await Balance(ct) == before + 9990, ct);
            var entry = (await at.Get("/api/billing/summary", User, ct)).Json.GetProperty("recentLedger")[0];
            Same(("purchase", "9990000"), (entry.GetProperty("type").GetString(), entry.GetProperty("amountMillicredits").GetString()), "the entry");
            Expect(entry.GetProperty("receiptUrl").GetString() is { Length: > 0 }, "it has no receipt");
        });
        if (!at.IsPlay) return;

        await at.Check("Events that Stripe sends again grant nothing again", async () =>
        {
            await at.TellAgain(session, ct);
            Same(before + 9990, await Balance(ct), "the balance");
        });
    }

    async Task UsageDeduction(CancellationToken ct)
    {
        await at.Check("A chat is answered, and costs what it says", async () =>
        {
            var before = await Balance(ct);
            var chat = await at.Post("/api/ai/chat", User, Hello, ct);
            Same(200, chat.Status, "the status");
            Expect(chat.Json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString() is { Length: > 0 }, "it says nothing");
            var charged = decimal.Parse(chat.Header("Purser-Charged")!, CultureInfo.InvariantCulture);
            Expect(charged > 0, "it costs nothing");
            Same(before - charged, await Balance(ct), "the balance");
        });
        await at.Check("Its usage and its ledger entry say the same", async () =>
        {
            var summary = (await at.Get("/api/billing/summary", User, ct)).Json;
            var (usage, entry) = (summary.GetProperty("recentUsage")[0], summary.GetProperty("recentLedger")[0]);
            Same("deduction", entry.GetProperty("type").GetString(), "the entry");
            Same("-" + usage.GetProperty("chargedMillicredits").GetString(), entry.GetProperty("amountMillicredits").GetString(), "the amount");
        });
        await at.Check("A streamed chat comes in pieces and is charged", async () =>
        {
            var before = await Balance(ct);
            var body = new { model = "gpt-4o-mini", stream = true, messages = new[] { new { role = "user", content = "Hello" } } };
            var chat = await at.Post("/api/ai/chat", User, body, ct);
            Expect(chat.Status == 200 && chat.Body.Contains("data: [DONE]", StringComparison.Ordinal), $"it is {chat}");
            Expect(await Balance(ct) < before, "it costs nothing");
        });
        await at.Check("The sum of the ledger is the balance", async () => Same(await Balance(ct), await SumOfEntries(ct), "the sum"));
    }

    async Task InsufficientCredits(CancellationToken ct)
    {
        if (!at.IsPlay)
        {
            await at.Say("Running out of credits is left out: the balance is somebody's own.");
            return;
        }

        await at.Check("With 5 credits, 10,000 tokens of gpt-4o are refused, in these words", async () =>
        {
            var adjusted = await at.Post(
                $"/v1/customers/{customer}/adjustments", Admin, new { amount = 5 - await Balance(ct), reason = "smoke test" }, ct);
            Same(201, adjusted.Status, "the adjustment");
            var refused = await at.Post(
                "/api/ai/chat", User, new { model = "gpt-4o", max_tokens = 10000, messages = new[] { new { role = "user", content = "Hello" } } }, ct);
            Same((402, "error,requiredCredits,currentCredits,redirectTo"), (refused.Status, string.Join(',', refused.Members)), "the answer");
            var said = refused.Json;
            Same("Insufficient credits", said.GetProperty("error").GetString(), "the error");
            Expect(said.GetProperty("requiredCredits").GetDecimal() >= 200, $"it is {refused}");
            Same(5m, said.GetProperty("currentCredits").GetDecimal(), "what there is");
            Same("/billing?tab=credits", said.GetProperty("redirectTo").GetString(), "where it leads");
        });
        await at.Check("What is left pays for a smaller one", async () => Same(200, (await at.Post("/api/ai/chat", User, Hello, ct)).Status, "the status"));
    }

    async Task AccessControl(CancellationToken ct)
    {
        await at.Check("What administrators do is closed to users, and written down", async () =>
        {
            Same(403, (await at.Get("/v1/switches", User, ct)).Status, "a user's status");
            Same(200, (await at.Get("/v1/switches", Admin, ct)).Status, "an administrator's status");
            if (!at.IsPlay) return;

            var log = (await at.Get("/v1/audit?actor=smoke_admin&limit=10", Admin, ct)).Json.GetProperty("data").EnumerateArray();
            Expect(log.Any(line => line.GetProperty("path").GetString() == $"/v1/customers/{customer}/adjustments"), "the adjustment is not there");
        });
        await at.Check("Pages of the product may call from a browser, and no others", async () =>
        {
            foreach (var (origin, allowed) in new[] { (at.Origin, at.Origin), ("https://elsewhere.example", null) })
            {
                var preflight = await at.Ask(
                    HttpMethod.Options, "/api/ai/chat", null, null, ct,
                    ("Origin", origin), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization,content-type"));
                Same(allowed, preflight.Header("Access-Control-Allow-Origin"), $"what {origin} may");
            }

            var summary = await at.Ask(HttpMethod.Get, "/api/billing/summary", User, null, ct, ("Origin", at.Origin));
            Same(at.Origin, summary.Header("Access-Control-Allow-Origin"), "the answer's origin");
            Expect(summary.Header("Content-Security-Policy")?.StartsWith("default-src 'none'", StringComparison.Ordinal) == true, "there is no policy");
        });
    }

    async Task Switches(CancellationToken ct)
    {
        await With("BILLING_PURCHASE_ENABLED", "false", "Nothing is sold while BILLING_PURCHASE_ENABLED is off", async () =>
        {
            var refused = await Checkout("starter", at.Page("/billing"), ct);
            Same((403, "purchases_disabled"), (refused.Status, refused.Json.GetProperty("code").GetString()), "the answer");
        }, ct);
        await With("BILLING_CHARGING_ENABLED", "false", "While BILLING_CHARGING_ENABLED is off, a chat is answered, priced and not charged",
            () => Uncharged(ct), ct);
        await at.Check("It is charged later, once", async () =>
        {
            var before = await Balance(ct);
            var charged = await at.Post("/v1/uncharged/charge", Admin, new { customer }, ct);
            Same((200, 1), (charged.Status, charged.Json.GetProperty("charged").GetInt32()), "the answer");
            Same(before - charged.Json.GetProperty("amount").GetDecimal(), await Balance(ct), "the balance");
            var again = await at.Post("/v1/uncharged/charge", Admin, new { customer }, ct);
            Same(0, again.Json.GetProperty("charged").GetInt32(), "the second time");
        });
        await With("BILLING_ROUNDING_MODE", "ceil", "With BILLING_ROUNDING_MODE at ceil, a chat costs whole credits", async () =>
        {
            var chat = await at.Post("/api/ai/chat", User, Hello, ct);
            Same("1", chat.Header("Purser-Charged"), "the charge");
        }, ct);
        await With("BILLING_ROLLOUT_PERCENTAGE", "0", "With BILLING_ROLLOUT_PERCENTAGE at 0, nobody pays and nobody buys", async () =>
        {
            Same(403, (await Checkout("starter", at.Page("/billing"), ct)).Status, "the checkout's status");
            await Uncharged(ct);
        }, ct);
        await at.Check("What was not charged is waived", async () =>
        {
            var waived = await at.Post("/v1/uncharged/waive", Admin, new { customer, reason = "smoke test" }, ct);
            Same((200, 1), (waived.Status, waived.Json.GetProperty("waived").GetInt32()), "the answer");
        });
    }

    /// <summary>With a switch set otherwise for a moment.</summary>
    async Task With(string name, string value, string claim, Func<Task> look, CancellationToken ct)
    {
        await at.Check(claim, async () =>
        {
            var before = (await at.Get("/v1/switches", Admin, ct)).Json.GetProperty("data").EnumerateArray()
                .Single(one => one.GetProperty("name").GetString() == name).GetProperty("value").GetString();
            Same(200, (await at.Put($"/v1/switches/{name}", Admin, new { value }, ct)).Status, "the switch");
            try
            {
                await look();
            }
            finally
            {
                await at.Put($"/v1/switches/{name}", Admin, new { value = before }, CancellationToken.None);
            }
        });
    }

    async Task Uncharged(CancellationToken ct)
    {
        var before = await Balance(ct);
        var chat = await at.Post("/api/ai/chat", User, Hello, ct);
        Same((200, "0"), (chat.Status, chat.Header("Purser-Charged")), "the chat");
        Same(before, await Balance(ct), "the balance");
        var open = (await at.Get($"/v1/uncharged?customer={customer}", Admin, ct)).Json.GetProperty("data");
        Same(1, open.GetArrayLength(), "what is open");
        Expect(open[0].GetProperty("amount").GetDecimal() > 0 && open[0].TryGetProperty("quote", out _), "it is not priced");
    }

    async Task Observability(CancellationToken ct)
    {
        await at.Check("Both reconciliations find nothing", async () =>
        {
            var found = (await at.Get("/v1/reconciliation", Admin, ct)).Json;
            Same((0, 0), (found.GetProperty("balances").GetArrayLength(), found.GetProperty("usage").GetArrayLength()), "what they find");
        });
        await at.Check("The metrics are there by their names", async () =>
        {
            var metrics = (await at.Get("/metrics", null, ct)).Body;
            foreach (var name in Metrics) Expect(metrics.Contains($"\n{name} ", StringComparison.Ordinal), $"{name} is missing");
        });
    }

    Task<Heard> Checkout(string packageCode, string successUrl, CancellationToken ct) => at.Post(
        "/api/stripe/create-checkout-session", User,
        new { packageCode, successUrl, cancelUrl = at.Page("/billing"), price = 1, amount = 1, credits = 1_000_000 }, ct);

    async Task<decimal> Balance(CancellationToken ct)
    {
        var summary = (await at.Get("/api/billing/summary", User, ct)).Json;
        var credits = summary.GetProperty("balanceCredits").GetDecimal();
        var millicredits = decimal.Parse(summary.GetProperty("balanceMillicredits").GetString()!, CultureInfo.InvariantCulture);
        Same(credits * 1000, millicredits, "the balance in millicredits");
        return credits;
    }

    async Task<decimal> SumOfEntries(CancellationToken ct)
    {
        var sum = 0m;
        var after = "";
        while (true)
        {
            var page = (await at.Get($"/v1/customers/{Subject()}/entries?limit=500{after}", Admin, ct)).Json;
            var entries = page.GetProperty("data").EnumerateArray().ToList();
            sum += entries.Sum(entry => entry.GetProperty("amount").GetDecimal());
            if (!page.GetProperty("has_more").GetBoolean()) return sum;

            after = $"&after={entries[^1].GetProperty("id").GetString()}";
        }
    }

    // Of a token that was given to us, whose it is.
    string Subject()
    {
        Expect(User.Split('.') is [_, _, _], "the user's token is no JWT");
        return JsonElement.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(User.Split('.')[1])).GetProperty("sub").GetString()!;
    }

    static string Forged(string token) => token.Length > 4 ? token[..^4] + "AAAA" : "AAAA";
}
