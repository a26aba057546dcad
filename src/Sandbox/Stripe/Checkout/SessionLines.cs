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

        var currency = lines[0].Text("currency")!;
        if (lines.Find(l => l.Text("currency") != currency) is { } other)
        {
            throw StripeError.Invalid($"The price specified only supports `{other.Text("currency")}`. This doesn't match the expected currency: "
                + $"`{currency}`.", "line_items");
        }
        var trialing = call.P.Child("subscription_data") is { } data &&
            (data.Number("trial_period_days") > 0 || data.ContainsKey("trial_end"));
        var total = lines.Where(l => !trialing || l.Child("price")!.Child("recurring") is null).Sum(l =>
            l.Number("amount_total"));
        if (mode == "payment" && total > 0)
        {
            Currencies.CheckChargeable(total, currency, "line_items");
        }
        session["_line_items"] = new JsonArray([.. lines]);
        session["currency"] = currency;
        session["amount_subtotal"] = total;
        session["amount_total"] = total;
        session["total_details"] = new JsonObject { ["amount_discount"] = 0L, ["amount_shipping"] = 0L,
            ["amount_tax"] = 0L };
    }

    static JsonObject Line(Call call, JsonObject given, string at, string mode)
    {
        var price = PriceOf(call, given, at);
        if (mode == "payment" && price.Child("recurring") is not null)
        {
            throw StripeError.Invalid("You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
                + "only one-time prices.", $"{at}[price]");
        }
        if (given.MaybeNumber("quantity") is not { } quantity)
        {
            throw StripeError.Invalid($"Quantity is required. Add `quantity` to `{at}`", $"{at}[quantity]",
                "parameter_missing");
        }
        if (quantity < 1)
        {
            throw StripeError.Invalid("This value must be greater than or equal to 1.", $"{at}[quantity]",
                "parameter_invalid_integer");
        }
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
        var price = call.Tx.Find("price", id) ?? throw StripeError.Missing("price", id, $"{at}[price]", inPath: false);
        return price.Flag("active")
            ? price
            : throw StripeError.Invalid("The price specified is inactive. This field only accepts active prices.",
                $"{at}[price]");
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
