using System.Text.Json;
using Microsoft.Extensions.Primitives;

namespace Purser.Sandbox.Ai.Anthropic;

sealed class AnthropicDialect : Dialect
{
    // As api.anthropic.com sends them, so that a gateway can be seen to keep them to itself.
    static readonly (string Name, StringValues Value)[] Always =
    [
        ("anthropic-organization-id", "5a9db0c5-0000-4000-8000-5a4db0c50000"),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", "3999"),
        ("anthropic-ratelimit-tokens-limit", "480000"),
        ("anthropic-ratelimit-tokens-remaining", "479000"),
        ("anthropic-ratelimit-input-tokens-limit", "400000"),
        ("anthropic-ratelimit-input-tokens-remaining", "400000"),
        ("anthropic-ratelimit-output-tokens-limit", "80000"),
        ("anthropic-ratelimit-output-tokens-remaining", "79000"),
        ("cf-ray", "8f00000000000000-SBX"),
        ("cf-cache-status", "DYNAMIC"),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload"),
        ("X-Robots-Tag", "none"),
    ];

    static readonly string[] Resets =
    [
        "anthropic-ratelimit-requests-reset", "anthropic-ratelimit-tokens-reset",
        "anthropic-ratelimit-input-tokens-reset", "anthropic-ratelimit-output-tokens-reset",
    ];

    public override string Name => "anthropic";

    public override void WriteHeaders(AiCall call, IHeaderDictionary headers)
    {
        headers["request-id"] = call.RequestId;
        foreach (var (name, value) in Always) headers[name] = value;
        StringValues reset = call.At.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        foreach (var name in Resets) headers[name] = reset;
    }

    public override void Admit(AiCall call)
    {
        var request = call.Http.Request;
        if (AiAccounts.KeyOf(request).StartsWith("sk-invalid", StringComparison.Ordinal)) throw Steered("401", "");
        if (!request.Headers.ContainsKey("anthropic-version")) throw Invalid("anthropic-version: header is required");
    }

    public static AiError Invalid(string message) => new(400, "invalid_request_error", message);

    public override bool Serves(string model) => model.StartsWith("claude-", StringComparison.Ordinal)
        || model.StartsWith("sandbox", StringComparison.Ordinal);

    public override AiError UnknownModel(string model) => new(404, "not_found_error", $"model: {model}");

    public override AiError UnknownRoute(HttpRequest request) => new(404, "not_found_error", "Not found");

    public override AiError NotJson() => Invalid("The request body is not valid JSON: unexpected character");

    public override AiError TooLarge() => new(413, "request_too_large", "Request exceeds the maximum size");

    public override AiError Steered(string error, string model) => error switch
    {
        "401" => new(401, "authentication_error", "invalid x-api-key"),
        "402" => new(402, "billing_error", "There is an issue with your billing or payment information."),
        "insufficient_quota" => Invalid("Your credit balance is too low to access the Anthropic API. Please go to "
            + "Plans & Billing to upgrade or purchase credits."),
        "403" => new(403, "permission_error", "Your API key does not have permission to use the specified resource."),
        "404" => UnknownModel(model),
        "413" => TooLarge(),
        "429" => new(429, "rate_limit_error", "This request would exceed your organization's rate limit of 4,000 "
            + "requests per minute. For details, refer to: https://docs.claude.com/en/api/rate-limits.")
        {
            RetryAfter = "1",
        },
        "504" => new(504, "timeout_error", "The request timed out."),
        "529" => new(529, "overloaded_error", "Overloaded"),
        ['5', ..] => new(int.Parse(error, CultureInfo.InvariantCulture), "api_error", "Internal server error"),
        _ => new(int.Parse(error, CultureInfo.InvariantCulture), "invalid_request_error",
            "The sandbox was asked to refuse this request."),
    };

    public override void Write(Utf8JsonWriter json, AiError error, string requestId)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "error"u8);
        WriteMembers(json, error, requestId);
        json.WriteEndObject();
    }

    /// <summary>All but the type of the object, which an event has already.</summary>
    public static void WriteMembers(Utf8JsonWriter json, AiError error, string requestId)
    {
        json.WriteStartObject("error"u8);
        json.WriteString("type"u8, error.Type);
        json.WriteString("message"u8, error.Message);
        json.WriteEndObject();
        json.WriteString("request_id"u8, requestId);
    }
}
