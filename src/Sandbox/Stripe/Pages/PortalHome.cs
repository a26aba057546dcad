using Purser.Sandbox.Stripe.Billing;
using Purser.Sandbox.Stripe.Catalog;
using Purser.Sandbox.Stripe.Customers;

namespace Purser.Sandbox.Stripe.Pages;

/// <summary>The first page of the billing portal: plan, card, details and invoices of one customer.</summary>
static class PortalHome
{
    const int InvoicesShown = 24;

    public static IResult Show(Tx tx, JsonObject session, List<JsonObject> subscriptions, JsonObject sent,
        StripeError? error)
    {
        var features = tx.Get(session.Text("configuration")!).Child("features")!;
        var customer = tx.Get(session.Text("customer")!);
        bool Has(string feature) => features.Child(feature)!.Flag("enabled");
        return Frame(session, Html.Of($"""
            {Layout.Error(error?.Message)}
            {Html.Join(subscriptions.Select(s => Subscription(tx, session, s, Has("subscription_cancel"), Has("subscription_update"))))}
            {Html.When(Has("payment_method_update"), Card(tx, session, customer, sent, error))}
            {Html.When(Has("customer_update"), Details(session, customer, features.Child("customer_update")!))}
            {Html.When(Has("invoice_history"), History(tx, customer))}
            """), error is null ? 200 : 402);
    }

    /// <summary>What every page of the portal has on its left.</summary>
    public static IResult Frame(JsonObject session, Html content, int status = 200) => Layout.Page("Billing", Html.Of($"""
        <div class="portal"><aside>{Layout.Merchant(null)}<h1>Manage your billing</h1>
        {Html.When(session.Text("return_url") is not null, Html.Of($"""<p><a id="back" href="{session.Text("return_url")}">← Return to the shop</a></p>"""))}</aside>
        <main>{content}</main></div>
        """), status);

    static Html Subscription(Tx tx, JsonObject session, JsonObject subscription, bool mayCancel, bool mayChange)
    {
        var price = subscription.Items("items").First().Child("price")!;
        var ends = subscription.MaybeNumber("cancel_at");
        var until = Layout.Day(ends ?? Items.Period(subscription).End);
        var tag = ends is not null ? "off" : subscription.Text("status") is "active" or "trialing" ? "" : "late";
        return Html.Of($"""
            <section class="plan" id="{subscription.Id()}"><h2>Current subscription</h2><div class="row"><div>
            <p><strong>{Named(tx, price)}</strong> <span class="tag {tag}">{(ends is null ? subscription.Text("status") : $"Cancels on {until}")}</span></p>
            <p class="total">{PriceText(price)}</p>
            <p class="muted">{(ends is null ? $"Your next billing date is {until}." : $"Your service will end on {until}.")}</p></div>
            <div>{Html.When(mayChange, Link(session, subscription, "plan", "Update subscription"))}
            {Html.When(mayCancel && ends is null, Link(session, subscription, "cancel", "Cancel subscription"))}
            {Html.When(mayCancel && ends is not null, Keep(session, subscription))}</div></div></section>
            """);
    }

    public static string Named(Tx tx, JsonObject price) =>
        tx.Find(price.Text("product")!)?.Text("name") ?? "Subscription";

    public static string PriceText(JsonObject price)
    {
        var amount = Currencies.Shown(price.Number("unit_amount"), price.Text("currency")!);
        return $"{amount} per {price.Child("recurring")?.Text("interval")}";
    }

    static Html Link(JsonObject session, JsonObject subscription, string step, string label) => Html.Of($"""
        <a class="button plain" id="{step}" href="/portal/{session.Id()}/{step}?subscription={subscription.Id()}">{label}</a>
        """);

    static Html Keep(JsonObject session, JsonObject subscription) => Html.Of($"""
        <form method="post" action="/portal/{session.Id()}/keep"><button class="plain" id="keep" name="subscription" value="{subscription.Id()}">Don't cancel subscription</button></form>
        """);

    static Html Card(Tx tx, JsonObject session, JsonObject customer, JsonObject sent, StripeError? error)
    {
        var method = customer.Child("invoice_settings")?.Text("default_payment_method") is { } id ? tx.Find(id) : null;
        method ??= tx.Referring("payment_method", "customer", customer.Id()).FirstOrDefault();
        var wrong = error is not null && sent.ContainsKey("cardNumber");
        return Html.Of($"""
            <section><h2>Payment method</h2><p id="card">{(method is null ? "None" : PaymentMethods.Named(method))}</p>
            <details {Html.When(wrong || method is null, new Html("open"))}><summary>Add payment method</summary>{CardFields(session, sent, error)}</details></section>
            """);
    }

    public static Html CardFields(JsonObject session, JsonObject sent, StripeError? error) => Html.Of($"""
        <form method="post" action="/portal/{session.Id()}/card" novalidate>{CardForm.CardFields(sent, error is null ? null : CardForm.FieldOf(error))}
        <button type="submit" id="save-card">Update payment method</button></form>
        """);

    static Html Details(JsonObject session, JsonObject customer, JsonObject feature)
    {
        var names = feature.Texts("allowed_updates").Where(n => n is "email" or "name" or "phone").ToList();
        return Html.Of($"""
            <section><h2>Billing information</h2><dl>{Html.Join(names.Select(n => Html.Of($"""<dt>{n}</dt><dd>{customer.Text(n)}</dd>""")))}</dl>
            <details><summary>Update information</summary><form method="post" action="/portal/{session.Id()}/details">
            {Html.Join(names.Select(n => Layout.Field(n, n, customer, n)))}<button class="plain" id="save-details">Save</button></form></details></section>
            """);
    }

    static Html History(Tx tx, JsonObject customer)
    {
        var invoices = tx.Referring("invoice", "customer", customer.Id()).Where(i => i.Text("number") is not null)
            .Take(InvoicesShown);
        return Html.Of($"""
            <section><h2>Invoice history</h2>{Html.Join(invoices.Select(i => Html.Of($"""
            <div class="line"><a href="/invoice/{i.Id()}">{Layout.Day(i.Number("created"))}</a><span>{Currencies.Shown(i.Number("total"), i.Text("currency")!)}</span>
            <span class="tag {(i.Text("status") == "paid" ? "" : "off")}">{i.Text("status")}</span><span class="muted">{i.Text("number")}</span></div>
            """)))}</section>
            """);
    }
}
