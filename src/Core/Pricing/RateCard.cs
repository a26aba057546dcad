using System.Collections.Frozen;

namespace Purser.Core.Pricing;

/// <summary>Prices requests by one version of the catalog.</summary>
public sealed class RateCard
{
    readonly Rates rates;
    readonly UnitPrice baseFee;
    readonly FrozenDictionary<string, OperationCard> operations;
    readonly FrozenDictionary<string, ModelCard> models;
    readonly FrozenDictionary<string, string> sharedNames;

    public RateCard(int version, Rates rates)
    {
        this.rates = rates;
        Version = version;
        Operations = [.. from rate in rates.Operations select new OperationCard(rate)];
        Models = [.. from rate in rates.Models select new ModelCard(rate, rates)];
        baseFee = new(rates.BaseFee);
        operations = Operations.ToFrozenDictionary(card => card.Rate.Code);
        (models, sharedNames) = Index(Models);
    }

    public int Version { get; }

    /// <summary>Credits for every model call, whoever pays the provider.</summary>
    public decimal BaseFee => rates.BaseFee;

    public IReadOnlyList<OperationCard> Operations { get; }

    public IReadOnlyList<ModelCard> Models { get; }

    public Quotation Price(PriceRequest request, DateTimeOffset now) => request switch
    {
        PriceRequest.Operation operation => Price(operation),
        PriceRequest.Model model => Price(model, now),
        _ => throw new InvalidOperationException("A request is for an operation or for a model."),
    };

    /// <summary>What the provider charges for the same: without markup, fee and rounding. Nothing for what has no price.</summary>
    public ProviderCost Cost(PriceRequest.Model request, DateTimeOffset now)
    {
        var tally = new Tally();
        return Model(request.Name) is { } card && card.Add(request, now, tally) is null
            ? ProviderCost.RoundedUp(tally.Sum / card.CreditsPerUsd)
            : ProviderCost.Zero;
    }

    /// <summary>The model of that name, with or without its provider.</summary>
    public ModelCard? Model(string name) => models.GetValueOrDefault(name);

    /// <summary>For a name that <see cref="Model"/> does not find.</summary>
    public string WhyUnknown(string name) => sharedNames.TryGetValue(name, out var candidates)
        ? $"'{name}' is offered by several providers: say {candidates}."
        : $"The catalog has no price for a model '{name}'.";

    /// <summary>What a call costs whose provider the customer pays directly: the fee, be it zero.</summary>
    public Quotation FeeAlone(ModelCard model)
    {
        var tally = new Tally();
        tally.State("base_fee", baseFee);
        return Close(tally, model.Rate.FullName, "model");
    }

    /// <summary>A tally of a model call, with what is due for every one.</summary>
    internal Tally Open()
    {
        var tally = new Tally();
        tally.Add("base_fee", 1, baseFee);
        return tally;
    }

    internal Quotation Close(Tally tally, string subject, string param) => tally.Close(Version, subject, param, rates);

    /// <summary>The largest sum that is still within an amount once it is rounded up.</summary>
    internal Fraction Affordable(Credits amount)
    {
        var whole = rates.Rounding == Rounding.Ceil ? decimal.Floor(amount.ToDecimal()) : amount.ToDecimal();
        return Math.Min(whole, rates.MaxCharge.ToDecimal());
    }

    Quotation Price(PriceRequest.Operation request)
    {
        if (!operations.TryGetValue(request.Name, out var card))
        {
            return new Quotation.Refused(
                PricingRefusal.UnknownOperation, "operation", $"The catalog has no operation '{request.Name}'.");
        }

        var tally = new Tally();
        return card.Add(request.Quantities, tally) is { } refused
            ? refused
            : Close(tally, card.Rate.Code, "quantities");
    }

    Quotation Price(PriceRequest.Model request, DateTimeOffset now)
    {
        if (Model(request.Name) is not { } card)
            return new Quotation.Refused(PricingRefusal.UnknownModel, "model", WhyUnknown(request.Name));

        var tally = Open();
        return card.Add(request, now, tally) is { } refused ? refused : Close(tally, card.Rate.FullName, "usage");
    }

    // A full name always means its own model; a bare name means a model only while no second provider offers it.
    static (FrozenDictionary<string, ModelCard>, FrozenDictionary<string, string>) Index(IReadOnlyList<ModelCard> cards)
    {
        var byName = cards.ToDictionary(card => card.Rate.FullName);
        var shared = new Dictionary<string, string>();
        var bare = from card in cards
                   from name in card.Rate.Aliases.Prepend(card.Rate.Name)
                   group card by name;

        foreach (var named in bare)
        {
            if (named.Count() == 1) byName.TryAdd(named.Key, named.Single());
            else shared[named.Key] = string.Join(" or ", from card in named select card.Rate.FullName);
        }

        foreach (var card in cards)
            foreach (var alias in card.Rate.Aliases) byName.TryAdd($"{card.Rate.Provider}/{alias}", card);

        return (byName.ToFrozenDictionary(), shared.ToFrozenDictionary());
    }
}
