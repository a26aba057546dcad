using Purser.Sandbox.Stripe.Catalog;
using Purser.Sandbox.Stripe.Checkout;
using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Pages;

/// <summary>The bank's page of 3-D Secure: the holder of a test card completes or fails the challenge.</summary>
static class ChallengePage
{
    public static void Map(IEndpointRouteBuilder app, Browser browser)
    {
        app.MapGet("/3ds/{id}", (string id) => browser.Show(id, KindOf(id), (tx, intent) => Show(tx, intent)));
        app.MapPost("/3ds/{id}", (string id, HttpRequest request) => browser.Act(request, id, KindOf(id), Answer,
            (tx, intent, _, _) => Back(tx, intent)));
    }

    static string KindOf(string id) => id.StartsWith("seti_", StringComparison.Ordinal) ? "setup_intent"
        : "payment_intent";

    static IResult Show(Tx tx, JsonObject intent)
    {
        if (intent.Text("status") != "requires_action") return Back(tx, intent);
        var amount = intent.MaybeNumber("amount") is { } due ? Currencies.Shown(due, intent.Text("currency")!)
            : "your card";
        return Layout.Page("3D Secure 2 Test Page", Html.Of($"""
            <main class="single">{Layout.Merchant(null)}<h1>3D Secure 2 Test Page</h1>
            <p>Your bank asks you to confirm this payment: <strong>{amount}</strong>. This is a test page; complete or fail the authentication.</p>
            <form method="post" action="/3ds/{intent.Id()}">
            <button type="submit" name="answer" value="complete" id="test-source-authorize-3ds">Complete</button>
            <button type="submit" name="answer" value="fail" id="test-source-fail-3ds" class="plain">Fail</button>
            </form></main>
            """));
    }

    static IResult Answer(Call call, JsonObject intent, JsonObject sent)
    {
        if (intent.Text("status") == "requires_action")
        {
            Authentication.Finish(call.Tx, intent.Id(), sent.Text("answer") == "complete");
        }
        call.Tx.RunLater();
        return Back(call.Tx, intent);
    }

    /// <summary>Back to where the payment began.</summary>
    static IResult Back(Tx tx, JsonObject intent)
    {
        if (SessionOf(tx, intent) is { } session) return PayPage.After(tx, session);
        if (intent.Text("_return_url") is { } url)
        {
            var name = intent.Kind();
            var outcome = intent.Text("status") is "succeeded" or "processing" or "requires_capture" ? "succeeded"
                : "failed";
            var join = url.Contains('?', StringComparison.Ordinal) ? '&' : '?';
            return PayPage.SeeOther($"{url}{join}{name}={intent.Id()}&{name}_client_secret={intent.Text("client_secret")}&redirect_status={outcome}");
        }
        if (intent.Text("_invoice") is { } invoice) return PayPage.SeeOther($"/invoice/{invoice}");
        return Layout.Message("Thank you",
            $"The payment has a status of {intent.Text("status")}. You can close this page.");
    }

    static JsonObject? SessionOf(Tx tx, JsonObject intent)
    {
        if (intent.Text("_session") is { } own) return tx.Find(own);
        var subscription = intent.Text("_invoice") is { } invoice ? tx.Find(invoice)?.Text("_subscription") : null;
        var session = subscription is null ? null : tx.Find(subscription)?.Text("_session");
        var found = session is null ? null : tx.Find(Sessions.Kind, session);
        // Later invoices of the subscription are not the session's any more.
        return found is not null && (found.Text("_invoice") == intent.Text("_invoice")) ? found : null;
    }
}
