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
            browser.Show(id, "invoice", (tx, invoice) => Show(tx, invoice, [], null)));
        app.MapGet("/invoice/{id}/pdf", (string id) => browser.Show(id, "invoice", (_, invoice) => Download(invoice)));
        app.MapPost("/invoice/{id}", (string id, HttpRequest request) => browser.Act(request, id, "invoice", Pay,
            (tx, invoice, sent, error) => Show(tx, invoice, sent, error)));
        app.MapGet("/receipts/{id}", (string id) => browser.Show(id, "charge", (_, charge) => Receipt(charge)));
    }

    static IResult Pay(Call call, JsonObject invoice, JsonObject sent)
    {
        if (invoice.Text("status") != "open") return Show(call.Tx, invoice, [], null);
        var method = PaymentMethods.New(call.Tx, CardForm.MethodOf(sent));
        var attempt = InvoicePayments.Collect(call.Tx, invoice, method, Holder.Present);
        var intent = call.Tx.Get(invoice.Text("_payment_intent")!);
        return attempt switch
        {
            Attempt.Declined => throw PaymentIntents.Declined(call.Tx, intent),
            Attempt.NeedsAction => PayPage.SeeOther($"/3ds/{intent.Id()}"),
            _ => PayPage.SeeOther($"/invoice/{invoice.Id()}"),
        };
    }

    static IResult Show(Tx tx, JsonObject invoice, JsonObject sent, StripeError? error)
    {
        var used = invoice.Text("_payment_intent") is { } id ? tx.Find(id)?.Text("payment_method") : null;
        var method = used is null ? null : tx.Find(used);
        var form = Html.Of($"""
            <form method="post" action="/invoice/{invoice.Id()}" novalidate>{CardForm.CardFields(sent, error is null ? null : CardForm.FieldOf(error))}
            {Layout.Error(error?.Message)}<button type="submit" id="pay">Pay {Shown(invoice, "amount_remaining")}</button></form>
            """);
        return Layout.Page($"Invoice {invoice.Text("number")}", Html.Of($"""
            <main class="single">{Layout.Merchant(null)}<div class="paper">
            <p class="muted">Invoice <span class="tag {(invoice.Text("status") == "paid" ? "" : "off")}" id="status">{invoice.Text("status")}</span></p>
            <p class="total">{Shown(invoice, "amount_due")}</p>
            <dl>{Join(Facts(invoice, method))}</dl>
            {Html.Join(Amounts(invoice).Select(a => Layout.Line(a.Name, Html.Of($"""{a.Amount}"""))))}
            {Layout.Sum(invoice.Text("status") == "paid" ? "Amount paid" : "Amount due", Shown(invoice, "amount_due"))}
            <p><a id="download" href="/invoice/{invoice.Id()}/pdf">Download invoice</a></p></div>
            {Html.When(invoice.Text("status") == "open", form)}</main>
            """), error is null ? 200 : 402);
    }

    static string Shown(JsonObject invoice, string amount) =>
        Currencies.Shown(invoice.Number(amount), invoice.Text("currency")!);

    static Html Join(IEnumerable<(string Name, string Value)> facts) =>
        Html.Join(facts.Select(f => Html.Of($"""<dt>{f.Name}</dt><dd>{f.Value}</dd>""")));

    static IEnumerable<(string Name, string Value)> Facts(JsonObject invoice, JsonObject? method)
    {
        yield return ("Invoice number", invoice.Text("number") ?? "Draft");
        yield return ("From", "Purser sandbox");
        yield return ("To", invoice.Text("customer_name") ?? invoice.Text("customer_email") ?? invoice.Text("customer")!);
        yield return ("Date", Layout.Day(invoice.MaybeNumber("effective_at") ?? invoice.Number("created")));
        if (invoice.MaybeNumber("due_date") is { } due) yield return ("Due", Layout.Day(due));
        if (invoice.Child("status_transitions")?.MaybeNumber("paid_at") is { } paid)
        {
            yield return ("Payment date", Layout.Day(paid));
        }
        if (method is not null) yield return ("Payment method", PaymentMethods.Named(method));
        foreach (var field in invoice.Items("custom_fields")) yield return (field.Text("name")!, field.Text("value")!);
    }

    static IEnumerable<(string Name, string Amount)> Amounts(JsonObject invoice)
    {
        var currency = invoice.Text("currency")!;
        foreach (var line in invoice.Items("lines"))
        {
            yield return (line.Text("description") ?? "", Currencies.Shown(line.Number("amount"), currency));
        }
        yield return ("Subtotal", Shown(invoice, "subtotal"));
        var off = invoice.Number("subtotal") - invoice.Number("total");
        if (off != 0) yield return ("Discount", Currencies.Shown(-off, currency));
        yield return ("Total", Shown(invoice, "total"));
        var balance = invoice.Number("amount_due") - invoice.Number("total");
        if (balance != 0) yield return ("Applied balance", Currencies.Shown(balance, currency));
    }

    static IResult Download(JsonObject invoice)
    {
        List<string> text = ["Purser sandbox", "INVOICE", "", .. Facts(invoice, null).Select(f => $"{f.Name}: {f.Value}"), ""];
        text.AddRange(Amounts(invoice).Select(a => $"{a.Name}    {a.Amount}"));
        text.Add($"Amount due    {Shown(invoice, "amount_due")}");
        return Results.File(Pdf.Of(text), "application/pdf", $"Invoice-{invoice.Text("number") ?? "draft"}.pdf");
    }

    static IResult Receipt(JsonObject charge)
    {
        string Shown(string amount) => Currencies.Shown(charge.Number(amount), charge.Text("currency")!);
        var details = charge.Child("payment_method_details")!;
        return Layout.Page("Receipt", Html.Of($"""
            <main class="single">{Layout.Merchant(null)}<div class="paper"><p class="muted">Receipt from Purser sandbox</p>
            <p class="total">{Shown("amount")}</p>
            <dl><dt>Payment</dt><dd>{charge.Id()}</dd><dt>Date</dt><dd>{Layout.Day(charge.Number("created"))}</dd>
            <dt>Payment method</dt><dd>{PaymentMethods.Named(details)}</dd><dt>Status</dt><dd id="status">{charge.Text("status")}</dd></dl>
            {Layout.Line(charge.Text("description") ?? "Payment to Purser sandbox", Html.Of($"""{Shown("amount")}"""))}
            {Html.When(charge.Number("amount_refunded") > 0, Html.Of($"""<div class="line"><span>Refunded</span><span>-{Shown("amount_refunded")} refunded</span></div>"""))}
            {Layout.Sum("Amount charged", Currencies.Shown(charge.Number("amount_captured") - charge.Number("amount_refunded"), charge.Text("currency")!))}</div></main>
            """));
    }
}
