namespace Purser.Core.Payments;

/// <summary>
/// How many of its smallest units make one of a currency, as Stripe counts them. Written down here, because what a
/// machine's culture says of a currency is another matter, and changes.
/// </summary>
public static class Currencies
{
    static readonly HashSet<string> WithoutDecimals =
    [
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
    ];

    static readonly HashSet<string> WithThree = ["bhd", "jod", "kwd", "omr", "tnd"];

    // They have no smaller unit, and Stripe takes them with two decimals all the same, which must be zero.
    static readonly HashSet<string> WholeInTwo = ["isk", "ugx"];

    public static int Decimals(string currency) => WithoutDecimals.Contains(currency) ? 0 : WithThree.Contains(currency) ? 3 : 2;

    /// <summary>The step in which Stripe takes amounts of it.</summary>
    public static int Step(string currency) => WholeInTwo.Contains(currency) ? 100 : WithThree.Contains(currency) ? 10 : 1;

    /// <summary>For people: 9.99 USD, 1500 JPY, 1.500 KWD.</summary>
    public static string Show(Money money)
    {
        var decimals = Decimals(money.Currency);
        var amount = new decimal(Math.Abs(money.Minor)) / Power(decimals);
        var text = amount.ToString($"F{decimals}", System.Globalization.CultureInfo.InvariantCulture);
        return $"{(money.Minor < 0 ? "-" : "")}{text} {money.Currency.ToUpperInvariant()}";
    }

    static decimal Power(int decimals) => decimals switch { 0 => 1, 2 => 100, _ => 1000 };
}
