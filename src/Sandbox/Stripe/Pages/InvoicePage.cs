using Purser.Sandbox.Stripe.Billing;
using Purser.Sandbox.Stripe.Catalog;
using Purser.Sandbox.Stripe.Customers;
using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Pages;

/// <summary>Invoices and receipts as their customers see them; an open invoice can be paid there.</summary>
static class InvoicePage
{
    public static void Map(IEndpointRouteBuilder app, Browser browser)
    {
        app.MapGet("/invoice/{id}", (string id) =>
            browser.Show(id, "invoice", (_, invoice) => Show(invoice, [], null)));
        app.MapGet("/invoice/{id}/pdf", (string id) =>
            browser.Show(id, "invoice", (_, invoice) => Show(invoice, [], null)));
        app.MapPost("/invoice/{id}", (string id, HttpRequest request) => browser.Act(request, id, "invoice", Pay,
            (_, invoice, sent, error) => Show(invoice, sent, error)));
        app.MapGet("/receipts/{id}", (string id) => browser.Show(id, "charge", (_, charge) => Receipt(charge)));
    }

    static IResult Pay(Call call, JsonObject invoice, JsonObject sent)
    {
        if (invoice.Text("status") != "open") return Show(invoice, [], null);
        var method = PaymentMethods.New(call.Tx, Layout.MethodOf(sent));
        var attempt = InvoicePayments.Collect(call.Tx, invoice, method, Holder.Present);
        var intent = call.Tx.Get(invoice.Text("_payment_intent")!);
        return attempt switch
        {
            Attempt.Declined => throw PaymentIntents.Declined(call.Tx, intent),
            Attempt.NeedsAction => PayPage.SeeOther($"/3ds/{intent.Id()}"),
            _ => PayPage.SeeOther($"/invoice/{invoice.Id()}"),
        };
    }

    static IResult Show(JsonObject invoice, JsonObject sent, StripeError? error)
    {
        var currency = invoice.Text("currency")!;
        var lines = Html.Join(invoice.Items("lines").Select(l => Html.Of($"""
            <div class="line"><span>{l.Text("description")}</span><span>{Currencies.Shown(l.Number("amount"), currency)}</span></div>
            """)));
        var form = Html.Of($"""
            <form method="post" action="/invoice/{invoice.Id()}" novalidate>{Layout.CardFields(sent, error is null ? null : Layout.FieldOf(error))}
            {Layout.Error(error?.Message)}<button type="submit" id="pay">Pay {Currencies.Shown(invoice.Number("amount_remaining"), currency)}</button></form>
            """);
        return Layout.Page($"Invoice {invoice.Text("number")}", Html.Of($"""
            <main class="single"><h1>Invoice {invoice.Text("number")}</h1><p class="muted" id="status">{invoice.Text("status")}</p>
            <p class="total">{Currencies.Shown(invoice.Number("amount_due"), currency)}</p>{lines}
            {Html.When(invoice.Text("status") == "open", form)}</main>
            """), error is null ? 200 : 402);
    }

    static IResult Receipt(JsonObject charge) => Layout.Page("Receipt", Html.Of($"""
        <main class="single"><h1>Receipt</h1><p class="total">{Currencies.Shown(charge.Number("amount"), charge.Text("currency")!)}</p>
        <p class="muted">{charge.Id()} · {charge.Text("status")}{Html.When(charge.Number("amount_refunded") > 0, Html.Of($" · {Currencies.Shown(charge.Number("amount_refunded"), charge.Text("currency")!)} refunded"))}</p></main>
        """));
}
