namespace Purser.Server.Platform;

/// <summary>A parameter in the query of a route.</summary>
sealed record QueryParameter(string Name, string Meaning);

/// <summary>A route that speaks somebody else's API: what goes in and comes out is described there.</summary>
/// <param name="Accepts">The type of its body, if it has one.</param>
/// <param name="Headers">What its answers carry of ours.</param>
sealed record ForeignRoute(string Documentation, string? Accepts, IReadOnlyList<(string Name, string Meaning)> Headers);

static class RouteDescriptions
{
    public static TBuilder WithQuery<TBuilder>(this TBuilder routes, string name, string meaning) where TBuilder : IEndpointConventionBuilder =>
        routes.WithMetadata(new QueryParameter(name, meaning));
}
