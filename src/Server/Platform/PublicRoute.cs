namespace Purser.Server.Platform;

/// <summary>A route that needs no key.</summary>
sealed class PublicRoute;

static class PublicRoutes
{
    public static TBuilder Public<TBuilder>(this TBuilder routes) where TBuilder : IEndpointConventionBuilder =>
        routes.WithMetadata(new PublicRoute());
}
