using System.Text.Json;
using Microsoft.Extensions.Primitives;

namespace Purser.Sandbox.Ai.OpenAi;

sealed class OpenAiDialect : Dialect
{
    // As api.openai.com sends them, so that a gateway can be seen to keep them to itself.
    static readonly (string Name, StringValues Value)[] Always =
    [
        ("openai-organization", "org-sandbox"),
        ("openai-project", "proj_sandbox"),
        ("openai-processing-ms", "7"),
        ("openai-version", "2020-10-01"),
        ("x-ratelimit-limit-requests", "30000"),
        ("x-ratelimit-limit-tokens", "150000000"),
        ("x-ratelimit-remaining-requests", "29999"),
        ("x-ratelimit-remaining-tokens", "149999000"),
        ("x-ratelimit-reset-requests", "2ms"),
        ("x-ratelimit-reset-tokens", "0s"),
        ("cf-ray", "8f00000000000000-SBX"),
        ("cf-cache-status", "DYNAMIC"),
        ("Set-Cookie", "__cf_bm=sandbox; path=/; HttpOnly; Secure; SameSite=None"),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload"),
        ("X-Content-Type-Options", "nosniff"),
    ];

    public override string Name => "openai";

    public override void WriteHeaders(AiCall call, IHeaderDictionary headers)
    {
        headers["x-request-id"] = call.RequestId;
        foreach (var (name, value) in Always) headers[name] = value;
    }

    public override void Admit(AiCall call)
    {
        var key = AiAccounts.KeyOf(call.Http.Request);
        if (key.StartsWith("sk-invalid", StringComparison.Ordinal)) throw WrongKey(key);
    }

    static AiError WrongKey(string key)
    {
        var masked = key.Length > 12 ? $"{key[..8]}{new string('*', key.Length - 12)}{key[^4..]}" : "****";
        return new(401, "invalid_request_error", $"Incorrect API key provided: {masked}. You can find your API key at "
            + "https://platform.openai.com/account/api-keys.") { Code = "invalid_api_key" };
    }

    public override bool Serves(string model) => Families.Of(model) is not null;

    public override AiError UnknownModel(string model) => new(404, "invalid_request_error",
        $"The model `{model}` does not exist or you do not have access to it.") { Code = "model_not_found" };

    public override AiError UnknownRoute(HttpRequest request) => new(404, "invalid_request_error",
        $"Invalid URL ({request.Method} {request.Path.Value!["/openai".Length..]})");

    public override AiError NotJson() => new(400, "invalid_request_error",
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
        + "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble "
        + "figuring out how to fix this, please contact us through our help center at help.openai.com.)");

    public override AiError TooLarge() => new(413, "invalid_request_error", "Maximum content size limit exceeded.");

    public override AiError Steered(string error, string model) => error switch
    {
        "401" => WrongKey(""),
        "403" => new(403, "invalid_request_error",
            $"Project `proj_sandbox` does not have access to model `{model}`") { Code = "model_not_found" },
        "404" => UnknownModel(model),
        "429" => new(429, "requests", $"Rate limit reached for {model} in organization org-sandbox on requests per min "
            + "(RPM): Limit 3, Used 3, Requested 1. Please try again in 1s. Visit "
            + "https://platform.openai.com/account/rate-limits to learn more.")
        {
            Code = "rate_limit_exceeded",
            RetryAfter = "1",
        },
        "insufficient_quota" => new(429, "insufficient_quota", "You exceeded your current quota, please check your "
            + "plan and billing details. For more information on this error, read the docs: "
            + "https://platform.openai.com/docs/guides/error-codes/api-errors.") { Code = "credit_balance_exhausted" },
        "503" => new(503, "server_error", "The engine is currently overloaded, please try again later")
        {
            Code = "server_is_overloaded",
        },
        ['5', ..] => new(int.Parse(error, CultureInfo.InvariantCulture), "server_error",
            "The server had an error while processing your request. Sorry about that!"),
        _ => new(int.Parse(error, CultureInfo.InvariantCulture), "invalid_request_error",
            "The sandbox was asked to refuse this request."),
    };

    /// <summary>A required parameter that is not there.</summary>
    public static AiError Missing(string name) => new(400, "invalid_request_error",
        $"Missing required parameter: '{name}'.") { Code = "missing_required_parameter", Param = name };

    public static AiError Invalid(string name, string code, string why) => new(400, "invalid_request_error", why)
    {
        Code = code,
        Param = name,
    };

    public static AiError BelowMinimum(string name, int minimum, int value) => Invalid(name, "integer_below_min_value",
        $"Invalid '{name}': integer below minimum value. Expected a value >= {minimum}, but got {value} instead.");

    /// <summary>Numbers of answers and of images share their bounds and their words.</summary>
    public static int Copies(JsonElement request)
    {
        var n = request.Whole("n") ?? 1;
        return n < 1 ? throw BelowMinimum("n", 1, n) : Math.Min(n, 128);
    }

    public static string ModelOf(JsonElement request) =>
        request.Text("model") is { Length: > 0 } model ? model
            : throw new AiError(400, "invalid_request_error", "you must provide a model parameter");

    public override void Write(Utf8JsonWriter json, AiError error, string requestId)
    {
        json.WriteStartObject();
        WriteMember(json, error);
        json.WriteEndObject();
    }

    /// <summary>The error inside an object that is already begun, as a stream breaks off with it.</summary>
    public static void WriteMember(Utf8JsonWriter json, AiError error)
    {
        json.WriteStartObject("error"u8);
        json.WriteString("message"u8, error.Message);
        json.WriteString("type"u8, error.Type);
        json.WriteString("param"u8, error.Param);
        json.WriteString("code"u8, error.Code);
        json.WriteEndObject();
    }
}
