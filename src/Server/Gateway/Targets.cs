using Purser.Core.Gateway;
using Purser.Core.Pricing;
using Purser.Server.Catalog;
using Purser.Server.Gateway.Providers;

namespace Purser.Server.Gateway;

/// <summary>A model that a request may be answered by.</summary>
/// <param name="Name">What its provider calls it.</param>
sealed record Target(ModelCard Card, Upstream Provider, string Name)
{
    /// <summary>A request as its provider understands it.</summary>
    public CallRequest Understood(CallRequest request) =>
        Provider.Facts.HeedsBothLimits ? request : request.Heeding(Provider.Facts.LimitMember);
}

/// <summary>Finds what a request asks for, and what may stand in for it.</summary>
sealed class Targets(CurrentCatalog catalog, ProviderTable providers)
{
    public RateCard Rates => catalog.Rates;

    /// <summary>The model that is named, and its fallbacks in their order; or why there is none.</summary>
    public (IReadOnlyList<Target> Found, GatewayError? Error) Find(CallRequest request, VirtualKey key)
    {
        if (catalog.Rates.Model(request.Model) is not { } card) return ([], Unknown(request.Model));
        if (!key.Allows(card.Rate.FullName))
        {
            return ([], new(StatusCodes.Status403Forbidden, "model_not_allowed", $"This key may not use {card.Rate.FullName}.") { Param = "model" });
        }

        var dialect = DialectOf(request.Wire);
        if (providers.Find(card.Rate.Provider) is not { } provider)
        {
            return ([], new(StatusCodes.Status503ServiceUnavailable, GatewayError.NotConfigured,
                $"{card.Rate.Provider} is not configured here: set {ProviderTable.Variable(card.Rate.Provider)}."));
        }

        if (provider.Facts.Dialect != dialect) return ([], Elsewhere(card, provider.Facts.Dialect));

        var found = new List<Target> { new(card, provider, ProvidersName(request.Model, card)) };
        foreach (var name in card.Rate.Fallbacks)
        {
            if (catalog.Rates.Model(name) is { } other && key.Allows(other.Rate.FullName)
                && providers.Find(other.Rate.Provider) is { } elsewhere && elsewhere.Facts.Dialect == dialect)
                found.Add(new(other, elsewhere, other.Rate.Name));
        }

        return (found, null);
    }

    /// <summary>The models that a key may use through that API.</summary>
    public IEnumerable<ModelCard> Usable(VirtualKey key, Dialect dialect) =>
        from card in catalog.Rates.Models
        where key.Allows(card.Rate.FullName) && providers.Find(card.Rate.Provider) is { } provider && provider.Facts.Dialect == dialect
        select card;

    public static Dialect DialectOf(Wire wire) => wire is Wire.Messages or Wire.CountTokens ? Dialect.Anthropic : Dialect.OpenAi;

    // A dated name of the same model is the caller's wish; only our way to say whose it is has to go.
    static string ProvidersName(string asked, ModelCard card) =>
        asked.StartsWith(card.Rate.Provider + "/", StringComparison.Ordinal) ? asked[(card.Rate.Provider.Length + 1)..] : asked;

    GatewayError Unknown(string model) => new(
        StatusCodes.Status404NotFound, "model_not_found", catalog.Rates.WhyUnknown(model)) { Param = "model" };

    static GatewayError Elsewhere(ModelCard card, Dialect dialect) => new(
        StatusCodes.Status404NotFound,
        "model_not_found",
        $"{card.Rate.FullName} is called through {(dialect == Dialect.Anthropic ? "/anthropic/v1/messages" : "/openai/v1")}.") { Param = "model" };
}
