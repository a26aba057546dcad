namespace Purser.Sandbox.Stripe.Billing;

/// <summary>Subscription items as a resource of their own: each call is a change to their subscription.</summary>
static class ItemRoutes
{
    public static void Map(Routes routes)
    {
        routes.Add("GET", "/v1/subscription_items", List);
        routes.Add("POST", "/v1/subscription_items", Create);
        routes.Add("GET", "/v1/subscription_items/{id}", call => Find(call).Item);
        routes.Add("POST", "/v1/subscription_items/{id}", Update);
        routes.Add("DELETE", "/v1/subscription_items/{id}", Delete);
    }

    static JsonObject List(Call call) =>
        call.Page(call.Required("subscription", "subscription", "subscription").Items("items").Reverse(),
            "subscription_item");

    static (JsonObject Subscription, JsonObject Item) Find(Call call)
    {
        foreach (var subscription in call.Tx.All("subscription"))
        {
            if (subscription.Items("items").FirstOrDefault(i => i.Id() == call.Id) is { } item)
            {
                return (subscription, item);
            }
        }
        throw StripeError.Missing("subscription_item", call.Id, "item", inPath: true);
    }

    static JsonObject Create(Call call)
    {
        var subscription = call.Required("subscription", "subscription", "subscription");
        var before = subscription.Items("items").Select(Json.Id).ToHashSet();
        Change(call, subscription, new());
        return subscription.Items("items").First(i => !before.Contains(i.Id()));
    }

    static JsonObject Update(Call call)
    {
        var (subscription, _) = Find(call);
        Change(call, subscription, new() { ["id"] = call.Id });
        return subscription.Items("items").First(i => i.Id() == call.Id);
    }

    static JsonObject Delete(Call call)
    {
        var (subscription, _) = Find(call);
        Change(call, subscription, new() { ["id"] = call.Id, ["deleted"] = true });
        return new() { ["id"] = call.Id, ["object"] = "subscription_item", ["deleted"] = true };
    }

    static void Change(Call call, JsonObject subscription, JsonObject item)
    {
        if (call.P.Items("discounts").Any()) throw Unsupported.InnerDiscount("discounts");
        item.Take(call.P, "price", "price_data", "quantity", "metadata");
        var p = new JsonObject { ["items"] = new JsonArray(item) };
        p.Take(call.P, "proration_behavior", "proration_date", "payment_behavior");
        Changes.Update(call, subscription, p);
    }
}
