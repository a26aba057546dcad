using Purser.Sandbox.Stripe.Billing;

namespace Purser.Sandbox.Stripe.Customers;

static class CustomerRoutes
{
    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/customers", Create);
        routes.Add("GET", "/v1/customers", List);
        routes.Add("GET", "/v1/customers/search", call => call.SearchFor("customer"));
        routes.Add("GET", "/v1/customers/{id}", call => call.Named("customer", "customer"));
        routes.Add("POST", "/v1/customers/{id}", Update);
        routes.Add("DELETE", "/v1/customers/{id}", Delete);
        routes.Add("POST", "/v1/customers/{id}/balance_transactions", Balance);
        routes.Add("GET", "/v1/customers/{id}/balance_transactions", call => call.Page(
            call.Tx.Referring("customer_balance_transaction", "customer", Live(call).Id()),
                "customer balance transaction"));
    }

    static JsonObject Create(Call call)
    {
        var clock = TestClocks.ForCustomer(call);
        var customer = New(call.Tx, clock);
        Fill(customer, call.P);
        customer["metadata"] = Metadata.Of(call.P);
        call.Tx.Add(customer);
        if (call.P.Text("payment_method") is { Length: > 0 } given)
        {
            var method = PaymentMethods.Resolve(call.Tx, given, "payment_method");
            PaymentMethods.Attach(call.Tx, method, customer);
            // A test token names the same card in both places.
            if (call.P.Child("invoice_settings") is { } settings && settings.Text("default_payment_method") == given)
            {
                settings["default_payment_method"] = method.Id();
            }
        }
        TakeInvoiceSettings(call, customer);
        call.Tx.Emit("customer.created", customer);
        return customer;
    }

    /// <summary>A customer with nothing told about them yet; Checkout makes them too.</summary>
    public static JsonObject New(Tx tx, string? clock)
    {
        var customer = ApiSpec.Blank("customer");
        customer["id"] = Ids.New("cus");
        customer["address"] = null;
        customer["currency"] = null;
        customer["delinquent"] = false;
        customer["discount"] = null;
        customer["invoice_prefix"] = Ids.Random(8).ToUpperInvariant();
        customer["invoice_settings"] = new JsonObject
        {
            ["custom_fields"] = null,
            ["default_payment_method"] = null,
            ["footer"] = null,
            ["rendering_options"] = null,
        };
        customer["name"] = null;
        customer["next_invoice_sequence"] = 1L;
        customer["phone"] = null;
        customer["preferred_locales"] = new JsonArray();
        customer["tax_exempt"] = "none";
        customer["test_clock"] = clock;
        customer["created"] = tx.TimeOf(customer);
        return customer;
    }

    static void Fill(JsonObject customer, JsonObject p)
    {
        customer.Take(p, "address", "balance", "business_name", "description", "email", "individual_name",
            "invoice_prefix", "name",
            "next_invoice_sequence", "phone", "preferred_locales", "shipping", "tax_exempt");
        if (p.Text("email") is { Length: > 0 } email &&
            (!email.Contains('@', StringComparison.Ordinal) || email.Contains(' ', StringComparison.Ordinal)))
        {
            throw StripeError.Invalid($"Invalid email address: {email}", "email", "email_invalid");
        }
    }

    static void TakeInvoiceSettings(Call call, JsonObject customer)
    {
        if (call.P.Child("invoice_settings") is not { } given) return;
        var settings = customer.Under("invoice_settings");
        settings.Take(given, "custom_fields", "footer", "rendering_options");
        if (given.Text("default_payment_method") is not { } method) return;
        if (method.Length == 0)
        {
            settings["default_payment_method"] = null;
            return;
        }
        var found = call.Tx.Find("payment_method", method) ??
            throw StripeError.Missing("PaymentMethod", method, "invoice_settings[default_payment_method]",
                inPath: false);
        if (found.Text("customer") != customer.Id())
        {
            throw StripeError.Invalid($"The customer does not have a payment method with the ID {method}. The payment method must be "
                + "attached to the customer.", "invoice_settings[default_payment_method]", "resource_missing");
        }
        settings["default_payment_method"] = method;
    }

    static JsonObject List(Call call)
    {
        var clock = call.P.Text("test_clock");
        return call.List("customer", "customer", c => c.Text("test_clock") == clock, "email");
    }

    static JsonObject Live(Call call)
    {
        var customer = call.Named("customer", "customer");
        return customer.Flag("deleted") ? throw StripeError.Missing("customer", call.Id, "id", inPath: true) : customer;
    }

    static JsonObject Update(Call call)
    {
        var customer = call.Tx.Edit(Live(call));
        Fill(customer, call.P);
        Metadata.Merge(customer, call.P);
        TakeInvoiceSettings(call, customer);
        call.Tx.EmitUpdate("customer.updated", customer);
        return customer;
    }

    static JsonObject Delete(Call call)
    {
        var customer = Live(call);
        foreach (var subscription in call.Tx.Referring("subscription", "customer", customer.Id()))
        {
            if (subscription.Text("status") is not ("canceled" or "incomplete_expired"))
            {
                Cancellation.Now(call.Tx, subscription, "cancellation_requested");
            }
        }
        foreach (var method in call.Tx.Referring("payment_method", "customer", customer.Id()))
        {
            call.Tx.Edit(method)["customer"] = null;
        }
        call.Tx.Emit("customer.deleted", customer);
        call.Tx.Edit(customer);
        foreach (var name in customer.Select(p => p.Key).Where(k => k is not ("id" or "object")).ToList())
        {
            customer.Remove(name);
        }
        customer["deleted"] = true;
        return customer;
    }

    static JsonObject Balance(Call call)
    {
        var customer = Live(call);
        return AddBalance(call.Tx, customer, call.P.Number("amount"), call.P.Text("currency")!, "adjustment", null,
            call.P);
    }

    /// <summary>Moves a customer's balance; a negative one is credit that later invoices use.</summary>
    public static JsonObject AddBalance(Tx tx, JsonObject customer, long amount, string currency, string type,
        string? invoice,
        JsonObject? given = null)
    {
        tx.Edit(customer);
        customer["balance"] = customer.Number("balance") + amount;
        customer["currency"] ??= currency.ToLowerInvariant();
        var entry = ApiSpec.Blank("customer_balance_transaction");
        entry["id"] = Ids.New("cbtxn");
        entry["amount"] = amount;
        entry["created"] = tx.TimeOf(customer);
        entry["currency"] = currency.ToLowerInvariant();
        entry["customer"] = customer.Id();
        entry["ending_balance"] = customer.Number("balance");
        entry["invoice"] = invoice;
        entry["type"] = type;
        entry["metadata"] = Metadata.Of(given);
        if (given is not null) entry.Take(given, "description");
        tx.EmitUpdate("customer.updated", customer);
        return tx.Add(entry);
    }
}
