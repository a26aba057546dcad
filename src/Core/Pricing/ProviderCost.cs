using System.Numerics;

namespace Purser.Core.Pricing;

/// <summary>What a provider charges for a call. A token of a cheap model costs millionths of a cent, so dollars are counted in trillionths.</summary>
public readonly record struct ProviderCost(long PicoUsd)
{
    const decimal PicosPerUsd = 1_000_000_000_000;

    public static ProviderCost Zero => default;

    public decimal ToUsd() => PicoUsd / PicosPerUsd;

    internal static ProviderCost RoundedUp(Fraction usd) => new((long)BigInteger.Min((usd * PicosPerUsd).Ceiling(), long.MaxValue));
}
