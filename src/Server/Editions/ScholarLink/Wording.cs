using System.Text.Json;
using Purser.Core;
using Purser.Server.Gateway;
using Purser.Server.Platform;

namespace Purser.Server.Editions.ScholarLink;

/// <summary>What the pages show, and where they lead, when credits do not suffice.</summary>
sealed record NotEnough(string Error, decimal RequiredCredits, decimal CurrentCredits, string RedirectTo);

sealed record Problem(string Error, string Code);

/// <summary>Errors in ScholarLink's words.</summary>
static class Wording
{
    public static IResult Of(Error error) => error is { Required: { } required, Available: { } available }
        ? NotEnough(required, available)
        : TypedResults.Json(new(InItsNames(error), error.Code), ScholarLinkJson.Default.Problem, statusCode: (int)error.Kind);

    public static IResult NotEnough(Credits required, Credits available) => TypedResults.Json(
        new("Insufficient credits", required.ToDecimal(), available.ToDecimal(), "/billing?tab=credits"),
        ScholarLinkJson.Default.NotEnough,
        statusCode: StatusCodes.Status402PaymentRequired);

    /// <summary>What a provider says of a call that it refuses: each has a form of its own.</summary>
    public static IResult OfProvider(GatewayError error, byte[] body)
    {
        var (message, code) = Read(body);
        return TypedResults.Json(
            new(message ?? error.Message, code ?? error.Code), ScholarLinkJson.Default.Problem, statusCode: error.Status);
    }

    static (string? Message, string? Code) Read(byte[] body)
    {
        try
        {
            var said = JsonElement.Parse(body);
            // Google's stands in a list, Mistral's beside and not within `error`.
            if (said is { ValueKind: JsonValueKind.Array } && said.GetArrayLength() > 0) said = said[0];
            if (Member(said, "error") is { ValueKind: JsonValueKind.Object } error) said = error;
            return (Text(said, "message") ?? Text(said, "error"), Text(said, "code") ?? Text(said, "type"));
        }
        catch (JsonException)
        {
            return (null, null);
        }
    }

    static string? Text(JsonElement json, string name) =>
        Member(json, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    static JsonElement? Member(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member) ? member : null;

    // What is wrong with a request is said by the names it uses.
    static string InItsNames(Error error) => error.Param switch
    {
        "package" => error.Message.Replace("'package'", "'packageCode'", StringComparison.Ordinal),
        "success_url" => error.Message.Replace("success_url", "successUrl", StringComparison.Ordinal),
        "cancel_url" => error.Message.Replace("cancel_url", "cancelUrl", StringComparison.Ordinal),
        _ => error.Message,
    };
}
