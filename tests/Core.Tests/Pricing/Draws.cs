using FsCheck;
using FsCheck.Fluent;

namespace Purser.Core.Tests.Pricing;

/// <summary>Numbers from which a test makes up a whole case, one after the other. Simpler cases have smaller ones.</summary>
sealed class Draws(int[] numbers)
{
    const int Most = 1_000_000;

    int next;

    public static void ForAll(Func<Draws, bool> holds) =>
        Prop.ForAll(
            Gen.Choose(0, Most).ArrayOf(120).ToArbitrary(),
            numbers => holds(new(numbers))).QuickCheckThrowOnFailure();

    /// <summary>0 to <paramref name="most"/>.</summary>
    public long UpTo(long most) => (long)((Int128)most * Number() / Most);

    public bool Either() => Number() % 2 == 1;

    public T OneOf<T>(params ReadOnlySpan<T> choices) => choices[Number() % choices.Length];

    /// <summary>A number with at most nine decimals, below a thousand.</summary>
    public decimal Decimal() => new(Number(), 0, 0, false, (byte)(3 + (Number() % 7)));

    int Number() => numbers[next++ % numbers.Length];
}
