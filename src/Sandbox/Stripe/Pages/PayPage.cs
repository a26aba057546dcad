using Purser.Sandbox.Stripe.Catalog;
using Purser.Sandbox.Stripe.Checkout;
using Purser.Sandbox.Stripe.Customers;

namespace Purser.Sandbox.Stripe.Pages;

/// <summary>The hosted page of a checkout session: what is bought on the left, how it is paid on the right.</summary>
static class PayPage
{
    const string Code = "promotionCode";

    public static void Map(IEndpointRouteBuilder app, Browser browser)
    {
        app.MapGet("/pay/{id}", (string id) =>
            browser.Show(id, Sessions.Kind, (tx, session) => Show(tx, session, [], null, Before(tx, session))));
        app.MapPost("/pay/{id}", (string id, HttpRequest request) => browser.Act(request, id, Sessions.Kind, Pay,
            (tx, session, sent, error) => Show(tx, session, sent, error)));
        app.MapPost("/pay/{id}/promotion", (string id, HttpRequest request) => browser.Act(request, id, Sessions.Kind,
            Redeem, (tx, session, sent, error) => Show(tx, session, sent, error)));
    }

    static IResult Pay(Call call, JsonObject session, JsonObject sent)
    {
        if (session.Text("status") != "open") return Show(call.Tx, session, [], null);
        CheckContact(session, sent);
        var method = Sessions.NeedsMethod(session) ? PaymentMethods.New(call.Tx, CardForm.MethodOf(sent)) : null;
        call.Tx.Edit(session)["_phone"] = sent.Text("phoneNumber");
        if (Terms(session) is not null)
        {
            session["consent"] = new JsonObject { ["promotions"] = null, ["terms_of_service"] = "accepted" };
        }
        Completion.Pay(call, session, method, sent.Text("email") is { Length: > 0 } email ? email : null);
        return After(call.Tx, session);
    }

    static void CheckContact(JsonObject session, JsonObject sent)
    {
        if (EmailAsked(session) && sent.Text("email")?.Contains('@', StringComparison.Ordinal) != true)
        {
            throw StripeError.Invalid("Your email is incomplete.", "email", "email_invalid");
        }
        if (PhoneAsked(session) && string.IsNullOrEmpty(sent.Text("phoneNumber")))
        {
            throw StripeError.Invalid("Your phone number is incomplete.", "phoneNumber");
        }
        if (Terms(session) is not null && sent.Text("termsOfServiceConsentCheckbox") is null)
        {
            throw StripeError.Invalid("Accept the terms of service to continue.", "termsOfServiceConsentCheckbox");
        }
    }

    static IResult Redeem(Call call, JsonObject session, JsonObject sent)
    {
        if (session.Text("status") == "open" && session.Flag("allow_promotion_codes"))
        {
            call.Tx.Edit(session);
            var typed = sent.Text("promotionCode") ?? "";
            var code = PromotionCodes.Typed(call.Tx, typed) ?? throw StripeError.Invalid("This code is invalid.", Code);
            Sessions.Discount(call.Tx, session, [new JsonObject { ["promotion_code"] = code.Id() }]);
        }
        return SeeOther($"/pay/{session.Id()}");
    }

    /// <summary>Whether it is the promotion code that was refused, not the payment.</summary>
    public static bool IsOfCode(StripeError? error) =>
        error?.Param == Code || error?.Param?.StartsWith("discounts", StringComparison.Ordinal) == true;

    /// <summary>Where the browser goes next: to the challenge, to the shop, or back to the form.</summary>
    public static IResult After(Tx tx, JsonObject session)
    {
        if (session.Text("status") == "complete") return SeeOther(Success(session) ?? $"/pay/{session.Id()}");
        var intent = (session.Text("payment_intent") ?? session.Text("_payment_intent")
            ?? session.Text("setup_intent") ?? session.Text("_setup_intent")) is { } id ? tx.Find(id) : null;
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

    static bool PhoneAsked(JsonObject session) => session.Child("phone_number_collection")?.Flag("enabled") == true;

    static string? Terms(JsonObject session) =>
        session.Child("consent_collection")?.Text("terms_of_service") != "required" ? null
            : session.Child("custom_text")?.Child("terms_of_service_acceptance")?.Text("message")
                ?? "I agree to the Terms of Service";

    /// <summary>What went wrong on another page, such as a challenge that was not passed.</summary>
    static string? Before(Tx tx, JsonObject session)
    {
        var payment = (session.Text("payment_intent") ?? session.Text("_payment_intent")) is { } id ? tx.Find(id)
            : null;
        var setup = (session.Text("setup_intent") ?? session.Text("_setup_intent")) is { } other ? tx.Find(other) : null;
        return payment?.Child("last_payment_error")?.Text("message")
            ?? setup?.Child("last_setup_error")?.Text("message");
    }

    static IResult Show(Tx tx, JsonObject session, JsonObject sent, StripeError? error, string? before = null)
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
        var refused = IsOfCode(error) ? null : error?.Message ?? before;
        return Layout.Page("Checkout", Html.Of($"""
            <div class="split">
            <aside class="summary">{PaySummary.Of(tx, session, sent, error)}</aside>
            <main class="form"><form method="post" action="/pay/{session.Id()}" autocomplete="on" novalidate>
            <h2>Contact information</h2>{Contact(session, sent)}
            {Html.When(Sessions.NeedsMethod(session), CardForm.Methods(session, sent, error))}
            {Html.When(Terms(session) is not null, Html.Of($"""<label><input type="checkbox" name="termsOfServiceConsentCheckbox"> {Terms(session)}</label>"""))}
            {Layout.Error(refused)}
            <button type="submit" id="pay" data-testid="hosted-payment-submit-button">{Verb(session)}</button>
            <p class="muted">{session.Child("custom_text")?.Child("submit")?.Text("message")}</p>
            {Html.When(Sessions.NeedsMethod(session), CardForm.Help)}
            </form></main></div>
            """), error is null ? 200 : 402);
    }

    static Html Contact(JsonObject session, JsonObject sent)
    {
        var phone = Html.When(PhoneAsked(session), Layout.Field("phoneNumber", "Phone", sent, "tel"));
        if (!EmailAsked(session))
        {
            return Html.Of($"""<p id="email-known">{session.Child("customer_details")?.Text("email") ?? session.Text("customer_email")}</p>{phone}""");
        }
        return Html.Of($"""
            <label for="email">Email</label><input id="email" name="email" type="email" autocomplete="email" placeholder="email@example.com" value="{sent.Text("email")}">{phone}
            """);
    }

    static string Verb(JsonObject session) => session.Text("mode") switch
    {
        "subscription" => PaySummary.IsTrial(session) ? "Start trial" : "Subscribe",
        "setup" => "Save card",
        _ when session.Number("amount_total") == 0 => "Complete order",
        _ => $"Pay {Currencies.Shown(session.Number("amount_total"), session.Text("currency")!)}",
    };
}
