using Microsoft.AspNetCore.Http.Features;

namespace Purser.Server.Platform;

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
        if (http.Request.ContentLength > Largest) return Errors.TooLarge.Answer(http).ExecuteAsync(http);

        // In chunks: nobody knows before it is read.
        if (http.Request.ContentLength is null && http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = Largest;
        return next(http);
    });
}
