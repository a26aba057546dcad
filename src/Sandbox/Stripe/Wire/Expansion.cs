namespace Purser.Sandbox.Stripe.Wire;

/// <summary>Puts objects in the place of their ids, and adds the fields that only appear when asked for.</summary>
static class Expansion
{
    const int DepthMax = 4;

    // Lists and secrets that an object has only on request, computed from what refers to it.
    static readonly Dictionary<(string Kind, string Field), Func<Tx, JsonObject, JsonNode?>> Included = new()
    {
        [("checkout.session", "line_items")] = (_, s) =>
            Json.ListOf($"/v1/checkout/sessions/{s.Id()}/line_items", s.Items("_line_items").Select(Json.Visible)),
        [("charge", "refunds")] = (tx, c) =>
            Json.ListOf($"/v1/charges/{c.Id()}/refunds", tx.Referring("refund", "charge", c.Id()).Select(Json.Visible)),
        [("invoice", "payments")] = (tx, i) =>
            Json.ListOf($"/v1/invoices/{i.Id()}/payments",
                tx.Referring("invoice_payment", "invoice", i.Id()).Select(Json.Visible)),
        [("invoice", "confirmation_secret")] = (tx, i) => i.Text("_payment_intent") is { } pi &&
            tx.Find(pi) is { } intent
            ? new JsonObject { ["client_secret"] = intent.Text("client_secret"), ["type"] = "payment_intent" }
            : null,
        [("customer", "subscriptions")] = (tx, c) => Json.ListOf($"/v1/customers/{c.Id()}/subscriptions",
            tx.Referring("subscription", "customer", c.Id()).Where(s =>
                s.Text("status") != "canceled").Select(Json.Visible)),
        [("customer", "sources")] = (_, c) => Json.ListOf($"/v1/customers/{c.Id()}/sources", []),
        [("customer", "tax_ids")] = (_, c) => Json.ListOf($"/v1/customers/{c.Id()}/tax_ids", []),
        [("coupon", "applies_to")] = (_, c) => c["_applies_to"]?.DeepClone(),
        [("coupon", "currency_options")] = (_, c) => c["_currency_options"]?.DeepClone() ?? new JsonObject(),
        [("price", "tiers")] = (_, p) => p["_tiers"]?.DeepClone(),
        [("price", "currency_options")] = (_, p) => p["_currency_options"]?.DeepClone() ?? new JsonObject(),
    };

    public static void Expand(Tx tx, JsonObject rendered, IEnumerable<string> paths, ApiVersion version)
    {
        foreach (var path in paths)
        {
            var segments = path.Split('.');
            if (segments.Length > DepthMax)
            {
                throw StripeError.Invalid($"You cannot expand more than {DepthMax} levels of a property. Property: {path}", "expand");
            }
            Descend(tx, rendered, segments, path, version);
        }
    }

    static void Descend(Tx tx, JsonObject o, ReadOnlySpan<string> path, string whole, ApiVersion version)
    {
        if (path.IsEmpty) return;
        var name = path[0];
        var rest = path[1..];
        if (name == "data" && o["data"] is JsonArray elements)
        {
            foreach (var element in elements.OfType<JsonObject>()) Descend(tx, element, rest, whole, version);
            return;
        }

        Include(tx, o, name);
        switch (o[name])
        {
            case JsonObject child:
                Descend(tx, child, rest, whole, version);
                break;
            case JsonArray array:
                ExpandAll(tx, array, rest, whole, version);
                break;
            case JsonValue value when value.TryGetValue(out string? id) && Target(tx, o, name, id) is { } target:
                var shown = Rendering.Show(tx, target, version);
                o[name] = shown;
                Descend(tx, shown, rest, whole, version);
                break;
            case null when MayBeEmpty(o, name):
                break;
            default:
                throw StripeError.Invalid($"This property cannot be expanded ({whole}).", "expand");
        }
    }

    static void ExpandAll(Tx tx, JsonArray array, ReadOnlySpan<string> rest, string whole, ApiVersion version)
    {
        for (var i = 0; i < array.Count; i++)
        {
            if (array[i] is JsonValue value && value.TryGetValue(out string? id) && tx.Find(id) is { } target)
            {
                array[i] = Rendering.Show(tx, target, version);
            }
            if (array[i] is JsonObject element) Descend(tx, element, rest, whole, version);
        }
    }

    static void Include(Tx tx, JsonObject o, string name)
    {
        if (o.ContainsKey(name) || o.Text("object") is not { } kind || o.Text("id") is not { } id) return;
        if (Included.TryGetValue((kind, name), out var include) && tx.Find(id) is { } stored)
        {
            o[name] = include(tx, stored);
        }
    }

    static JsonObject? Target(Tx tx, JsonObject holder, string name, string id)
    {
        if (name is "id" or "object") return null;
        if (holder.Text("object") is { } kind && ApiSpec.ObjectShape(kind) is { } shape &&
            shape.Properties.TryGetValue(name, out var property) && !property.Expandable)
        {
            return null;
        }
        return tx.Find(id);
    }

    static bool MayBeEmpty(JsonObject o, string name) => o.Text("object") is { } kind &&
        ApiSpec.ObjectShape(kind) is { } shape
        ? shape.Properties.TryGetValue(name, out var property) && property.Kind is ShapeKind.OneOf or ShapeKind.Hash
        : o.ContainsKey(name) || !o.ContainsKey("id");
}
