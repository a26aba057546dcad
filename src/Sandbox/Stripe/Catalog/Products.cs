namespace Purser.Sandbox.Stripe.Catalog;

static class Products
{
    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/products", call => Create(call, call.P));
        routes.Add("GET", "/v1/products", List);
        routes.Add("GET", "/v1/products/search", call => call.SearchFor("product"));
        routes.Add("GET", "/v1/products/{id}", call => call.Named("product", "product"));
        routes.Add("POST", "/v1/products/{id}", Update);
        routes.Add("DELETE", "/v1/products/{id}", Delete);
    }

    /// <summary>A new product; prices and checkout sessions bring the data of one inline.</summary>
    public static JsonObject Create(Call call, JsonObject p)
    {
        if (p.Text("id") is { } wanted && call.Tx.Find(wanted) is not null)
        {
            throw StripeError.Invalid($"Product already exists: {wanted}", "id", "resource_already_exists");
        }
        var product = ApiSpec.Blank("product");
        product["id"] = p.Text("id") ?? Ids.New("prod");
        product["active"] = true;
        product["created"] = call.Tx.Now;
        product["updated"] = call.Tx.Now;
        product["default_price"] = null;
        product["statement_descriptor"] = null;
        product["tax_code"] = null;
        product["type"] = "service";
        product["unit_label"] = null;
        Fill(product, p);
        product["metadata"] = Metadata.Of(p);
        call.Tx.Add(product);
        if (p.Child("default_price_data") is { } price)
        {
            var own = price.Copy();
            own["product"] = product.Id();
            product["default_price"] = Prices.Create(call, own).Id();
        }
        call.Tx.Emit("product.created", product);
        return product;
    }

    static void Fill(JsonObject product, JsonObject p)
    {
        product.Take(p, "active", "default_price", "description", "images", "marketing_features", "name",
            "package_dimensions",
            "shippable", "statement_descriptor", "tax_code", "tax_details", "type", "unit_label", "url");
        if (product["images"] is null) product["images"] = new JsonArray();
        if (product["marketing_features"] is null) product["marketing_features"] = new JsonArray();
    }

    static JsonObject List(Call call)
    {
        var active = call.P.MaybeFlag("active");
        var shippable = call.P.MaybeFlag("shippable");
        var ids = call.P.Texts("ids").ToHashSet();
        return call.List("product", "product", p => (active is null || p.Flag("active") == active) &&
            (shippable is null || p.Flag("shippable") == shippable) && (ids.Count == 0 || ids.Contains(p.Id())),
            "url", "type");
    }

    static JsonObject Update(Call call)
    {
        var product = call.Tx.Edit(call.Named("product", "product"));
        if (call.P.Text("default_price") is { Length: > 0 } price && call.Tx.Find("price", price) is null)
        {
            throw StripeError.Missing("price", price, "default_price", inPath: false);
        }
        Fill(product, call.P);
        Metadata.Merge(product, call.P);
        product["updated"] = call.Tx.Now;
        call.Tx.EmitUpdate("product.updated", product);
        return product;
    }

    static JsonObject Delete(Call call)
    {
        var product = call.Named("product", "product");
        if (call.Tx.Referring("price", "product", product.Id()).Count > 0)
        {
            throw StripeError.Invalid("This product cannot be deleted because it has one or more user-created prices.");
        }
        call.Tx.Emit("product.deleted", product);
        call.Tx.Remove(product.Id());
        return new() { ["id"] = product.Id(), ["object"] = "product", ["deleted"] = true };
    }
}
