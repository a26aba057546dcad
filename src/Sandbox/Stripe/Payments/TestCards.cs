namespace Purser.Sandbox.Stripe.Payments;

/// <summary>When a card asks its holder to confirm.</summary>
enum Challenge
{
    None,

    /// <summary>Unless the card was set up for payments without its holder.</summary>
    UnlessSetUp,

    /// <summary>Always while the holder is there; without the holder it goes through.</summary>
    OnSession,

    Always,
}

enum DisputeKind { None, Fraudulent, NotReceived, Inquiry, EarlyWarning, Several }

enum RefundKind { Normal, Pending, Failing }

/// <summary>Why a card is refused, in the words of the API and of its holder.</summary>
sealed record Decline(string Code, string? DeclineCode, string Message, string? Advice = "try_again_later")
{
    static readonly string[] Hard = ["lost_card", "stolen_card", "pickup_card", "fraudulent",
        "authentication_required"];

    /// <summary>Trying such a card again is pointless until its holder gives another.</summary>
    public bool IsHard => Hard.Contains(DeclineCode) || Code == "expired_card";
}

sealed record TestCard(string Number, string Token, string Brand = "visa", string Country = "US",
    string Funding = "credit")
{
    public Decline? Decline { get; init; }
    public bool Attaches { get; init; } = true;
    public Challenge Challenge { get; init; }
    public DisputeKind Dispute { get; init; }
    public RefundKind Refund { get; init; }

    /// <summary>What the bank says of code, street and postal code, where they were given.</summary>
    public (string Cvc, string Line1, string Zip) Checks { get; init; } = ("pass", "pass", "pass");

    /// <summary>What Stripe thinks of the payment; the highest risk it does not even try.</summary>
    public string Risk { get; init; } = "normal";

    public string Last4 => Number[^4..];
}

/// <summary>Stripe's test cards: what happens is decided by the number.</summary>
static class TestCards
{
    const string Declined = "Your card was declined.";
    static readonly Decline Generic = new("card_declined", "generic_decline", Declined);
    static readonly Decline NoFunds = new("card_declined", "insufficient_funds", "Your card has insufficient funds.");
    static readonly Decline Lost = new("card_declined", "lost_card", Declined, "do_not_try_again");
    static readonly Decline Stolen = new("card_declined", "stolen_card", Declined, "do_not_try_again");
    static readonly Decline Fraudulent = new("card_declined", "fraudulent", Declined, "do_not_try_again");
    static readonly Decline Velocity = new("card_declined", "card_velocity_exceeded",
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.");
    static readonly Decline Expired = new("expired_card", null, "Your card has expired.", "do_not_try_again");
    static readonly Decline Cvc = new("incorrect_cvc", null, "Your card's security code is incorrect.",
        "confirm_card_data");
    static readonly Decline Processing = new("processing_error", null,
        "An error occurred while processing your card. Try again in a little bit.");

    public static readonly Decline NeedsHolder = new("authentication_required", "authentication_required",
        "Your card was declined. This transaction requires authentication.");

    public static readonly Decline NotAuthenticated = new("payment_intent_authentication_failure", null,
        "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to "
        + "fulfill this PaymentIntent again.");

    const string ByCountry = "ar 4000000320000021 br 4000000760000002 ca 4000001240000000 cl 4000001520000001 "
        + "co 4000001700000003 cr 4000001880000005 ec 4000002180000000 mx 4000004840008001 pa 4000005910000000 "
        + "py 4000006000000066 pe 4000006040000068 uy 4000008580000003 ae 4000007840000001 at 4000000400000008 "
        + "be 4000000560000004 bg 4000001000000000 by 4000001120000005 hr 4000001910000009 cy 4000001960000008 "
        + "cz 4000002030000002 dk 4000002080000001 ee 4000002330000009 fi 4000002460000001 fr 4000002500000003 "
        + "de 4000002760000016 gi 4000002920000005 gr 4000003000000030 hu 4000003480000005 ie 4000003720000005 "
        + "it 4000003800000008 lv 4000004280000005 li 4000004380000004 lt 4000004400000000 lu 4000004420000006 "
        + "mt 4000004700000007 nl 4000005280000002 no 4000005780000007 pl 4000006160000005 pt 4000006200000007 "
        + "ro 4000006420000001 sa 4000006820000007 si 4000007050000006 sk 4000007030000001 es 4000007240000007 "
        + "se 4000007520000008 ch 4000007560000009 gb 4000008260000000 au 4000000360000006 cn 4000001560000002 "
        + "hk 4000003440000004 in 4000003560000008 jp 4000003920000003 my 4000004580000002 nz 4000005540000008 "
        + "sg 4000007020000003 tw 4000001580000008 th 4000007640000003";

    static readonly TestCard[] All =
    [
        new("4242424242424242", "visa"),
        new("4000056655665556", "visa_debit", Funding: "debit"),
        new("5555555555554444", "mastercard", "mastercard"),
        new("2223003122003222", "mastercard_2series", "mastercard"),
        new("5200828282828210", "mastercard_debit", "mastercard", Funding: "debit"),
        new("5105105105105100", "mastercard_prepaid", "mastercard", Funding: "prepaid"),
        new("378282246310005", "amex", "amex"),
        new("371449635398431", "amex_2", "amex"),
        new("6011111111111117", "discover", "discover"),
        new("3056930009020004", "diners", "diners"),
        new("3566002020360505", "jcb", "jcb", "JP"),
        new("6200000000000005", "unionpay", "unionpay", "CN"),
        new("36227206271667", "diners_14digits", "diners"),
        new("6555900000604105", "bccard", "discover", "KR"),
        new("6205500000000000004", "unionpay_19digits", "unionpay", "CN"),
        .. ByCountry.Split(' ').Chunk(2).Select(c => new TestCard(c[1], c[0], Country: c[0].ToUpperInvariant())),
        new("4000000000000010", "avsFail") { Checks = ("pass", "fail", "fail") },
        new("4000000000000028", "avsLine1Fail") { Checks = ("pass", "fail", "pass") },
        new("4000000000000036", "avsZipFail") { Checks = ("pass", "pass", "fail") },
        new("4000000000000044", "avsUnchecked") { Checks = ("pass", "unavailable", "unavailable") },
        new("4000000000000101", "cvcCheckFail") { Checks = ("fail", "pass", "pass") },
        new("4000000000009235", "riskLevelElevated") { Risk = "elevated" },
        new("4000000000004954", "riskLevelHighest") { Decline = Fraudulent, Risk = "highest" },
        Bad("4000000000000002", "chargeDeclined", Generic),
        Bad("4000000000009995", "chargeDeclinedInsufficientFunds", NoFunds),
        Bad("4000000000009987", "chargeDeclinedLostCard", Lost),
        Bad("4000000000009979", "chargeDeclinedStolenCard", Stolen),
        Bad("4000000000000069", "chargeDeclinedExpiredCard", Expired),
        Bad("4000000000000127", "chargeDeclinedIncorrectCvc", Cvc),
        Bad("4000000000000119", "chargeDeclinedProcessingError", Processing),
        Bad("4000000000006975", "chargeDeclinedVelocityLimitExceeded", Velocity),
        Bad("4100000000000019", "chargeDeclinedFraudulent", Fraudulent) with { Risk = "highest" },
        new("4000000000000341", "chargeCustomerFail") { Decline = Generic },
        new("4000002500003155", "authenticationRequiredOnSetup", Country: "FR") { Challenge = Challenge.UnlessSetUp },
        new("4000002760003184", "authenticationRequired", Country: "DE") { Challenge = Challenge.Always },
        new("4000003800000446", "authenticationRequiredSetupForOffSession",
            Country: "HR") { Challenge = Challenge.OnSession },
        new("4000008260003178", "authenticationRequiredChargeDeclinedInsufficientFunds", Country: "GB")
        {
            Challenge = Challenge.Always,
            Decline = NoFunds,
        },
        new("4000000000003220", "threeDSecure2Required") { Challenge = Challenge.Always },
        new("4000000000003063", "threeDSecureRequired") { Challenge = Challenge.Always },
        new("4000000000003055", "threeDSecureOptional"),
        new("378282246310005", "amex_threeDSecureNotSupported", "amex"),
        new("4000000000000259", "createDispute") { Dispute = DisputeKind.Fraudulent },
        new("4000000000002685", "createDisputeProductNotReceived") { Dispute = DisputeKind.NotReceived },
        new("4000000000001976", "createDisputeInquiry") { Dispute = DisputeKind.Inquiry },
        new("4000000000005423", "createIssuerFraudRecord") { Dispute = DisputeKind.EarlyWarning },
        new("4000000404000079", "createMultipleDisputes") { Dispute = DisputeKind.Several },
        new("4000000000007726", "pendingRefund") { Refund = RefundKind.Pending },
        new("4000000000005126", "refundFail") { Refund = RefundKind.Failing },
        new("4000000000000077", "bypassPending"),
    ];

    static TestCard Bad(string number, string token, Decline why) =>
        new(number, token) { Decline = why, Attaches = false };

    public static TestCard? ByNumber(string number) => Array.Find(All, c => c.Number == number);

    /// <summary>By pm_card_… or tok_…; some names exist with and without the brand in them.</summary>
    public static TestCard? ByToken(string token)
    {
        var name = token.StartsWith("pm_card_", StringComparison.Ordinal) ? token["pm_card_".Length..]
            : token.StartsWith("tok_", StringComparison.Ordinal) ? token["tok_".Length..] : null;
        if (name is null) return null;
        return Array.Find(All, c => c.Token == name) ??
            (name.StartsWith("visa_", StringComparison.Ordinal)
                ? Array.Find(All, c => c.Token == name["visa_".Length..]) : null);
    }

    /// <summary>
    /// Real numbers outside the list are refused, as in test mode; a wrong check digit is said to be wrong.
    /// </summary>
    public static TestCard Entered(string number)
    {
        var digits = number.Replace(" ", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
        if (ByNumber(digits) is { } card) return card;
        if (digits.Length is < 13 or > 19 || !digits.All(char.IsAsciiDigit) || !HasCheckDigit(digits))
        {
            throw new StripeError(402, "card_error", "Your card number is incorrect.") { Code = "incorrect_number",
                Param = "number" };
        }
        throw new StripeError(402, "card_error",
            "Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of valid test cards, "
            + "visit: https://stripe.com/docs/testing.")
        {
            Code = "card_declined",
            DeclineCode = "test_mode_live_card",
            Param = "",
        };
    }

    static bool HasCheckDigit(string digits)
    {
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] - '0';
            if (i % 2 == 1) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
            sum += digit;
        }
        return sum % 10 == 0;
    }
}
