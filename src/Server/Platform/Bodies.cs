using Microsoft.AspNetCore.Http.Features;

namespace Purser.Server.Platform;

/// <summary>A route whose bodies are prompts, with pictures in them. It watches over their length itself.</summary>
sealed record LargeBodies(long Most);

/// <summary>How much a request may bring.</summary>
static class Bodies
{
    public const long Largest = 1_000_000;

    /// <summary>
    /// What Kestrel reads over once a body was refused. Closing on a client that is still writing would reset its
    /// connection, and it would see that in place of the answer.
    /// </summary>
    public const long MostRead = 16 * Largest;

    public static void UseBodyLimit(this WebApplication app) => app.Use((http, next) =>
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<LargeBodies>() is { } large)
        {
            // A byte more shows that there is more.
            if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } most) most.MaxRequestBodySize = large.Most + 1;
            return next(http);
        }

        if (http.Request.ContentLength > Largest)
        {
            http.RequestServices.GetRequiredService<ILogger<Error>>().BodyRefused(http.Request.Method, http.Request.Path);
            return Errors.TooLarge.Write(http);
        }

        // In chunks: nobody knows before it is read.
        if (http.Request.ContentLength is null && http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = Largest;
        return next(http);
    });
}
