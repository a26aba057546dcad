namespace Purser.Core.Pricing;

/// <summary>
/// The dearest that a call can come to, whatever of its tokens the provider reads from its cache, writes there, thinks with
/// or speaks, and whichever of the possible services it gives.
/// </summary>
public static class WorstCases
{
    /// <summary>No usage within the bound has a higher price at the same time.</summary>
    public static Quotation WorstCase(this RateCard card, ModelCard model, CallBound bound, DateTimeOffset now)
    {
        if (Tables(model, bound, now, out var tables) is { } refused) return refused;

        Tally? dearest = null;
        foreach (var prices in tables)
        {
            var tally = Dearest(card, model, bound, prices);
            if (dearest is null || tally.IsAbove(dearest)) dearest = tally;
        }

        return card.Close(dearest!, model.Rate.FullName, "usage");
    }

    /// <summary>
    /// Of the answer that the bound allows, as many tokens as an amount pays for in the worst case. Nothing, where it does not
    /// even pay for a call without an answer, or the call has no price at all.
    /// </summary>
    public static long? MostOutput(
        this RateCard card, ModelCard model, CallBound bound, Credits amount, DateTimeOffset now)
    {
        if (Tables(model, bound, now, out var tables) is not null) return null;

        var limit = card.Affordable(amount);
        var most = bound.OutputTokens;
        foreach (var prices in tables)
        {
            var silent = Dearest(card, model, bound with { OutputTokens = 0 }, prices).Sum;
            if (silent > limit) return null;

            var price = prices.Dearest(Output(bound)) is { } meter ? prices[meter]!.Exact : Fraction.Zero;
            if (price.IsZero) continue;
            var paid = ((limit - silent) / price).Floor();
            if (paid < most) most = (long)paid;
        }

        return most;
    }

    // All tables that the provider may price the call by. Those of one model have prices for the same meters.
    static Quotation.Refused? Tables(ModelCard model, CallBound bound, DateTimeOffset now, out List<PriceTable> tables)
    {
        tables = [];
        if (OutOfRange(bound)) return Quantities.Refuse("usage", Quantities.Max);

        var period = model.At(now);
        foreach (var tier in bound.ServiceTiers)
        {
            if (period.At(now, tier) is not { } service) return model.NoSuchService(tier);
            service.AddReachable(bound.PromptTokens, tables);
        }

        return tables.Count > 0
            ? Unpriced(model, bound, tables[0])
            : throw new InvalidOperationException("A call is given one service of several, and these are none.");
    }

    static bool OutOfRange(CallBound bound)
    {
        ReadOnlySpan<long> counts =
        [
            bound.TextTokens, bound.AudioTokens, bound.ImageTokens, bound.OutputTokens,
            bound.Pictures, bound.Seconds, bound.WebSearches,
        ];
        foreach (var count in counts)
            if (Quantities.OutOfRange(count)) return true;

        return false;
    }

    static Quotation.Refused? Unpriced(ModelCard model, CallBound bound, PriceTable prices)
    {
        ReadOnlySpan<(bool Needed, Meter Meter)> needs =
        [
            (bound.TextTokens > 0, Meter.InputTokens),
            (bound.AudioTokens > 0, Meter.InputAudioTokens),
            // A model with one price for everything it reads counts pictures in it.
            (bound.ImageTokens > 0, prices[Meter.InputTokens] is null ? Meter.InputImageTokens : Meter.InputTokens),
            (bound.OutputTokens > 0, Meter.OutputTokens),
            (bound.AudioOut, Meter.OutputAudioTokens),
            (bound.Seconds > 0, Meter.Seconds),
            (bound.WebSearches > 0, Meter.WebSearches),
            (bound.Pictures > 0, prices[Meter.OutputImageTokens] is null ? Meter.Images : Meter.OutputImageTokens),
        ];
        foreach (var (needed, meter) in needs)
            if (needed && prices[meter] is null) return model.NoPrice(meter);

        if (bound.Pictures == 0 || prices[Meter.OutputImageTokens] is null) return null;
        if (model.Rate.MaxOutput is { } each)
            return bound.Pictures > Quantities.Max / each ? Quantities.Refuse("usage", Quantities.Max) : null;

        return new(
            PricingRefusal.MissingQuantity,
            "model",
            $"The catalog does not say how many tokens a picture of {model.Rate.FullName} takes: it lacks max_output.");
    }

    // Every price is of one meter only, so that the dearest of a call is the dearest of each of its parts.
    static Tally Dearest(RateCard card, ModelCard model, CallBound bound, PriceTable prices)
    {
        var text = prices.Dearest(Text(bound.CacheWrites));
        var counts = new Counts();
        counts.Add(text, bound.TextTokens);
        counts.Add(
            prices.Dearest([text ?? Meter.InputAudioTokens, Meter.InputAudioTokens, Meter.CachedInputAudioTokens]),
            bound.AudioTokens);
        counts.Add(prices.Dearest([text ?? Meter.InputImageTokens, Meter.InputImageTokens]), bound.ImageTokens);
        counts.Add(prices.Dearest(Output(bound)), bound.OutputTokens + PictureTokens(model, bound, prices));
        counts.Add(prices[Meter.Images] is null ? null : Meter.Images, bound.Pictures);
        counts.Add(Meter.Seconds, bound.Seconds);
        counts.Add(Meter.WebSearches, bound.WebSearches);

        var tally = card.Open();
        counts.AddTo(tally, prices);
        return tally;
    }

    // A picture is billed as one or by its tokens; which of it, the prices of the model say.
    static long PictureTokens(ModelCard model, CallBound bound, PriceTable prices) =>
        prices[Meter.OutputImageTokens] is null ? 0 : bound.Pictures * (model.Rate.MaxOutput ?? 0);

    static ReadOnlySpan<Meter> Text(CacheWrites writes) => writes switch
    {
        CacheWrites.None => [Meter.InputTokens, Meter.CachedInputTokens],
        CacheWrites.Minutes => [Meter.InputTokens, Meter.CachedInputTokens, Meter.CacheWriteTokens],
        CacheWrites.Hour =>
        [
            Meter.InputTokens, Meter.CachedInputTokens, Meter.CacheWriteTokens, Meter.CacheWrite1hTokens,
        ],
        CacheWrites.HalfDay =>
        [
            Meter.InputTokens, Meter.CachedInputTokens, Meter.CacheWriteTokens, Meter.CacheWrite1hTokens,
            Meter.CacheWrite12hTokens,
        ],
    };

    static ReadOnlySpan<Meter> Output(CallBound bound) => bound.AudioOut
        ? [Meter.OutputTokens, Meter.ReasoningTokens, Meter.OutputImageTokens, Meter.OutputAudioTokens]
        : [Meter.OutputTokens, Meter.ReasoningTokens, Meter.OutputImageTokens];
}
