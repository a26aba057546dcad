using Purser.Server.Platform;

namespace Purser.Server.Editions;

/// <summary>
/// A product that runs on Purser through its own HTTP paths, in its own words. It puts questions to the slices and words their
/// answers; it decides nothing and keeps nothing.
/// </summary>
abstract class Edition
{
    // They are found and not listed: the folder of one can be deleted, and nothing else has to know.
    static readonly Edition[] All =
    [
        .. from type in typeof(Edition).Assembly.GetTypes()
           where type.IsSubclassOf(typeof(Edition))
           select (Edition)Activator.CreateInstance(type)!,
    ];

    public abstract string Name { get; }

    /// <summary>Where the product has Stripe's events sent.</summary>
    public abstract string WebhookPath { get; }

    /// <summary>The one that the settings name; null where they name none.</summary>
    public static Edition? Of(Settings settings)
    {
        if (settings.Edition is not { } name) return null;

        var there = All.Length == 0 ? "none here" : $"only {string.Join(", ", All.Select(one => one.Name))}";
        return Array.Find(All, edition => edition.Name == name) ?? throw new StartFailure($"PURSER_EDITION is {name}, and there is {there}.");
    }

    public abstract void Add(IServiceCollection services);

    public abstract void Map(IEndpointRouteBuilder routes);

    /// <summary>What the product looks at before it goes live, against a running server.</summary>
    public abstract Task Rehearse(Rehearsal rehearsal, CancellationToken ct);

    /// <summary>What its users do all day, many of them at once.</summary>
    public abstract Task Live(Rehearsal rehearsal, int users, TimeSpan duration, CancellationToken ct);
}
