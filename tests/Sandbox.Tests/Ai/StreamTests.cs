using System.Net;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Tests.Ai;

public sealed class StreamTests(Sandbox sandbox) : IDisposable
{
    readonly AiClient client = new(sandbox.Url);

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Given.ChatPath, "\"content\":\"", 1)]
    [InlineData(Given.MessagesPath, "text_delta", 0)]
    public async Task A_caller_who_leaves_is_charged_what_was_written_until_then(string path, string mark, int frame)
    {
        using (var response = await client.Send(path, Body(path), "tokens=1000, slow=20ms"))
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Ct));
            await Skip(reader, mark, frame + 5);
        }
        var call = (await client.Served(1))[0]!;

        Assert.Equal("cancelled", call["outcome"]!.GetValue<string>());
        Assert.InRange(call["usage"]!["output"]!.GetValue<long>(), 5, 500);
        Assert.True(call["usage"]!["input"]!.GetValue<long>() > 0);
    }

    [Fact]
    public async Task A_caller_who_leaves_before_the_first_byte_is_charged_no_output()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        using var http = new HttpClient { BaseAddress = sandbox.Url };
        using var request = new HttpRequestMessage(HttpMethod.Post, Given.ChatPath)
        {
            Content = new StringContent(Given.Chat().ToJsonString()),
        };
        request.Headers.Authorization = new("Bearer", client.Key);
        request.Headers.Add("Sandbox-Behave", "ttft=10s");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => http.SendAsync(request, patience.Token));
        var call = (await client.Served(1))[0]!;

        Assert.Equal("cancelled", call["outcome"]!.GetValue<string>());
        Assert.Equal(0, call["status"]!.GetValue<int>());
        Assert.Equal(0, call["usage"]!["output"]!.GetValue<long>());
    }

    [Fact]
    public async Task Thoughts_are_produced_before_the_first_word_of_a_stream_that_is_cut()
    {
        var body = Body(Given.ChatPath);
        body["model"] = "o3";
        using var response = await client.Send(Given.ChatPath, body, "cut=2");
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync(Ct));
        var usage = (await client.Served(1))[0]!["usage"]!;

        Assert.Equal(64 + 2, usage["output"]!.GetValue<long>());
        Assert.Equal(64, usage["reasoning"]!.GetValue<long>());
    }

    [Theory]
    [InlineData("error-mid-stream=4")]
    [InlineData("truncate=4")]
    public async Task No_done_follows_a_stream_that_broke_off(string behave)
    {
        using var response = await client.Send(Given.ChatPath, Body(Given.ChatPath), behave);
        var text = await response.Content.ReadAsStringAsync(Ct);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Given.ChatPath)]
    [InlineData(Given.MessagesPath)]
    [InlineData("/openai/v1/responses")]
    public async Task A_stream_uses_what_the_same_answer_uses_without_one(string path)
    {
        var whole = Body(path);
        whole["stream"] = false;
        foreach (var body in new[] { Body(path), whole })
        {
            using var response = await client.Send(path, body, "reasoning=9, tokens=31, chunks=4");
            await response.Content.ReadAsStringAsync(Ct);
        }
        var calls = await client.Served(2);

        Assert.Equal(calls[1]!["usage"]!.ToJsonString(), calls[0]!["usage"]!.ToJsonString());
        Assert.Equal(40, calls[0]!["usage"]!["output"]!.GetValue<long>());
    }

    [Fact]
    public async Task A_stream_ends_with_done_and_is_not_to_be_cached()
    {
        using var response = await client.Send(Given.ChatPath, Body(Given.ChatPath));
        var text = await response.Content.ReadAsStringAsync(Ct);

        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        Assert.Equal("text/event-stream; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.True(response.Headers.CacheControl!.NoCache);
    }

    static JsonObject Body(string path)
    {
        var body = path == Given.MessagesPath ? Given.Message(stream: true) : Given.Chat(stream: true);
        if (path.EndsWith("responses", StringComparison.Ordinal))
        {
            body.Remove("messages");
            body["input"] = "Hello";
        }
        return body;
    }

    static async Task Skip(StreamReader reader, string mark, int count)
    {
        while (count > 0)
        {
            var line = await reader.ReadLineAsync(Ct);
            Assert.NotNull(line);
            if (line.Contains(mark, StringComparison.Ordinal)) count--;
        }
    }

    public void Dispose() => client.Dispose();
}
