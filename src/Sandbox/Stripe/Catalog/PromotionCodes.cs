namespace Purser.Sandbox.Stripe.Catalog;

/// <summary>Codes by which customers redeem a coupon themselves, each with limits of its own.</summary>
static class PromotionCodes
{
    const string Kind = "promotion_code";

    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/promotion_codes", Create);
        routes.Add("GET", "/v1/promotion_codes", List);
        routes.Add("GET", "/v1/promotion_codes/{id}", Named);
        routes.Add("POST", "/v1/promotion_codes/{id}", Update);
    }

    public static void Map(Control.TimerActions timers) =>
        timers.Add(Kind, "expire", (_, code) => code["active"] = false);

    static JsonObject Named(Call call) => call.Named(Kind, "promotion code", "promotion_code");

    static JsonObject Create(Call call)
    {
        var tx = call.Tx;
        var id = call.P.Child("promotion")?.Text("coupon") ?? throw StripeError.MissingParam("promotion[coupon]");
        var coupon = tx.Find("coupon", id)
            ?? throw StripeError.Missing("coupon", id, "promotion[coupon]", inPath: false);
        var code = ApiSpec.Blank(Kind);
        code["id"] = Ids.New("promo");
        code["active"] = call.P.MaybeFlag("active") ?? true;
        code["code"] = call.P.Text("code") ?? Ids.Random(8).ToUpperInvariant();
        code["created"] = tx.Now;
        code["customer"] = call.Referred("customer", "customer", "customer")?.Id();
        code.Take(call.P, "expires_at", "max_redemptions");
        code["metadata"] = Metadata.Of(call.P);
        code["promotion"] = new JsonObject { ["coupon"] = coupon.Id(), ["type"] = "coupon" };
        var restrictions = call.P.Child("restrictions");
        code["restrictions"] = new JsonObject
        {
            ["first_time_transaction"] = restrictions?.Flag("first_time_transaction") ?? false,
            ["minimum_amount"] = restrictions?["minimum_amount"]?.DeepClone(),
            ["minimum_amount_currency"] = restrictions?["minimum_amount_currency"]?.DeepClone(),
        };
        if (tx.All(Kind).Any(o => o.Flag("active") && Spells(o, code.Text("code")!)))
        {
            throw StripeError.Invalid($"An active promotion code with `code: {code.Text("code")}` already exists.",
                "code", "resource_already_exists");
        }
        if (code.MaybeNumber("expires_at") is { } at) code.SetTimer("expire", at);
        tx.Add(code);
        tx.Emit("promotion_code.created", code);
        return code;
    }

    static JsonObject List(Call call)
    {
        var active = call.P.MaybeFlag("active");
        var coupon = call.P.Text("coupon");
        var spelled = call.P.Text("code");
        return call.List(Kind, "promotion code", c => (active is null || c.Flag("active") == active) &&
            (coupon is null || c.Child("promotion")!.Text("coupon") == coupon) &&
            (spelled is null || Spells(c, spelled)), "customer");
    }

    static JsonObject Update(Call call)
    {
        var code = call.Tx.Edit(Named(call));
        code.Take(call.P, "active");
        Metadata.Merge(code, call.P);
        call.Tx.EmitUpdate("promotion_code.updated", code);
        return code;
    }

    static bool Spells(JsonObject code, string text) =>
        string.Equals(code.Text("code"), text, StringComparison.OrdinalIgnoreCase);

    /// <summary>The active code that a customer has typed in.</summary>
    public static JsonObject? Typed(Tx tx, string text) =>
        tx.All(Kind).FirstOrDefault(c => c.Flag("active") && Spells(c, text.Trim()));

    /// <summary>Refuses a code that is not for this purchase.</summary>
    public static void Check(Tx tx, JsonObject code, JsonObject? customer, long? amount, string param)
    {
        var restrictions = code.Child("restrictions")!;
        if (!code.Flag("active")) throw Refused("it is inactive or has expired", param, "coupon_expired");
        if (code.Text("customer") is { } owner && owner != customer?.Id())
        {
            throw Refused("it belongs to another customer", param);
        }
        if (amount < restrictions.MaybeNumber("minimum_amount"))
        {
            throw Refused("the purchase is below its minimum amount", param);
        }
        if (restrictions.Flag("first_time_transaction") && customer is not null &&
            tx.Referring("charge", "customer", customer.Id()).Exists(c => c.Flag("paid")))
        {
            throw Refused("the associated customer has prior transactions", param);
        }
    }

    static StripeError Refused(string why, string param, string? code = null) =>
        StripeError.Invalid($"This promotion code cannot be redeemed because {why}.", param, code);

    public static void Redeemed(Tx tx, JsonObject code)
    {
        tx.Edit(code)["times_redeemed"] = code.Number("times_redeemed") + 1;
        if (code.MaybeNumber("max_redemptions") is { } max && code.Number("times_redeemed") >= max)
        {
            code["active"] = false;
        }
        tx.EmitUpdate("promotion_code.updated", code);
    }
}
