namespace Purser.Server.Platform;

/// <summary>A route that the product's pages call.</summary>
sealed class BrowserRoute;

/// <summary>Routes that browsers call: for pages of the configured origins, and of no others.</summary>
static class BrowserRoutes
{
    const string Policy = "the product's pages";

    // What is answered here is never a page of its own, nor a part of one.
    const string NoPage = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

    static readonly TimeSpan PreflightCounts = TimeSpan.FromHours(1);

    public static void AddBrowserRoutes(this IServiceCollection services, IReadOnlyList<string> origins) =>
        services.AddCors(options => options.AddPolicy(Policy, policy => policy
            .WithOrigins([.. origins])
            .WithMethods("GET", "POST", "PUT", "DELETE")
            .WithHeaders("Authorization", "Content-Type", "Idempotency-Key")
            .WithExposedHeaders(
                "X-Request-Id", "Retry-After", "Idempotency-Replayed", "Purser-Call-Id", "Purser-Model", "Purser-Charged", "Purser-Limited-To")
            .SetPreflightMaxAge(PreflightCounts)));

    public static TBuilder ForBrowsers<TBuilder>(this TBuilder routes) where TBuilder : IEndpointConventionBuilder =>
        routes.RequireCors(Policy).WithMetadata(new BrowserRoute());

    public static void UseBrowserRoutes(this WebApplication app)
    {
        app.UseCors();
        app.Use((http, next) =>
        {
            // At the last moment: an error clears what was set before.
            if (http.GetEndpoint()?.Metadata.GetMetadata<BrowserRoute>() is not null) http.Response.OnStarting(SetHeaders, http.Response);
            return next(http);
        });
    }

    static Task SetHeaders(object response)
    {
        var headers = ((HttpResponse)response).Headers;
        headers.ContentSecurityPolicy = NoPage;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        return Task.CompletedTask;
    }
}
