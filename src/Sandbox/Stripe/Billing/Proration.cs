namespace Purser.Sandbox.Stripe.Billing;

/// <summary>
/// What a change in the middle of a period costs, to the second: the unused rest of the old is given back, the rest of
/// the new is owed. Each line is rounded once to the minor unit.
/// </summary>
static class Proration
{
    public static void Credit(Tx tx, JsonObject subscription, IEnumerable<JsonObject> items, long at)
    {
        foreach (var item in items)
        {
            var amount = -Share(Discounts.Net(tx, subscription, item, at, paid: true), item, at);
            if (amount != 0) Add(tx, subscription, item, amount, at, $"Unused time on {Named(item)} after {Day(at)}");
        }
    }

    public static void Debit(Tx tx, JsonObject subscription, IEnumerable<JsonObject> items, long at)
    {
        foreach (var item in items)
        {
            var amount = Share(Discounts.Net(tx, subscription, item, at, paid: false), item, at);
            if (amount != 0)
            {
                Add(tx, subscription, item, amount, at, $"Remaining time on {Named(item)} after {Day(at)}");
            }
        }
    }

    /// <summary>The part of an item's price that falls on what is left of its period.</summary>
    static long Share(long price, JsonObject item, long at) =>
        Part(price, item.Number("current_period_end") - at,
            item.Number("current_period_end") - item.Number("current_period_start"));

    public static long Part(long amount, long seconds, long of)
    {
        if (of <= 0 || seconds <= 0) return 0;
        return seconds >= of ? amount
            : (long)decimal.Round((decimal)amount * seconds / of, MidpointRounding.AwayFromZero);
    }

    static void Add(Tx tx, JsonObject subscription, JsonObject item, long amount, long at, string description)
    {
        var made = InvoiceItems.New(tx, tx.Get(subscription.Text("customer")!), amount, subscription.Text("currency")!);
        made["description"] = description;
        made["discountable"] = false;
        made["date"] = at;
        made["parent"] = new JsonObject
        {
            ["subscription_details"] = new JsonObject { ["subscription"] = subscription.Id(),
                ["subscription_item"] = item.Id() },
            ["type"] = "subscription_details",
        };
        made["period"] = new JsonObject { ["end"] = item.Number("current_period_end"), ["start"] = at };
        made["pricing"] = Lines.Pricing(item.Child("price")!);
        made["proration"] = true;
        made["proration_details"] = new JsonObject { ["credited_items"] = null,
            ["discount_amounts"] = new JsonArray() };
        made["quantity"] = item.MaybeNumber("quantity") ?? 1L;
        made["quantity_decimal"] = made.Number("quantity").ToString(CultureInfo.InvariantCulture);
        made["_subscription"] = subscription.Id();
        tx.Emit("invoiceitem.created", made);
    }

    static string Named(JsonObject item) =>
        item.Number("quantity") == 1 ? item.Text("_name")! : $"{item.Number("quantity")} × {item.Text("_name")}";

    static string Day(long at) =>
        DateTimeOffset.FromUnixTimeSeconds(at).ToString("dd MMM yyyy", CultureInfo.InvariantCulture);
}
