using Purser.Sandbox.Stripe.Billing;
using Purser.Sandbox.Stripe.Catalog;

namespace Purser.Sandbox.Stripe.Checkout;

/// <summary>What a session sells, and what it comes to.</summary>
static class SessionLines
{
    const int PaymentMax = 100;
    const int KindMax = 20;

    public static void Take(Call call, JsonObject session, string mode)
    {
        if (mode == "setup")
        {
            session["currency"] = call.P.Text("currency");
            return;
        }
        List<JsonObject> lines = [];
        foreach (var given in call.P.Items("line_items"))
        {
            lines.Add(Line(call, given, $"line_items[{lines.Count}]", mode));
        }
        CheckKinds(lines, mode);

        var currency = call.P.Text("currency")?.ToLowerInvariant() ?? lines[0].Text("currency")!;
        if (lines.Find(l => l.Text("currency") != currency) is { } other)
        {
            throw StripeError.Invalid($"The price specified only supports `{other.Text("currency")}`. This doesn't match the expected currency: "
                + $"`{currency}`.", "line_items");
        }
        session["_line_items"] = new JsonArray([.. lines]);
        session["currency"] = currency;
        AddUp(session, null);
    }

    /// <summary>What is to be paid today, with the discount that the session has or a code has just given it.</summary>
    public static void AddUp(JsonObject session, JsonObject? discount)
    {
        var due = session.Items("_line_items").Where(l => IsDueToday(session, l)).ToList();
        var amounts = due.Select(l => l.Number("amount_subtotal")).ToArray();
        var off = discount is null ? new long[amounts.Length]
            : Discounts.Off(amounts, [.. due.Select(l => l.Child("price")!.Text("product"))], discount.Child("_off")!);
        for (var i = 0; i < amounts.Length; i++)
        {
            due[i]["amount_discount"] = off[i];
            due[i]["amount_total"] = amounts[i] - off[i];
        }
        var total = amounts.Sum() - off.Sum();
        if (session.Text("mode") == "payment" && total > 0)
        {
            Currencies.CheckChargeable(total, session.Text("currency")!, "line_items");
        }
        session["amount_subtotal"] = amounts.Sum();
        session["amount_total"] = total;
        session["total_details"] = new JsonObject
        {
            ["amount_discount"] = off.Sum(),
            ["amount_shipping"] = 0L,
            ["amount_tax"] = 0L,
            ["breakdown"] = new JsonObject
            {
                ["discounts"] = discount is null ? [] : new JsonArray(
                    new JsonObject { ["amount"] = off.Sum(), ["discount"] = discount.Visible() }),
                ["taxes"] = new JsonArray(),
            },
        };
    }

    // What recurs is not paid for while it is tried.
    static bool IsDueToday(JsonObject session, JsonObject line)
    {
        var data = session.Child("_subscription_data");
        var trialing = data is not null && (data.Number("trial_period_days") > 0 || data.ContainsKey("trial_end"));
        return !trialing || line.Child("price")!.Child("recurring") is null;
    }

    static JsonObject Line(Call call, JsonObject given, string at, string mode)
    {
        var price = PriceOf(call, given, at);
        if (mode == "payment" && price.Child("recurring") is not null)
        {
            throw StripeError.Invalid("You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
                + "only one-time prices.", $"{at}[price]");
        }
        if (!given.ContainsKey("quantity"))
        {
            throw StripeError.Invalid($"Quantity is required. Add `quantity` to `{at}`", $"{at}[quantity]",
                "parameter_missing");
        }
        var quantity = Items.Quantity(given, $"{at}[quantity]", least: 1);
        var amount = Prices.Amount(price, quantity);
        var line = ApiSpec.Blank("item");
        line["id"] = Ids.New("li");
        line["amount_subtotal"] = amount;
        line["amount_total"] = amount;
        line["currency"] = price.Text("currency");
        line["description"] = call.Tx.Get(price.Text("product")!).Text("name");
        line["metadata"] = Metadata.Of(given);
        line["price"] = price.Visible();
        line["quantity"] = quantity;
        return line;
    }

    static JsonObject PriceOf(Call call, JsonObject given, string at)
    {
        if (given.Child("price_data") is { } data) return Prices.Create(call, data, $"{at}[price_data]", active: false);
        var id = given.Text("price") ?? throw StripeError.MissingParam($"{at}[price]");
        return Prices.Sellable(call.Tx, id, $"{at}[price]");
    }

    static void CheckKinds(List<JsonObject> lines, string mode)
    {
        var recurring = lines.Count(l => l.Child("price")!.Child("recurring") is not null);
        if (mode == "payment" && lines.Count > PaymentMax)
        {
            throw StripeError.Invalid($"Checkout Sessions can have at most {PaymentMax} line items.", "line_items");
        }
        if (mode != "subscription") return;
        if (recurring == 0)
        {
            throw StripeError.Invalid("You must provide at least one recurring price in `subscription` mode when using prices.", "line_items");
        }
        if (recurring > KindMax || lines.Count - recurring > KindMax)
        {
            throw StripeError.Invalid($"Checkout Sessions in `subscription` mode can have at most {KindMax} recurring and {KindMax} one-time line "
                + "items.", "line_items");
        }
    }
}
