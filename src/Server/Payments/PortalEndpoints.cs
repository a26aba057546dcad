using Purser.Core;
using Purser.Server.Ledger;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

sealed record PortalRequest
{
    public string? ReturnUrl { get; init; }
}

sealed record PortalAnswer(string Url);

static class PortalEndpoints
{
    public static void MapPortal(this IEndpointRouteBuilder routes) => routes
        .MapPost("/v1/customers/{customer}/portal", Open).Once().WithTags("Payments")
        .WithSummary("A page at Stripe for cards, invoices and the subscription").Produces<PortalAnswer>(StatusCodes.Status201Created);

    static async Task<IResult> Open(
        CustomerId customer, PortalRequest request, StripeCustomers customers, StripeClient stripe, Db db, HttpContext http, CancellationToken ct)
    {
        var returnUrl = request.ReturnUrl.Needed("return_url");
        if (!Uri.TryCreate(returnUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new InvalidRequestException("return_url", "'return_url' is an http:// or https:// address.");
        if (!await db.Exists(customer, ct)) return Error.NotFound("customer").Answer(http);

        var session = await customers.With(customer, id => stripe.Post(
            "/v1/billing_portal/sessions",
            new() { { "customer", id }, { "return_url", returnUrl } },
            $"purser-portal-{Guid.CreateVersion7():N}",
            ct), ct);
        return TypedResults.Created((string?)null, new PortalAnswer(session.Text("url") ?? ""));
    }
}
