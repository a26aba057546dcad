using System.Text.RegularExpressions;
using Purser.Core.Pricing;

namespace Purser.Core.Catalog;

/// <summary>What is wrong with the prices of operations and models.</summary>
static partial class RateFaults
{
    // Together these keep the price of one unit within what a wallet can hold, whatever the credit is worth.
    const decimal MostUsd = 10_000;
    const decimal MostQuantity = 1_000_000_000_000;
    const decimal MostMarkup = 100;
    const long MostTokens = 1_000_000_000;

    public static IEnumerable<Fault> In(Rates rates) =>
    [
        .. TermFaults(rates),
        .. rates.Operations.SelectMany(In),
        .. rates.Models.SelectMany(In),
        .. NamesakeFaults(rates.Models),
        .. FallbackFaults(rates.Models),
    ];

    static IEnumerable<Fault> TermFaults(Rates rates)
    {
        if (rates.UsdPerCredit is < 0.000_001m or > 1_000)
            yield return new("credit.usd", "A credit is worth 0.000001 to 1000 USD.");
        foreach (var fault in MarkupFaults(rates.Markup, "markup")) yield return fault;
        foreach (var fault in AmountFaults(rates.BaseFee, "call_fee")) yield return fault;
        if (rates.MaxCharge <= Credits.Zero || rates.MaxCharge > Credits.Max)
            yield return new("limits.max_charge", $"max_charge is more than 0 and at most {Credits.Max}.");
    }

    static IEnumerable<Fault> In(OperationRate operation)
    {
        var path = $"operations.{operation.Code}";
        foreach (var fault in OfferFaults.CodeFaults(operation.Code, path)) yield return fault;
        if (operation.Name.Length is < 1 or > 120) yield return new($"{path}.name", "A name has 1 to 120 characters.");
        foreach (var fault in AmountFaults(operation.BaseFee, $"{path}.base_fee")) yield return fault;
        foreach (var fault in AmountFaults(operation.Minimum, $"{path}.minimum")) yield return fault;
        foreach (var unit in operation.Units)
            foreach (var fault in In(unit, $"{path}.per.{unit.Unit}")) yield return fault;
    }

    static IEnumerable<Fault> In(UnitRate unit, string path)
    {
        foreach (var fault in OfferFaults.CodeFaults(unit.Unit, path)) yield return fault;
        foreach (var fault in AmountFaults(unit.Credits, $"{path}.credits")) yield return fault;
        if (unit.Each is <= 0 or > MostQuantity)
            yield return new($"{path}.each", $"each is more than 0 and at most {MostQuantity}.");
        else if (unit.Each < 1 && unit.Credits > Credits.Max.ToDecimal() * unit.Each)
            yield return new($"{path}.each", "One unit would cost more than a wallet can hold.");
        if (unit.Max is <= 0 or > MostQuantity)
            yield return new($"{path}.max", $"max is more than 0 and at most {MostQuantity}.");

        var before = 0m;
        for (var i = 0; i < unit.Volume.Count; i++)
        {
            var step = unit.Volume[i];
            if (step.Above <= before || step.Above > MostQuantity)
                yield return new($"{path}.volume[{i}].above", "above is more than 0, and more than in the step before.");
            if (step.PercentOff is <= 0 or >= 100)
                yield return new($"{path}.volume[{i}].percent", "percent is more than 0 and less than 100.");
            before = step.Above;
        }
    }

    static IEnumerable<Fault> In(ModelRate model)
    {
        var path = $"models.{model.Provider}.{model.Name}";
        foreach (var fault in OfferFaults.CodeFaults(model.Provider, $"models.{model.Provider}")) yield return fault;
        foreach (var name in model.Aliases.Prepend(model.Name))
            if (!ModelName().IsMatch(name)) yield return new(path, $"'{name}' is not the name of a model.");

        if (model.Markup is { } markup)
            foreach (var fault in MarkupFaults(markup, $"{path}.markup")) yield return fault;
        if (model.Context is < 1 or > MostTokens) yield return new($"{path}.context", "context is a number of tokens.");
        if (model.MaxOutput is < 1 or > MostTokens)
            yield return new($"{path}.max_output", "max_output is a number of tokens.");
        if (model.MaxOutput > model.Context)
            yield return new($"{path}.max_output", "An answer cannot be longer than the context.");
        if (model.MaxImageTokens is < 1 or > MostTokens)
            yield return new($"{path}.max_image_tokens", "max_image_tokens is a number of tokens.");

        for (var i = 0; i < model.Periods.Count; i++)
        {
            var at = i == 0 ? path : $"{path}.changes[{i - 1}]";
            foreach (var fault in In(model.Periods[i], at)) yield return fault;
            if (i > 0 && model.Periods[i].From <= model.Periods[i - 1].From)
                yield return new($"{at}.from", "Changes stand in order of time.");
        }
    }

    static IEnumerable<Fault> In(Period period, string path)
    {
        if (period.Prices.Usd.Count == 0) yield return new(path, "There is no price here, and no price is not free.");
        foreach (var fault in PriceFaults(period.Prices.Usd, path)) yield return fault;
        foreach (var fault in LongPromptFaults(period.Prices, period.Prices.Usd, path)) yield return fault;
        for (var i = 0; i < period.Windows.Count; i++)
        {
            var window = period.Windows[i];
            var at = $"{path}.windows[{i}]";
            var usd = period.Prices.Usd.ReplacedBy(window.Prices.Usd);
            foreach (var fault in WindowFaults(window, at)) yield return fault;
            foreach (var fault in OverFaults(period.Prices.Usd, window.Prices.Usd, at)) yield return fault;
            foreach (var fault in LongPromptFaults(window.Prices, usd, at)) yield return fault;
            if (period.Prices.LongPrompts.Count > 0 && window.Prices.LongPrompts.Count == 0)
                yield return new(at, "The model has long_prompts: say what they cost in these hours.");
            if (period.Windows.Take(i).Any(other => Overlap(window, other)))
                yield return new(at, "These hours overlap with those of a window before.");
        }

        foreach (var fault in ServiceTierFaults(period, path)) yield return fault;
    }

    static IEnumerable<Fault> ServiceTierFaults(Period period, string path)
    {
        // Neither would say what the other costs: a tier is not cheap at night because the ordinary service is.
        if (period is { ServiceTiers.Count: > 0, Windows.Count: > 0 })
            yield return new($"{path}.service_tiers", "A model has windows or service_tiers, not both.");

        foreach (var tier in period.ServiceTiers)
        {
            var at = $"{path}.service_tiers.{tier.Name}";
            foreach (var fault in OfferFaults.CodeFaults(tier.Name, at)) yield return fault;
            if (ServiceTier.IsOrdinary(tier.Name))
                yield return new(at, $"'{tier.Name}' is the ordinary service, whose prices are those of the model.");
            foreach (var fault in OverFaults(period.Prices.Usd, tier.Prices.Usd, at)) yield return fault;
            foreach (var fault in LongPromptFaults(tier.Prices, period.Prices.Usd.ReplacedBy(tier.Prices.Usd), at))
                yield return fault;
            if (period.Prices.LongPrompts.Count > 0 && tier.Prices.LongPrompts.Count == 0)
                yield return new(at, "The model has long_prompts: say what they cost in this tier.");
        }
    }

    static IEnumerable<Fault> WindowFaults(Window window, string path)
    {
        if (window.Days.Count == 0) yield return new($"{path}.days", "A window has days.");
        if (window.Hours.Count == 0) yield return new($"{path}.hours", "A window has hours.");
        foreach (var hours in window.Hours)
        {
            if (hours.From >= hours.Until)
                yield return new($"{path}.hours", "Hours end after they begin: write a night as two windows.");
        }
    }

    static bool Overlap(Window a, Window b) =>
        a.Days.Intersect(b.Days).Any()
        && a.Hours.Any(one => b.Hours.Any(other => one.From < other.Until && other.From < one.Until));

    static IEnumerable<Fault> LongPromptFaults(
        Prices prices, IReadOnlyDictionary<Meter, decimal> usd, string path)
    {
        for (var i = 0; i < prices.LongPrompts.Count; i++)
        {
            var tier = prices.LongPrompts[i];
            var at = $"{path}.long_prompts[{i}]";
            if (tier.Above is < 1 or > MostTokens) yield return new($"{at}.above", "above is a number of tokens.");
            if (prices.LongPrompts.Take(i).Any(other => other.Above >= tier.Above))
                yield return new($"{at}.above", "long_prompts stand in order of length.");
            foreach (var fault in OverFaults(usd, tier.Usd, at)) yield return fault;
        }
    }

    static IEnumerable<Fault> OverFaults(
        IReadOnlyDictionary<Meter, decimal> usd, IReadOnlyDictionary<Meter, decimal> over, string path)
    {
        if (over.Count == 0) yield return new(path, "There is no price here.");
        foreach (var fault in PriceFaults(over, path)) yield return fault;
        var priced = usd.WithFallbacks();
        foreach (var meter in over.Keys.Where(meter => !priced.ContainsKey(meter)))
            yield return new($"{path}.{meter.CatalogKey()}", "The model has no such price otherwise.");
    }

    static IEnumerable<Fault> PriceFaults(IReadOnlyDictionary<Meter, decimal> usd, string path)
    {
        foreach (var (meter, price) in usd)
        {
            if (price is < 0 or > MostUsd)
                yield return new($"{path}.{meter.CatalogKey()}", $"A price is 0 to {MostUsd} USD.");
        }

        // Price lists do have this wrong now and then, and it is the dearer use that would be given away.
        if (usd.TryGetValue(Meter.CacheWrite1hTokens, out var hour)
            && usd.TryGetValue(Meter.CacheWriteTokens, out var minutes)
            && hour < minutes)
            yield return new($"{path}.cache_write_1h", "An hour in the cache costs no less than minutes.");
    }

    static IEnumerable<Fault> MarkupFaults(decimal markup, string path)
    {
        if (markup is < 1 or > MostMarkup)
            yield return new(path, $"Prices are multiplied with the markup: 1.25 for 25 % on top, at most {MostMarkup}.");
    }

    static IEnumerable<Fault> AmountFaults(decimal credits, string path)
    {
        if (credits < 0 || credits > Credits.Max.ToDecimal())
            yield return new(path, $"An amount of credits is 0 to {Credits.Max}.");
    }

    // A name that means two models would have to be refused, or worse, mean the one that comes first.
    static IEnumerable<Fault> NamesakeFaults(IReadOnlyList<ModelRate> models)
    {
        var fullNames = models.ToLookup(model => model.FullName);
        var seen = new HashSet<string>();
        foreach (var model in models)
        {
            var path = $"models.{model.Provider}.{model.Name}";
            foreach (var name in model.Aliases.Prepend(model.Name))
            {
                if (!seen.Add($"{model.Provider}/{name}"))
                    yield return new(path, $"{model.Provider} has '{name}' twice, as a name or as an alias.");
                foreach (var other in fullNames[name].Where(other => other != model))
                    yield return new(path, $"'{name}' also means the model {other.Name} of {other.Provider}.");
            }
        }
    }

    static IEnumerable<Fault> FallbackFaults(IReadOnlyList<ModelRate> models)
    {
        var known = models.Select(model => model.FullName).ToHashSet();
        foreach (var model in models)
        {
            var path = $"models.{model.Provider}.{model.Name}.fallbacks";
            foreach (var name in model.Fallbacks)
            {
                if (name == model.FullName) yield return new(path, "A model cannot stand in for itself.");
                else if (!known.Contains(name))
                    yield return new(path, $"There is no model '{name}' here: write provider/model.");
            }

            foreach (var twice in model.Fallbacks.GroupBy(name => name).Where(name => name.Count() > 1))
                yield return new(path, $"'{twice.Key}' stands here twice.");
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}\z")]
    private static partial Regex ModelName();
}
