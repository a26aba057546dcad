namespace Purser.Sandbox.Stripe.Billing;

/// <summary>Reads what an update says about items: one with an id changes or goes, one without is added.</summary>
static class ItemChanges
{
    public static List<JsonObject> Read(Call call, JsonObject subscription, JsonObject p)
    {
        var items = subscription.Items("items").Select(Json.Copy).ToList();
        var (start, end) = Items.Period(subscription);
        var index = -1;
        foreach (var given in p.Items("items"))
        {
            index++;
            if (given.Text("id") is not { } id)
            {
                Add(call, subscription, items, given, index, start, end);
                continue;
            }
            var item = items.Find(i => i.Id() == id)
                ?? throw StripeError.Missing("subscription_item", id, $"items[{index}][id]", inPath: false);
            if (given.Flag("deleted"))
            {
                items.Remove(item);
                continue;
            }
            if (given.ContainsKey("price") || given.ContainsKey("price_data") || given.ContainsKey("plan"))
            {
                Items.SetPrice(call.Tx, item, Items.PriceOf(call, given, $"items[{index}]"));
            }
            if (given.ContainsKey("quantity")) item["quantity"] = Items.Quantity(given, $"items[{index}][quantity]");
            Metadata.Merge(item, given);
        }
        return items;
    }

    static void Add(Call call, JsonObject subscription, List<JsonObject> items, JsonObject given, int index,
        long start, long end)
    {
        var price = Items.PriceOf(call, given, $"items[{index}]");
        var item = Items.New(call.Tx, subscription, price, Items.Quantity(given, $"items[{index}][quantity]"), given);
        item["current_period_start"] = start;
        item["current_period_end"] = end;
        items.Add(item);
    }

    public static bool Differ(List<JsonObject> old, List<JsonObject> updated)
    {
        var (gone, come) = Split(old, updated);
        return gone.Count > 0 || come.Count > 0;
    }

    /// <summary>
    /// What is to be given back and what is to be charged; an item that stays as it was is in neither.
    /// </summary>
    public static (List<JsonObject> Gone, List<JsonObject> Come) Split(List<JsonObject> old,
        List<JsonObject> updated) =>
        ([.. old.Where(o => !updated.Exists(u => Same(o, u)))], [.. updated.Where(u => !old.Exists(o => Same(o, u)))]);

    static bool Same(JsonObject a, JsonObject b) =>
        a.Id() == b.Id() && a.Child("price")!.Id() == b.Child("price")!.Id() &&
            a.MaybeNumber("quantity") == b.MaybeNumber("quantity");
}
