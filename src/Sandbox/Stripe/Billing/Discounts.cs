using Purser.Sandbox.Stripe.Catalog;

namespace Purser.Sandbox.Stripe.Billing;

/// <summary>
/// Coupons at work: on a checkout session, a subscription or an invoice. A discount keeps the terms it began with,
/// whatever becomes of its coupon.
/// </summary>
static class Discounts
{
    const string Kind = "discount";

    public static void Map(Routes routes) =>
        routes.Add("DELETE", "/v1/subscriptions/{id}/discount", DeleteOfSubscription);

    public static void Map(Control.TimerActions timers) => timers.Add(Kind, "end", End);

    /// <summary>The discounts that a discounts parameter names, made for the object that is to have them.</summary>
    public static List<JsonObject> From(Tx tx, JsonObject holder, JsonNode? given, long? amount = null)
    {
        List<JsonObject> discounts = [];
        foreach (var one in (given as JsonArray ?? []).OfType<JsonObject>())
        {
            var at = $"discounts[{discounts.Count}]";
            discounts.Add(one.Text("discount") is { } id
                ? tx.Find(Kind, id) ?? throw StripeError.Missing("discount", id, $"{at}[discount]", inPath: false)
                : New(tx, holder, one, amount, at));
        }
        return discounts;
    }

    static JsonObject New(Tx tx, JsonObject holder, JsonObject given, long? amount, string at)
    {
        var customer = holder.Text("customer") is { } owner ? tx.Find(owner) : null;
        JsonObject? code = null;
        if (given.Text("promotion_code") is { } promotion)
        {
            code = tx.Find("promotion_code", promotion)
                ?? throw StripeError.Missing("promotion code", promotion, $"{at}[promotion_code]", inPath: false);
            PromotionCodes.Check(tx, code, customer, amount, $"{at}[promotion_code]");
        }
        var id = code?.Child("promotion")!.Text("coupon") ?? given.Text("coupon")
            ?? throw StripeError.MissingParam($"{at}[coupon]");
        var coupon = tx.Find("coupon", id) ?? throw StripeError.Missing("coupon", id, $"{at}[coupon]", inPath: false);
        if (!coupon.Flag("valid"))
        {
            throw StripeError.Invalid($"Coupon expired: {id}", $"{at}[coupon]", "coupon_expired");
        }

        var start = tx.TimeOf(holder);
        var discount = ApiSpec.Blank(Kind);
        discount["id"] = Ids.New("di");
        discount["customer"] = customer?.Id();
        discount["promotion_code"] = code?.Id();
        discount["source"] = new JsonObject { ["coupon"] = id, ["type"] = "coupon" };
        discount["start"] = start;
        if (coupon.MaybeNumber("duration_in_months") is { } months) discount["end"] = Periods.Add(start, "month", months);
        discount[holder.Kind() == Checkout.Sessions.Kind ? "checkout_session" : holder.Kind()] = holder.Id();
        discount["_clock"] = Account.ClockOf(holder) is { Length: > 0 } clock ? clock : null;
        discount["_once"] = coupon.Text("duration") == "once";
        discount["_off"] = Coupons.Terms(coupon, holder.Text("currency")!, $"{at}[coupon]");
        discount["_off"]!["discount"] = discount.Id();
        return tx.Add(discount);
    }

    /// <summary>Counts a redemption: of a session only when it is paid.</summary>
    public static void Redeem(Tx tx, JsonObject discount)
    {
        if (tx.Find("coupon", discount.Child("source")!.Text("coupon")!) is { } coupon) Coupons.Redeemed(tx, coupon);
        if (discount.Text("promotion_code") is { } code) PromotionCodes.Redeemed(tx, tx.Get(code));
    }

    /// <summary>Gives a subscription the discounts a call names; an empty value takes all away.</summary>
    public static void Put(Tx tx, JsonObject subscription, JsonObject p)
    {
        if (!p.ContainsKey("discounts")) return;
        var before = subscription.Texts("discounts").ToHashSet();
        var discounts = From(tx, subscription, p["discounts"]);
        subscription["discounts"] = new JsonArray([.. discounts.Select(d => (JsonNode)d.Id())]);
        foreach (var gone in before.Except(discounts.Select(Json.Id))) Forget(tx, tx.Get(gone));
        foreach (var discount in discounts.Where(d => !before.Contains(d.Id())))
        {
            if (discount.MaybeNumber("end") is { } end) discount.SetTimer("end", end);
            Redeem(tx, discount);
            tx.Emit("customer.discount.created", discount);
        }
    }

    static JsonObject DeleteOfSubscription(Call call)
    {
        var subscription = call.Tx.Edit(Subscriptions.Named(call));
        var first = subscription.Texts("discounts").FirstOrDefault()
            ?? throw StripeError.Invalid($"No active discount for subscription: {call.Id}", code: "resource_missing",
                status: 404);
        var discount = call.Tx.Get(first);
        subscription["discounts"] = new JsonArray();
        Forget(call.Tx, discount);
        call.Tx.EmitUpdate("customer.subscription.updated", subscription);
        var gone = discount.Copy();
        gone["deleted"] = true;
        return gone;
    }

    static void Forget(Tx tx, JsonObject discount)
    {
        discount.ClearTimers();
        tx.Emit("customer.discount.deleted", discount);
    }

    static void End(Tx tx, JsonObject discount)
    {
        if (discount.Text("subscription") is not { } id || tx.Find(id) is not { } subscription) return;
        tx.Edit(subscription);
        Drop(subscription, discount.Id());
        tx.Emit("customer.discount.deleted", discount);
        tx.EmitUpdate("customer.subscription.updated", subscription);
    }

    static void Drop(JsonObject subscription, string discount) => subscription["discounts"] =
        new JsonArray([.. subscription.Texts("discounts").Where(d => d != discount).Select(d => (JsonNode)d)]);

    /// <summary>An invoice takes over what is in effect on its subscription when its period begins.</summary>
    public static void Inherit(Tx tx, JsonObject invoice, JsonObject subscription, long at) =>
        Put(invoice, subscription.Texts("discounts").Select(tx.Get).Where(d => IsInEffect(d, at)));

    static bool IsInEffect(JsonObject discount, long at) => discount.MaybeNumber("end") is not { } end || end > at;

    public static void Put(JsonObject invoice, IEnumerable<JsonObject> discounts)
    {
        var all = discounts.ToList();
        invoice["discounts"] = new JsonArray([.. all.Select(d => (JsonNode)d.Id())]);
        invoice["_off"] = new JsonArray([.. all.Select(d => d.Child("_off")!.DeepClone())]);
    }

    /// <summary>Writes onto the lines of an invoice what comes off each, and says what comes off all of it.</summary>
    public static long TakeOff(JsonObject invoice)
    {
        var lines = invoice.Items("lines").Where(l => l.Flag("discountable")).ToList();
        foreach (var line in invoice.Items("lines")) line["discount_amounts"] = new JsonArray();
        var totals = new JsonArray();
        var left = lines.Select(l => l.Number("amount")).ToArray();
        var products = lines.Select(l => l.Child("pricing")?.Child("price_details")?.Text("product")).ToArray();
        foreach (var terms in invoice.Items("_off"))
        {
            var off = Off(left, products, terms);
            for (var i = 0; i < off.Length; i++)
            {
                left[i] -= off[i];
                ((JsonArray)lines[i]["discount_amounts"]!).Add(Amount(terms, off[i]));
            }
            totals.Add(Amount(terms, off.Sum()));
        }
        invoice["total_discount_amounts"] = totals;
        return totals.OfType<JsonObject>().Sum(t => t.Number("amount"));
    }

    static JsonObject Amount(JsonObject terms, long amount) =>
        new() { ["amount"] = amount, ["discount"] = terms.Text("discount") };

    /// <summary>
    /// What one discount takes off each part. A fixed amount is spread over the parts by their size, to the last unit.
    /// </summary>
    public static long[] Off(long[] parts, string?[] products, JsonObject terms)
    {
        var chosen = terms["products"] is JsonArray { Count: > 0 } ? terms.Texts("products").ToHashSet() : null;
        bool Applies(int i) => parts[i] > 0 && (chosen is null || chosen.Contains(products[i] ?? ""));
        var off = new long[parts.Length];
        if (terms["percent_off"] is JsonValue percent)
        {
            for (var i = 0; i < parts.Length; i++)
            {
                var exact = Applies(i) ? parts[i] * percent.GetValue<decimal>() / 100 : 0;
                off[i] = (long)decimal.Round(exact, MidpointRounding.AwayFromZero);
            }
            return off;
        }
        var whole = Enumerable.Range(0, parts.Length).Where(Applies).Sum(i => parts[i]);
        var amount = Math.Min(terms.Number("amount_off"), whole);
        long seen = 0;
        long given = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            if (!Applies(i)) continue;
            seen += parts[i];
            off[i] = (long)((decimal)amount * seen / whole) - given;
            given += off[i];
        }
        return off;
    }

    /// <summary>A coupon for one invoice is used up by the first that it took something off.</summary>
    public static void UseUp(Tx tx, JsonObject invoice, JsonObject subscription)
    {
        foreach (var taken in invoice.Items("total_discount_amounts").Where(t => t.Number("amount") > 0))
        {
            if (tx.Find(Kind, taken.Text("discount")!) is not { } discount || !discount.Flag("_once")) continue;
            tx.Edit(subscription);
            Drop(subscription, discount.Id());
            // The running period has been paid at the lower price, and unused time is worth what was paid for it.
            subscription["_used"] = new JsonArray(discount["_off"]!.DeepClone());
            subscription["_used_until"] = Items.Period(subscription).End;
            tx.Emit("customer.discount.deleted", discount);
        }
    }

    /// <summary>
    /// What a whole period of an item costs with the discounts that are in effect; for what has been paid, also with
    /// those that it was paid with.
    /// </summary>
    public static long Net(Tx tx, JsonObject subscription, JsonObject item, long at, bool paid)
    {
        var others = subscription.Items("items").Where(i => i.Id() != item.Id()).ToList();
        long[] left = [Items.Amount(item), .. others.Select(Items.Amount)];
        string?[] products = [.. others.Prepend(item).Select(i => i.Child("price")!.Text("product"))];
        var terms = subscription.Texts("discounts").Select(tx.Get)
            .Where(d => !d.Flag("_once") && IsInEffect(d, at)).Select(d => d.Child("_off")!);
        if (paid && at < subscription.Number("_used_until")) terms = terms.Concat(subscription.Items("_used"));
        foreach (var one in terms)
        {
            var off = Off(left, products, one);
            for (var i = 0; i < left.Length; i++) left[i] -= off[i];
        }
        return left[0];
    }
}
