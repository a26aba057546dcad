using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>Credits that are taken.</summary>
public sealed class Charges
{
    const int MostAtOnce = 1000;

    readonly Transport transport;

    internal Charges(Transport transport) => this.transport = transport;

    /// <summary>Takes credits, or throws <see cref="InsufficientCreditsException"/> and takes none.</summary>
    /// <param name="customer">Your own id of who pays.</param>
    /// <param name="charge">How many, or what for.</param>
    /// <param name="cancellationToken">Gives up at once. Whether the charge happened nevertheless shows when it is made
    /// again with its key.</param>
    public Task<Charge> CreateAsync(string customer, NewCharge charge, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(charge);
        charge.Check();
        return transport.Post(
            $"v1/customers/{Checked.Segment(customer)}/charges",
            charge, Wire.Default.NewCharge, Wire.Default.Charge, cancellationToken);
    }

    /// <summary>
    /// Makes up to 1,000 charges in one call, each decided on its own: some may succeed where others are refused.
    /// </summary>
    /// <param name="charges">Who pays what.</param>
    /// <param name="idempotencyKey">Names the call. A charge without a key of its own gets one made of this and its place,
    /// so the same charges sent again under the same key happen once. Left out, one is generated.</param>
    /// <param name="cancellationToken">Gives up at once.</param>
    /// <returns>One result for each charge, in the same order.</returns>
    public async Task<IReadOnlyList<ChargeResult>> CreateManyAsync(
        IEnumerable<CustomerCharge> charges,
        string? idempotencyKey = null,
        CancellationToken cancellationToken = default)
    {
        var key = idempotencyKey ?? transport.NewKey();
        var keyed = charges
            .Select((charge, place) => charge with { IdempotencyKey = charge.IdempotencyKey ?? $"{key}.{place}" })
            .ToArray();
        foreach (var charge in keyed) charge.Check();
        if (keyed.Length > MostAtOnce)
            throw new ArgumentException($"{keyed.Length} charges; one call takes {MostAtOnce}.", nameof(charges));
        if (keyed.Length == 0) return [];

        var body = new ManyCharges { Charges = keyed, IdempotencyKey = key };
        var answer = await transport
            .Post("v1/charges", body, Wire.Default.ManyCharges, Wire.Default.ManyResults, cancellationToken)
            .ConfigureAwait(false);
        try
        {
            return answer.For(keyed);
        }
        catch (JsonException e)
        {
            throw (Failure.Unreadable(e) with { Key = key }).AsException();
        }
    }
}

/// <summary>A charge to make.</summary>
public sealed record NewCharge : Metered;

/// <summary>A charge to make among others.</summary>
public sealed record CustomerCharge : Metered
{
    /// <summary>Your own id of who pays.</summary>
    public required string Customer { get; init; }

    // Among many there is no header for it.
    [JsonInclude, JsonPropertyName("idempotency_key")]
    internal string? WireKey => IdempotencyKey;
}

/// <summary>Credits that were taken.</summary>
public sealed record Charge : Answer
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>How many were taken.</summary>
    public required decimal Amount { get; init; }

    /// <summary>All credits that are left, held ones included.</summary>
    public required decimal Balance { get; init; }

    /// <summary>What can be spent now.</summary>
    public required decimal Available { get; init; }

    /// <summary>How the amount came about, where the catalog priced it.</summary>
    public Quote? Quote { get; init; }
}

/// <summary>What became of one charge among many: a charge, or why not.</summary>
public sealed class ChargeResult
{
    internal ChargeResult(CustomerCharge request, Charge? charge, PurserException? error) =>
        (Request, Charge, Error) = (request, charge, error);

    /// <summary>What was asked for, with the idempotency key it was sent under.</summary>
    public CustomerCharge Request { get; }

    /// <summary>The charge, if it was made.</summary>
    public Charge? Charge { get; }

    /// <summary>Why it was not.</summary>
    public PurserException? Error { get; }

    /// <summary>Whether it was made.</summary>
    [MemberNotNullWhen(true, nameof(Charge))]
    [MemberNotNullWhen(false, nameof(Error))]
    public bool Succeeded => Charge is not null;
}

sealed record ManyCharges : Command
{
    public required IReadOnlyList<CustomerCharge> Charges { get; init; }
}

sealed record ManyResults
{
    public required IReadOnlyList<OneResult> Results { get; init; }

    public IReadOnlyList<ChargeResult> For(CustomerCharge[] charges) => Results.Count == charges.Length
        ? [.. charges.Zip(Results, (charge, result) => result.For(charge))]
        : throw new JsonException($"{charges.Length} charges were sent, and {Results.Count} results came back.");
}

sealed record OneResult
{
    public Charge? Charge { get; init; }
    public JsonElement? Error { get; init; }
    public bool Replayed { get; init; }

    public ChargeResult For(CustomerCharge request)
    {
        if (Charge is null)
            return new(request, null, Failure.Of(Error ?? default, request.IdempotencyKey!).AsException());

        Charge.Replayed = Replayed;
        return new(request, Charge, null);
    }
}
