using System.Collections.Concurrent;
using System.Diagnostics;
using static Purser.Server.Editions.Rehearsal;

namespace Purser.Server.Editions.ScholarLink;

/// <summary>Users who buy a package and chat, and buy another one when they run low, for as long as they are let.</summary>
sealed class LoadRun(Rehearsal at)
{
    // Of so many chats one asks for thirty-two long answers at once: who bought the small package cannot pay for it.
    const int DearOneIn = 40;

    static readonly string[] Packages = ["starter", "starter", "starter", "professional"];

    readonly ConcurrentBag<TimeSpan> chats = [];
    readonly ConcurrentBag<TimeSpan> purchases = [];
    int refused;

    public async Task Run(int users, TimeSpan duration, CancellationToken ct)
    {
        await at.Check($"{users} users buy and chat for {duration.TotalSeconds} s, and every answer is one of those that are meant", async () =>
        {
            var end = at.Time.GetUtcNow() + duration;
            await Task.WhenAll(Enumerable.Range(0, users).Select(number => Live(number, end, ct)));
        });
        await at.Say($"{purchases.Count} purchases ({Percentiles(purchases)}), {chats.Count} chats ({Percentiles(chats)}), {refused} refused for lack of credits");
        await at.Check("Balances and usage agree with the ledger afterwards", async () =>
        {
            var found = (await at.Get("/v1/reconciliation", await at.Token("smoke_admin", admin: true, ct), ct)).Json;
            Same((0, 0), (found.GetProperty("balances").GetArrayLength(), found.GetProperty("usage").GetArrayLength()), "what they find");
        });
    }

    async Task Live(int number, DateTimeOffset end, CancellationToken ct)
    {
        var token = await at.Token($"load_{Guid.CreateVersion7():N}", admin: false, ct);
        // By the number, so that a run can be made again.
        var chance = new Random(number);
        await Buy(token, Packages[number % Packages.Length], ct);
        while (at.Time.GetUtcNow() < end)
        {
            var dear = chance.Next(DearOneIn) == 0;
            if (!await Chat(token, dear, streamed: chance.Next(2) == 0, ct) && chance.Next(4) == 0) await Buy(token, "starter", ct);
        }
    }

    async Task Buy(string token, string packageCode, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        var opened = await at.Post(
            "/api/stripe/create-checkout-session", token,
            new { packageCode, successUrl = at.Page("/billing?success=true"), cancelUrl = at.Page("/billing") }, ct);
        Same(200, opened.Status, "a checkout");
        var before = await Balance(token, ct);
        await at.Pay(
            opened.Json.GetProperty("sessionId").GetString()!, opened.Json.GetProperty("url").GetString()!, packageCode == "starter" ? 999 : 4999, ct);
        await at.Until("what was paid for", async () => await Balance(token, ct) > before, ct);
        purchases.Add(Stopwatch.GetElapsedTime(started));
    }

    async Task<bool> Chat(string token, bool dear, bool streamed, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        var chat = await at.Post("/api/ai/chat", token, new
        {
            model = dear ? "gpt-4o" : "gpt-4o-mini",
            max_tokens = dear ? 16000 : 200,
            n = dear ? 32 : 1,
            stream = streamed,
            messages = new[] { new { role = "user", content = "Compare the two theories." } },
        }, ct);
        if (chat.Status == 402)
        {
            Interlocked.Increment(ref refused);
            return false;
        }

        Expect(chat.Status == 200, $"a chat is {chat}");
        chats.Add(Stopwatch.GetElapsedTime(started));
        return true;
    }

    async Task<decimal> Balance(string token, CancellationToken ct) =>
        (await at.Get("/api/billing/summary", token, ct)).Json.GetProperty("balanceCredits").GetDecimal();

    static string Percentiles(ConcurrentBag<TimeSpan> times)
    {
        if (times.IsEmpty) return "none";

        var sorted = times.Order().ToList();
        return $"p50 {sorted[sorted.Count / 2].TotalMilliseconds:0} ms, p99 {sorted[sorted.Count * 99 / 100].TotalMilliseconds:0} ms";
    }
}
