using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Purser.Core.Catalog;
using Purser.Core.Pricing;

namespace Purser.Server.Catalog;

/// <summary>A model as LiteLLM lists it, in the terms of a rate card.</summary>
sealed record ListedModel(string Key, ModelRate Rate)
{
    public Prices Prices => Rate.Periods[0].Prices;
}

/// <summary>
/// LiteLLM's model_prices_and_context_window.json. It is kept by many hands: prices are JSON floats per unit, suffixes
/// multiply, entries contradict one another, and what looks like a price is now and then the same price once more.
/// What is not understood is skipped and said, never guessed.
/// </summary>
sealed partial class LiteLlmList(IReadOnlySet<string> knownProviders)
{
    // Float noise sits far behind the twelfth decimal of a price per million: 0.30000000000000004 is 0.3.
    const int PriceDecimals = 12;

    static readonly Dictionary<string, Meter> TokenPrices = new()
    {
        ["input_cost_per_token"] = Meter.InputTokens,
        ["cache_read_input_token_cost"] = Meter.CachedInputTokens,
        ["input_cost_per_token_cache_hit"] = Meter.CachedInputTokens,
        ["cache_creation_input_token_cost"] = Meter.CacheWriteTokens,
        // How long the cache is kept, and not a length of prompt, whatever LiteLLM's own schema says.
        ["cache_creation_input_token_cost_above_1hr"] = Meter.CacheWrite1hTokens,
        ["input_cost_per_audio_token"] = Meter.InputAudioTokens,
        ["cache_read_input_audio_token_cost"] = Meter.CachedInputAudioTokens,
        ["input_cost_per_image_token"] = Meter.InputImageTokens,
        ["output_cost_per_token"] = Meter.OutputTokens,
        ["output_cost_per_reasoning_token"] = Meter.ReasoningTokens,
        ["output_cost_per_audio_token"] = Meter.OutputAudioTokens,
        ["output_cost_per_image_token"] = Meter.OutputImageTokens,
        ["input_cost_per_request"] = Meter.Requests,
    };

    // The same thing counted in another way: beside token prices it would be charged twice, and of the input and the
    // output price of one second only one is due.
    static readonly Dictionary<string, Meter> OtherPrices = new()
    {
        ["input_cost_per_second"] = Meter.Seconds,
        ["output_cost_per_second"] = Meter.Seconds,
        ["input_cost_per_character"] = Meter.Characters,
        ["output_cost_per_character"] = Meter.Characters,
        ["input_cost_per_image"] = Meter.Images,
        ["output_cost_per_image"] = Meter.Images,
    };

    // What no call that is served here comes to: tools and stores that run at the provider, pages that are read, videos, and
    // pictures that are sent to models which make pictures.
    static readonly HashSet<string> Beside =
    [
        "annotation_cost_per_page",
        "cache_read_input_image_token_cost",
        "code_interpreter_cost_per_session",
        "computer_use_input_cost_per_1k_tokens",
        "computer_use_output_cost_per_1k_tokens",
        "file_search_cost_per_1k_calls",
        "file_search_cost_per_gb_per_day",
        "google_maps_grounding_cost_per_query",
        "input_cost_per_video_per_second",
        "ocr_cost_per_page",
        "output_cost_per_video_per_second",
        "vector_store_cost_per_gb_per_day",
    ];

    readonly List<ListedModel> models = [];
    readonly List<(string Key, string Why)> skipped = [];
    readonly SortedDictionary<string, int> otherProviders = new(StringComparer.Ordinal);
    readonly SortedDictionary<string, int> leftOut = new(StringComparer.Ordinal);

    public IReadOnlyList<ListedModel> Models => models;

    public IReadOnlyList<(string Key, string Why)> Skipped => skipped;

    /// <summary>Providers that no card knows, with the number of their entries.</summary>
    public IReadOnlyDictionary<string, int> OtherProviders => otherProviders;

    /// <summary>Prices a card does not hold, with the number of models that have them. Such use stays refused.</summary>
    public IReadOnlyDictionary<string, int> LeftOut => leftOut;

    public void Read(JsonElement list)
    {
        var listed = new List<ListedModel>();
        foreach (var entry in list.EnumerateObject())
        {
            // Prose and matching rules, in the shape of models.
            if (entry.Name is "sample_spec" or "fallback_generalizations") continue;
            if (ReadEntry(entry) is { } model) listed.Add(model);
        }

        foreach (var namesakes in listed.GroupBy(model => model.Rate.FullName))
        {
            var keys = string.Join(" and ", namesakes.Select(model => model.Key));
            if (namesakes.All(model => SamePrices(model, namesakes.First()))) models.Add(namesakes.First());
            else Skip(namesakes.Key, $"is listed under {keys} with different prices");
        }
    }

    ListedModel? ReadEntry(JsonProperty entry)
    {
        if (entry.Value.ValueKind != JsonValueKind.Object || Word(entry.Value, "litellm_provider") is not { } listedBy)
            return Skip(entry.Name, "names no provider");

        var provider = listedBy == "gemini" ? "google" : listedBy;
        if (!knownProviders.Contains(provider))
        {
            otherProviders[listedBy] = otherProviders.GetValueOrDefault(listedBy) + 1;
            return null;
        }

        var prefixed = entry.Name.StartsWith($"{listedBy}/", StringComparison.Ordinal);
        var name = prefixed ? entry.Name[(listedBy.Length + 1)..] : entry.Name;
        if (name.Contains('*')) return Skip(entry.Name, "is a pattern, not a model");
        if (ImageSize().IsMatch(name)) return Skip(entry.Name, "is the price of one size of image, not a model");
        if (name.StartsWith("ft:", StringComparison.Ordinal))
            return Skip(entry.Name, "stands for fine-tuned models, whose names differ");

        return ReadModel(entry, provider, name);
    }

    ListedModel? ReadModel(JsonProperty entry, string provider, string name)
    {
        var prices = new ListedPrices();
        foreach (var field in entry.Value.EnumerateObject())
            if (ReadField(field, prices) is { } why) return Skip(entry.Name, why);

        if (prices.Base.Count == 0)
        {
            return Skip(entry.Name, prices.SawZero
                ? "costs 0 by this list: if it is free, write that by hand"
                : "has no price in a unit that a card knows, and no price is not free");
        }

        var rate = new ModelRate(provider, name) { Periods = [new(DateTimeOffset.MinValue, prices.ToPrices())] };
        rate = WithLimits(rate, entry.Value);
        // What the catalog would refuse must not get into it.
        if (FaultOf(rate) is { } fault) return Skip(entry.Name, fault.Message);
        rate = WithServiceTiers(rate, prices);

        foreach (var field in prices.LeftOut) leftOut[field] = leftOut.GetValueOrDefault(field) + 1;
        return new(entry.Name, rate);
    }

    static Fault? FaultOf(ModelRate rate)
    {
        var rates = new Rates(1, Rounding.Exact, 1, 0, Core.Credits.Max) { Models = [rate] };
        return OfferFaults.In(new Offer("-", rates)).FirstOrDefault();
    }

    // Half a tier would be the other half at ordinary prices: one without both ways, or without the long prompts that the
    // model has, is left out, and a call that is given it stays refused.
    static ModelRate WithServiceTiers(ModelRate rate, ListedPrices prices)
    {
        foreach (var (name, listed) in prices.ServiceTiers)
        {
            var period = rate.Periods[0];
            var tiers = period.ServiceTiers.Append(new(name, listed.ToPrices()));
            var with = rate with { Periods = [period with { ServiceTiers = [.. tiers] }] };
            if (listed.Has(Meter.InputTokens) && listed.Has(Meter.OutputTokens) && FaultOf(with) is null) rate = with;
            else prices.LeftOut.UnionWith(listed.Fields);
        }

        return rate;
    }

    // Returns why the whole model cannot be taken over, or nothing.
    static string? ReadField(JsonProperty field, ListedPrices prices)
    {
        if (field.NameEquals("tiered_pricing")) return "is priced by tiered_pricing, which a card does not know";
        if (!field.Name.Contains("cost", StringComparison.Ordinal)) return null;
        if (field.Value.ValueKind == JsonValueKind.Null) return null;
        if (IsBeside(field))
        {
            prices.LeftOut.Add(field.Name);
            return null;
        }

        if (!TryReadDecimal(field.Value, out var perUnit)) return $"has a {field.Name} that is no number";
        // Zero is what the list writes for what a model does not do.
        prices.SawZero |= perUnit == 0;
        if (perUnit == 0) return null;

        if (ServiceTier().Match(field.Name) is { Success: true } service)
        {
            ReadServiceTier(service.Groups[1].Value, service.Groups[2].Value, field.Name, perUnit, prices);
            return null;
        }

        if (TokenPrices.TryGetValue(field.Name, out var meter)) prices.Ordinary.Add(meter, perUnit);
        else if (OtherPrices.TryGetValue(field.Name, out meter)) prices.AddOther(meter, perUnit, field.Name);
        else if (TryReadTier(field.Name, out var above, out meter)) prices.Ordinary.AddLong(above, meter, perUnit);
        else if (IsConditional(field.Name)) return $"has a {field.Name}, a condition that a card does not know";
        else if (Beside.Contains(field.Name)) prices.LeftOut.Add(field.Name);
        // A call may come to it, and would be sold without it.
        else return $"has a {field.Name}, a price that is not understood";

        return null;
    }

    static void ReadServiceTier(string price, string name, string field, decimal perUnit, ListedPrices prices)
    {
        if (TokenPrices.TryGetValue(price, out var meter))
            prices.ServiceTier(name, field).Add(meter, perUnit);
        else if (TryReadTier(price, out var above, out meter))
            prices.ServiceTier(name, field).AddLong(above, meter, perUnit);
        else
            prices.LeftOut.Add(field);
    }

    // Tools, which are billed beside the tokens, and batches, which nobody waits for.
    static bool IsBeside(JsonProperty field) =>
        field.Value.ValueKind == JsonValueKind.Object || field.Name.EndsWith("_batches", StringComparison.Ordinal);

    static bool IsConditional(string field) =>
        TokenPrices.Keys.Concat(OtherPrices.Keys).Any(known => field.StartsWith($"{known}_", StringComparison.Ordinal));

    static bool TryReadTier(string field, out long above, out Meter meter)
    {
        above = 0;
        meter = default;
        var match = Tier().Match(field);
        if (!match.Success || !TokenPrices.TryGetValue(match.Groups[1].Value, out meter)) return false;

        above = long.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) * 1000;
        return true;
    }

    static ModelRate WithLimits(ModelRate rate, JsonElement entry)
    {
        var input = Tokens(entry, "max_input_tokens");
        var output = Tokens(entry, "max_output_tokens");
        // For these models the list gives what the context has left beside the answer.
        var context = rate.Provider == "openai" && input == 272_000 ? input + output : input;
        // DeepSeek's limits in the list are those of models before; a hold computed from them would be too small.
        if (rate.Provider == "deepseek") output = null;
        return rate with { Context = output > context ? output : context, MaxOutput = output };
    }

    static long? Tokens(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value)
        && TryReadDecimal(value, out var tokens)
        && tokens is >= 1 and < 1_000_000_000
            ? (long)tokens
            : null;

    // From the text of the number: on its way through a double 1.25e-06 would already be another price.
    static bool TryReadDecimal(JsonElement value, out decimal number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number
            && decimal.TryParse(value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out number)
            && (number != 0 || !value.GetRawText().Split('e', 'E')[0].AsSpan().ContainsAnyInRange('1', '9'));
    }

    static string? Word(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static bool SamePrices(ListedModel one, ListedModel other) =>
        one.Prices.Usd.Count == other.Prices.Usd.Count
        && one.Prices.Usd.All(price => other.Prices.Usd.TryGetValue(price.Key, out var same) && same == price.Value);

    ListedModel? Skip(string key, string why)
    {
        skipped.Add((key, why));
        return null;
    }

    /// <summary>The prices of one entry while its fields are read.</summary>
    sealed class ListedPrices
    {
        readonly SortedDictionary<string, ListedTokens> serviceTiers = new(StringComparer.Ordinal);
        readonly Dictionary<Meter, decimal> others = [];
        readonly List<string> otherFields = [];

        public bool SawZero { get; set; }

        public SortedSet<string> LeftOut { get; } = new(StringComparer.Ordinal);

        public ListedTokens Ordinary { get; } = new();

        public IReadOnlyDictionary<string, ListedTokens> ServiceTiers => serviceTiers;

        public Dictionary<Meter, decimal> Base => Ordinary.Usd.Count > 0 ? Ordinary.Usd : others;

        public ListedTokens ServiceTier(string name, string field)
        {
            if (!serviceTiers.TryGetValue(name, out var tier)) serviceTiers[name] = tier = new();
            tier.Fields.Add(field);
            return tier;
        }

        public void AddOther(Meter meter, decimal perUnit, string field)
        {
            ListedTokens.AddDearest(others, meter, perUnit);
            otherFields.Add(field);
        }

        public Prices ToPrices()
        {
            if (Ordinary.Usd.Count > 0) LeftOut.UnionWith(otherFields);
            return Ordinary.ToPrices() with { Usd = Base };
        }
    }

    /// <summary>The prices of tokens in one service.</summary>
    sealed class ListedTokens
    {
        readonly SortedDictionary<long, Dictionary<Meter, decimal>> longPrompts = [];

        public Dictionary<Meter, decimal> Usd { get; } = [];

        public List<string> Fields { get; } = [];

        public bool Has(Meter meter) => Usd.ContainsKey(meter);

        public void Add(Meter meter, decimal perUnit) => AddDearest(Usd, meter, perUnit);

        public void AddLong(long above, Meter meter, decimal perUnit)
        {
            if (!longPrompts.TryGetValue(above, out var tier)) longPrompts[above] = tier = [];
            AddDearest(tier, meter, perUnit);
        }

        public Prices ToPrices() => new(Usd)
        {
            LongPrompts = [.. from tier in longPrompts select new LongPrompt(tier.Key, tier.Value)],
        };

        public static void AddDearest(Dictionary<Meter, decimal> prices, Meter meter, decimal perUnit)
        {
            var price = Price(meter, perUnit);
            if (!prices.TryGetValue(meter, out var other) || other < price) prices[meter] = price;
        }

        static decimal Price(Meter meter, decimal perUnit)
        {
            // Beyond any price, and no longer safe to multiply; the check of the catalog says no to it.
            if (Math.Abs(perUnit) > 1_000_000) return perUnit;
            return decimal.Round(perUnit * meter.Per(), PriceDecimals) / 1.0000000000000000000000000000m;
        }
    }

    [GeneratedRegex(@"^(.+)_above_(\d{1,6})k_tokens\z")]
    private static partial Regex Tier();

    [GeneratedRegex(@"^(.+)_(flex|priority)\z")]
    private static partial Regex ServiceTier();

    [GeneratedRegex(@"(^|/)\d+-x-\d+(/|\z)")]
    private static partial Regex ImageSize();
}
