namespace Purser.Sandbox.Stripe.Catalog;

static class Prices
{
    const int LookupKeyMax = 200;

    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/prices", call => Create(call, call.P));
        routes.Add("GET", "/v1/prices", List);
        routes.Add("GET", "/v1/prices/search", call => call.SearchFor("price"));
        routes.Add("GET", "/v1/prices/{id}", call => call.Named("price", "price"));
        routes.Add("POST", "/v1/prices/{id}", Update);
    }

    /// <summary>
    /// A new price, from its own call or from the price_data of another; at names the latter's place.
    /// </summary>
    public static JsonObject Create(Call call, JsonObject p, string at = "", bool active = true)
    {
        var product = ProductOf(call, p, at);
        var price = ApiSpec.Blank("price");
        price["id"] = Ids.New("price");
        price["active"] = active;
        price["created"] = call.Tx.Now;
        price["currency"] = Currencies.Checked(p.Text("currency")!, In(at, "currency"));
        price["product"] = product;
        price["billing_scheme"] = "per_unit";
        price["tax_behavior"] = "unspecified";
        price["type"] = "one_time";
        price.Take(p, "active", "billing_scheme", "custom_unit_amount", "nickname", "tax_behavior", "tiers_mode",
            "transform_quantity");
        price["metadata"] = Metadata.Of(p);
        if (price.Child("transform_quantity") is { } transform && transform.Number("divide_by") < 1)
        {
            throw StripeError.Invalid("This value must be greater than or equal to 1.",
                In(at, "transform_quantity[divide_by]"), "parameter_invalid_integer");
        }
        TakeAmount(price, p, at);
        if (p["currency_options"] is { } options) price["_currency_options"] = options.DeepClone();
        if (p.Child("recurring") is { } recurring)
        {
            price["type"] = "recurring";
            CheckInterval(recurring, In(at, "recurring"));
            price["recurring"] = Recurring(recurring);
        }
        TakeLookupKey(call.Tx, price, p);
        call.Tx.Add(price);
        call.Tx.Emit("price.created", price);
        return price;
    }

    /// <summary>The price that is to be sold; param is where its id was given.</summary>
    public static JsonObject Sellable(Tx tx, string id, string param)
    {
        var price = tx.Find("price", id) ?? throw StripeError.Missing("price", id, param, inPath: false);
        if (!price.Flag("active"))
        {
            throw StripeError.Invalid("The price specified is inactive. This field only accepts active prices.", param);
        }
        if (price.Child("recurring") is not null && tx.Find(price.Text("product")!) is { } product &&
            !product.Flag("active"))
        {
            throw StripeError.Invalid($"The product {product.Id()} is marked as inactive, so no new subscriptions can be "
                + "created to the price.", param);
        }
        return price;
    }

    static void CheckInterval(JsonObject recurring, string at)
    {
        var count = recurring.MaybeNumber("interval_count") ?? 1;
        var most = recurring.Text("interval") switch { "day" => 1_095, "week" => 156, "month" => 36, _ => 3 };
        if (count >= 1 && count <= most) return;
        throw StripeError.Invalid(count < 1 ? "This value must be greater than or equal to 1."
            : "Invalid interval_count: at most three years (3 years, 36 months, or 156 weeks) are allowed.",
            $"{at}[interval_count]", "parameter_invalid_integer");
    }

    static JsonObject Recurring(JsonObject given) => new()
    {
        ["interval"] = given.Text("interval"),
        ["interval_count"] = given.MaybeNumber("interval_count") ?? 1L,
        ["meter"] = given.Text("meter"),
        ["trial_period_days"] = given.MaybeNumber("trial_period_days"),
        ["usage_type"] = given.Text("usage_type") ?? "licensed",
    };

    static string ProductOf(Call call, JsonObject p, string at)
    {
        if (p.Child("product_data") is { } data) return Products.Create(call, data).Id();
        var id = p.Text("product") ?? throw StripeError.MissingParam(In(at, "product"));
        return call.Tx.Find("product", id)?.Id()
            ?? throw StripeError.Missing("product", id, In(at, "product"), inPath: false);
    }

    static void TakeAmount(JsonObject price, JsonObject p, string at)
    {
        if (p.Text("billing_scheme") == "tiered" || p.ContainsKey("tiers"))
        {
            price["billing_scheme"] = "tiered";
            price["_tiers"] = new JsonArray([.. p.Items("tiers").Select(Tier)]);
            CheckTiers(price, p, at);
            return;
        }
        if (p.ContainsKey("custom_unit_amount")) return;
        if (p.MaybeNumber("unit_amount") is { } amount)
        {
            if (amount < 0)
            {
                throw StripeError.Invalid("This value must be greater than or equal to 0.", In(at, "unit_amount"),
                    "parameter_invalid_integer");
            }
            price["unit_amount"] = amount;
            price["unit_amount_decimal"] = amount.ToString(CultureInfo.InvariantCulture);
            return;
        }
        if (p.Text("unit_amount_decimal") is not { } exact)
        {
            throw StripeError.Invalid("Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.",
                In(at, "unit_amount"),
                "parameter_missing");
        }
        var value = decimal.Parse(exact, CultureInfo.InvariantCulture);
        price["unit_amount"] = value == decimal.Truncate(value) ? (long)value : null;
        price["unit_amount_decimal"] = exact;
    }

    static JsonObject Tier(JsonObject given) => new()
    {
        ["flat_amount"] = given.MaybeNumber("flat_amount"),
        ["flat_amount_decimal"] = Exact(given, "flat_amount"),
        ["unit_amount"] = given.MaybeNumber("unit_amount"),
        ["unit_amount_decimal"] = Exact(given, "unit_amount"),
        ["up_to"] = given.MaybeNumber("up_to"),
    };

    static string? Exact(JsonObject tier, string name) =>
        tier.Text($"{name}_decimal") ?? tier.MaybeNumber(name)?.ToString(CultureInfo.InvariantCulture);

    static void CheckTiers(JsonObject price, JsonObject p, string at)
    {
        var tiers = price.Items("_tiers").ToList();
        if (p.Text("tiers_mode") is null) throw StripeError.MissingParam(In(at, "tiers_mode"));
        var ends = tiers.Select(t => t.MaybeNumber("up_to") ?? long.MaxValue).ToList();
        if (ends.Count == 0 || ends[^1] != long.MaxValue || !ends.SequenceEqual(ends.Distinct().Order()))
        {
            throw StripeError.Invalid("Tiers must be in ascending order of `up_to`, and the last one must be `inf`.",
                In(at, "tiers"));
        }
    }

    static void TakeLookupKey(Tx tx, JsonObject price, JsonObject p)
    {
        if (!p.ContainsKey("lookup_key")) return;
        var key = p.Text("lookup_key")!;
        if (key.Length > LookupKeyMax)
        {
            throw StripeError.Invalid($"Invalid string: {key[..6]}...; must be at most {LookupKeyMax} characters",
                "lookup_key");
        }
        var holder = key.Length == 0 ? null
            : tx.Referring("price", "lookup_key", key).FirstOrDefault(o => o.Id() != price.Id());
        if (holder is not null)
        {
            if (!p.Flag("transfer_lookup_key"))
            {
                throw StripeError.Invalid($"A price (`{holder.Id()}`) already uses that lookup key.", "lookup_key",
                    "resource_already_exists");
            }
            tx.Edit(holder)["lookup_key"] = null;
            tx.EmitUpdate("price.updated", holder);
        }
        price["lookup_key"] = key.Length == 0 ? null : key;
    }

    static JsonObject List(Call call)
    {
        var active = call.P.MaybeFlag("active");
        var keys = call.P.Texts("lookup_keys").ToHashSet();
        var interval = call.P.Child("recurring")?.Text("interval");
        return call.List("price", "price",
            p => (active is null || p.Flag("active") == active) &&
                (keys.Count == 0 || keys.Contains(p.Text("lookup_key") ?? "")) &&
                (interval is null || p.Child("recurring")?.Text("interval") == interval),
            "product", "currency", "type");
    }

    static JsonObject Update(Call call)
    {
        var price = call.Tx.Edit(call.Named("price", "price"));
        price.Take(call.P, "active", "nickname", "tax_behavior");
        Metadata.Merge(price, call.P);
        TakeLookupKey(call.Tx, price, call.P);
        call.Tx.EmitUpdate("price.updated", price);
        return price;
    }

    /// <summary>What a quantity of a price costs, rounded once to the minor unit.</summary>
    public static long Amount(JsonObject price, long quantity)
    {
        if (price.Text("billing_scheme") == "tiered") return Tiers.Amount(price, quantity);
        var units = price.Child("transform_quantity") is { } transform
            ? Divided(quantity, transform.Number("divide_by"), transform.Text("round") == "up")
            : quantity;
        var each = decimal.Parse(price.Text("unit_amount_decimal") ?? "0", CultureInfo.InvariantCulture);
        return (long)decimal.Round(each * units, MidpointRounding.AwayFromZero);
    }

    static long Divided(long quantity, long by, bool up) => up ? (quantity + by - 1) / by : quantity / by;

    /// <summary>The plan that subscription items still carry beside their price.</summary>
    public static JsonObject PlanOf(JsonObject price)
    {
        var plan = ApiSpec.Blank("plan");
        var recurring = price.Child("recurring")!;
        plan.Take(price, "id", "active", "billing_scheme", "created", "currency", "livemode", "metadata", "nickname",
            "product", "tiers_mode");
        plan.Take(recurring, "interval", "interval_count", "meter", "trial_period_days", "usage_type");
        plan["amount"] = price["unit_amount"]?.DeepClone();
        plan["amount_decimal"] = price["unit_amount_decimal"]?.DeepClone();
        return plan;
    }

    static string In(string at, string name) => at.Length == 0 ? name : $"{at}[{name}]";
}
