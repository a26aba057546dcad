using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Npgsql;
using Purser.Core.Payments;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Bench;

/// <summary>
/// Payments that were made and not yet heard of are told to a running server, which asks the sandbox about each and grants
/// its credits: server, sandbox, PostgreSQL and this program on one machine. From receipt to granted is what counts.
/// </summary>
sealed class WebhookBench(Cluster cluster, int payments)
{
    const string Secret = "whsec_bench";
    const string StripeKey = "sk_test_bench";
    const int CreditsEach = 9_990;
    const int Buyers = 16;
    const int MostUnapplied = 96;

    public async Task Run()
    {
        var database = await cluster.Create("webhooks");
        await using (var sandbox = await SandboxUnderLoad.Start())
        {
            await using var server = await ServerUnderLoad.Start(
                database,
                ("STRIPE_API_BASE", sandbox.Address.ToString()), ("STRIPE_SECRET_KEY", StripeKey), ("STRIPE_WEBHOOK_SECRET", Secret));
            await Measure(database, server, sandbox.Address);
        }

        await cluster.Drop("webhooks");
    }

    async Task Measure(string database, ServerUnderLoad server, Uri sandbox)
    {
        using var product = new HttpClient { BaseAddress = new(server.Address) };
        product.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ServerUnderLoad.AdminKey);
        using var stripe = new HttpClient { BaseAddress = sandbox };
        stripe.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", StripeKey);
        await using var source = NpgsqlDataSource.Create(database);

        var sessions = await Buy(product, stripe);
        var warm = sessions.Count / 10;
        await Tell(product, source, sessions[..warm], 0);
        var cpu = server.Cpu;
        var databaseCpu = DatabaseProcesses.Cpu();
        var started = Stopwatch.GetTimestamp();
        await Tell(product, source, sessions[warm..], warm);
        var took = Stopwatch.GetElapsedTime(started);

        var measured = new Measured(
            "webhooks", sessions.Count - warm, took, await Percentile(source, 0.5), await Percentile(source, 0.99), server.Cpu - cpu,
            DatabaseProcesses.Cpu() - databaseCpu, Allocated: null);
        Report.Events(measured, await Verified(source));
    }

    /// <summary>Pays so many sessions; nobody tells the server yet.</summary>
    async Task<List<string>> Buy(HttpClient product, HttpClient stripe)
    {
        var sessions = new string[payments];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, payments),
            new ParallelOptions { MaxDegreeOfParallelism = Buyers },
            async (number, ct) =>
            {
                await Send(product, HttpMethod.Put, $"/v1/customers/bench_{number}", "{}", "application/json");
                var checkout = await Send(
                    product,
                    HttpMethod.Post,
                    $"/v1/customers/bench_{number}/checkout",
                    """{"package":"starter","success_url":"https://a.example","cancel_url":"https://a.example"}""",
                    "application/json");
                var session = new Uri(checkout.GetProperty("url").GetString()!).Segments[^1];
                await Send(
                    stripe, HttpMethod.Post, $"/v1/payment_pages/{session}/confirm", "payment_method=pm_card_visa", "application/x-www-form-urlencoded");
                sessions[number] = session;
            });
        return [.. sessions];
    }

    /// <summary>As fast as they are applied: so many may be under way at a time.</summary>
    static async Task Tell(HttpClient product, NpgsqlDataSource source, List<string> sessions, int before)
    {
        using var room = new SemaphoreSlim(MostUnapplied);
        var telling = Task.WhenAll(sessions.Select(async session =>
        {
            await room.WaitAsync();
            await Deliver(product, session);
        }));
        var applied = 0;
        while (applied < sessions.Count)
        {
            await using var count = source.CreateCommand("select count(*) from webhook_event where state = 2");
            var now = (int)(long)(await count.ExecuteScalarAsync())! - before;
            if (now > applied) room.Release(now - applied);
            applied = now;
            await Task.Delay(10);
        }

        await telling;
    }

    static async Task Deliver(HttpClient product, string session)
    {
        var now = TimeProvider.System.GetUtcNow();
        var body = Encoding.UTF8.GetBytes($$"""
            {"id":"evt_{{Guid.CreateVersion7(now):N}}","object":"event","type":"checkout.session.completed","created":{{now.ToUnixTimeSeconds()}},
             "livemode":false,"api_version":"2026-10-28.endive","data":{"object":{"id":"{{session}}","object":"checkout.session"} } }
            """);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/webhooks/stripe") { Content = new ByteArrayContent(body) };
        request.Headers.Add("Stripe-Signature", StripeSignature.Header(Secret, now, body));
        using var response = await product.SendAsync(request);
        response.EnsureSuccessStatusCode();
    }

    async Task<bool> Verified(NpgsqlDataSource source)
    {
        var verification = await new Verification(source).Run(CancellationToken.None);
        return verification.Ok && verification.Balance.ToDecimal() == (decimal)payments * CreditsEach;
    }

    static async Task<double> Percentile(NpgsqlDataSource source, double share)
    {
        await using var command = source.CreateCommand("""
            select percentile_cont($1) within group (order by extract(epoch from finished_at - received_at)::float8) * 1000
            from webhook_event where state = 2
            """);
        command.Parameters.Add(new() { Value = share });
        return (double)(await command.ExecuteScalarAsync())!;
    }

    public static async Task<JsonElement> Send(HttpClient http, HttpMethod method, string path, string body, string type)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, type) };
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonElement.Parse(text)
            : throw new StartFailure($"{method} {path} was answered {(int)response.StatusCode}: {text}");
    }
}
