namespace Purser.Sandbox.Stripe.Catalog;

/// <summary>
/// The currencies that differ: an amount is always in minor units, but not every currency has a hundred.
/// </summary>
static class Currencies
{
    const long AmountMax = 99_999_999;
    static readonly HashSet<string> ZeroDecimal =
        ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];
    static readonly HashSet<string> ThreeDecimal = ["bhd", "jod", "kwd", "omr", "tnd"];

    // Two decimals on the wire, for compatibility, though there are no coins for them any more.
    static readonly HashSet<string> WholeOnly = ["isk", "ugx"];

    static readonly HashSet<string> Others =
    [
        "usd", "eur", "gbp", "chf", "cad", "aud", "nzd", "sek", "nok", "dkk", "pln", "czk", "huf", "ron", "bgn", "isk",
            "try", "ils",
        "aed", "sar", "qar", "egp", "mad", "zar", "ngn", "kes", "inr", "pkr", "bdt", "lkr", "thb", "myr", "sgd", "hkd",
            "twd", "cny",
        "php", "idr", "mxn", "brl", "ars", "cop", "pen", "uyu", "bob", "crc", "gtq", "dop", "jmd", "ttd", "ugx", "uah",
            "gel", "kzt",
        "rsd", "mkd", "all", "bam", "mdl", "amd", "azn", "mnt", "npr", "mur", "tzs",
    ];

    public static string Checked(string currency, string param)
    {
        var lower = currency.ToLowerInvariant();
        if (ZeroDecimal.Contains(lower) || ThreeDecimal.Contains(lower) || Others.Contains(lower)) return lower;
        throw StripeError.Invalid($"Invalid currency: {currency}. Stripe currently supports these currencies: "
            + $"{string.Join(", ", Others.Concat(ZeroDecimal).Concat(ThreeDecimal))}", param);
    }

    /// <summary>The amount as a person reads it, with the sign first as Stripe's messages have it.</summary>
    public static string Shown(long amount, string currency)
    {
        var digits = Digits(currency);
        var value = amount / (decimal)Math.Pow(10, digits);
        var sign = currency switch { "usd" => "$", "eur" => "€", "gbp" => "£", "jpy" => "¥", _ => "" };
        var text = Math.Abs(value).ToString($"N{digits}", CultureInfo.InvariantCulture);
        return $"{(amount < 0 ? "-" : "")}{(sign.Length > 0 ? sign + text : $"{text} {currency.ToUpperInvariant()}")}";
    }

    public static void CheckChargeable(long amount, string currency, string param)
    {
        if (amount < 1)
        {
            throw StripeError.Invalid("This value must be greater than or equal to 1.", param,
                "parameter_invalid_integer");
        }
        if (amount < Minimum(currency))
        {
            throw StripeError.Invalid($"Amount must be at least {Shown(Minimum(currency), currency)} {currency}",
                param, "amount_too_small");
        }
        if (amount > AmountMax)
        {
            throw StripeError.Invalid($"Amount must be no more than {Shown(AmountMax, currency)}", param,
                "amount_too_large");
        }
        var step = ThreeDecimal.Contains(currency) ? 10 : WholeOnly.Contains(currency) ? 100 : 1;
        if (amount % step != 0)
        {
            throw StripeError.Invalid($"Invalid amount: amounts in {currency} must be divisible by {step}.", param,
                "parameter_invalid_integer");
        }
    }

    static long Minimum(string currency) => currency switch
    {
        "jpy" or "usd" or "eur" or "chf" or "cad" or "aud" => 50,
        "gbp" => 30,
        "dkk" => 250,
        "sek" or "nok" => 300,
        "pln" => 200,
        "huf" => 17_500,
        "czk" => 1_500,
        _ => 50,
    };

    static int Digits(string currency) => ZeroDecimal.Contains(currency) ? 0 : ThreeDecimal.Contains(currency) ? 3 : 2;
}
