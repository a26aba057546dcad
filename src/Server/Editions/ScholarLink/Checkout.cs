using System.Text.Json.Serialization;
using Purser.Server.Identity;
using Purser.Server.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Editions.ScholarLink;

/// <summary>What else a page sends, such as a price, counts for nothing.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
sealed record CheckoutBody
{
    [JsonPropertyName("packageCode")] public string? PackageCode { get; init; }
    [JsonPropertyName("successUrl")] public string? SuccessUrl { get; init; }
    [JsonPropertyName("cancelUrl")] public string? CancelUrl { get; init; }
}

sealed record SessionAnswer(string? SessionId, string Url, string OrderId);

static class CheckoutRoutes
{
    public static void MapCheckout(this IEndpointRouteBuilder routes) => routes.MapPost("/stripe/create-checkout-session", Create)
        .WithSummary("A page at Stripe on which the user buys a package").Produces<SessionAnswer>();

    static async Task<IResult> Create(User user, CheckoutBody body, Payments.Checkout checkout, HttpContext http, CancellationToken ct)
    {
        var request = new CheckoutRequest
        {
            Package = body.PackageCode.Needed("packageCode"),
            SuccessUrl = body.SuccessUrl.Needed("successUrl"),
            CancelUrl = body.CancelUrl.Needed("cancelUrl"),
        };
        var (order, replayed) = await checkout.OpenForUser(user.Customer, request, http.IdempotencyKey(), ct);
        if (replayed) http.Response.Headers["Idempotency-Replayed"] = "true";
        return TypedResults.Json(new(order.Session, order.Url ?? "", order.Reference), ScholarLinkJson.Default.SessionAnswer);
    }
}
