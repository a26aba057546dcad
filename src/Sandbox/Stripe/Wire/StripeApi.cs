using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Purser.Sandbox.Stripe.Wire;

/// <summary>An answer as it goes out: bytes, because idempotent replays repeat them exactly.</summary>
sealed record Answer(int Status, byte[] Body, bool Replayed = false);

/// <summary>
/// The way of a request: key, route, fault, version, form, idempotency, parameters, handler, journal, answer. What
/// Stripe checks first is checked first, since a client sees only the first objection.
/// </summary>
sealed partial class StripeApi(Accounts accounts, Routes routes, Control.Faults faults, Control.Timeline timeline,
    Deliveries deliveries, ILogger<StripeApi> log)
{
    const int BodyMax = 1 << 20;
    const int IdempotencyKeyMax = 255;
    static readonly TimeSpan AnswerLifetime = TimeSpan.FromHours(24);

    public async Task Handle(HttpContext http)
    {
        var requestId = Ids.New("req");
        http.Response.Headers["Request-Id"] = requestId;
        try
        {
            await Authenticated(http, requestId);
        }
        catch (StripeError error)
        {
            await Write(http, Error(error, requestId));
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            Failed(log, failure, http.Request.Method, http.Request.Path);
            await Write(http, Error(new(500, "api_error", "An unknown error occurred"), requestId));
        }
    }

    async Task Authenticated(HttpContext http, string requestId)
    {
        var request = http.Request;
        var account = accounts.Of(Keys.Secret(request));
        if (routes.Match(request.Method, request.Path.Value!) is not { } match)
        {
            throw StripeError.Invalid($"Unrecognized request URL ({request.Method}: {request.Path}). Please see "
                + "https://stripe.com/docs or we can help at https://support.stripe.com/.", status: 404);
        }

        var fault = Control.Faults.Next(account);
        if (await Control.Faults.BeforeExecution(fault, http)) return;

        var named = request.Headers["Stripe-Version"].ToString();
        var version = named.Length == 0 ? ApiVersion.Current : ApiVersion.Required(named);
        http.Response.Headers["Stripe-Version"] = version.Name;
        var form = await Form(request);
        var key = request.Method == "POST" ? request.Headers["Idempotency-Key"].ToString() : "";
        if (key.Length > IdempotencyKeyMax)
        {
            throw StripeError.Invalid($"Idempotency keys can be at most {IdempotencyKeyMax} characters long.");
        }

        var operation = new Operation(account, match.Route, match.Ids, version, requestId, key, form, BaseUrl(request),
            request.Path.Value!);
        if (key.Length > 0) http.Response.Headers["Idempotency-Key"] = key;
        using var hold = key.Length > 0 ? KeyHold.Take(account, key) : null;
        if (await faults.WhileExecuting(fault, http)) return;

        var answer = Execute(operation);
        deliveries.Wake(account);
        timeline.WakeFor(operation.Path, account);
        if (Control.Faults.AfterExecution(fault, http)) return;
        if (answer.Replayed) http.Response.Headers["Idempotent-Replayed"] = "true";
        await Write(http, answer);
    }

    sealed record Operation(Account Account, Route Route, string[] Ids, ApiVersion Version, string RequestId,
        string Key,
        string Form, string BaseUrl, string Path);

    static Answer Execute(Operation operation)
    {
        var account = operation.Account;
        var form = FormEncoding.Parse(operation.Form);
        var fingerprint = Fingerprint(operation.Path, form);
        lock (account.Gate)
        {
            account.BaseUrl = operation.BaseUrl;
            if (operation.Key.Length > 0 && account.Find(AnswerId(operation.Key)) is { } kept)
            {
                return Replay(operation, kept, fingerprint);
            }
            // Refused parameters are not remembered: nothing has been executed, the key may be used again.
            var types = OlderParameters.Take(form, operation.Route, operation.Version);
            var parameters = Parameters.Read(operation.Route.Parameters, form);
            if (types is not null) parameters["payment_method_types"] = types;
            Unsupported.Refuse(parameters);
            return Run(operation, parameters, fingerprint);
        }
    }

    static Answer Run(Operation operation, JsonObject parameters, string fingerprint)
    {
        var cause = new Cause(operation.RequestId, operation.Key.Length > 0 ? operation.Key : null);
        var tx = new Tx(operation.Account, cause);
        Answer answer;
        var remembered = operation.Key.Length > 0;
        try
        {
            var call = new Call(tx, parameters, operation.Ids, operation.Path, operation.Version);
            var result = operation.Route.Handler(call);
            tx.RunLater();
            answer = new(200, Bytes(Shown(call, result)));
        }
        catch (StripeError error)
        {
            if (!error.Keep)
            {
                tx.Rollback();
                tx = new(operation.Account, cause);
            }
            answer = Error(error, operation.RequestId);
            // What a handler refuses has executed nothing either; a declined card has.
            remembered &= error.Keep || error is not { Status: 400 or 404, Type: "invalid_request_error" };
        }
        catch
        {
            tx.Rollback();
            throw;
        }
        if (remembered) Remember(tx, operation.Key, fingerprint, answer);
        tx.Commit();
        return answer;
    }

    static JsonObject Shown(Call call, JsonObject result)
    {
        var list = result.Text("object") is "list" or "search_result";
        var shown = Rendering.At(call.Tx, list ? result : result.Visible(), call.Version);
        // Only now: what is to be expanded may be a field that only an older version has.
        Expansion.Expand(call.Tx, shown, call.P.Texts("expand"), call.Version);
        return shown;
    }

    static string AnswerId(string key) => $"{Kinds.Answer} {key}";

    static void Remember(Tx tx, string key, string fingerprint, Answer answer)
    {
        var kept = new JsonObject
        {
            ["id"] = AnswerId(key),
            ["object"] = Kinds.Answer,
            ["fingerprint"] = fingerprint,
            ["status"] = (long)answer.Status,
            ["body"] = Encoding.UTF8.GetString(answer.Body),
        };
        kept.SetTimer("forget", tx.Now + (long)AnswerLifetime.TotalSeconds);
        tx.Add(kept);
    }

    static Answer Replay(Operation operation, JsonObject kept, string fingerprint)
    {
        if (kept.Text("fingerprint") != fingerprint)
        {
            throw new StripeError(400, "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using "
                + $"a key other than '{operation.Key}' if you meant to execute a different request.");
        }
        return new((int)kept.Number("status"), Encoding.UTF8.GetBytes(kept.Text("body")!), Replayed: true);
    }

    /// <summary>Of the parameters as they were meant: however they are encoded, and in whatever order.</summary>
    static string Fingerprint(string path, FormNode form)
    {
        var text = new StringBuilder(path);
        Add(form);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));

        void Add(FormNode node)
        {
            text.Append(CultureInfo.InvariantCulture, $" {node.Value?.Length ?? -1}:{node.Value} {node.Parts.Count}");
            foreach (var (name, part) in node.Parts.OrderBy(one => one.Key, StringComparer.Ordinal))
            {
                text.Append(CultureInfo.InvariantCulture, $" {name.Length}:{name}");
                Add(part);
            }
        }
    }

    static async Task<string> Form(HttpRequest request)
    {
        var query = request.QueryString.Value ?? "";
        if (request.Method != "POST") return query.TrimStart('?');
        if (request.ContentType is { } type && type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase))
        {
            throw StripeError.Invalid("Invalid request: this API takes application/x-www-form-urlencoded parameters, not JSON.");
        }
        if (request.ContentLength > BodyMax) throw StripeError.Invalid("Request is too large.", status: 413);
        using var reader = new StreamReader(request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(request.HttpContext.RequestAborted);
        return query.Length > 1 ? $"{query[1..]}&{body}" : body;
    }

    public static string BaseUrl(HttpRequest request) => $"{request.Scheme}://{request.Host}";

    static Answer Error(StripeError error, string requestId) => new(error.Status, Bytes(error.Body(requestId)));

    static byte[] Bytes(JsonObject body) => JsonSerializer.SerializeToUtf8Bytes(body, Json.Plain);

    static async Task Write(HttpContext http, Answer answer)
    {
        if (http.Response.HasStarted) return;
        http.Response.StatusCode = answer.Status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = answer.Body.Length;
        http.Response.Headers.CacheControl = "no-cache, no-store";
        await http.Response.Body.WriteAsync(answer.Body, http.RequestAborted);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    static partial void Failed(ILogger log, Exception failure, string method, string path);
}

/// <summary>An idempotency key while its request runs; a second request with it is refused, not queued.</summary>
sealed class KeyHold : IDisposable
{
    readonly Account account;
    readonly string key;

    KeyHold(Account account, string key)
    {
        this.account = account;
        this.key = key;
    }

    public static KeyHold Take(Account account, string key)
    {
        lock (account.KeysInUse)
        {
            if (account.KeysInUse.Add(key)) return new(account, key);
        }
        throw StripeError.Invalid($"There is currently another in-progress request using this Idempotent Key ({key}). Please try "
            + "again later.", code: "idempotency_key_in_use", status: 409);
    }

    public void Dispose()
    {
        lock (account.KeysInUse) account.KeysInUse.Remove(key);
    }
}
