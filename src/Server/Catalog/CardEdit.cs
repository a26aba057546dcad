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
        foreach (var model in difference.Changed.GroupBy(change => change.Model.FullName))
            edit.Change(model.First().Model, model);

        edit.Add(difference.Added);
        return edit.Result();
    }

    void Change(ModelRate model, IEnumerable<PriceChange> changes)
    {
        var entry = (Node.Mapping)((Node.Mapping)((Node.Mapping)root["models"]!)[model.Provider]!)[model.Name]!;
        var serviceTiers = entry["service_tiers"] as Node.Mapping;
        var added = new List<(string Name, string Prices)>();
        foreach (var service in changes.GroupBy(change => change.ServiceTier))
        {
            if (service.Key is null) Change(entry, service);
            else if (serviceTiers?[service.Key] is Node.Mapping tier) Change(tier, service);
            else added.Add((service.Key, Group(ToPrices(service))));
        }

        if (added.Count == 0) return;
        var group = $"{{ {string.Join(", ", added.Select(tier => $"{tier.Name}: {tier.Prices}"))} }}";
        if (serviceTiers is null) Insert(entry, "service_tiers", group);
        else if (serviceTiers.Entries.Count == 0) edits.Add((serviceTiers.Start.Offset, serviceTiers.End.Offset, group));
        else foreach (var (name, prices) in added) Insert(serviceTiers, name, prices, last: true);
    }

    void Change(Node.Mapping group, IEnumerable<PriceChange> changes)
    {
        foreach (var tier in changes.GroupBy(change => change.Above))
        {
            if (tier.Key is not { } above)
            {
                ChangePrices(group, [.. tier]);
                continue;
            }

            var known = (group["long_prompts"] as Node.Sequence)?.Items.OfType<Node.Mapping>().FirstOrDefault(item =>
                item["above"] is Node.Scalar scalar && Section.TryNumber(scalar.Text, out var number) && number == above);
            if (known is not null) ChangePrices(known, [.. tier]);
            else Insert(group, "long_prompts", $"[{Group(Usd(tier), ("above", above))}]");
        }
    }

    static Prices ToPrices(IEnumerable<PriceChange> changes) => new(Usd(changes.Where(change => change.Above is null)))
    {
        LongPrompts =
        [
            .. from change in changes
               where change.Above is not null
               group change by change.Above!.Value into tier
               select new LongPrompt(tier.Key, Usd(tier)),
        ],
    };

    static Dictionary<Meter, decimal> Usd(IEnumerable<PriceChange> changes) =>
        changes.ToDictionary(change => change.Meter, change => change.New);

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
        var period = model.Periods[0];
        var group = Group(period.Prices, ("context", model.Context), ("max_output", model.MaxOutput));
        if (period.ServiceTiers.Count == 0) return group;

        var tiers = string.Join(", ", period.ServiceTiers.Select(tier => $"{tier.Name}: {Group(tier.Prices)}"));
        return $"{group[..^2]}, service_tiers: {{ {tiers} }} }}";
    }

    static string Group(Prices prices, params ReadOnlySpan<(string Key, long? Value)> numbers)
    {
        var group = Group(prices.Usd, numbers);
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
