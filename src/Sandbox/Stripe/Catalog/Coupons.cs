namespace Purser.Sandbox.Stripe.Catalog;

/// <summary>Coupons: what is taken off, from which products, and for how long.</summary>
static class Coupons
{
    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/coupons", Create);
        routes.Add("GET", "/v1/coupons", call => call.List("coupon", "coupon"));
        routes.Add("GET", "/v1/coupons/{id}", Named);
        routes.Add("POST", "/v1/coupons/{id}", Update);
        routes.Add("DELETE", "/v1/coupons/{id}", Delete);
    }

    public static void Map(Control.TimerActions timers) =>
        timers.Add("coupon", "expire", (_, coupon) => coupon["valid"] = false);

    static JsonObject Named(Call call) => call.Named("coupon", "coupon", "coupon");

    static JsonObject Create(Call call)
    {
        CheckId(call);
        var coupon = ApiSpec.Blank("coupon");
        coupon["id"] = call.P.Text("id") ?? Ids.Random(8);
        coupon["created"] = call.Tx.Now;
        coupon["valid"] = true;
        coupon.Take(call.P, "max_redemptions", "name", "redeem_by");
        coupon["metadata"] = Metadata.Of(call.P);
        TakeAmount(coupon, call.P);
        TakeDuration(coupon, call.P);
        foreach (var name in (ReadOnlySpan<string>)["applies_to", "currency_options"])
        {
            if (call.P[name] is { } given) coupon[$"_{name}"] = given.DeepClone();
        }
        if (coupon.MaybeNumber("redeem_by") is { } until)
        {
            if (until <= call.Tx.Now)
            {
                throw StripeError.Invalid("Invalid redeem_by: must be in the future.", "redeem_by");
            }
            coupon.SetTimer("expire", until);
        }
        call.Tx.Add(coupon);
        call.Tx.Emit("coupon.created", coupon);
        return coupon;
    }

    static void CheckId(Call call)
    {
        if (call.P.Text("id") is { } wanted && call.Tx.Find(wanted) is not null)
        {
            throw StripeError.Invalid("Coupon already exists.", "id", "resource_already_exists");
        }
    }

    static void TakeAmount(JsonObject coupon, JsonObject p)
    {
        var percent = p["percent_off"]?.GetValue<decimal>();
        var amount = p.MaybeNumber("amount_off");
        if (percent is null == (amount is null))
        {
            throw StripeError.Invalid("You must pass exactly one of the following parameters: percent_off, amount_off.",
                "percent_off");
        }
        if (percent is <= 0 or > 100)
        {
            throw StripeError.Invalid("Invalid percent_off: must be greater than 0 and at most 100.", "percent_off");
        }
        if (amount is < 1)
        {
            throw StripeError.Invalid("This value must be greater than or equal to 1.", "amount_off",
                "parameter_invalid_integer");
        }
        if (amount is not null && p.Text("currency") is null)
        {
            throw StripeError.Invalid("You must pass currency when passing amount_off", "currency");
        }
        coupon["percent_off"] = percent;
        coupon["amount_off"] = amount;
        coupon["currency"] = amount is null ? null : Currencies.Checked(p.Text("currency")!, "currency");
    }

    static void TakeDuration(JsonObject coupon, JsonObject p)
    {
        var duration = p.Text("duration") ?? "once";
        var months = p.MaybeNumber("duration_in_months");
        if (duration == "repeating" && months is not > 0)
        {
            throw StripeError.Invalid("You must pass `duration_in_months` when passing `duration=repeating`.",
                "duration_in_months");
        }
        coupon["duration"] = duration;
        coupon["duration_in_months"] = duration == "repeating" ? months : null;
    }

    static JsonObject Update(Call call)
    {
        var coupon = call.Tx.Edit(Named(call));
        coupon.Take(call.P, "name");
        Metadata.Merge(coupon, call.P);
        if (call.P.Child("currency_options") is { } options) coupon["_currency_options"] = options.DeepClone();
        call.Tx.EmitUpdate("coupon.updated", coupon);
        return coupon;
    }

    /// <summary>No new discounts come of it; those there are stay.</summary>
    static JsonObject Delete(Call call)
    {
        var coupon = Named(call);
        call.Tx.Emit("coupon.deleted", coupon);
        call.Tx.Remove(coupon.Id());
        return new() { ["id"] = coupon.Id(), ["object"] = "coupon", ["deleted"] = true };
    }

    /// <summary>What the coupon takes off a purchase in a currency, as its discounts keep it.</summary>
    public static JsonObject Terms(JsonObject coupon, string currency, string param)
    {
        var terms = new JsonObject
        {
            ["percent_off"] = coupon["percent_off"]?.DeepClone(),
            ["products"] = coupon.Child("_applies_to")?["products"]?.DeepClone(),
        };
        if (coupon.MaybeNumber("amount_off") is not { } amount) return terms;
        if (coupon.Text("currency") != currency)
        {
            amount = coupon.Child("_currency_options")?.Child(currency)?.MaybeNumber("amount_off")
                ?? throw StripeError.Invalid($"The coupon {coupon.Id()} takes off {coupon.Text("currency")} and cannot be "
                    + $"used for a purchase in {currency}.", param);
        }
        terms["amount_off"] = amount;
        return terms;
    }

    public static void Redeemed(Tx tx, JsonObject coupon)
    {
        tx.Edit(coupon)["times_redeemed"] = coupon.Number("times_redeemed") + 1;
        if (coupon.MaybeNumber("max_redemptions") is { } max && coupon.Number("times_redeemed") >= max)
        {
            coupon["valid"] = false;
        }
        tx.EmitUpdate("coupon.updated", coupon);
    }
}
