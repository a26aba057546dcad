using System.Globalization;
using System.Text;
using Purser.Core.Pricing;

namespace Purser.Server.Catalog;

/// <summary>
/// Writes differences into the text of a catalog and leaves every other character as it is, because a catalog is kept
/// by people: their comments, their order, and what the list does not know.
/// </summary>
sealed class CardEdit(string text, Node.Mapping root)
{
    readonly List<(int From, int Until, string Text)> edits = [];

    public static string Apply(string text, RateDifference difference)
    {
        var root = (Node.Mapping)YamlReader.Read(text, new FaultList())!;
        var edit = new CardEdit(text, root);
        foreach (var tier in difference.Changed.GroupBy(change => (change.Model.FullName, change.Above)))
            edit.Change([.. tier]);

        edit.Add(difference.Added);
        return edit.Result();
    }

    void Change(IReadOnlyList<PriceChange> changes)
    {
        var (model, above) = (changes[0].Model, changes[0].Above);
        var entry = (Node.Mapping)((Node.Mapping)((Node.Mapping)root["models"]!)[model.Provider]!)[model.Name]!;
        if (above is null)
        {
            ChangePrices(entry, changes);
            return;
        }

        var tiers = entry["long_prompts"] as Node.Sequence;
        var tier = tiers?.Items.OfType<Node.Mapping>().FirstOrDefault(item => item["above"] is Node.Scalar scalar
            && Section.TryNumber(scalar.Text, out var number) && number == above);
        if (tier is not null)
        {
            ChangePrices(tier, changes);
            return;
        }

        var prices = changes.ToDictionary(change => change.Meter, change => change.New);
        Insert(entry, "long_prompts", $"[{Group(prices, ("above", above))}]");
    }

    void ChangePrices(Node.Mapping group, IReadOnlyList<PriceChange> changes)
    {
        foreach (var change in changes)
        {
            var key = change.Meter.CatalogKey();
            if (group[key] is { } old) edits.Add((old.Start.Offset, old.End.Offset, Number(change.New)));
            else Insert(group, key, Number(change.New));
        }
    }

    void Add(IReadOnlyList<ModelRate> models)
    {
        if (models.Count == 0) return;
        if (root["models"] is not Node.Mapping card)
        {
            var lines = models.GroupBy(model => model.Provider).SelectMany(provider =>
                provider.Select(model => $"    {model.Name}: {Group(model)}\n").Prepend($"  {provider.Key}:\n"));
            edits.Add((text.Length, text.Length, $"{(text.EndsWith('\n') ? "" : "\n")}\nmodels:\n{string.Concat(lines)}"));
            return;
        }

        // New providers come last: they stand behind a model that is added to the last of those that are there.
        foreach (var provider in models.GroupBy(model => model.Provider).OrderBy(provider => card[provider.Key] is null))
        {
            var group = $"{{ {string.Join(", ", provider.Select(model => $"{model.Name}: {Group(model)}"))} }}";
            switch (card[provider.Key])
            {
                case Node.Mapping { Entries.Count: > 0 } existing:
                    foreach (var model in provider) Insert(existing, model.Name, Group(model), last: true);
                    break;
                case { } empty:
                    edits.Add((empty.Start.Offset, empty.End.Offset, group));
                    break;
                default:
                    Insert(card, provider.Key, group, last: true);
                    break;
            }
        }
    }

    // A key beside others: behind the last price of the group, or behind everything in it.
    void Insert(Node.Mapping group, string key, string value, bool last = false)
    {
        var behind = last ? group.Entries[^1] : group.Entries.Last(entry => entry.Value is Node.Scalar);
        if (group.Flow)
        {
            edits.Add((behind.Value.End.Offset, behind.Value.End.Offset, $", {key}: {value}"));
            return;
        }

        var line = text.IndexOf('\n', LastOffset(behind.Value));
        var indent = new string(' ', group.Entries[0].Key.Start.Column - 1);
        edits.Add(line < 0
            ? (text.Length, text.Length, $"\n{indent}{key}: {value}")
            : (line, line, $"\n{indent}{key}: {value}"));
    }

    // A block ends where its last line ends: the parser puts its end at the start of whatever follows.
    static int LastOffset(Node node) => node switch
    {
        Node.Mapping { Flow: false, Entries: [.., var entry] } => LastOffset(entry.Value),
        Node.Sequence { Flow: false, Items: [.., var item] } => LastOffset(item),
        _ => node.End.Offset,
    };

    string Result()
    {
        var result = new StringBuilder(text);
        // From the end, so that the places of edits before stay true; of two at one place the first stays first.
        foreach (var (from, until, replacement) in edits.AsEnumerable().Reverse().OrderByDescending(edit => edit.From))
            result.Remove(from, until - from).Insert(from, replacement);

        return result.ToString();
    }

    static string Group(ModelRate model)
    {
        var prices = model.Periods[0].Prices;
        var group = Group(prices.Usd, ("context", model.Context), ("max_output", model.MaxOutput));
        if (prices.LongPrompts.Count == 0) return group;

        var tiers = string.Join(", ", prices.LongPrompts.Select(tier => Group(tier.Usd, ("above", tier.Above))));
        return $"{group[..^2]}, long_prompts: [{tiers}] }}";
    }

    static string Group(IReadOnlyDictionary<Meter, decimal> usd, params ReadOnlySpan<(string Key, long? Value)> numbers)
    {
        var parts = new List<string>();
        foreach (var meter in Meters.All)
            if (usd.TryGetValue(meter, out var price)) parts.Add($"{meter.CatalogKey()}: {Number(price)}");

        foreach (var (key, value) in numbers)
        {
            if (value is null) continue;
            var part = string.Create(CultureInfo.InvariantCulture, $"{key}: {value}");
            if (key == "above") parts.Insert(0, part);
            else parts.Add(part);
        }

        return $"{{ {string.Join(", ", parts)} }}";
    }

    static string Number(decimal price) => price.ToString("0.############", CultureInfo.InvariantCulture);
}
