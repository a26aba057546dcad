using System.Globalization;
using Purser.Core.Pricing;

namespace Purser.Server.Catalog;

/// <summary>A price of a model of the card that the list gives otherwise.</summary>
/// <param name="ServiceTier">The service it is a price of, or nothing for the ordinary one.</param>
/// <param name="Above">The length of prompt from which it holds, or nothing for the ordinary price.</param>
/// <param name="Old">Nothing, where the card had no such price.</param>
sealed record PriceChange(ModelRate Model, string? ServiceTier, long? Above, Meter Meter, decimal? Old, decimal New)
{
    public override string ToString()
    {
        var service = ServiceTier is { } name ? $"{name} " : "";
        var tier = Above is { } above ? $"above {above} " : "";
        return $"{Model.FullName}: {service}{tier}{Meter.CatalogKey()} {Figure(Old)} -> {Figure(New)}";
    }

    static string Figure(decimal? price) => price?.ToString("0.############", CultureInfo.InvariantCulture) ?? "(none)";
}

/// <summary>What a list of prices would make of a card. Nothing is ever removed: a list does not know all we sell.</summary>
sealed class RateDifference
{
    readonly List<ModelRate> added = [];
    readonly List<PriceChange> changed = [];
    readonly List<(string Model, string Why)> byHand = [];

    RateDifference()
    {
    }

    public IReadOnlyList<ModelRate> Added => added;

    public IReadOnlyList<PriceChange> Changed => changed;

    /// <summary>Differences that only a person can resolve.</summary>
    public IReadOnlyList<(string Model, string Why)> ByHand => byHand;

    public int Untouched { get; private set; }

    public static RateDifference Between(IReadOnlyList<ModelRate> card, IReadOnlyList<ListedModel> list)
    {
        var difference = new RateDifference();
        var names = new Dictionary<string, ModelRate>();
        foreach (var model in card)
            foreach (var name in model.Aliases.Prepend(model.Name)) names.TryAdd($"{model.Provider}/{name}", model);

        foreach (var listed in list)
        {
            if (names.TryGetValue(listed.Rate.FullName, out var model)) difference.Compare(model, listed);
            else difference.Add(card, listed.Rate);
        }

        var touched = difference.changed.Select(change => change.Model.FullName).ToHashSet();
        difference.Untouched = card.Count(model => !touched.Contains(model.FullName));
        return difference;
    }

    // `openai/gpt-oss-120b` is a model of Groq's; OpenAI's own of that name would make the bare name mean two things.
    void Add(IReadOnlyList<ModelRate> card, ModelRate listed)
    {
        var clash = card.Concat(added).FirstOrDefault(model =>
             model.Name == listed.FullName || model.FullName == listed.Name);
        if (clash is null) added.Add(listed);
        else byHand.Add((listed.FullName, $"would be mistaken for {clash.FullName}"));
    }

    void Compare(ModelRate model, ListedModel listed)
    {
        var period = model.Periods[0];
        var changes = Compare(model, null, period.Prices, listed.Prices).ToList();
        foreach (var tier in listed.Rate.Periods[0].ServiceTiers)
        {
            var own = period.ServiceTiers.FirstOrDefault(own => own.Name == tier.Name)?.Prices;
            changes.AddRange(Compare(model, tier.Name, own is null ? null : OverOrdinary(period, own), tier.Prices));
        }

        if (changes.Count == 0) return;
        if (model.Periods.Count > 1 || period.Windows.Count > 0)
            byHand.Add((model.FullName, "differs, but has dates or hours in the card, which the list does not know"));
        else
            changed.AddRange(changes);
    }

    static Prices OverOrdinary(Period period, Prices tier) => tier with { Usd = period.Prices.Usd.ReplacedBy(tier.Usd) };

    IEnumerable<PriceChange> Compare(ModelRate model, string? service, Prices? own, Prices listed)
    {
        foreach (var change in Changes(model, service, null, own?.Usd, listed.Usd)) yield return change;
        foreach (var tier in listed.LongPrompts)
        {
            // "200,000 and more" and "more than 200,000" are the same tier, written by two people.
            var same = own?.LongPrompts.FirstOrDefault(own => Math.Abs(own.Above - tier.Above) <= 1);
            if (same is null && own?.LongPrompts.Count > 0)
            {
                byHand.Add((model.FullName, $"has other long_prompts than those above {tier.Above} of the list"));
                continue;
            }

            foreach (var change in Changes(model, service, same?.Above ?? tier.Above, same?.Usd, tier.Usd))
                yield return change;
        }
    }

    // A price that the card leaves to follow from another one is compared as what it follows to.
    static IEnumerable<PriceChange> Changes(
        ModelRate model,
        string? service,
        long? above,
        IReadOnlyDictionary<Meter, decimal>? old,
        IReadOnlyDictionary<Meter, decimal> listed)
    {
        var before = old?.WithFallbacks() ?? [];
        return from meter in Meters.All
               where listed.ContainsKey(meter)
               let price = before.TryGetValue(meter, out var known) ? known : (decimal?)null
               where price is not { } same || !IsRounded(same, listed[meter])
               select new PriceChange(model, service, above, meter, price, listed[meter]);
    }

    // LiteLLM rounds: an hour for 0.111 stands there as 3.083e-05 a second. Taking that over would lose the difference.
    static bool IsRounded(decimal card, decimal listed) => card >= listed && card - listed <= card / 2000;
}
