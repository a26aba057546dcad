using Purser.Sandbox.Stripe.Catalog;

namespace Purser.Sandbox.Stripe.Pages;

/// <summary>The left side of the checkout page: what is bought, what comes off, what is due today and later.</summary>
static class PaySummary
{
    public static Html Of(Tx tx, JsonObject session, JsonObject sent, StripeError? error)
    {
        var merchant = Layout.Merchant(session.Text("cancel_url"));
        if (session.Text("mode") == "setup") return Html.Of($"""{merchant}<h1>Save payment details</h1>""");

        string Shown(long amount) => Currencies.Shown(amount, session.Text("currency")!);
        var due = session.Number("amount_total");
        var off = session.Child("total_details")!.Number("amount_discount");
        var lines = Html.Join(session.Items("_line_items").Select(l => Layout.Line(
            l.Number("quantity") > 1 ? $"{l.Text("description")} × {l.Number("quantity")}" : l.Text("description"),
            Html.Of($"""{Shown(l.Number("amount_subtotal"))}{Every(l)}"""),
            tx.Find(l.Child("price")!.Text("product")!)?.Text("description"))));
        return Html.Of($"""
            {merchant}<h1>{Title(session)}</h1>
            <p class="total" id="total">{Shown(due)}</p>{Later(tx, session)}
            {lines}
            {(off == 0 ? Html.None : Html.Of($"""{Layout.Sum("Subtotal", Shown(session.Number("amount_subtotal")))}{Discount(tx, session, Shown(-off))}"""))}
            {Html.When(session.Flag("allow_promotion_codes") && off == 0, Code(session, sent, error))}
            {Html.When(session.Child("automatic_tax")!.Flag("enabled"), Layout.Line("Tax", Html.Of($"""{Shown(0)}""")))}
            {Layout.Sum("Total due today", Shown(due))}
            """);
    }

    static string Title(JsonObject session)
    {
        var first = session.Items("_line_items").First().Text("description");
        if (session.Text("mode") != "subscription") return $"Pay {first}";
        return IsTrial(session) ? $"Try {first}" : $"Subscribe to {first}";
    }

    public static bool IsTrial(JsonObject session) => session.Child("_subscription_data") is { } data &&
        (data.ContainsKey("trial_period_days") || data.ContainsKey("trial_end"));

    static string Every(JsonObject line) => line.Child("price")?.Child("recurring") is { } recurring
        ? recurring.Number("interval_count") == 1 ? $" / {recurring.Text("interval")}"
            : $" every {recurring.Number("interval_count")} {recurring.Text("interval")}s"
        : "";

    static Html Later(Tx tx, JsonObject session)
    {
        var data = session.Child("_subscription_data");
        var end = data?.MaybeNumber("trial_end") ?? (data?.MaybeNumber("trial_period_days") is { } days
            ? tx.TimeOf(session) + days * 86_400 : null);
        if (end is not { } at) return Html.None;
        var recurring = session.Items("_line_items").Where(l => l.Child("price")!.Child("recurring") is not null)
            .ToList();
        var then = Currencies.Shown(recurring.Sum(l => l.Number("amount_subtotal")), session.Text("currency")!);
        return Html.Of($"""<p class="muted">Free until {Layout.Day(at)}, then {then}{Every(recurring[0])}</p>""");
    }

    static Html Discount(Tx tx, JsonObject session, string off)
    {
        var discount = tx.Get(session.Text("_discount")!);
        var coupon = tx.Find("coupon", discount.Child("source")!.Text("coupon")!);
        var name = discount.Text("promotion_code") is { } code ? tx.Find(code)?.Text("code")
            : coupon?.Text("name") ?? coupon?.Id();
        var percent = coupon?["percent_off"] is { } given ? $"{given}% off" : null;
        return Layout.Line(name ?? "Discount", Html.Of($"""{off}"""), percent);
    }

    static Html Code(JsonObject session, JsonObject sent, StripeError? error) => Html.Of($"""
        <form class="code" method="post" action="/pay/{session.Id()}/promotion">
        <input id="promotionCode" name="promotionCode" placeholder="Add promotion code" aria-label="Promotion code" value="{sent.Text("promotionCode")}">
        <button class="plain" id="apply">Apply</button></form>
        {Html.When(PayPage.IsOfCode(error), Layout.Error(error?.Message))}
        """);
}
