using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Sandbox.Ai.Records;
using Purser.Sandbox.Ai.Steering;

namespace Purser.Sandbox.Ai.Control;

/// <summary>
/// The routes under /control/ai: behaviours for coming calls, and what was served and received. They act on the account
/// of the key; reading without a key shows all accounts.
/// </summary>
sealed class AiControls(AiAccounts accounts, ServedCalls served, Requests requests)
{
    const int QueuedMax = 100_000;
    const int ServedMax = 10_000;
    const int RequestsMax = 200;

    static readonly JsonSerializerOptions Snake = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    sealed record Next(string? Behave, int? Count);

    public void Map(IEndpointRouteBuilder app)
    {
        var control = app.MapGroup("/control/ai");
        control.MapPost("/next", Queue);
        control.MapGet("/served", ListServed);
        control.MapGet("/totals", AddUp);
        control.MapGet("/requests", ListRequests);
    }

    public void Reset()
    {
        accounts.Reset();
        served.Reset();
        requests.Reset();
    }

    async Task<IResult> Queue(HttpRequest request)
    {
        Next next;
        try
        {
            next = await request.ReadFromJsonAsync<Next>(Snake, request.HttpContext.RequestAborted) ?? new(null, null);
            _ = BehaviourText.OfHeader(Behaviour.Usual, next.Behave ?? "");
        }
        catch (Exception refusal) when (refusal is AiError or JsonException or InvalidOperationException)
        {
            return Refused(refusal.Message);
        }
        var account = accounts.Of(AiAccounts.KeyOf(request));
        var count = next.Count ?? 1;
        if (count < 1 || account.Next.Count + count > QueuedMax)
        {
            return Refused($"count must be 1 to {QueuedMax}, together with those that wait");
        }
        for (var i = 0; i < count; i++) account.Next.Enqueue(next.Behave ?? "");
        return Shown(new { Queued = account.Next.Count });
    }

    IResult ListServed(HttpRequest request, long after = 0, int limit = 1000)
    {
        var (calls, more) = served.After(after, Math.Clamp(limit, 1, ServedMax), Account(request));
        return Shown(new { Data = calls, HasMore = more });
    }

    IResult AddUp(HttpRequest request)
    {
        var models = new SortedDictionary<string, Sum>(StringComparer.Ordinal);
        var account = Account(request);
        foreach (var one in accounts.All.Where(one => account is null || one.Name == account)) one.Totals.AddTo(models);
        var all = new Sum();
        foreach (var sum in models.Values) all.Add(sum);
        return Shown(new { all.Calls, all.Outcomes, all.Usage, Models = models });
    }

    IResult ListRequests(HttpRequest request, int limit = 50)
    {
        var newest = requests.Newest(Math.Clamp(limit, 1, RequestsMax), Account(request));
        return Shown(new { Data = newest.Select(Show) });
    }

    static object Show(Received received) => new
    {
        received.RequestId,
        received.At,
        received.Account,
        received.Method,
        received.Path,
        // The names of headers are not for the naming policy.
        Headers = received.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value),
        Body = TextOf(received.Body),
        BodyBase64 = TextOf(received.Body) is null ? Convert.ToBase64String(received.Body) : null,
    };

    static string? TextOf(byte[] body)
    {
        try
        {
            return Strict.GetString(body);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    string? Account(HttpRequest request) =>
        AiAccounts.KeyOf(request) is { Length: > 0 } key ? accounts.Of(key).Name : null;

    static IResult Shown(object answer) => Results.Json(answer, Snake);

    static IResult Refused(string message) =>
        Results.Json(new { error = new { type = "invalid_request_error", message } }, statusCode: 400);
}
