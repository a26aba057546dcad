using Purser.Sandbox.Stripe.Customers;

namespace Purser.Sandbox.Stripe.Checkout;

/// <summary>
/// The undocumented calls behind Stripe's own page, by which its command line pays sessions without a browser.
/// </summary>
static class PaymentPages
{
    public static void Map(Routes routes)
    {
        routes.Add("GET", "/v1/payment_pages/{id}", call => Show(call.Tx, Sessions.Named(call)));
        routes.Add("POST", "/v1/payment_pages/{id}/confirm", Confirm);
    }

    static JsonObject Confirm(Call call)
    {
        var session = Sessions.Named(call);
        var total = session.MaybeNumber("amount_total");
        if (call.P.MaybeNumber("expected_amount") is { } expected && total is not null && expected != total)
        {
            throw StripeError.Invalid($"The expected amount ({expected}) does not match the amount of this Checkout Session ({total}).",
                "expected_amount", "checkout_amount_mismatch");
        }
        Completion.Pay(call, session, Method(call, session), call.P.Text("email"));
        call.Tx.RunLater();
        return Show(call.Tx, session);
    }

    static JsonObject? Method(Call call, JsonObject session)
    {
        if (call.P.Child("payment_method_data") is { } data) return PaymentMethods.New(call.Tx, data);
        if (call.P.Text("payment_method") is { } id) return PaymentMethods.Resolve(call.Tx, id, "payment_method");
        return Sessions.NeedsMethod(session) ? throw StripeError.MissingParam("payment_method") : null;
    }

    static JsonObject Show(Tx tx, JsonObject session)
    {
        var intent = (session.Text("payment_intent") ?? session.Text("_payment_intent")) is { } id ? tx.Find(id) : null;
        var page = new JsonObject { ["id"] = session.Id(), ["object"] = "payment_page", ["session_id"] = session.Id() };
        page.Take(session, "mode", "status", "payment_status", "currency", "amount_total", "amount_subtotal",
            "customer", "customer_email",
            "invoice", "subscription", "success_url", "cancel_url", "url", "livemode", "metadata",
                "payment_method_types");
        page["payment_intent"] = intent?.Visible();
        page["setup_intent"] = session.Text("setup_intent") ?? session.Text("_setup_intent");
        page["line_items"] = Json.ListOf($"/v1/checkout/sessions/{session.Id()}/line_items",
            session.Items("_line_items").Select(Json.Visible));
        return page;
    }
}
