using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Purser.Core;

namespace Purser.Server.Platform;

/// <summary>The kinds of error a client can tell apart; each has its status.</summary>
enum ErrorType
{
    InvalidRequest = StatusCodes.Status400BadRequest,
    Unauthorized = StatusCodes.Status401Unauthorized,
    PaymentRequired = StatusCodes.Status402PaymentRequired,
    Forbidden = StatusCodes.Status403Forbidden,
    NotFound = StatusCodes.Status404NotFound,
    Conflict = StatusCodes.Status409Conflict,
    TooLarge = StatusCodes.Status413PayloadTooLarge,
    RateLimited = StatusCodes.Status429TooManyRequests,
    Internal = StatusCodes.Status500InternalServerError,
    Overloaded = StatusCodes.Status503ServiceUnavailable,
}

/// <summary>What went wrong, as clients read it.</summary>
sealed record Error(string Type, string Code, string Message)
{
    public string? Param { get; init; }

    public Credits? Required { get; init; }

    public Credits? Available { get; init; }

    public string RequestId { get; init; } = "";

    [JsonIgnore]
    public ErrorType Kind { get; init; }

    [JsonIgnore]
    public int? RetryAfterSeconds { get; init; }

    public static Error Of(ErrorType kind, string code, string message, string? param = null) =>
        new(JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString()), code, message) { Kind = kind, Param = param };

    public static Error Invalid(string? param, string message, string code = "invalid_value") =>
        Of(ErrorType.InvalidRequest, code, message, param);

    public static Error NotFound(string what) => Of(ErrorType.NotFound, "not_found", $"There is no such {what}.");

    public static Error Overloaded(string code, string message) =>
        Of(ErrorType.Overloaded, code, message) with { RetryAfterSeconds = 1 };
}

sealed record ErrorBody(Error Error);

/// <summary>How the routes that carry it word errors: those of an edition as its product always has.</summary>
sealed record ErrorForm(Func<Error, IResult> Word);

/// <summary>Something that a client is told, said once, where it is noticed, and answered by the one handler.</summary>
class RefusedException(Error error, Exception? inner = null) : Exception(error.Message, inner)
{
    public Error Error { get; } = error;
}

/// <summary>The request cannot be understood.</summary>
sealed class InvalidRequestException(string? param, string message, string code = "invalid_value")
    : RefusedException(Error.Invalid(param, message, code));

static class Errors
{
    /// <summary>An error as an answer.</summary>
    public static JsonHttpResult<ErrorBody> Answer(this Error error, HttpContext http)
    {
        if (error.RetryAfterSeconds is { } seconds) http.Response.Headers.RetryAfter = seconds.ToString(Invariant);
        return TypedResults.Json(
            new ErrorBody(error with { RequestId = http.TraceIdentifier }), statusCode: (int)error.Kind);
    }

    /// <summary>Writes an error in the form of the route that was asked for.</summary>
    public static Task Write(this Error error, HttpContext http) => error.Write(http, http.GetEndpoint());

    static Task Write(this Error error, HttpContext http, Microsoft.AspNetCore.Http.Endpoint? endpoint)
    {
        var answer = error.Answer(http);
        return endpoint?.Metadata.GetMetadata<ErrorForm>() is { } form
            ? form.Word(answer.Value!.Error).ExecuteAsync(http)
            : answer.ExecuteAsync(http);
    }

    /// <summary>The one place where a failure ends: known ones become their answer, all others are logged and hidden.</summary>
    public static void UseErrors(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            SuppressDiagnosticsCallback = _ => true,
            ExceptionHandler = async http =>
            {
                var handled = http.Features.Get<IExceptionHandlerFeature>()!;
                var failure = handled.Error;
                if (http.RequestAborted.IsCancellationRequested) return;

                // The framework has cleared the headers.
                http.Response.Headers["X-Request-Id"] = http.TraceIdentifier;
                var error = Explain(failure, http.Request, handled.RouteValues);
                if (error.Kind == ErrorType.Internal)
                    http.RequestServices.GetRequiredService<ILogger<Error>>().RequestFailed(failure, http.TraceIdentifier);
                if (error.Kind == ErrorType.TooLarge)
                    http.RequestServices.GetRequiredService<ILogger<Error>>().BodyRefused(http.Request.Method, http.Request.Path);
                await error.Write(http, handled.Endpoint);
            },
        });
        app.Use(async (http, next) =>
        {
            if (HasOtherCharset(http.Request))
            {
                await WrongContentType.Write(http);
                return;
            }

            await next(http);
            if (!http.Response.HasStarted && ExplainSilence(http) is { } error) await error.Write(http);
        });
    }

    // The framework fails on a charset that it does not know, and JSON has but one.
    static bool HasOtherCharset(HttpRequest request) =>
        request.ContentType?.Contains("charset", StringComparison.OrdinalIgnoreCase) == true
        && request.HasJsonContentType()
        && request.GetTypedHeaders().ContentType is { Charset.HasValue: true, Encoding: not UTF8Encoding };

    // Where no route fits, and where a body breaks off or is too long, the framework answers with a status and no word.
    static Error? ExplainSilence(HttpContext http) => http.Response.StatusCode switch
    {
        StatusCodes.Status400BadRequest => Unreadable,
        StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed => Error.Of(
            ErrorType.NotFound, "no_such_route", $"{http.Request.Method} {http.Request.Path} is not a route; see /docs."),
        StatusCodes.Status413PayloadTooLarge => TooLarge,
        StatusCodes.Status415UnsupportedMediaType => WrongContentType,
        _ => null,
    };

    static Error Explain(Exception failure, HttpRequest request, RouteValueDictionary? path) => failure switch
    {
        RefusedException refused => refused.Error,
        BadHttpRequestException bad => ExplainBinding(bad, request, path),
        NpgsqlException { IsTransient: true } or TimeoutException =>
            Error.Overloaded("database_unavailable", "The database does not answer. Try again with the same Idempotency-Key."),
        _ => Error.Of(ErrorType.Internal, "internal", "Something failed on our side. Quote the request id."),
    };

    static Error Unreadable => Error.Invalid(null, "The request cannot be read.");

    public static Error TooLarge => Error.Of(ErrorType.TooLarge, "body_too_large", "The body is larger than 1 MB.");

    static Error WrongContentType => Error.Invalid(
        null, "The body must be JSON in UTF-8: send Content-Type: application/json.", "unsupported_content_type");

    static Error ExplainBinding(BadHttpRequestException bad, HttpRequest request, RouteValueDictionary? path) => bad switch
    {
        { StatusCode: StatusCodes.Status413PayloadTooLarge } => TooLarge,
        { StatusCode: StatusCodes.Status415UnsupportedMediaType } => WrongContentType,
        { InnerException: JsonException json } => ExplainJson(json),
        _ when BoundParameter(bad.Message) is { } param => param switch
        {
            // A body that is missing, or null, is a parameter to the framework as well, and no member to the caller.
            "request" => Error.Invalid(null, "This request needs a JSON object as its body.", "missing_body"),
            // What no id looks like names nothing that is there. Only a PUT is asked to make what is not.
            _ when path?.ContainsKey(param) == true && !HttpMethods.IsPut(request.Method) => Error.NotFound(param),
            _ => Error.Invalid(param, $"'{param}' is missing or not of the right form."),
        },
        _ => Unreadable,
    };

    static Error ExplainJson(JsonException json)
    {
        var param = Member(json.Path);
        var unknown = json.Message.Contains("could not be mapped", StringComparison.Ordinal);
        if (unknown) return Error.Invalid(param, $"'{param}' is not a member of this request.", "unknown_member");
        if (json.InnerException is WordedException said) return Error.Invalid(param, said.Message);
        // The number types of .NET: a fraction where things are counted, or more than they hold.
        if (json.InnerException is FormatException)
            return Error.Invalid(param, $"'{param}' is out of range, or has a fraction where only whole numbers make sense.");

        return json.InnerException is JsonException || param is null
            ? Error.Invalid(param, "The body is not valid JSON.", "invalid_json")
            : Error.Invalid(param, $"'{param}' is not of the right type, or is there twice.", "invalid_type");
    }

    // $.paid.minor, $.charges[3].amount, or $['what is no plain name'].
    static string? Member(string? path) => path switch
    {
        ['$', '.', .. var plain] => plain,
        ['$', '[', '\'', .. var odd, '\'', ']'] => odd,
        _ => null,
    };

    // The framework names the parameter only in its sentence: Failed to bind parameter "CustomerId customer" from "…".
    // Of a body it says: … inferred for parameter "request" but no body was provided.
    static string? BoundParameter(string message)
    {
        var quoted = message.Split('"');
        return quoted.Length > 1 && quoted[1].Split(' ') is [.., var name]
            ? JsonNamingPolicy.SnakeCaseLower.ConvertName(name)
            : null;
    }

    static readonly IFormatProvider Invariant = System.Globalization.CultureInfo.InvariantCulture;
}

static partial class Log
{
    [LoggerMessage(900, LogLevel.Error, "Request {RequestId} failed")]
    public static partial void RequestFailed(this ILogger log, Exception failure, string requestId);

    [LoggerMessage(901, LogLevel.Warning, "{Method} {Path} was refused: its body is larger than 1 MB")]
    public static partial void BodyRefused(this ILogger log, string method, string path);
}
