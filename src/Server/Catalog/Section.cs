using System.Globalization;
using Purser.Core;

namespace Purser.Server.Catalog;

/// <summary>
/// A group of keys while it is read. A value that is missing or wrong is a fault, and an ordinary one takes its place,
/// so that the rest of the file is checked in the same run.
/// </summary>
sealed class Section(Node.Mapping map, string path, FaultList faults)
{
    // A decimal keeps 28 digits and would round the rest away without a word.
    const int LongestNumber = 28;

    readonly HashSet<string> known = [];

    /// <summary>The document as a section, or nothing where it is not a group of keys.</summary>
    public static Section? Root(Node? node, FaultList faults) => Open(node, "", faults);

    public bool Has(string key)
    {
        known.Add(key);
        return map[key] is not null;
    }

    public string Text(string key, string fallback) =>
        Scalar(key) is { } scalar ? scalar.Text.Trim() : fallback;

    public string RequiredText(string key)
    {
        if (!Has(key)) Missing(key);
        return Text(key, "-");
    }

    public bool Flag(string key)
    {
        if (Scalar(key) is not { } scalar) return false;
        if (scalar is { Plain: true, Text: "true" or "false" }) return scalar.Text == "true";

        faults.Unreadable(PathOf(key), scalar.Start, $"{key} is true or false, not '{scalar.Text}'.");
        return false;
    }

    public decimal? Number(string key) => Scalar(key) is { } scalar ? Number(scalar, PathOf(key), key) : null;

    public decimal RequiredNumber(string key)
    {
        if (!Has(key)) Missing(key);
        return Number(key) ?? 1;
    }

    public Credits Credits(string key)
    {
        if (Number(key) is not { } number) return Core.Credits.Zero;
        if (Core.Credits.TryParse(number.ToString(CultureInfo.InvariantCulture), out var credits)) return credits;

        Unreadable(key, $"{key} is an amount of credits: at most six decimals, at most {Core.Credits.Max}.");
        return Core.Credits.Zero;
    }

    public int? Whole(string key) => (int?)WholeNumber(key, int.MaxValue);

    public long? LongWhole(string key) => (long?)WholeNumber(key, long.MaxValue);

    /// <summary>One of the words given, by its place among them.</summary>
    public int? OneOf(string key, params ReadOnlySpan<string> words)
    {
        if (Scalar(key) is not { } scalar) return null;
        var index = words.IndexOf(scalar.Text);
        if (index >= 0) return index;

        faults.Unreadable(
            PathOf(key), scalar.Start, $"{key} is one of {string.Join(", ", words)}, not '{scalar.Text}'.");
        return null;
    }

    public Section? Inner(string key) => Has(key) ? Open(map[key], PathOf(key), faults) : null;

    /// <summary>The groups under a key, each with the name it stands under.</summary>
    public IEnumerable<(string Name, Section Section)> Named(string key)
    {
        if (Inner(key) is not { } inner) yield break;
        foreach (var name in inner.Keys())
            if (inner.Inner(name) is { } section) yield return (name, section);
    }

    /// <summary>The groups of the list under a key.</summary>
    public IEnumerable<Section> Listed(string key)
    {
        var items = Items(key);
        for (var i = 0; i < items.Count; i++)
            if (Open(items[i], $"{PathOf(key)}[{i}]", faults) is { } section) yield return section;
    }

    /// <summary>The texts of the list under a key, or of the single value that stands there instead.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        if (Has(key) && map[key] is Node.Scalar single) return [single.Text];

        var texts = new List<string>();
        foreach (var item in Items(key))
        {
            if (item is Node.Scalar scalar) texts.Add(scalar.Text);
            else faults.Unreadable(PathOf(key), item.Start, $"{key} is a list of single values, and this is {item.Kind}.");
        }

        return texts;
    }

    /// <summary>Every key of the group, in the order of the file; asking makes them known.</summary>
    public IReadOnlyList<string> Keys()
    {
        foreach (var entry in map.Entries) known.Add(entry.Key.Text);
        return [.. from entry in map.Entries select entry.Key.Text];
    }

    public Node.Scalar? Scalar(string key)
    {
        if (!Has(key)) return null;
        if (map[key] is Node.Scalar scalar)
        {
            faults.Note(PathOf(key), scalar.Start);
            return scalar;
        }

        faults.Unreadable(PathOf(key), map[key]!.Start, $"{key} is a single value, and this is {map[key]!.Kind}.");
        return null;
    }

    public bool IsScalar(string key) => map[key] is Node.Scalar;

    public void Unreadable(string key, string message) =>
        faults.Unreadable(PathOf(key), (map[key] ?? map).Start, message);

    public void Missing(string key) => faults.Unreadable(PathOf(key), map.Start, $"{Name()} lacks '{key}'.");

    /// <summary>Faults every key that nobody asked for: a misspelt price must not be no price.</summary>
    public void NoMore()
    {
        foreach (var entry in map.Entries.Where(entry => !known.Contains(entry.Key.Text)))
        {
            faults.Add(
                entry.Key.Start,
                $"{Name()} has no key '{entry.Key.Text}'; it has {string.Join(", ", known.Order(StringComparer.Ordinal))}.");
        }
    }

    public static bool TryNumber(string text, out decimal number)
    {
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
        number = 0;
        return text.Length <= LongestNumber && decimal.TryParse(text, Style, CultureInfo.InvariantCulture, out number);
    }

    static Section? Open(Node? node, string path, FaultList faults)
    {
        if (node is null) return null;
        faults.Note(path, node.Start);
        if (node is Node.Mapping map) return new(map, path, faults);

        var name = path == "" ? "A catalog" : path;
        faults.Unreadable(path, node.Start, $"{name} is a group of keys, and this is {node.Kind}.");
        return null;
    }

    decimal? Number(Node.Scalar scalar, string numberPath, string key)
    {
        if (scalar.Plain && TryNumber(scalar.Text, out var number)) return number;

        faults.Unreadable(numberPath, scalar.Start, $"{key} is a number such as 1000 or 0.25, not '{scalar.Text}'.");
        return null;
    }

    decimal? WholeNumber(string key, long most)
    {
        if (Number(key) is not { } number) return null;
        if (decimal.IsInteger(number) && Math.Abs(number) <= most) return number;

        faults.Unreadable(PathOf(key), map[key]!.Start, $"{key} is a whole number.");
        return null;
    }

    IReadOnlyList<Node> Items(string key)
    {
        if (!Has(key)) return [];
        faults.Note(PathOf(key), map[key]!.Start);
        if (map[key] is Node.Sequence sequence) return sequence.Items;

        faults.Unreadable(PathOf(key), map[key]!.Start, $"{key} is a list, and this is {map[key]!.Kind}.");
        return [];
    }

    string PathOf(string key) => path == "" ? key : $"{path}.{key}";

    string Name() => path == "" ? "A catalog" : path;
}
