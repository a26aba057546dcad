using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace Purser.Server.Tests.Ledger;

/// <summary>Whatever is sent is answered with what is wrong with it, and leaves no trace.</summary>
public sealed class BadInputTests(App app) : IClassFixture<App>, IAsyncLifetime
{
    readonly HttpClient http = new(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 })
    {
        BaseAddress = app.Client.BaseAddress,
    };

    string hold = "";
    string grant = "";

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. BadRequests.All.Keys];

    public async ValueTask InitializeAsync()
    {
        await app.Purser.Customers.PutAsync("ann", new(), Ct);
        grant = (await app.Purser.Grants.CreateAsync(
            "ann", Wallets.Bought(1_000) with { IdempotencyKey = "grant" }, Ct)).Id;
        hold = (await app.Purser.Holds.CreateAsync("ann", new() { Amount = 10, IdempotencyKey = "hold" }, Ct)).Id;
    }

    public ValueTask DisposeAsync()
    {
        http.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task What_is_wrong_is_named_and_nothing_is_written(string name)
    {
        var bad = BadRequests.All[name];
        using var request = Request(bad);
        var before = await Rows();

        var answer = await http.Ask(request);

        Assert.Equal((bad.Status, bad.Type), (answer.Status, answer.Error.GetProperty("type").GetString()));
        var param = answer.Error.TryGetProperty("param", out var named) ? named.GetString() : null;
        Assert.Equal(bad.Param, param);
        Assert.NotEmpty(answer.Error.GetProperty("code").GetString()!);
        Assert.NotEmpty(answer.Error.GetProperty("message").GetString()!);
        Assert.Equal(answer.Header("X-Request-Id"), answer.Error.GetProperty("request_id").GetString());
        Assert.Equal(before, await Rows());
    }

    [Fact]
    public async Task A_request_that_was_put_right_is_taken_under_the_same_key()
    {
        var bad = await app.Client.Post("/v1/customers/ann/charges", """{"amount":-1}""", "put-right");

        var good = await app.Client.Post("/v1/customers/ann/charges", """{"amount":1}""", "put-right");

        Assert.Equal((400, 201), (bad.Status, good.Status));
    }

    [Theory]
    [InlineData("k")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789abcde")]
    [InlineData("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~ and spaces")]
    public async Task A_key_of_1_to_255_characters_is_taken(string key)
    {
        var answer = await app.Client.Post("/v1/customers/ann/charges", """{"amount":1}""", key);

        Assert.Equal(201, answer.Status);
    }

    [Theory]
    [InlineData("", "This request needs a JSON object as its body.")]
    [InlineData("null", "This request needs a JSON object as its body.")]
    [InlineData("""{"amount":1,"expires_in":1.5}""", "'expires_in' is out of range, or has a fraction where only whole numbers make sense.")]
    [InlineData("""{"amount":1,"expires_in":4294967297}""", "'expires_in' is out of range, or has a fraction where only whole numbers make sense.")]
    [InlineData("""{"amount":0.0000001}""", "An amount of credits is a number with at most six decimals, between -1000000000000 and 1000000000000.")]
    public async Task What_is_wrong_is_said_in_our_own_words(string body, string message)
    {
        var answer = await app.Client.Post("/v1/customers/ann/holds", body);

        Assert.Equal((400, message), (answer.Status, answer.Error.GetProperty("message").GetString()));
    }

    // What is no HTTP is turned away below us, where nobody can add a body.
    [Theory]
    [InlineData("GET /v1/customers/a%00b HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET /v1/customers/ann HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer a\0b\r\n\r\n")]
    [InlineData("GET /v1/customers/ann HTTP/1.1\r\n\r\n")]
    [InlineData("POST /v1/charges HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("POST /v1/charges HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}")]
    [InlineData("nonsense\r\n\r\n")]
    public async Task What_is_no_http_is_a_bad_request(string bytes) =>
        Assert.StartsWith("HTTP/1.1 400", await Send(bytes), StringComparison.Ordinal);

    [Fact]
    public async Task Two_keys_in_one_request_are_none()
    {
        var answer = await Send(
            "POST /v1/customers/ann/charges HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
            + $"Authorization: Bearer {Given.AdminKey}\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n"
            + "Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"amount\":1}");

        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("\"param\":\"Idempotency-Key\"", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_breaks_its_own_framing_is_a_bad_request_in_our_words()
    {
        var answer = await Send(
            "POST /v1/customers/ann/charges HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
            + $"Authorization: Bearer {Given.AdminKey}\r\n"
            + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");

        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("\"type\":\"invalid_request\"", answer, StringComparison.Ordinal);
    }

    async Task<string> Send(string bytes)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(app.Client.BaseAddress!.Host, app.Client.BaseAddress.Port, Ct);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(bytes), Ct);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync(Ct);
    }

    HttpRequestMessage Request(BadRequest bad)
    {
        var request = new HttpRequestMessage(new(bad.Method), new Uri(app.Client.BaseAddress!, Filled(bad.Path)));
        if (bad.Authorization is { } key) request.Headers.TryAddWithoutValidation("Authorization", key);
        if (bad.Method == "POST")
            request.Headers.TryAddWithoutValidation("Idempotency-Key", bad.Key ?? $"{Guid.CreateVersion7()}");
        if (bad.Body is null) return request;

        // Only short bodies hold ids; one in bad UTF-8 has to stay as it is.
        var body = bad.Body.AsSpan().IndexOf("{hold}"u8) >= 0 || bad.Body.AsSpan().IndexOf("{grant}"u8) >= 0
            ? Encoding.UTF8.GetBytes(Filled(Encoding.UTF8.GetString(bad.Body)))
            : bad.Body;
        request.Content = new ByteArrayContent(body);
        if (bad.ContentType is { } type) request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (bad.Chunked) request.Headers.TransferEncodingChunked = true;
        return request;
    }

    string Filled(string text) => text
        .Replace("{hold}", hold, StringComparison.Ordinal)
        .Replace("{HOLD}", hold.ToUpperInvariant(), StringComparison.Ordinal)
        .Replace("{hold0}", hold.Insert(hold.LastIndexOf('_') + 1, "0"), StringComparison.Ordinal)
        .Replace("{grant}", grant, StringComparison.Ordinal);

    async Task<string> Rows() => string.Join(' ', await Tables.Read<long>(app.ConnectionString, """
        select count(*) from customer union all select count(*) from wallet union all select count(*) from entry
        union all select count(*) from command union all select count(*) from hold union all select count(*) from lot
        union all select count(*) from server_key
        """));
}
