using Purser.Sandbox.Stripe.Catalog;

namespace Purser.Sandbox.Stripe.Billing;

/// <summary>The items of a subscription: a price, a quantity, and the period they are paid for.</summary>
static class Items
{
    const long QuantityMax = 999_999;

    public static JsonObject New(Tx tx, JsonObject subscription, JsonObject price, long quantity, JsonObject? given)
    {
        var item = ApiSpec.Blank("subscription_item");
        item["id"] = Ids.New("si");
        item["created"] = tx.TimeOf(subscription);
        item["metadata"] = Metadata.Of(given);
        item["subscription"] = subscription.Id();
        item["tax_rates"] = new JsonArray();
        item["quantity"] = quantity;
        SetPrice(tx, item, price);
        return item;
    }

    public static void SetPrice(Tx tx, JsonObject item, JsonObject price)
    {
        item["price"] = price.Visible();
        item["plan"] = Prices.PlanOf(price);
        item["_name"] = tx.Find(price.Text("product")!)?.Text("name") ?? "Subscription";
        // Tiers are not shown by a price unless asked for, yet amounts are computed from the item alone.
        if (price["_tiers"] is { } tiers) item["price"]!["_tiers"] = tiers.DeepClone();
    }

    public static long Amount(JsonObject item) =>
        Prices.Amount(item.Child("price")!, item.MaybeNumber("quantity") ?? 1);

    /// <summary>The price that an items parameter names or describes; at is its place, for the refusal.</summary>
    public static JsonObject PriceOf(Call call, JsonObject given, string at)
    {
        if (given.Child("price_data") is { } data) return Prices.Create(call, data, $"{at}[price_data]", active: false);
        var id = given.Text("price") ?? given.Text("plan") ?? throw StripeError.MissingParam($"{at}[price]");
        var price = Prices.Sellable(call.Tx, id, $"{at}[price]");
        if (price.Child("recurring") is null)
        {
            throw StripeError.Invalid($"The price specified is set to `type=one_time` but this field only accepts prices with "
                + "`type=recurring`.", $"{at}[price]");
        }
        return price;
    }

    public static long Quantity(JsonObject given, string param, long least = 0)
    {
        var quantity = given.MaybeNumber("quantity") ?? 1;
        if (quantity < least)
        {
            throw StripeError.Invalid($"This value must be greater than or equal to {least}.", param,
                "parameter_invalid_integer");
        }
        return quantity <= QuantityMax ? quantity
            : throw StripeError.Invalid($"This value must be less than or equal to {QuantityMax} (it currently is '{quantity}').",
                param, "parameter_invalid_integer");
    }

    /// <summary>
    /// All items of a subscription share currency and interval, and no two have the same price, as Stripe demands.
    /// </summary>
    public static void CheckAlike(IReadOnlyList<JsonObject> items)
    {
        if (items.Count == 0)
        {
            throw StripeError.Invalid("A subscription must have at least one active plan. To remove all plans, cancel it.");
        }
        if (items.Count > 20) throw StripeError.Invalid("A subscription can have at most 20 items.", "items");
        var first = items[0].Child("price")!;
        foreach (var item in items)
        {
            var price = item.Child("price")!;
            if (price.Text("currency") != first.Text("currency"))
            {
                throw StripeError.Invalid("The price specified only supports `" + price.Text("currency")
                    + "`. This doesn't match the expected "
                    + "currency: `" + first.Text("currency") + "`.");
            }
            if (items.Count(i => i.Child("price")!.Id() == price.Id()) > 1)
            {
                throw StripeError.Invalid($"Cannot add multiple subscription items with the same plan: {price.Id()}",
                    "items");
            }
            if (Interval(price) != Interval(first))
            {
                throw StripeError.Invalid("Currency and interval fields must match across all plans on this subscription. Found mismatch in "
                    + "interval field.");
            }
        }
    }

    public static (string Interval, long Count) Interval(JsonObject price)
    {
        var recurring = price.Child("recurring")!;
        return (recurring.Text("interval")!, recurring.Number("interval_count"));
    }

    public static (string Interval, long Count) IntervalOf(JsonObject subscription) =>
        Interval(subscription.Items("items").First().Child("price")!);

    public static void SetPeriod(JsonObject subscription, long start, long end)
    {
        foreach (var item in subscription.Items("items"))
        {
            item["current_period_start"] = start;
            item["current_period_end"] = end;
        }
    }

    public static (long Start, long End) Period(JsonObject subscription)
    {
        var first = subscription.Items("items").First();
        return (first.Number("current_period_start"), first.Number("current_period_end"));
    }

    public static void Put(JsonObject subscription, IEnumerable<JsonObject> items)
    {
        var list = Json.ListOf($"/v1/subscription_items?subscription={subscription.Id()}", items.Select(Json.Copy));
        list["total_count"] = (long)((JsonArray)list["data"]!).Count;
        subscription["items"] = list;
    }
}
