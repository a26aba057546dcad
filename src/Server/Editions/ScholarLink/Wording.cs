using Purser.Core;
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

    // What is wrong with a request is said by the names it uses.
    static string InItsNames(Error error) => error.Param switch
    {
        "package" => error.Message.Replace("'package'", "'packageCode'", StringComparison.Ordinal),
        "success_url" => error.Message.Replace("success_url", "successUrl", StringComparison.Ordinal),
        "cancel_url" => error.Message.Replace("cancel_url", "cancelUrl", StringComparison.Ordinal),
        _ => error.Message,
    };
}
