using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Purser.Server.Platform;

namespace Purser.Bench;

/// <summary>
/// What a product asks before it lets a subscriber do something: one caller after the other, each answer computed from the
/// plan and the subscription as they stand.
/// </summary>
sealed class EntitlementsBench(Cluster cluster, TimeSpan duration)
{
    const string StripeKey = "sk_test_bench";

    public async Task Run()
    {
        var database = await cluster.Create("entitlements");
        await using (var sandbox = await SandboxUnderLoad.Start())
        {
            await using var server = await ServerUnderLoad.Start(
                database,
                ("STRIPE_API_BASE", sandbox.Address.ToString()), ("STRIPE_SECRET_KEY", StripeKey), ("STRIPE_WEBHOOK_SECRET", "whsec_bench"));
            using var product = new HttpClient { BaseAddress = new(server.Address) };
            product.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ServerUnderLoad.AdminKey);
            using var stripe = new HttpClient { BaseAddress = sandbox.Address };
            stripe.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", StripeKey);
            await Subscribe(product, stripe);

            var cpu = server.Cpu;
            var row = await Measured.Run("entitlements", callers: 1, duration, () => async ct =>
            {
                using var answer = await product.GetAsync(new Uri("/v1/customers/bench/entitlements", UriKind.Relative), ct);
                answer.EnsureSuccessStatusCode();
                return 1;
            });
            Report.Line(
                ("row", $"\"{row.Name}\""),
                ("reads_per_second", Number(row.PerSecond, "0")),
                ("p50_ms", Number(row.P50Ms, "0.00")),
                ("p99_ms", Number(row.P99Ms, "0.00")),
                ("cpu_cores", Number((server.Cpu - cpu).TotalSeconds / row.Took.TotalSeconds, "0.00")),
                ("database_cpu_cores", Number(row.DatabaseCores, "0.00")));
        }

        await cluster.Drop("entitlements");
    }

    static async Task Subscribe(HttpClient product, HttpClient stripe)
    {
        await WebhookBench.Send(product, HttpMethod.Put, "/v1/customers/bench", "{}", "application/json");
        var checkout = await WebhookBench.Send(
            product,
            HttpMethod.Post,
            "/v1/customers/bench/checkout",
            """{"plan":"enterprise","interval":"month","success_url":"https://a.example","cancel_url":"https://a.example"}""",
            "application/json");
        var session = new Uri(checkout.GetProperty("url").GetString()!).Segments[^1];
        await WebhookBench.Send(
            stripe, HttpMethod.Post, $"/v1/payment_pages/{session}/confirm", "payment_method=pm_card_visa", "application/x-www-form-urlencoded");
        // Asked for, an order is compared with Stripe first; and the subscription with it.
        var order = JsonElement.Parse(await product.GetStringAsync(new Uri($"/v1/orders/{checkout.GetProperty("order").GetString()}", UriKind.Relative)));
        if (order.GetProperty("state").GetString() != "paid") throw new StartFailure($"The subscription was not paid: {order}");
    }

    static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
