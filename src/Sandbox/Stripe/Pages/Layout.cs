namespace Purser.Sandbox.Stripe.Pages;

/// <summary>What all pages of the sandbox look like: a plain form of the pages Stripe hosts.</summary>
static class Layout
{
    public static IResult Page(string title, Html body, int status = 200) => Results.Content(Html.Of($"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex">
        <title>{title}</title>
        <style>{Style}</style>
        </head>
        <body>
        <div class="badge">TEST MODE · sandbox</div>
        {body}
        </body>
        </html>
        """).Text, "text/html; charset=utf-8", statusCode: status);

    public static IResult Message(string title, string text, string? link = null, string? label = null,
        int status = 200) =>
        Page(title, Html.Of($"""
            <main class="single"><h1>{title}</h1><p>{text}</p>
            {Html.When(link is not null, Html.Of($"""<p><a class="button" href="{link}">{label}</a></p>"""))}</main>
            """), status);

    public static IResult Missing() =>
        Message("Something went wrong", "The page you were looking for could not be found.", status: 404);

    public static Html Error(string? message) =>
        Html.When(message is not null, Html.Of($"""<p class="error" role="alert" id="error">{message}</p>"""));

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
            ["address"] = new JsonObject { ["country"] = sent.Text("billingCountry") },
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

    static readonly Html Style = new("""
        * { box-sizing: border-box } body { margin: 0; font: 16px/1.4 system-ui, sans-serif; color: #1a1f36; background: #fff }
        .badge { position: absolute; top: 12px; left: 12px; background: #ffde92; color: #983705; font-size: 11px; font-weight: 600; padding: 2px 6px; border-radius: 4px }
        .split { display: grid; grid-template-columns: 1fr 1fr; min-height: 100vh }
        .split > * { padding: 72px 8% } .summary { background: #f7f8fa } .form { box-shadow: 15px 0 30px rgba(0,0,0,.18) }
        .single { max-width: 640px; margin: 0 auto; padding: 72px 24px }
        .total { font-size: 36px; font-weight: 600; margin: 8px 0 32px } .muted, .summary h1 { color: #697386; font-weight: 500; font-size: 16px }
        .line { display: flex; justify-content: space-between; padding: 8px 0 } .line.sum { border-top: 1px solid #dfe3e8; font-weight: 600 }
        label, legend { display: block; font-size: 13px; font-weight: 500; color: #4f566b; margin: 16px 0 6px; padding: 0 } fieldset { border: 0; margin: 0; padding: 0 }
        input:not([type=radio]), select { width: 100%; padding: 11px 12px; font: inherit; border: 1px solid #d5dbe1; border-radius: 6px; background: #fff }
        input.wrong { border-color: #df1b41; color: #df1b41 } .pair { display: grid; grid-template-columns: 1fr 1fr; margin-top: 6px; gap: 6px }
        button, .button { display: block; width: 100%; margin-top: 24px; padding: 13px; font: 600 16px system-ui, sans-serif; text-align: center; text-decoration: none; color: #fff; background: #0570de; border: 0; border-radius: 6px; cursor: pointer }
        button.plain { background: #fff; color: #1a1f36; border: 1px solid #d5dbe1 } .error { color: #df1b41 } a { color: #0570de }
        section { border-top: 1px solid #dfe3e8; margin-top: 32px; padding-top: 16px } section h2 { font-size: 13px; text-transform: uppercase; color: #697386 }
        @media (max-width: 800px) { .split { grid-template-columns: 1fr } .split > * { padding: 48px 24px } }
        """);
}
