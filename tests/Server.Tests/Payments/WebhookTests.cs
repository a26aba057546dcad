using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Core.Payments;
using Purser.Server.Payments;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>What is taken in, what is refused, and that what was taken in is applied in the end.</summary>
public sealed class WebhookTests : IAsyncLifetime
{
    const string Secret = "whsec_for_tests";

    readonly List<string> applied = [];
    readonly KeptLog log = new();
    Postgres postgres = null!;
    WebApplication server = null!;
    HttpClient http = null!;
    int failures;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public async ValueTask InitializeAsync()
    {
        postgres = await Postgres.Create();
        server = await Start();
        http = new() { BaseAddress = new(server.Urls.Single()) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", Given.AdminKey);
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await server.StopAsync();
        await server.DisposeAsync();
        await postgres.DisposeAsync();
    }

    [Fact]
    public async Task An_event_is_kept_as_it_came_and_applied_once_however_often_it_is_delivered()
    {
        var body = Event("evt_1", "test.applied", about: "obj_ü€");

        for (var i = 0; i < 5; i++) Assert.Equal(200, (await Deliver(body)).Status);

        await IsState("evt_1", "done");
        Assert.Equal(["obj_ü€"], applied);
        Assert.Equal([body], await Tables.Read<byte[]>(postgres.ConnectionString, "select body from webhook_event"));
    }

    [Fact]
    public async Task Deliveries_at_the_same_time_are_all_kept()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Deliver(Event($"evt_{i % 100}", "test.other"))));

        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Equal([100L], await Tables.Read<long>(postgres.ConnectionString, "select count(*) from webhook_event"));
    }

    [Fact]
    public async Task A_type_that_nobody_applies_is_kept_and_ignored()
    {
        Assert.Equal(200, (await Deliver(Event("evt_1", "radar.something_new"))).Status);

        Assert.Equal("ignored", (await Show("evt_1")).Text("state"));
    }

    [Fact]
    public async Task Both_secrets_count_while_one_is_rolled()
    {
        server.Services.GetRequiredService<WebhookSecrets>().Current = [Secret, "whsec_new"];

        Assert.Equal(200, (await Deliver(Event("evt_1", "test.other"), secret: Secret)).Status);
        Assert.Equal(200, (await Deliver(Event("evt_2", "test.other"), secret: "whsec_new")).Status);
    }

    public static TheoryData<string, int, string> Bad => new()
    {
        { "unsigned", 400, "missing_signature" },
        { "signed by another", 400, "bad_signature" },
        { "changed on the way", 400, "bad_signature" },
        { "sent again after 301 seconds", 400, "stale_signature" },
        { "from 301 seconds ahead", 400, "stale_signature" },
        { "above 1 MB", 413, "body_too_large" },
        { "live", 400, "wrong_mode" },
        { "no JSON", 400, "not_an_event" },
        { "no event", 400, "not_an_event" },
        { "without a mode", 400, "not_an_event" },
        { "created in the year 99999", 400, "not_an_event" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task What_is_not_to_be_trusted_is_refused_and_not_kept(string what, int status, string code)
    {
        var good = Event("evt_1", "test.applied");
        var answer = what switch
        {
            "unsigned" => await Send(good, null),
            "signed by another" => await Deliver(good, secret: "whsec_other"),
            "changed on the way" => await Send(Event("evt_2", "test.applied"), Header(good, Now)),
            "sent again after 301 seconds" => await Send(good, Header(good, Now.AddSeconds(-302))),
            "from 301 seconds ahead" => await Send(good, Header(good, Now.AddSeconds(303))),
            "above 1 MB" => await Deliver(Event("evt_1", "test.applied", about: new('x', 1_000_000))),
            "live" => await Deliver(Event("evt_1", "test.applied", live: true)),
            "no JSON" => await Deliver("evt_1"u8.ToArray()),
            "no event" => await Deliver("{}"u8.ToArray()),
            "without a mode" => await Deliver("""{"id":"evt_1","type":"a","created":1}"""u8.ToArray()),
            _ => await Deliver("""{"id":"evt_1","type":"a","created":9999999999999,"livemode":false}"""u8.ToArray()),
        };

        Assert.Equal((status, code), answer.Code());
        Assert.Equal([0L], await Tables.Read<long>(postgres.ConnectionString, "select count(*) from webhook_event"));
        Assert.Single(log.Lines, line => line.Contains("refused", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wrong_secret_shows_in_the_metrics_from_the_first_delivery_on()
    {
        const string Series = "purser_webhook_refusals_total{reason=\"bad_signature\"}";
        var before = (await http.Read("/metrics")).Body;

        await Deliver(Event("evt_1", "test.applied"), secret: "whsec_other");

        Assert.Contains($"\n{Series} 0\n", before, StringComparison.Ordinal);
        Assert.Contains($"\n{Series} 1\n", (await http.Read("/metrics")).Body, StringComparison.Ordinal);
        Assert.Contains(log.Lines, line => line.StartsWith("A delivery to /webhooks/stripe was refused (bad_signature)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_retry_asked_for_again_answers_as_the_first_time()
    {
        await Deliver(Event("evt_1", "radar.something_new"));

        var first = await http.Post("/v1/webhook-events/evt_1/retry", "{}", "key");
        await IsState("evt_1", "ignored");
        var again = await http.Post("/v1/webhook-events/evt_1/retry", "{}", "key");

        Assert.Equal((first.Body, true), (again.Body, again.Replayed));
    }

    [Fact]
    public async Task An_event_that_fails_stays_visible_and_is_applied_in_the_end()
    {
        failures = 1;
        await Deliver(Event("evt_1", "test.applied"));

        await IsState("evt_1", "failed");
        var failed = await http.Read("/v1/webhook-events?state=failed");
        var shown = Assert.Single(failed.Json.GetProperty("data").EnumerateArray());
        Assert.Equal("The test wants it so.", shown.GetProperty("error").GetString());

        await IsState("evt_1", "done");
        Assert.Equal(2, (await Show("evt_1")).Json.GetProperty("attempts").GetInt32());
        Assert.Empty((await http.Read("/v1/webhook-events?state=failed")).Json.GetProperty("data").EnumerateArray());
    }

    [Fact]
    public async Task A_person_can_have_it_tried_at_once_or_never_again()
    {
        failures = int.MaxValue;
        await Deliver(Event("evt_1", "test.applied"));
        await IsState("evt_1", "failed");

        Assert.Equal(200, (await http.Post("/v1/webhook-events/evt_1/discard", "{}")).Status);
        await IsState("evt_1", "discarded");

        failures = 0;
        Assert.Equal(200, (await http.Post("/v1/webhook-events/evt_1/retry", "{}")).Status);
        await IsState("evt_1", "done");
        Assert.Equal(404, (await http.Post("/v1/webhook-events/evt_none/retry", "{}")).Status);
        Assert.Equal(400, (await http.Read("/v1/webhook-events?state=lost")).Status);
    }

    [Fact]
    public async Task Events_about_one_object_are_applied_one_after_the_other()
    {
        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => Deliver(Event($"evt_{i}", "test.alone", about: "obj_1"))));

        for (var i = 0; i < 30; i++) await IsState($"evt_{i}", "done");
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task What_was_received_before_a_crash_is_applied_by_another_server()
    {
        // Taken by a server that is gone: its lease ends, and another takes it.
        failures = int.MaxValue;
        await Deliver(Event("evt_1", "test.applied"));
        await IsState("evt_1", "failed");
        await server.StopAsync(Ct);
        failures = 0;
        await Tables.Run(postgres.ConnectionString, "update webhook_event set next_attempt_at = now() - interval '1 second'");

        await using var other = await Start();

        await Eventually.Holds(() => applied.Count == 1);
        await other.StopAsync(Ct);
    }

    [Fact]
    public async Task Lists_go_on_after_the_last_that_was_read()
    {
        for (var i = 0; i < 5; i++) await Deliver(Event($"evt_{i}", "test.other"));

        var first = await http.Read("/v1/webhook-events?limit=3");
        var last = first.Json.GetProperty("data")[2].GetProperty("id").GetString();
        var second = await http.Read($"/v1/webhook-events?limit=3&after={last}");

        Assert.True(first.Json.GetProperty("has_more").GetBoolean());
        Assert.False(second.Json.GetProperty("has_more").GetBoolean());
        Assert.Equal(
            ["evt_4", "evt_3", "evt_2", "evt_1", "evt_0"],
            first.Json.GetProperty("data").EnumerateArray().Concat(second.Json.GetProperty("data").EnumerateArray())
                .Select(one => one.GetProperty("id").GetString()));
    }

    int running;
    int most;

    async Task<WebApplication> Start()
    {
        var settings = Given.Settings with { Stripe = new(new("http://127.0.0.1:1"), "sk_test_x", [Secret]) };
        var started = await PurserServer.Build(settings, postgres.ConnectionString, services =>
        {
            services.AddSingleton<ILoggerProvider>(log);
            services.AddSingleton(new EventApplier(["test.applied"], (hint, _) =>
            {
                if (Interlocked.Decrement(ref failures) >= 0) throw new InvalidOperationException("The test wants it so.");
                lock (applied) applied.Add(hint.Object);
                return Task.FromResult(Applied.Done);
            }));
            services.AddSingleton(new EventApplier(["test.alone"], async (_, ct) =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                await Task.Yield();
                Interlocked.Decrement(ref running);
                return Applied.Done;
            }));
        });
        await started.StartAsync();
        return started;
    }

    Task<Answered> Show(string id) => http.Read($"/v1/webhook-events/{id}");

    Task IsState(string id, string state) => Eventually.Holds(async () => (await Show(id)).Text("state") == state);

    Task<Answered> Deliver(byte[] body, string secret = Secret) => Send(body, Header(body, Now, secret));

    static string Header(byte[] body, DateTimeOffset at, string secret = Secret) => StripeSignature.Header(secret, at, body);

    async Task<Answered> Send(byte[] body, string? signature)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/webhooks/stripe") { Content = new ByteArrayContent(body) };
        if (signature is not null) request.Headers.Add("Stripe-Signature", signature);
        return await http.Ask(request);
    }

    static byte[] Event(string id, string type, string about = "obj_1", bool live = false) => Encoding.UTF8.GetBytes($$"""
        {"id":"{{id}}", "object":"event", "type":"{{type}}","created":1767268800, "livemode":{{(live ? "true" : "false")}},
         "api_version":"2026-10-28.endive","data":{"object":{"id":"{{about}}","name":"Jürgen 5 €"} },"unknown":[1]}
        """);
}
