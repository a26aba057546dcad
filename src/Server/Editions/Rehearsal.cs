using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Purser.Server.Platform;

namespace Purser.Server.Editions;

/// <summary>An answer of the server, as its client reads it.</summary>
sealed record Heard(int Status, HttpResponseHeaders Headers, string Body)
{
    public JsonElement Json => JsonElement.Parse(Body);

    public string? Header(string name) => Headers.TryGetValues(name, out var values) ? values.First() : null;

    /// <summary>The names of its members, in the order in which they stand.</summary>
    public IEnumerable<string> Members => Json.EnumerateObject().Select(member => member.Name);

    public override string ToString() => $"{Status} {(Body.Length > 300 ? Body[..300] : Body)}";
}

/// <summary>Something is not as it has to be.</summary>
sealed class Wrong(string why) : Exception(why);

/// <summary>Something cannot be looked at, because of what went wrong before.</summary>
sealed class LeftOut(string why) : Exception(why);

/// <summary>
/// A running server as somebody outside sees it, and a line for each thing that is looked at. Where the sandbox plays the world,
/// users and payments come from there; otherwise the tokens are given, and a person pays.
/// </summary>
sealed class Rehearsal(Uri server, Settings settings, TextWriter output, TimeProvider time) : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    static readonly TimeSpan PatienceWithPeople = TimeSpan.FromMinutes(10);
    static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(100);

    readonly HttpClient http = new() { BaseAddress = server, Timeout = TimeSpan.FromMinutes(2) };
    int passed;
    int failed;

    public bool Ok => failed == 0;

    public TimeProvider Time => time;

    /// <summary>Whether nobody else is there: then what concerns everybody may be tried out. Who is given tokens is a guest.</summary>
    public bool IsPlay => settings.Stripe?.Address == settings.Sandbox && HasSandboxUsers;

    bool HasSandboxUsers => settings.SmokeTokens is { User: null, Admin: null } && settings.Oidc is { } oidc && IsSandbox(oidc);

    /// <summary>An address of the product's pages.</summary>
    public string Page(string path) => settings.Origins[0] + path;

    public string Origin => settings.Origins[0];

    /// <summary>Looks at one thing, and says how it is.</summary>
    public async Task Check(string claim, Func<Task> look)
    {
        try
        {
            await look();
            passed++;
            await output.WriteLineAsync($"ok    {claim}");
        }
        catch (LeftOut reason)
        {
            await output.WriteLineAsync($"      Left out: {claim}: {reason.Message}");
        }
        catch (Exception wrong) when (wrong is Wrong or HttpRequestException or JsonException or KeyNotFoundException or InvalidOperationException
            or OperationCanceledException or FormatException or IOException or ArgumentException)
        {
            failed++;
            await output.WriteLineAsync($"FAIL  {claim}: {wrong.Message.ReplaceLineEndings(" ")}");
        }
    }

    public Task Say(string line) => output.WriteLineAsync($"      {line}");

    public Task Finish() => output.WriteLineAsync($"{passed} passed, {failed} failed");

    public static void Expect(bool holds, string otherwise)
    {
        if (!holds) throw new Wrong(otherwise);
    }

    public static void Same<T>(T expected, T found, string what) =>
        Expect(EqualityComparer<T>.Default.Equals(expected, found), $"{what} is {found}, and should be {expected}");

    /// <summary>Waits for something that is on its way.</summary>
    public async Task Until(string what, Func<Task<bool>> holds, CancellationToken ct)
    {
        var late = time.GetUtcNow() + (IsPlay ? Patience : PatienceWithPeople);
        while (!await holds())
        {
            Expect(time.GetUtcNow() < late, $"{what} did not come");
            await Task.Delay(BetweenLooks, time, ct);
        }
    }

    public Task<Heard> Get(string path, string? token, CancellationToken ct) => Ask(HttpMethod.Get, path, token, body: null, ct);

    public Task<Heard> Post(string path, string? token, object body, CancellationToken ct) => Ask(HttpMethod.Post, path, token, body, ct);

    public Task<Heard> Put(string path, string? token, object body, CancellationToken ct) => Ask(HttpMethod.Put, path, token, body, ct);

    public async Task<Heard> Ask(HttpMethod method, string path, string? token, object? body, CancellationToken ct, params (string, string)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null) request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await Read(http, request, ct);
    }

    /// <summary>A user's token: one that has been given to us, or else one of the sandbox, which gives them to everybody.</summary>
    public async Task<string> Token(string user, bool admin, CancellationToken ct)
    {
        var variable = $"PURSER_SMOKE_{(admin ? "ADMIN" : "USER")}_TOKEN";
        if (!HasSandboxUsers)
        {
            return (admin ? settings.SmokeTokens.Admin : settings.SmokeTokens.User)
                ?? throw new Wrong($"{variable} is not set: give a token of {(admin ? "an administrator" : "a user")} to try this out with");
        }

        var oidc = settings.Oidc!;
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{oidc.Issuer}/token"))
        {
            Content = new StringContent(JsonSerializer.Serialize(new { user, admin, audience = oidc.Audience }), Encoding.UTF8, "application/json"),
        };
        try
        {
            return (await Read(http, request, ct)).Json.GetProperty("access_token").GetString()!;
        }
        catch (HttpRequestException)
        {
            throw new Wrong($"{variable} is not set, and there is no sandbox at {settings.Sandbox} that gives tokens");
        }
    }

    /// <summary>Pays a session of Stripe's, for as much and no more.</summary>
    public async Task Pay(string session, string url, long minor, CancellationToken ct)
    {
        if (!IsPlay)
        {
            await Say($"Pay {minor / 100m:0.00} now: {url}");
            return;
        }

        var form = string.Create(CultureInfo.InvariantCulture, $"payment_method=pm_card_visa&expected_amount={minor}");
        var paid = await Sandbox(HttpMethod.Post, $"/v1/payment_pages/{session}/confirm", form, ct);
        Same(200, paid.Status, "the payment");
    }

    /// <summary>Has the sandbox's Stripe tell everything once more that it told of an object.</summary>
    public async Task TellAgain(string about, CancellationToken ct)
    {
        var endpoint = (await Sandbox(HttpMethod.Get, "/v1/webhook_endpoints?limit=1", null, ct)).Json.GetProperty("data")[0].GetProperty("id").GetString();
        var events = (await Sandbox(HttpMethod.Get, "/v1/events?limit=100", null, ct)).Json.GetProperty("data").EnumerateArray()
            .Where(one => one.GetProperty("data").GetProperty("object").GetProperty("id").GetString() == about).ToList();
        Expect(events.Count > 0, $"Stripe has no event of {about}");
        foreach (var one in events)
        {
            var body = JsonSerializer.Serialize(new { @event = one.GetProperty("id").GetString(), webhook_endpoint = endpoint });
            var told = await Sandbox(HttpMethod.Post, "/control/webhooks/resend", body, ct);
            Same(true, told.Json.GetProperty("delivered").GetBoolean(), "the delivery");
        }
    }

    public void Dispose() => http.Dispose();

    bool IsSandbox(OidcAccess oidc) => oidc.Issuer.StartsWith(settings.Sandbox.AbsoluteUri, StringComparison.Ordinal);

    async Task<Heard> Sandbox(HttpMethod method, string path, string? body, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, new Uri(settings.Sandbox, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", settings.Stripe!.SecretKey);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, body.StartsWith('{') ? "application/json" : "application/x-www-form-urlencoded");
        return await Read(http, request, ct);
    }

    static async Task<Heard> Read(HttpClient http, HttpRequestMessage request, CancellationToken ct)
    {
        using var answer = await http.SendAsync(request, ct);
        return new((int)answer.StatusCode, answer.Headers, await answer.Content.ReadAsStringAsync(ct));
    }
}
