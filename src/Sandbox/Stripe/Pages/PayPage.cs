using Purser.Sandbox.Stripe.Catalog;
using Purser.Sandbox.Stripe.Checkout;
using Purser.Sandbox.Stripe.Customers;

namespace Purser.Sandbox.Stripe.Pages;

/// <summary>The hosted page of a checkout session: what is bought on the left, how it is paid on the right.</summary>
static class PayPage
{
    public static void Map(IEndpointRouteBuilder app, Browser browser)
    {
        app.MapGet("/pay/{id}", (string id) =>
            browser.Show(id, Sessions.Kind, (tx, session) => Show(session, [], null, Before(tx, session))));
        app.MapPost("/pay/{id}", (string id, HttpRequest request) => browser.Act(request, id, Sessions.Kind, Pay,
            (_, session, sent, error) => Show(session, sent, error)));
    }

    static IResult Pay(Call call, JsonObject session, JsonObject sent)
    {
        if (session.Text("status") != "open") return Show(session, [], null);
        var email = sent.Text("email") is { Length: > 0 } given ? given : null;
        if (EmailAsked(session) && (email is null || !email.Contains('@', StringComparison.Ordinal)))
        {
            throw StripeError.Invalid("Your email is incomplete.", "email", "email_invalid");
        }
        Completion.Pay(call, session, PaymentMethods.New(call.Tx, Layout.MethodOf(sent)), email);
        return After(call.Tx, session);
    }

    /// <summary>Where the browser goes next: to the challenge, to the shop, or back to the form.</summary>
    public static IResult After(Tx tx, JsonObject session)
    {
        if (session.Text("status") == "complete") return SeeOther(Success(session) ?? $"/pay/{session.Id()}");
        var intent = (session.Text("payment_intent") ?? session.Text("_payment_intent")
            ?? session.Text("setup_intent")) is { } id ? tx.Find(id) : null;
        return SeeOther(intent?.Text("status") == "requires_action" ? $"/3ds/{intent.Id()}" : $"/pay/{session.Id()}");
    }

    // A redirect that a browser follows with GET, whatever it came with.
    public static IResult SeeOther(string url) => new Redirect(url);

    sealed class Redirect(string url) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = url;
            return Task.CompletedTask;
        }
    }

    static string? Success(JsonObject session) => (session.Text("success_url") ?? session.Text("return_url"))?
        .Replace("{CHECKOUT_SESSION_ID}", session.Id(), StringComparison.Ordinal);

    static bool EmailAsked(JsonObject session) =>
        session.Child("customer_details")?.Text("email") is null && session.Text("customer_email") is null;

    /// <summary>What went wrong on another page, such as a challenge that was not passed.</summary>
    static string? Before(Tx tx, JsonObject session)
    {
        var payment = (session.Text("payment_intent") ?? session.Text("_payment_intent")) is { } id ? tx.Find(id)
            : null;
        var setup = session.Text("setup_intent") is { } other ? tx.Find(other) : null;
        return payment?.Child("last_payment_error")?.Text("message")
            ?? setup?.Child("last_setup_error")?.Text("message");
    }

    static IResult Show(JsonObject session, JsonObject sent, StripeError? error, string? before = null)
    {
        switch (session.Text("status"))
        {
            case "complete":
                return Layout.Message("You're all done here", "This payment has been completed.", Success(session),
                    "Return to the shop");
            case "expired":
                return Layout.Message("This checkout session has expired", "Return to the shop and start again.",
                    session.Text("cancel_url"), "Return");
            default:
                break;
        }
        var refused = error?.Message ?? before;
        return Layout.Page("Checkout", Html.Of($"""
            <div class="split">
            <aside class="summary">{Summary(session)}</aside>
            <main class="form"><form method="post" action="/pay/{session.Id()}" autocomplete="on" novalidate>
            <h1 class="muted">Contact information</h1>
            {Email(session, sent)}
            {Methods(session, sent, error)}
            {Layout.Error(refused)}
            <button type="submit" id="pay" data-testid="hosted-payment-submit-button">{Verb(session)}</button>
            </form></main></div>
            """), error is null ? 200 : 402);
    }

    static Html Summary(JsonObject session)
    {
        var currency = session.Text("currency") ?? "usd";
        var back = session.Text("cancel_url") is { } cancel ? Html.Of($"""<p><a id="back" href="{cancel}">← Back</a></p>""") : Html.None;
        if (session.Text("mode") == "setup") return Html.Of($"""{back}<h1>Save payment details</h1>""");
        var lines = Html.Join(session.Items("_line_items").Select(l => Html.Of($"""
            <div class="line"><span>{l.Text("description")}{Html.When(l.Number("quantity") > 1, Html.Of($" × {l.Number("quantity")}"))}</span><span>{Currencies.Shown(l.Number("amount_total"), currency)}{Every(l)}</span></div>
            """)));
        var trial = session.Child("_subscription_data")?.MaybeNumber("trial_period_days") is { } days
            ? Html.Of($"""<p class="muted">{days} days free</p>""") : Html.None;
        return Html.Of($"""
            {back}<h1>{Title(session)}</h1>
            <p class="total" id="total">{Currencies.Shown(session.Number("amount_total"), currency)}</p>{trial}
            {lines}
            <div class="line sum"><span>Total due today</span><span>{Currencies.Shown(session.Number("amount_total"), currency)}</span></div>
            """);
    }

    static string Title(JsonObject session) => session.Text("mode") == "subscription"
        ? $"Subscribe to {session.Items("_line_items").First().Text("description")}"
        : $"Pay {session.Items("_line_items").First().Text("description")}";

    static string Every(JsonObject line) => line.Child("price")?.Child("recurring") is { } recurring
        ? recurring.Number("interval_count") == 1 ? $" / {recurring.Text("interval")}"
            : $" every {recurring.Number("interval_count")} {recurring.Text("interval")}s"
        : "";

    static Html Email(JsonObject session, JsonObject sent)
    {
        if (EmailAsked(session))
        {
            return Html.Of($"""<label for="email">Email</label><input id="email" name="email" type="email" autocomplete="email" placeholder="email@example.com" value="{sent.Text("email")}">""");
        }
        return Html.Of($"""<p id="email-known">{session.Child("customer_details")?.Text("email") ?? session.Text("customer_email")}</p>""");
    }

    static Html Methods(JsonObject session, JsonObject sent, StripeError? error)
    {
        var types = session.Texts("payment_method_types").ToList();
        var wrong = error is null ? null : Layout.FieldOf(error);
        var card = Html.When(types.Contains("card"), Layout.CardFields(sent, wrong));
        if (!types.Contains("sepa_debit")) return Html.Of($"""<h1 class="muted">Payment method</h1>{card}""");
        var debit = sent.Text("method") == "sepa_debit" || !types.Contains("card");
        return Html.Of($"""
            <h1 class="muted">Payment method</h1>
            {Html.When(types.Contains("card"), Radio("card", "Card", !debit))}{card}
            {Radio("sepa_debit", "SEPA Direct Debit", debit)}
            <label for="iban">IBAN</label><input id="iban" name="iban" placeholder="DE00 0000 0000 0000 0000 00" value="{sent.Text("iban")}">
            """);
    }

    static Html Radio(string value, string label, bool chosen) => Html.Of($"""
        <label><input type="radio" name="method" value="{value}" {Html.When(chosen, new Html("checked"))}> {label}</label>
        """);

    static string Verb(JsonObject session) => session.Text("mode") switch
    {
        "subscription" => session.Number("amount_total") == 0 ? "Start trial" : "Subscribe",
        "setup" => "Save card",
        _ => $"Pay {Currencies.Shown(session.Number("amount_total"), session.Text("currency")!)}",
    };
}
