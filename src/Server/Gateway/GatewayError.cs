using System.Globalization;
using System.Text.Json;
using Purser.Core;
using Purser.Server.Gateway.Providers;

namespace Purser.Server.Gateway;

/// <summary>
/// Why a call was not made, or not finished. The numbers are HTTP's; what stands behind them differs between the two APIs.
/// </summary>
sealed record GatewayError(int Status, string Code, string Message)
{
    public const string NotConfigured = "provider_not_configured";
    public const string OutOfCredit = "provider_out_of_credit";

    public string? Param { get; init; }

    public int? RetryAfterSeconds { get; init; }

    /// <summary>Where there is too little: how much the call would have needed.</summary>
    public Credits? Required { get; init; }

    public Credits? Available { get; init; }

    /// <summary>A provider's own words, where they are what the caller is told.</summary>
    public ProvidersWords? Theirs { get; init; }

    public static GatewayError Invalid(string? param, string message, string code = "invalid_value") =>
        new(StatusCodes.Status400BadRequest, code, message) { Param = param };

    /// <summary>SDKs try 5xx and 429 again by themselves. Where only a person can help, they are told not to.</summary>
    bool InVain => Status == StatusCodes.Status402PaymentRequired || Code is NotConfigured or OutOfCredit;

    public void SetHeaders(HttpResponse response)
    {
        response.StatusCode = Status;
        response.ContentType = Theirs?.ContentType ?? "application/json";
        if (InVain) response.Headers["x-should-retry"] = "false";
        if (RetryAfterSeconds is { } seconds) response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
    }

    public async Task Write(HttpContext http, Dialect dialect)
    {
        SetHeaders(http.Response);
        var body = Theirs?.Body ?? Body(dialect, http.TraceIdentifier);
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    /// <summary>The last event of a stream that cannot go on.</summary>
    public byte[] Event(Dialect dialect, string requestId) => dialect == Dialect.Anthropic
        ? [.. "event: error\ndata: "u8, .. Body(dialect, requestId), .. "\n\n"u8]
        : [.. "data: "u8, .. Body(dialect, requestId), .. "\n\n"u8];

    byte[] Body(Dialect dialect, string requestId)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            if (dialect == Dialect.Anthropic) WriteAnthropic(json, requestId);
            else WriteOpenAi(json);
        }

        return buffer.ToArray();
    }

    void WriteOpenAi(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", Message);
        json.WriteString("type", OpenAiType);
        json.WriteString("param", Param);
        json.WriteString("code", Code);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    void WriteAnthropic(Utf8JsonWriter json, string requestId)
    {
        json.WriteStartObject();
        json.WriteString("type", "error");
        json.WriteStartObject("error");
        json.WriteString("type", AnthropicType);
        json.WriteString("message", Message);
        json.WriteEndObject();
        json.WriteString("request_id", requestId);
        json.WriteEndObject();
    }

    string OpenAiType => Status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status402PaymentRequired => "insufficient_quota",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };

    string AnthropicType => Status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status402PaymentRequired => "billing_error",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status404NotFound => "not_found_error",
        StatusCodes.Status413PayloadTooLarge => "request_too_large",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        StatusCodes.Status503ServiceUnavailable => "overloaded_error",
        StatusCodes.Status504GatewayTimeout => "timeout_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };

    public override string ToString() => $"{Status} {Code}: {Message}";
}

/// <summary>An error as a provider has put it, without what is only ours to know.</summary>
sealed record ProvidersWords(string? ContentType, byte[] Body);
