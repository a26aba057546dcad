using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Purser.Sandbox.Ai.Records;
using Purser.Sandbox.Ai.Steering;

namespace Purser.Sandbox.Tests.Ai;

public sealed class RecordTests(Sandbox sandbox) : IDisposable
{
    readonly AiClient client = new(sandbox.Url);

    [Fact]
    public async Task What_was_served_is_there_before_the_caller_has_read_it()
    {
        for (var i = 1; i <= 20; i++)
        {
            await client.Json(Given.ChatPath, Given.Chat());
            Assert.Equal(i, (await client.Control("served"))["data"]!.AsArray().Count);
        }
    }

    [Fact]
    public async Task Calls_are_read_page_by_page()
    {
        for (var i = 0; i < 5; i++) await client.Json(Given.ChatPath, Given.Chat());
        var first = await client.Control("served?limit=3");
        var last = first["data"]!.AsArray()[^1]!["id"]!.GetValue<long>();
        var second = await client.Control($"served?limit=3&after={last}");

        Assert.True(first["has_more"]!.GetValue<bool>());
        Assert.Equal(2, second["data"]!.AsArray().Count);
        Assert.False(second["has_more"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Totals_are_the_sum_of_the_calls_of_an_account()
    {
        await client.Json(Given.ChatPath, Given.Chat());
        await client.Json(Given.ChatPath, Given.Chat(), "error=500");
        await client.Json(Given.MessagesPath, Given.Message(), "tokens=11");
        var totals = await client.Control("totals");

        Assert.Equal(3, totals["calls"]!.GetValue<long>());
        Assert.Equal(2, totals["outcomes"]!["finished"]!.GetValue<long>());
        Assert.Equal(1, totals["outcomes"]!["refused"]!.GetValue<long>());
        Assert.Equal(20 + 11, totals["usage"]!["output"]!.GetValue<long>());
        Assert.Equal(2, totals["models"]!["gpt-4o-mini"]!["calls"]!.GetValue<long>());
    }

    [Fact]
    public async Task Counting_and_listing_cost_nothing_and_take_no_behaviour()
    {
        await client.Send("/control/ai/next", new JsonObject { ["behave"] = "tokens=2" });
        await client.Json("/anthropic/v1/messages/count_tokens", Given.Message());
        var message = await client.Json(Given.MessagesPath, Given.Message());

        Assert.Equal(2, message["usage"]!["output_tokens"]!.GetValue<long>());
        Assert.Single(await client.Served(1));
    }

    [Fact]
    public async Task A_body_is_shown_byte_by_byte_even_where_it_is_no_text()
    {
        var file = RandomNumberGenerator.GetBytes(5000);
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(file), "file", "noise.mp3" },
            { new StringContent("whisper-1"), "model" },
        };
        var sent = await form.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        using var response = await client.Send("/openai/v1/audio/transcriptions", Copy(form, sent));
        var request = (await client.Control("requests?limit=1"))["data"]![0]!;

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Null(request["body"]);
        Assert.Equal(sent, Convert.FromBase64String(request["body_base64"]!.GetValue<string>()));
        Assert.Equal($"Bearer {client.Key}", request["headers"]!["authorization"]!.GetValue<string>());
        // 16,000 bytes a second where the file does not say how long it is.
        Assert.Equal(0.313m, (await client.Served(1))[0]!["usage"]!["seconds"]!.GetValue<decimal>());
    }

    [Fact]
    public async Task A_prompt_of_several_megabytes_is_counted_to_the_token()
    {
        var answer = await client.Json(Given.ChatPath, Given.Chat(new('x', 8_000_000)));

        Assert.Equal(3 + 3 + 2_000_000, answer["usage"]!["prompt_tokens"]!.GetValue<long>());
    }

    [Fact]
    public async Task What_cannot_be_read_is_refused_in_the_words_of_the_api()
    {
        using var broken = await client.Send(Given.ChatPath, new StringContent("{\"model\":"));
        using var large = await client.Send(Given.MessagesPath, new ByteArrayContent(new byte[33 << 20]));
        using var nowhere = await client.Send("/openai/v1/completions", Given.Chat());

        Assert.Equal(HttpStatusCode.BadRequest, broken.StatusCode);
        Assert.StartsWith("We could not parse the JSON body", await Message(broken), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        Assert.Equal("Request exceeds the maximum size", await Message(large));
        Assert.Equal("Invalid URL (POST /v1/completions)", await Message(nowhere));
    }

    [Fact]
    public async Task Resetting_forgets_calls_requests_totals_and_behaviours()
    {
        var folder = Directory.CreateTempSubdirectory("sandbox-reset");
        await using var app = SandboxServer.Build(new(0, folder.FullName, Lifeline: false), TimeProvider.System);
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var own = new AiClient(new(app.Urls.First()));
        await own.Json(Given.ChatPath, Given.Chat());
        await own.Send("/control/ai/next", new JsonObject { ["behave"] = "error=500" });
        await own.Send("/control/reset", new JsonObject());

        Assert.Empty((await own.Control("served"))["data"]!.AsArray());
        Assert.Empty((await own.Control("requests"))["data"]!.AsArray());
        Assert.Equal(0, (await own.Control("totals"))["calls"]!.GetValue<long>());
        Assert.NotNull((await own.Json(Given.ChatPath, Given.Chat()))["choices"]);
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Only_the_newest_calls_are_kept()
    {
        var calls = new ServedCalls();
        for (var i = 0; i < ServedCalls.Kept + 10; i++) calls.Add(Call);
        var (oldest, more) = calls.After(0, 1, null);

        Assert.Equal(11, oldest[0].Id);
        Assert.True(more);
        Assert.Empty(calls.After(ServedCalls.Kept + 10, 1, null).Calls);
    }

    static async Task<string> Message(HttpResponseMessage response) =>
        (await AiClient.Read(response))["error"]!["message"]!.GetValue<string>();

    static Served Call => new()
    {
        At = DateTimeOffset.UnixEpoch,
        DurationMs = 1,
        Account = "none",
        Provider = "openai",
        Route = "chat/completions",
        Model = "gpt-4o-mini",
        RequestId = "req_1",
        PurserCallId = null,
        IdempotencyKey = null,
        RetryCount = null,
        Status = 200,
        Stream = false,
        Outcome = Outcome.Finished,
        Report = UsageReport.Exact,
        ServiceTier = "default",
        Usage = new(),
    };

    static ByteArrayContent Copy(MultipartFormDataContent form, byte[] bytes) =>
        new(bytes) { Headers = { ContentType = MediaTypeHeaderValue.Parse(form.Headers.ContentType!.ToString()) } };

    public void Dispose() => client.Dispose();
}
