namespace Purser.Sandbox.Stripe.Portal;

/// <summary>What customers may do in the billing portal.</summary>
static class Configurations
{
    public const string Kind = "billing_portal.configuration";

    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/billing_portal/configurations", Create);
        routes.Add("GET", "/v1/billing_portal/configurations", List);
        routes.Add("GET", "/v1/billing_portal/configurations/{id}", call =>
            call.Named(Kind, "configuration", "configuration"));
        routes.Add("POST", "/v1/billing_portal/configurations/{id}", Update);
    }

    static JsonObject Create(Call call)
    {
        var made = New(call.Tx, call.P.Child("features") ?? []);
        CheckPrices(call);
        Fill(made, call.P);
        made["metadata"] = Metadata.Of(call.P);
        call.Tx.Emit("billing_portal.configuration.created", made);
        return made;
    }

    static JsonObject New(Tx tx, JsonObject features)
    {
        var made = ApiSpec.Blank(Kind);
        made["id"] = Ids.New("bpc");
        made["active"] = true;
        made["created"] = tx.Now;
        made["updated"] = tx.Now;
        made["business_profile"] = new JsonObject { ["headline"] = null, ["privacy_policy_url"] = null,
            ["terms_of_service_url"] = null };
        made["features"] = Features(features);
        made["login_page"] = new JsonObject { ["enabled"] = false, ["url"] = null };
        made["metadata"] = new JsonObject();
        return tx.Add(made);
    }

    static JsonObject Features(JsonObject given)
    {
        var customer = given.Child("customer_update");
        var cancel = given.Child("subscription_cancel");
        var update = given.Child("subscription_update");
        return new()
        {
            ["customer_update"] = new JsonObject
            {
                ["allowed_updates"] = customer?["allowed_updates"] is JsonArray allowed ? allowed.DeepClone()
                    : new JsonArray(),
                ["enabled"] = customer?.Flag("enabled") ?? false,
            },
            ["invoice_history"] = new JsonObject { ["enabled"] = given.Child("invoice_history")?.Flag("enabled")
                ?? false },
            ["payment_method_update"] = new JsonObject
            {
                ["enabled"] = given.Child("payment_method_update")?.Flag("enabled") ?? false,
                ["payment_method_configuration"] = null,
            },
            ["subscription_cancel"] = new JsonObject
            {
                ["cancellation_reason"] = new JsonObject
                {
                    ["enabled"] = cancel?.Child("cancellation_reason")?.Flag("enabled") ?? false,
                    ["feedback_options"] = new JsonArray(),
                    ["options"] = cancel?.Child("cancellation_reason")?["options"] is JsonArray options
                        ? options.DeepClone() : new JsonArray(),
                },
                ["enabled"] = cancel?.Flag("enabled") ?? false,
                ["mode"] = cancel?.Text("mode") ?? "at_period_end",
                ["proration_behavior"] = cancel?.Text("proration_behavior") ?? "none",
            },
            ["subscription_pause"] = new JsonObject { ["duration"] = new JsonObject { ["interval_options"] = new JsonArray(), ["type"] = "indefinite" }, ["enabled"] = false },
            ["subscription_update"] = new JsonObject
            {
                ["billing_cycle_anchor"] = update?.Text("billing_cycle_anchor"),
                ["default_allowed_updates"] = update?["default_allowed_updates"] is JsonArray updates
                    ? updates.DeepClone() : new JsonArray(),
                ["enabled"] = update?.Flag("enabled") ?? false,
                ["products"] = new JsonArray([.. (update ?? []).Items("products").Select(Product)]),
                ["proration_behavior"] = update?.Text("proration_behavior") ?? "none",
                ["schedule_at_period_end"] = new JsonObject { ["conditions"] = new JsonArray() },
                ["trial_update_behavior"] = update?.Text("trial_update_behavior") ?? "end_trial",
            },
        };
    }

    static JsonObject Product(JsonObject given) => new()
    {
        ["adjustable_quantity"] = given["adjustable_quantity"]?.DeepClone()
            ?? new JsonObject { ["enabled"] = false, ["maximum"] = null, ["minimum"] = 1L },
        ["prices"] = given["prices"]?.DeepClone(),
        ["product"] = given["product"]?.DeepClone(),
    };

    static void CheckPrices(Call call)
    {
        var products = call.P.Child("features")?.Child("subscription_update")?.Items("products").ToList() ?? [];
        for (var i = 0; i < products.Count; i++)
        {
            foreach (var price in products[i].Texts("prices"))
            {
                if (call.Tx.Find("price", price) is null)
                {
                    throw StripeError.Missing("price", price,
                        $"features[subscription_update][products][{i}][prices][0]", inPath: false);
                }
            }
        }
    }

    static void Fill(JsonObject made, JsonObject p)
    {
        made.Take(p, "active", "default_return_url", "name");
        if (p.Child("business_profile") is { } profile)
        {
            made.Child("business_profile")!.Take(profile, "headline", "privacy_policy_url", "terms_of_service_url");
        }
    }

    static JsonObject List(Call call)
    {
        var active = call.P.MaybeFlag("active");
        var standard = call.P.MaybeFlag("is_default");
        return call.List(Kind, "configuration", c => (active is null || c.Flag("active") == active) &&
            (standard is null || c.Flag("is_default") == standard));
    }

    static JsonObject Update(Call call)
    {
        var made = call.Tx.Edit(call.Named(Kind, "configuration", "configuration"));
        if (call.P.Child("features") is { } features)
        {
            CheckPrices(call);
            var all = made.Child("features")!.Copy();
            foreach (var (name, value) in features) all[name] = value?.DeepClone();
            made["features"] = Features(all);
        }
        Fill(made, call.P);
        Metadata.Merge(made, call.P);
        made["updated"] = call.Tx.Now;
        call.Tx.EmitUpdate("billing_portal.configuration.updated", made);
        return made;
    }

    /// <summary>
    /// The configuration of an account that has made none. At Stripe a person saves it in the dashboard first.
    /// </summary>
    public static JsonObject Standard(Tx tx)
    {
        if (tx.All(Kind).FirstOrDefault(c => c.Flag("is_default")) is { } found) return found;
        var on = new JsonObject { ["enabled"] = true };
        var made = New(tx, new()
        {
            ["customer_update"] = new JsonObject { ["enabled"] = true,
                ["allowed_updates"] = new JsonArray("email", "name") },
            ["invoice_history"] = on.Copy(),
            ["payment_method_update"] = on.Copy(),
            ["subscription_cancel"] = on.Copy(),
        });
        made["is_default"] = true;
        return made;
    }
}
