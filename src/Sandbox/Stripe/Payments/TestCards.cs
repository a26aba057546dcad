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
        new("4000002760000016", "de", Country: "DE"),
        new("4000008260000000", "gb", Country: "GB"),
        new("4000002500000003", "fr", Country: "FR"),
        new("4000007560000009", "ch", Country: "CH"),
        Bad("4000000000000002", "chargeDeclined", Generic),
        Bad("4000000000009995", "chargeDeclinedInsufficientFunds", NoFunds),
        Bad("4000000000009987", "chargeDeclinedLostCard", Lost),
        Bad("4000000000009979", "chargeDeclinedStolenCard", Stolen),
        Bad("4000000000000069", "chargeDeclinedExpiredCard", Expired),
        Bad("4000000000000127", "chargeDeclinedIncorrectCvc", Cvc),
        Bad("4000000000000119", "chargeDeclinedProcessingError", Processing),
        Bad("4000000000006975", "chargeDeclinedVelocityLimitExceeded", Velocity),
        Bad("4100000000000019", "chargeDeclinedFraudulent", Fraudulent),
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
        new("378282246310006", "amex_threeDSecureNotSupported", "amex"),
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
