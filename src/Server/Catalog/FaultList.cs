using Purser.Core.Catalog;

namespace Purser.Server.Catalog;

/// <summary>
/// Faults of a file with their places. What cannot be read at all is added with its place; what was read but makes no
/// sense is known by its path, and the reader has noted where each path stands.
/// </summary>
sealed class FaultList
{
    readonly List<(Place Place, string Message)> faults = [];
    readonly Dictionary<string, Place> places = [];
    readonly HashSet<string> unreadable = [];

    public bool Any => faults.Count > 0;

    public void Note(string path, Place place) => places.TryAdd(path, place);

    public void Add(Place place, string message) => faults.Add((place, message));

    public void Unreadable(string path, Place place, string message)
    {
        unreadable.Add(path);
        Add(place, message);
    }

    /// <summary>Leaves out what only follows from a value that could not be read.</summary>
    public void Add(Fault fault)
    {
        if (Parents(fault.Path).Any(unreadable.Contains)) return;

        Add(Parents(fault.Path).Where(places.ContainsKey).Select(path => places[path]).FirstOrDefault(new Place(1, 1, 0)),
            fault.Message);
    }

    /// <summary>In the form in which compilers report, so that editors can jump to the place.</summary>
    public IReadOnlyList<string> In(string file) =>
    [
        .. from fault in faults
           orderby fault.Place.Line, fault.Place.Column
           select $"{file}:{fault.Place.Line}:{fault.Place.Column}: {fault.Message}",
    ];

    // A missing value has no place of its own, but the group that lacks it has.
    static IEnumerable<string> Parents(string path)
    {
        for (; path.Length > 0; path = path[..Math.Max(0, path.LastIndexOfAny(['.', '[']))]) yield return path;
    }
}
