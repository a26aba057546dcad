using Purser.Sandbox.Stripe.Billing;
using Purser.Sandbox.Stripe.Catalog;

namespace Purser.Sandbox.Stripe.Pages;

/// <summary>
/// The pages between a wish and its fulfilment: which plan, what it costs today, whether really to cancel.
/// </summary>
static class PortalSteps
{
    static readonly Dictionary<string, string> Reasons = new()
    {
        ["too_expensive"] = "It's too expensive",
        ["missing_features"] = "I need more features",
        ["switched_service"] = "I found an alternative",
        ["unused"] = "I no longer need it",
        ["customer_service"] = "Customer service was less than expected",
        ["too_complex"] = "Ease of use was less than expected",
        ["low_quality"] = "Quality was less than expected",
        ["other"] = "Other reason",
    };

    /// <summary>The step at which a session with a flow begins; null where it begins at home.</summary>
    public static (string Name, JsonObject Query)? OfFlow(JsonObject session)
    {
        if (session.Child("flow") is not { } flow) return null;
        var of = flow.Child(flow.Text("type")!);
        var query = new JsonObject { ["subscription"] = of?.Text("subscription"),
            ["price"] = of?.Items("items").FirstOrDefault()?.Text("price") };
        return flow.Text("type") switch
        {
            "subscription_cancel" => ("cancel", query),
            "subscription_update" or "subscription_update_confirm" => ("plan", query),
            "payment_method_update" => ("card", query),
            _ => null,
        };
    }

    /// <summary>A subscription that already ends need not be canceled again.</summary>
    public static bool IsDone(Tx tx, JsonObject session) =>
        session.Child("flow")?.Text("type") == "subscription_cancel" && OfFlow(session)?.Query.Text("subscription") is { } id && tx.Find(id) is { } subscription &&
        (subscription.MaybeNumber("cancel_at") is not null || Subscriptions.IsOver(subscription));

    public static IResult Show(Tx tx, JsonObject session, string step, JsonObject query)
    {
        var features = tx.Get(session.Text("configuration")!).Child("features")!;
        var customer = tx.Get(session.Text("customer")!);
        try
        {
            return PortalHome.Frame(session, step switch
            {
                "cancel" => Cancel(session, PortalPage.Own(tx, customer, query), features.Child("subscription_cancel")!),
                "plan" when query.Text("price") is not null => Confirm(tx, session, customer, features, query),
                "plan" => Choose(tx, session, PortalPage.Own(tx, customer, query), features.Child("subscription_update")!),
                "card" => Html.Of($"""<section><h2>Payment method</h2>{PortalHome.CardFields(session, [], null)}</section>"""),
                _ => throw StripeError.Invalid("The page you were looking for could not be found.", status: 404),
            });
        }
        catch (StripeError error)
        {
            return PortalHome.Frame(session, Html.Of($"""{Layout.Error(error.Message)}{Home(session)}"""), error.Status);
        }
    }

    static Html Home(JsonObject session) => Html.Of($"""<p><a id="home" href="/portal/{session.Id()}">Go back</a></p>""");

    static Html Cancel(JsonObject session, JsonObject subscription, JsonObject feature)
    {
        var asked = feature.Child("cancellation_reason")!;
        var options = Reasons.Where(r => asked.Flag("enabled") && asked.Texts("options").Contains(r.Key)).ToList();
        return Html.Of($"""
            <section><h2>Cancel your subscription</h2><p>{(feature.Text("mode") == "immediately" ? "Your subscription will end now."
            : $"Your subscription will be canceled, but is still available until the end of your billing period on {Layout.Day(Items.Period(subscription).End)}.")}</p>
            <form method="post" action="/portal/{session.Id()}/cancel">
            {Html.Join(options.Select(o => Html.Of($"""<label><input type="radio" name="feedback" value="{o.Key}"> {o.Value}</label>""")))}
            <button id="confirm" name="subscription" value="{subscription.Id()}">Cancel subscription</button></form>{Home(session)}</section>
            """);
    }

    static Html Choose(Tx tx, JsonObject session, JsonObject subscription, JsonObject feature)
    {
        var current = subscription.Items("items").First().Child("price")!.Id();
        var prices = feature.Items("products").SelectMany(p => p.Texts("prices")).Select(p => tx.Find("price", p))
            .OfType<JsonObject>();
        return Html.Of($"""
            <section><h2>Update your subscription</h2>{Html.Join(prices.Select(price => Html.Of($"""
            <div class="line"><span><strong>{PortalHome.Named(tx, price)}</strong><small>{PortalHome.PriceText(price)}</small></span>
            <span>{(price.Id() == current ? Html.Of($"""<span class="tag off">Current plan</span>""")
                : Html.Of($"""<a id="{price.Id()}" href="/portal/{session.Id()}/plan?subscription={subscription.Id()}&price={price.Id()}">Select</a>"""))}</span></div>
            """)))}{Home(session)}</section>
            """);
    }

    /// <summary>What the change costs is the real change's invoice, drawn up and taken back.</summary>
    static Html Confirm(Tx tx, JsonObject session, JsonObject customer, JsonObject features, JsonObject query)
    {
        var subscription = PortalPage.Own(tx, customer, query);
        var price = tx.Get(query.Text("price")!);
        var change = PortalPage.PlanChange(tx, customer, features, query);
        var call = new Call(new Tx(tx.Account, Cause.Time), change, [], "", ApiVersion.Current);
        var invoice = Previews.OfChange(call, subscription, change);
        var now = invoice.Text("billing_reason") == "subscription_update";
        return Html.Of($"""
            <section><h2>Confirm your updates</h2><p><strong>{PortalHome.Named(tx, price)}</strong> {PortalHome.PriceText(price)}</p>
            {Html.Join(invoice.Items("lines").Select(l => Layout.Line(l.Text("description"), Html.Of($"""{Currencies.Shown(l.Number("amount"), l.Text("currency")!)}"""))))}
            {Layout.Sum(now ? "Amount due today" : $"Due on {Layout.Day(invoice.Number("created"))}", Currencies.Shown(invoice.Number("amount_due"), invoice.Text("currency")!))}
            <form method="post" action="/portal/{session.Id()}/plan"><input type="hidden" name="subscription" value="{subscription.Id()}">
            <button id="confirm" name="price" value="{price.Id()}">Confirm</button></form>{Home(session)}</section>
            """);
    }
}
