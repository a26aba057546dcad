namespace Purser.Core;

/// <summary>Fiat in its minor unit, as Stripe sends it. Never converts to <see cref="Credits"/>.</summary>
/// <param name="Currency">ISO 4217 in lower case, as Stripe spells it: usd, eur, jpy.</param>
public readonly record struct Money(long Minor, string Currency)
{
    public static Money operator +(Money a, Money b) => a.Currency == b.Currency
        ? a with { Minor = a.Minor + b.Minor }
        : throw new InvalidOperationException($"{a.Currency} and {b.Currency} do not add.");

    public static bool IsCurrency(string text) => text.Length == 3 && text.All(char.IsAsciiLetterLower);

    public override string ToString() => $"{Minor} {Currency}";
}
