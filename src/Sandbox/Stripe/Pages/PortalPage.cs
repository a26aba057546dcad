using Purser.Sandbox.Stripe.Billing;
using Purser.Sandbox.Stripe.Catalog;
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
        app.MapPost("/portal/{id}/{action}", (string id, string action, HttpRequest request) =>
            browser.Act(request, id, PortalSessions.Kind, (call, session, sent) => Do(call, session, sent, action),
                (tx, session, sent, error) => Show(tx, session, sent, error)));
    }

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
                ChangePlan(call, Own(tx, customer, sent), features.Child("subscription_update")!, sent);
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

    static JsonObject Own(Tx tx, JsonObject customer, JsonObject sent)
    {
        var found = tx.Find("subscription", sent.Text("subscription") ?? "");
        return found is not null && found.Text("customer") == customer.Id()
            ? found
            : throw StripeError.Missing("subscription", sent.Text("subscription") ?? "", "subscription", inPath: false);
    }

    static void ChangeCard(Tx tx, JsonObject customer, JsonObject sent)
    {
        var method = PaymentMethods.New(tx, Layout.MethodOf(sent));
        PaymentMethods.Attach(tx, method, customer);
        tx.Edit(method)["_set_up"] = true;
        tx.Edit(customer).Under("invoice_settings")["default_payment_method"] = method.Id();
        tx.EmitUpdate("customer.updated", customer);
        foreach (var subscription in tx.Referring("subscription", "customer", customer.Id()).Where(s =>
            !Subscriptions.IsOver(s)))
        {
            tx.Edit(subscription)["default_payment_method"] = method.Id();
            tx.EmitUpdate("customer.subscription.updated", subscription);
        }
    }

    static void ChangeDetails(Tx tx, JsonObject customer, JsonObject feature, JsonObject sent)
    {
        tx.Edit(customer);
        foreach (var name in feature.Texts("allowed_updates").Where(n => n is "email" or "name" or "phone"))
        {
            if (sent.Text(name) is { } value) customer[name] = value.Length == 0 ? null : value;
        }
        tx.EmitUpdate("customer.updated", customer);
    }

    static void ChangePlan(Call call, JsonObject subscription, JsonObject feature, JsonObject sent)
    {
        var wanted = sent.Text("price") ?? "";
        if (!feature.Items("products").SelectMany(p => p.Texts("prices")).Contains(wanted))
        {
            throw StripeError.Invalid("This plan cannot be chosen.", "price");
        }
        Changes.Update(call, subscription, new()
        {
            ["items"] = new JsonArray(new JsonObject { ["id"] = subscription.Items("items").First().Id(),
                ["price"] = wanted }),
            ["proration_behavior"] = feature.Text("proration_behavior"),
            ["payment_behavior"] = "error_if_incomplete",
        });
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
        var features = tx.Get(session.Text("configuration")!).Child("features")!;
        var customer = tx.Get(session.Text("customer")!);
        var flow = session.Child("flow")?.Text("type");
        bool Shown(string feature, string only) => features.Child(feature)!.Flag("enabled") &&
            (flow is null || flow == only);
        var back = session.Text("return_url") is { } url ? Html.Of($"""<p><a id="back" href="{url}">← Return</a></p>""") : Html.None;
        var subscriptions = tx.Referring("subscription", "customer", customer.Id()).Where(s =>
            !Subscriptions.IsOver(s)).ToList();
        return Layout.Page("Billing", Html.Of($"""
            <main class="single">{back}<h1>Billing</h1>{Layout.Error(error?.Message)}
            {Html.Join(subscriptions.Select(s => Subscription(tx, session, s, features, Shown("subscription_cancel", "subscription_cancel"), Shown("subscription_update", "subscription_update"))))}
            {Html.When(features.Child("payment_method_update")!.Flag("enabled") && flow is null or "payment_method_update", Card(tx, session, customer, sent, error))}
            {Html.When(Shown("customer_update", "customer_update"), Details(session, customer, features.Child("customer_update")!))}
            {Html.When(features.Child("invoice_history")!.Flag("enabled") && flow is null, History(tx, customer))}
            </main>
            """), error is null ? 200 : 402);
    }

    static Html Subscription(Tx tx, JsonObject session, JsonObject subscription, JsonObject features, bool mayCancel,
        bool mayChange)
    {
        var item = subscription.Items("items").First();
        var ends = subscription.MaybeNumber("cancel_at");
        var until = DateTimeOffset.FromUnixTimeSeconds(ends ?? Items.Period(subscription).End).ToString("d MMM yyyy",
            CultureInfo.InvariantCulture);
        return Html.Of($"""
            <section class="plan" id="{subscription.Id()}"><h2>Current plan</h2><p><strong>{tx.Find(item.Child("price")!.Text("product")!)?.Text("name")}</strong>
            {PriceText(item.Child("price")!)}</p><p class="muted">{subscription.Text("status")} · {(ends is null ? "renews" : "ends")} on {until}</p>
            {Html.When(mayChange, Plans(tx, session, subscription, features.Child("subscription_update")!))}
            {Html.When(mayCancel && ends is null, Button(session, subscription, "cancel", "Cancel plan"))}
            {Html.When(mayCancel && ends is not null, Button(session, subscription, "keep", "Don't cancel plan"))}</section>
            """);
    }

    static Html Plans(Tx tx, JsonObject session, JsonObject subscription, JsonObject feature)
    {
        var current = subscription.Items("items").First().Child("price")!.Id();
        var choices = feature.Items("products").SelectMany(p => p.Texts("prices")).Where(p => p != current).Select(p =>
            tx.Find("price", p)).OfType<JsonObject>();
        return Html.Join(choices.Select(price => Html.Of($"""
            <form method="post" action="/portal/{session.Id()}/plan"><input type="hidden" name="subscription" value="{subscription.Id()}">
            <button class="plain" name="price" value="{price.Id()}">Switch to {tx.Find(price.Text("product")!)?.Text("name")} {PriceText(price)}</button></form>
            """)));
    }

    static string PriceText(JsonObject price) =>
        $"{Currencies.Shown(price.Number("unit_amount"), price.Text("currency")!)} / {price.Child("recurring")?.Text("interval")}";

    static Html Button(JsonObject session, JsonObject subscription, string action, string label) => Html.Of($"""
        <form method="post" action="/portal/{session.Id()}/{action}"><button class="plain" id="{action}" name="subscription" value="{subscription.Id()}">{label}</button></form>
        """);

    static Html Card(Tx tx, JsonObject session, JsonObject customer, JsonObject sent, StripeError? error)
    {
        var method = customer.Child("invoice_settings")?.Text("default_payment_method") is { } id ? tx.Find(id) : null;
        method ??= tx.Referring("payment_method", "customer", customer.Id()).FirstOrDefault();
        var card = method?.Child("card");
        return Html.Of($"""
            <section><h2>Payment method</h2><p id="card">{(card is null ? "None" : $"{card.Text("brand")} •••• {card.Text("last4")}")}</p>
            <form method="post" action="/portal/{session.Id()}/card" novalidate>{Layout.CardFields(sent, error is null ? null : Layout.FieldOf(error))}
            <button type="submit" id="save-card">Update payment method</button></form></section>
            """);
    }

    static Html Details(JsonObject session, JsonObject customer, JsonObject feature) => Html.Of($"""
        <section><h2>Billing information</h2><form method="post" action="/portal/{session.Id()}/details">
        {Html.Join(feature.Texts("allowed_updates").Where(n => n is "email" or "name" or "phone").Select(n => Html.Of($"""<label for="{n}">{n}</label><input id="{n}" name="{n}" value="{customer.Text(n)}">""")))}
        <button class="plain" id="save-details">Save</button></form></section>
        """);

    static Html History(Tx tx, JsonObject customer) => Html.Of($"""
        <section><h2>Invoice history</h2>{Html.Join(tx.Referring("invoice", "customer", customer.Id()).Where(i => i.Text("number") is not null).Take(24).Select(i => Html.Of($"""
        <div class="line"><a href="/invoice/{i.Id()}">{i.Text("number")}</a><span>{Currencies.Shown(i.Number("total"),
            i.Text("currency")!)}</span><span>{i.Text("status")}</span></div>
        """)))}</section>
        """);
}
