using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>Whatever is asked badly is answered in the words of the API that was called; nothing is held and no provider hears of it.</summary>
public sealed class BadCallTests(Gate gate) : IClassFixture<Gate>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. BadCalls.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task What_is_wrong_is_named_and_nobody_is_asked(string name)
    {
        var bad = BadCalls.All[name];
        var caller = await gate.GivenCaller();
        var mark = await gate.Ai.Mark();
        using var content = new ByteArrayContent(bad.Body);
        if (bad.ContentType is { } type) content.Headers.TryAddWithoutValidation("Content-Type", type);
        if (bad.ContentEncoding is { } encoding) content.Headers.ContentEncoding.Add(encoding);
        using var request = caller.Request(bad.Path, content);

        var answer = await gate.Client.Ask(request);

        Assert.Equal(bad.Status, answer.Status);
        AssertInTheWordsOf(bad.Path, bad.Param, answer);
        Assert.Equal((caller.Credits, caller.Credits), ((await caller.Balance()).Number("balance"), (await caller.Balance()).Number("available")));
        await gate.Ai.Served(mark, 0);
    }

    [Theory]
    [InlineData(Chat)]
    [InlineData(Messages)]
    public async Task A_body_that_says_it_is_too_large_is_refused_before_it_is_sent(string path)
    {
        var caller = await gate.GivenCaller();

        var answer = await Send($"POST {path} HTTP/1.1\r\nHost: h\r\nx-api-key: {caller.Key}\r\nContent-Length: 64000001\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 413", answer, StringComparison.Ordinal);
        Assert.Contains(path == Chat ? "\"code\":\"request_too_large\"" : "\"type\":\"request_too_large\"", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_turns_out_too_large_is_refused()
    {
        var caller = await gate.GivenCaller();
        using var content = new StreamContent(new MemoryStream(new byte[64_000_002]));
        using var request = caller.Request(Messages, content);
        request.Headers.TransferEncodingChunked = true;

        var answer = await gate.Client.Ask(request);

        Assert.Equal((413, "request_too_large"), (answer.Status, answer.Error.GetProperty("type").GetString()));
        await caller.Settled(gate.ConnectionString, 0);
    }

    [Fact]
    public async Task A_prompt_of_some_megabytes_is_none_too_large()
    {
        var caller = await gate.GivenCaller();
        var prompt = new string('x', 8_000_000);

        var answer = await caller.Ask(Chat, Ask("gpt-4.1-nano", $$""","max_tokens":20,"user":"{{prompt}}" """));

        Assert.Equal(200, answer.Status);
        await caller.Settled(gate.ConnectionString);
    }

    [Theory]
    [InlineData(Chat)]
    [InlineData(Messages)]
    public async Task A_body_that_breaks_its_own_framing_is_refused_in_the_words_of_the_api(string path)
    {
        var caller = await gate.GivenCaller();

        var answer = await Send(
            $"POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nx-api-key: {caller.Key}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");

        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        AssertInTheWordsOf(path, null, new(400, null!, answer[answer.IndexOf('{', StringComparison.Ordinal)..].TrimEnd('\r', '\n', '0')));
        await caller.Settled(gate.ConnectionString, 0);
    }

    [Fact]
    public async Task Headers_without_an_end_are_refused()
    {
        var caller = await gate.GivenCaller();

        var answer = await Send(
            $"POST {Chat} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nx-api-key: {caller.Key}\r\nX-Long: {new string('x', 40_000)}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 431", answer, StringComparison.Ordinal);
        await caller.Settled(gate.ConnectionString, 0);
    }

    [Fact]
    public async Task A_body_that_stops_coming_holds_nothing_meanwhile()
    {
        var caller = await gate.GivenCaller();
        var mark = await gate.Ai.Mark();
        using (var socket = new TcpClient())
        {
            await socket.ConnectAsync(gate.Client.BaseAddress!.Host, gate.Client.BaseAddress.Port, Ct);
            await socket.GetStream().WriteAsync(
                Encoding.Latin1.GetBytes($"POST {Chat} HTTP/1.1\r\nHost: h\r\nx-api-key: {caller.Key}\r\nContent-Length: 1000\r\n\r\n{{\"model\":"), Ct);
            Assert.Equal(0m, (await caller.Balance()).Number("held"));
        }

        Assert.Equal(200, (await caller.Ask(Chat, Ask())).Status);
        await caller.Settled(gate.ConnectionString);
        await gate.Ai.Served(mark);
    }

    [Fact]
    public async Task A_body_in_pieces_is_as_good_as_one_in_one()
    {
        var caller = await gate.GivenCaller();
        using var request = caller.Request(Chat, Ask());
        request.Headers.TransferEncodingChunked = true;

        Assert.Equal(200, (await gate.Client.Ask(request)).Status);
        await caller.Settled(gate.ConnectionString);
    }

    [Theory]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("text/plain")]
    [InlineData(null)]
    public async Task What_a_body_is_called_does_not_matter_as_long_as_it_is_json(string? type)
    {
        var caller = await gate.GivenCaller();
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(Ask()));
        content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        using var request = caller.Request(Chat, content);

        Assert.Equal(200, (await gate.Client.Ask(request)).Status);
        await caller.Settled(gate.ConnectionString);
    }

    [Theory]
    [InlineData("/openai/v1/chat/completions", "GET")]
    [InlineData("/openai/v1/completions", "POST")]
    [InlineData("/openai/v1/responses/resp_1", "GET")]
    [InlineData("/openai/v1/files", "POST")]
    [InlineData("/openai/v1/batches", "POST")]
    [InlineData("/openai/v1/fine_tuning/jobs", "POST")]
    [InlineData("/openai/v1/audio/speech", "POST")]
    [InlineData("/anthropic/v1/messages/batches", "POST")]
    [InlineData("/anthropic/v1/complete", "POST")]
    public async Task What_is_not_metered_is_no_route(string path, string method)
    {
        var caller = await gate.GivenCaller();
        var mark = await gate.Ai.Mark();
        using var request = caller.Request(path, Ask());
        request.Method = new(method);

        Assert.Equal(404, (await gate.Client.Ask(request)).Status);
        await gate.Ai.Served(mark, 0);
    }

    static void AssertInTheWordsOf(string path, string? param, Answered answer)
    {
        if (path.StartsWith("/anthropic", StringComparison.Ordinal))
        {
            Assert.Equal(["error", "request_id", "type"], answer.Members);
            Assert.Equal(["message", "type"], Answered.Names(answer.Error));
            Assert.EndsWith("_error", answer.Error.GetProperty("type").GetString(), StringComparison.Ordinal);
            Assert.NotEmpty(answer.Error.GetProperty("message").GetString()!);
            return;
        }

        Assert.Equal(["error"], answer.Members);
        Assert.Equal(["code", "message", "param", "type"], Answered.Names(answer.Error));
        Assert.Equal(("invalid_request_error", param), (answer.Error.GetProperty("type").GetString(), answer.Error.GetProperty("param").GetString()));
    }

    async Task<string> Send(string bytes)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(gate.Client.BaseAddress!.Host, gate.Client.BaseAddress.Port, Ct);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(bytes), Ct);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var answer = new char[8192];
        return new(answer, 0, await reader.ReadAsync(answer, Ct));
    }
}
