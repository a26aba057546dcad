namespace Purser.Sandbox.Stripe.Wire;

sealed record Route(string Method, string[] Segments, Shape Parameters, Handler Handler);

/// <summary>The calls the sandbox answers, each with the parameters its description allows.</summary>
sealed class Routes
{
    readonly Dictionary<(string Method, int Length), List<Route>> routes = [];

    public void Add(string method, string path, Handler handler)
    {
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (!routes.TryGetValue((method, segments.Length), out var list)) routes[(method, segments.Length)] = list = [];
        list.Add(new(method, segments, ApiSpec.ParametersOf($"{method} {path}"), handler));
    }

    public (Route Route, string[] Ids)? Match(string method, string path)
    {
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (!routes.TryGetValue((method, segments.Length), out var list)) return null;
        // A fixed word wins over an id: /v1/customers/search is no customer.
        var best = list.Where(r => Fits(r.Segments, segments)).OrderBy(r =>
            r.Segments.Count(s => s == "{id}")).FirstOrDefault();
        if (best is null) return null;
        return (best, [.. segments.Where((_, i) => best.Segments[i] == "{id}").Select(Uri.UnescapeDataString)]);
    }

    static bool Fits(string[] pattern, string[] segments)
    {
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] != "{id}" && pattern[i] != segments[i]) return false;
        }
        return true;
    }
}
