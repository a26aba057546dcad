namespace Purser.Sandbox.Stripe.Pages;

/// <summary>The fields in which a payment method is entered, and the payment method they describe.</summary>
static class CardForm
{
    // Nobody remembers the numbers; on Stripe's own page they are only in its documentation.
    public static readonly Html Help = new("""
        <details id="help"><summary>Cards for testing</summary>
        <p><code>4242 4242 4242 4242</code> pays · <code>4000 0000 0000 0002</code> is refused · <code>4000 0000 0000 9995</code> lacks funds ·
        <code>4000 0000 0000 3220</code> asks the bank · <code>4000 0000 0000 0341</code> pays nothing later. Any date to come, any code.</p></details>
        """);

    /// <summary>The choice of method that a session leaves, and its fields.</summary>
    public static Html Methods(JsonObject session, JsonObject sent, StripeError? error)
    {
        var types = session.Texts("payment_method_types").ToList();
        var wrong = error is null ? null : FieldOf(error);
        var address = Html.When(session.Text("billing_address_collection") == "required", Address(sent));
        var card = Html.When(types.Contains("card"), CardFields(sent, wrong));
        if (!types.Contains("sepa_debit")) return Html.Of($"""<h2>Payment method</h2>{card}{address}""");
        var debit = sent.Text("method") == "sepa_debit" || !types.Contains("card");
        return Html.Of($"""
            <h2>Payment method</h2>
            {Html.When(types.Contains("card"), Radio("card", "Card", !debit))}{card}
            {Radio("sepa_debit", "SEPA Direct Debit", debit)}
            <label for="iban">IBAN</label><input id="iban" name="iban" placeholder="DE00 0000 0000 0000 0000 00" value="{sent.Text("iban")}">
            {address}
            """);
    }

    static Html Radio(string value, string label, bool chosen) => Html.Of($"""
        <label><input type="radio" name="method" value="{value}" {Html.When(chosen, new Html("checked"))}> {label}</label>
        """);

    static Html Address(JsonObject sent) => Html.Of($"""
        {Layout.Field("billingAddressLine1", "Address", sent, "address-line1")}
        {Layout.Field("billingLocality", "City", sent, "address-level2")}
        {Layout.Field("billingPostalCode", "Postal code", sent, "postal-code")}
        """);

    /// <summary>The card fields, by the names that Stripe's own page gives them.</summary>
    public static Html CardFields(JsonObject sent, string? wrong)
    {
        string Class(string field) => wrong == field ? "wrong" : "";
        return Html.Of($"""
            <fieldset class="card"><legend>Card information</legend>
            <input id="cardNumber" name="cardNumber" class="{Class("number")}" inputmode="numeric" autocomplete="cc-number" placeholder="1234 1234 1234 1234" aria-label="Card number" value="{sent.Text("cardNumber")}">
            <div class="pair">
            <input id="cardExpiry" name="cardExpiry" class="{Class("expiry")}" inputmode="numeric" autocomplete="cc-exp" placeholder="MM / YY" aria-label="Expiration" value="{sent.Text("cardExpiry")}">
            <input id="cardCvc" name="cardCvc" class="{Class("cvc")}" inputmode="numeric" autocomplete="cc-csc" placeholder="CVC" aria-label="CVC">
            </div></fieldset>
            <label for="billingName">Cardholder name</label>
            <input id="billingName" name="billingName" autocomplete="cc-name" placeholder="Full name on card" value="{sent.Text("billingName")}">
            <label for="billingCountry">Country or region</label>
            <select id="billingCountry" name="billingCountry">{Countries(sent.Text("billingCountry") ?? "US")}</select>
            """);
    }

    static Html Countries(string chosen) => Html.Join(
        new[] { ("US", "United States"), ("DE", "Germany"), ("FR", "France"), ("GB", "United Kingdom"),
            ("ES", "Spain"), ("IT", "Italy"),
            ("NL", "Netherlands"), ("CH", "Switzerland"), ("AT", "Austria"), ("CA", "Canada"), ("AU", "Australia"),
                ("JP", "Japan") }
        .Select(c => c.Item1 == chosen
            ? Html.Of($"""<option value="{c.Item1}" selected>{c.Item2}</option>""")
            : Html.Of($"""<option value="{c.Item1}">{c.Item2}</option>""")));

    /// <summary>The payment method that the fields of a form describe.</summary>
    public static JsonObject MethodOf(JsonObject sent)
    {
        var billing = new JsonObject
        {
            ["name"] = sent.Text("billingName"),
            ["email"] = sent.Text("email"),
            ["address"] = new JsonObject
            {
                ["city"] = sent.Text("billingLocality"),
                ["country"] = sent.Text("billingCountry"),
                ["line1"] = sent.Text("billingAddressLine1"),
                ["postal_code"] = sent.Text("billingPostalCode"),
            },
        };
        if (sent.Text("method") == "sepa_debit")
        {
            return new()
            {
                ["type"] = "sepa_debit",
                ["sepa_debit"] = new JsonObject { ["iban"] = sent.Text("iban") ?? "" },
                ["billing_details"] = billing,
            };
        }
        var (month, year) = Expiry(sent.Text("cardExpiry") ?? "");
        var number = (sent.Text("cardNumber") ?? "").Trim();
        if (number.Length == 0) throw Incomplete("Your card number is incomplete.", "incomplete_number", "number");
        if (string.IsNullOrEmpty(sent.Text("cardCvc")))
        {
            throw Incomplete("Your card's security code is incomplete.", "incomplete_cvc", "cvc");
        }
        return new()
        {
            ["type"] = "card",
            ["card"] = new JsonObject { ["number"] = number, ["exp_month"] = month, ["exp_year"] = year,
                ["cvc"] = sent.Text("cardCvc")!.Trim() },
            ["billing_details"] = billing,
        };
    }

    static (long Month, long Year) Expiry(string text)
    {
        var digits = string.Concat(text.Where(char.IsAsciiDigit));
        return digits.Length == 4
            ? (long.Parse(digits[..2], CultureInfo.InvariantCulture), 2000
                + long.Parse(digits[2..], CultureInfo.InvariantCulture))
            : throw Incomplete("Your card's expiration date is incomplete.", "incomplete_expiry", "exp_month");
    }

    static StripeError Incomplete(string message, string code, string param) =>
        new(402, "card_error", message) { Code = code, Param = param };

    /// <summary>Which field an error belongs to.</summary>
    public static string? FieldOf(StripeError error) => error.Param switch
    {
        "number" => "number",
        "exp_month" or "exp_year" => "expiry",
        "cvc" => "cvc",
        _ => error.Code == "card_declined" ? "number" : null,
    };
}
