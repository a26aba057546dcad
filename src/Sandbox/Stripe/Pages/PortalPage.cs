using Purser.Sandbox.Stripe.Billing;
using Purser.Sandbox.Stripe.Customers;
using Purser.Sandbox.Stripe.Portal;

namespace Purser.Sandbox.Stripe.Pages;

/// <summary>
/// The billing portal: customers change card and plan, cancel and come back, as far as its configuration lets them.
/// </summary>
static class PortalPage
{
    const long LifetimeSeconds = 3_600;

    public static void Map(IEndpointRouteBuilder app, Browser browser)
    {
        app.MapGet("/portal/{id}", (string id) =>
            browser.Show(id, PortalSessions.Kind, (tx, session) => Show(tx, session, [], null)));
        app.MapGet("/portal/{id}/{step}", (string id, string step, HttpRequest request) =>
            browser.Show(id, PortalSessions.Kind, (tx, session) => IsOver(tx, session) ? Expired(session)
                : PortalSteps.Show(tx, session, step, Query(request))));
        app.MapPost("/portal/{id}/{action}", (string id, string action, HttpRequest request) =>
            browser.Act(request, id, PortalSessions.Kind, (call, session, sent) => Do(call, session, sent, action),
                (tx, session, sent, error) => Show(tx, session, sent, error)));
    }

    static JsonObject Query(HttpRequest request) =>
        new(request.Query.Select(q => KeyValuePair.Create(q.Key, (JsonNode?)q.Value.ToString())));

    static IResult Do(Call call, JsonObject session, JsonObject sent, string action)
    {
        var tx = call.Tx;
        if (IsOver(tx, session)) return Expired(session);
        var features = tx.Get(session.Text("configuration")!).Child("features")!;
        var customer = tx.Get(session.Text("customer")!);
        switch (action)
        {
            case "card" when features.Child("payment_method_update")!.Flag("enabled"):
                ChangeCard(tx, customer, sent);
                break;
            case "details" when features.Child("customer_update")!.Flag("enabled"):
                ChangeDetails(tx, customer, features.Child("customer_update")!, sent);
                break;
            case "plan" when features.Child("subscription_update")!.Flag("enabled"):
                Changes.Update(call, Own(tx, customer, sent), PlanChange(tx, customer, features, sent));
                break;
            case "cancel" when features.Child("subscription_cancel")!.Flag("enabled"):
                Cancel(call, Own(tx, customer, sent), features.Child("subscription_cancel")!, sent);
                break;
            case "keep" when features.Child("subscription_cancel")!.Flag("enabled"):
                Changes.Update(call, Own(tx, customer, sent), new() { ["cancel_at_period_end"] = false });
                break;
            default:
                throw StripeError.Invalid("This is not allowed by the portal's configuration.", status: 403);
        }
        tx.RunLater();
        var after = session.Child("flow")?.Child("after_completion")?.Child("redirect")?.Text("return_url");
        return PayPage.SeeOther(after ?? $"/portal/{session.Id()}");
    }

    /// <summary>The subscription that a form names, if it is this customer's.</summary>
    public static JsonObject Own(Tx tx, JsonObject customer, JsonObject sent)
    {
        var found = tx.Find("subscription", sent.Text("subscription") ?? "");
        return found is not null && found.Text("customer") == customer.Id()
            ? found
            : throw StripeError.Missing("subscription", sent.Text("subscription") ?? "", "subscription", inPath: false);
    }

    static void ChangeCard(Tx tx, JsonObject customer, JsonObject sent)
    {
        var method = PaymentMethods.New(tx, CardForm.MethodOf(sent));
        PaymentMethods.Attach(tx, method, customer);
        tx.Edit(method)["_set_up"] = true;
        tx.Edit(customer).Under("invoice_settings")["default_payment_method"] = method.Id();
        tx.EmitUpdate("customer.updated", customer);
        foreach (var subscription in Running(tx, customer))
        {
            tx.Edit(subscription)["default_payment_method"] = method.Id();
            tx.EmitUpdate("customer.subscription.updated", subscription);
        }
    }

    static IEnumerable<JsonObject> Running(Tx tx, JsonObject customer) =>
        tx.Referring("subscription", "customer", customer.Id()).Where(s => !Subscriptions.IsOver(s));

    static void ChangeDetails(Tx tx, JsonObject customer, JsonObject feature, JsonObject sent)
    {
        tx.Edit(customer);
        foreach (var name in feature.Texts("allowed_updates").Where(n => n is "email" or "name" or "phone"))
        {
            if (sent.Text(name) is { } value) customer[name] = value.Length == 0 ? null : value;
        }
        tx.EmitUpdate("customer.updated", customer);
    }

    /// <summary>The update that a chosen plan is, the same for its preview and for the change.</summary>
    public static JsonObject PlanChange(Tx tx, JsonObject customer, JsonObject features, JsonObject sent)
    {
        var feature = features.Child("subscription_update")!;
        var wanted = sent.Text("price") ?? "";
        if (!feature.Items("products").SelectMany(p => p.Texts("prices")).Contains(wanted))
        {
            throw StripeError.Invalid("This plan cannot be chosen.", "price");
        }
        return new()
        {
            ["items"] = new JsonArray(new JsonObject { ["id"] = Own(tx, customer, sent).Items("items").First().Id(),
                ["price"] = wanted }),
            ["proration_behavior"] = feature.Text("proration_behavior"),
            ["payment_behavior"] = "error_if_incomplete",
        };
    }

    static void Cancel(Call call, JsonObject subscription, JsonObject feature, JsonObject sent)
    {
        var details = new JsonObject();
        if (sent.Text("feedback") is { Length: > 0 } feedback) details["feedback"] = feedback;
        if (feature.Text("mode") == "immediately")
        {
            call.Tx.Edit(subscription);
            Cancellation.TakeDetails(subscription, details);
            if (feature.Text("proration_behavior") != "none")
            {
                Proration.Credit(call.Tx, subscription, subscription.Items("items"), call.Tx.TimeOf(subscription));
            }
            Cancellation.Now(call.Tx, subscription, "cancellation_requested");
            return;
        }
        Changes.Update(call, subscription,
            new() { ["cancel_at_period_end"] = true, ["cancellation_details"] = details });
    }

    static bool IsOver(Tx tx, JsonObject session) => tx.Now > session.Number("created") + LifetimeSeconds;

    static IResult Expired(JsonObject session) =>
        Layout.Message("This session has expired", "Return and open the billing portal again.",
            session.Text("return_url"), "Return");

    static IResult Show(Tx tx, JsonObject session, JsonObject sent, StripeError? error)
    {
        if (IsOver(tx, session)) return Expired(session);
        return PortalSteps.OfFlow(session) is { } step && error is null && !PortalSteps.IsDone(tx, session)
            ? PortalSteps.Show(tx, session, step.Name, step.Query)
            : PortalHome.Show(tx, session, [.. Running(tx, tx.Get(session.Text("customer")!))], sent, error);
    }
}
