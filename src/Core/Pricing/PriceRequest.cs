namespace Purser.Core.Pricing;

/// <summary>What a caller wants priced: a named operation of the product, or the usage of an AI model.</summary>
public abstract record PriceRequest
{
    PriceRequest() { }

    /// <param name="Quantities">Amounts by unit, such as words or pages. An operation with a flat price needs none.</param>
    public sealed record Operation(string Name, IReadOnlyDictionary<string, decimal> Quantities) : PriceRequest;

    /// <param name="Name"><c>provider/model</c>, or the model alone where one provider only offers it.</param>
    /// <param name="Usage">
    /// Disjoint counts by <see cref="Meter"/>: cached tokens are not input tokens, reasoning tokens are not output tokens.
    /// </param>
    public sealed record Model(string Name, IReadOnlyDictionary<string, long> Usage) : PriceRequest
    {
        /// <summary>The service that the provider says it gave, as the catalog names it; nothing for the ordinary one.</summary>
        public string? ServiceTier { get; init; }
    }
}

/// <summary>Why a request has no price. Declared in order of precedence: the first that applies is the answer.</summary>
public enum PricingRefusal
{
    UnknownOperation,
    UnknownModel,
    UnknownServiceTier,
    UnknownQuantity,
    QuantityOutOfRange,
    MissingQuantity,
    AmountOutOfRange,
}

public abstract record Quotation
{
    Quotation() { }

    public sealed record Priced(Quote Quote) : Quotation;

    /// <param name="Param">The member of the request at fault, as an API answer names it.</param>
    public sealed record Refused(PricingRefusal Why, string Param, string Message) : Quotation;
}

/// <summary>An itemised price. The amounts of its lines add up to <see cref="Amount"/> exactly.</summary>
/// <param name="Subject">What was priced: an operation, or a model as <c>provider/model</c>.</param>
public sealed record Quote(int CatalogVersion, string Subject, Credits Amount, IReadOnlyList<QuoteLine> Lines);

/// <summary>One line of a quote, in credits.</summary>
/// <remarks>
/// Exact wherever fifteen decimals suffice. Beyond them a line is cut, never rounded up, and the line called
/// <c>rounding</c> makes up for it, as it does for the rounding of the sum.
/// </remarks>
public sealed record QuoteLine(string Item, decimal Quantity, decimal UnitPrice, decimal Amount);
