using Purser.Sandbox.Stripe.Billing;
using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Checkout;

static class Sessions
{
    public const string Kind = "checkout.session";
    const long LifetimeMax = 24 * 3_600;
    const long LifetimeMin = 30 * 60;

    // What changes the look of Stripe's page and is shown again by the session.
    static readonly string[] Shown =
    [
        "adaptive_pricing", "branding_settings", "consent_collection", "custom_text", "permissions",
        "phone_number_collection", "saved_payment_method_options", "tax_id_collection", "wallet_options",
    ];

    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/checkout/sessions", Create);
        routes.Add("GET", "/v1/checkout/sessions", List);
        routes.Add("GET", "/v1/checkout/sessions/{id}", Named);
        routes.Add("POST", "/v1/checkout/sessions/{id}", Update);
        routes.Add("POST", "/v1/checkout/sessions/{id}/expire", ExpireCall);
        routes.Add("GET", "/v1/checkout/sessions/{id}/line_items", call =>
            call.Page(Named(call).Items("_line_items"), "line item"));
    }

    public static void Map(Control.TimerActions timers) => timers.Add(Kind, "expire", Expire);

    public static JsonObject Named(Call call) => call.Named(Kind, "checkout.session", "session");

    static JsonObject Create(Call call)
    {
        var mode = Checked(call.P);
        var customer = call.Referred("customer", "customer", "customer");
        CheckTaxAddress(call.P, customer);
        var session = Blank(call, mode, customer);
        SessionLines.Take(call, session, mode);
        call.Tx.Add(session);
        if (call.P["discounts"] is JsonArray { Count: > 0 } discounts) Discount(call.Tx, session, discounts);
        if (mode == "setup")
        {
            var intent = SetupIntents.New(call.Tx, customer);
            intent["_session"] = session.Id();
            intent["metadata"] = Metadata.Of(call.P.Child("setup_intent_data"));
            intent["description"] = call.P.Child("setup_intent_data")?.Text("description");
            session["setup_intent"] = intent.Id();
            call.Tx.Emit("setup_intent.created", intent);
        }
        session.SetTimer("expire", session.Number("expires_at"));
        return session;
    }

    /// <summary>Gives a session its one discount: by the call that made it, or by a code typed on its page.</summary>
    public static void Discount(Tx tx, JsonObject session, JsonArray given)
    {
        var discount = Discounts.From(tx, session, given, session.MaybeNumber("amount_subtotal")).First();
        session["_discount"] = discount.Id();
        session["discounts"] = new JsonArray(new JsonObject
        {
            ["coupon"] = discount.Text("promotion_code") is null ? discount.Child("source")!.Text("coupon") : null,
            ["promotion_code"] = discount.Text("promotion_code"),
        });
        SessionLines.AddUp(session, discount);
    }

    /// <summary>Whether the customer has to give a card: not for nothing, nor for a trial that goes without.</summary>
    public static bool NeedsMethod(JsonObject session) => session.Text("mode") switch
    {
        "payment" => session.Number("amount_total") > 0,
        "subscription" => session.Number("amount_total") > 0 || session.Text("payment_method_collection") == "always",
        _ => true,
    };

    /// <summary>What Stripe refuses before it looks at prices.</summary>
    static string Checked(JsonObject p)
    {
        var mode = p.Text("mode") ?? throw StripeError.MissingParam("mode");
        var hosted = (p.Text("ui_mode") ?? "hosted_page") == "hosted_page";
        if (hosted && p.Text("success_url") is null) throw StripeError.MissingParam("success_url");
        foreach (var name in (ReadOnlySpan<string>)["success_url", "cancel_url", "return_url"])
        {
            if (p.Text(name) is { } url &&
                (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is "javascript" or "data"))
            {
                throw StripeError.Invalid("Not a valid URL", name, "url_invalid");
            }
        }
        if (p.ContainsKey("customer") && p.ContainsKey("customer_email"))
        {
            throw StripeError.Invalid("You may only specify one of these parameters: customer, customer_email.",
                "customer");
        }
        if (mode != "setup" && !p.Items("line_items").Any()) throw StripeError.MissingParam("line_items");
        if (mode != "payment" && p.ContainsKey("payment_intent_data"))
        {
            throw StripeError.Invalid($"You can not pass `payment_intent_data` in `{mode}` mode.",
                "payment_intent_data");
        }
        if (mode != "subscription" && p.ContainsKey("subscription_data"))
        {
            throw StripeError.Invalid($"You can not pass `subscription_data` in `{mode}` mode.", "subscription_data");
        }
        if (mode != "payment" && p.ContainsKey("customer_creation"))
        {
            throw StripeError.Invalid("`customer_creation` can only be used in `payment` mode.", "customer_creation");
        }
        if (p.ContainsKey("custom_fields"))
        {
            throw StripeError.Invalid("The sandbox's page does not ask for custom fields.", "custom_fields");
        }
        if (mode != "payment" && p.ContainsKey("invoice_creation"))
        {
            throw StripeError.Invalid("`invoice_creation` can only be used in `payment` mode.", "invoice_creation");
        }
        if (p.Items("discounts").Count() > 1)
        {
            throw StripeError.Invalid("You can only apply one discount to a Checkout Session.", "discounts");
        }
        if (p.ContainsKey("allow_promotion_codes") && p.Items("discounts").Any())
        {
            throw StripeError.Invalid("You may only specify one of these parameters: allow_promotion_codes, discounts.",
                "allow_promotion_codes");
        }
        if (p.Text("client_reference_id") is { Length: > 200 } reference)
        {
            throw StripeError.Invalid($"Invalid string: {reference[..6]}...{reference[^6..]}; must be at most 200 characters", "client_reference_id");
        }
        return mode;
    }

    static void CheckTaxAddress(JsonObject p, JsonObject? customer)
    {
        if (p.Child("automatic_tax")?.Flag("enabled") != true || customer is null) return;
        var saved = p.Child("customer_update")?.Text("address") == "auto";
        if (saved || customer.Child("address")?.Text("country") is not null) return;
        throw StripeError.Invalid("Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid "
            + "address to the Customer or set either `customer_update[address]` to 'auto' or `customer_update[shipping]` to "
            + "'auto' to save the address entered in Checkout to the Customer.", code: "customer_tax_location_invalid");
    }

    static JsonObject Blank(Call call, string mode, JsonObject? customer)
    {
        var p = call.P;
        var session = ApiSpec.Blank(Kind);
        session["id"] = Ids.New("cs");
        session["_clock"] = customer?.Text("test_clock");
        var now = call.Tx.TimeOf(session);
        session["created"] = now;
        session["expires_at"] = Expiry(p, now);
        session["mode"] = mode;
        session["status"] = "open";
        session["payment_status"] = mode == "setup" ? "no_payment_required" : "unpaid";
        session["ui_mode"] = p.Text("ui_mode") ?? "hosted_page";
        session["url"] = session.Text("ui_mode") == "hosted_page" ? $"{call.Tx.Account.BaseUrl}/pay/{session.Id()}"
            : null;
        session["client_secret"] = session.Text("ui_mode") == "hosted_page" ? null : Ids.Secret(session.Id());
        session["customer"] = customer?.Id();
        session["customer_creation"] = customer is not null ? null : mode == "subscription" ? "always"
            : InvoiceWanted(p) ? "always" : p.Text("customer_creation") ?? "if_required";
        session["customer_details"] = customer is null && p.Text("customer_email") is null ? null
            : Details(customer, p.Text("customer_email"));
        session.Take(p, "allow_promotion_codes", "allowed_payment_method_types", "billing_address_collection",
            "cancel_url", "client_reference_id", "customer_email", "excluded_payment_method_types",
            "integration_identifier", "locale", "origin_context", "redirect_on_completion", "return_url", "submit_type",
            "success_url");
        session["metadata"] = Metadata.Of(p);
        session["payment_method_types"] = p["allowed_payment_method_types"]?.DeepClone()
            ?? p["payment_method_types"]?.DeepClone() ?? new JsonArray("card");
        session["_any_method"] = !p.ContainsKey("allowed_payment_method_types") && !p.ContainsKey("payment_method_types");
        session["payment_method_collection"] = mode == "subscription" ? p.Text("payment_method_collection") ?? "always"
            : "if_required";
        session["payment_method_options"] = new JsonObject
        {
            ["card"] = new JsonObject
            {
                ["request_three_d_secure"] =
                    p.Child("payment_method_options")?.Child("card")?.Text("request_three_d_secure") ?? "automatic",
            },
        };
        session["automatic_tax"] = AutomaticTax.Of(Kind, p.Child("automatic_tax"));
        session["phone_number_collection"] = new JsonObject { ["enabled"] = false };
        session["adaptive_pricing"] = new JsonObject { ["enabled"] = false };
        foreach (var name in Shown)
        {
            if (p.Child(name) is { } given) session[name] = AsGiven(name, given);
        }
        session["discounts"] = new JsonArray();
        if (mode == "payment") session["invoice_creation"] = InvoiceCreation(p.Child("invoice_creation"));
        foreach (var name in (ReadOnlySpan<string>)["customer_update", "payment_intent_data", "subscription_data"])
        {
            session[$"_{name}"] = p[name]?.DeepClone();
        }
        return session;
    }

    static JsonObject AsGiven(string name, JsonObject given)
    {
        var words = name.Split('_').Select(w => $"{char.ToUpperInvariant(w[0])}{w[1..]}");
        return ApiSpec.Completed($"{Kind}.{string.Concat(words)}", given);
    }

    public static bool InvoiceWanted(JsonObject session) => session.Child("invoice_creation")?.Flag("enabled") == true;

    static JsonObject InvoiceCreation(JsonObject? given)
    {
        var creation = ApiSpec.Blank("checkout.session.InvoiceCreation");
        creation["enabled"] = given?.Flag("enabled") ?? false;
        var data = creation.Child("invoice_data")!;
        if (given?.Child("invoice_data") is not { } wanted) return creation;
        data.Take(wanted, "custom_fields", "description", "footer");
        data["metadata"] = Metadata.Of(wanted);
        return creation;
    }

    static long Expiry(JsonObject p, long now)
    {
        if (p.MaybeNumber("expires_at") is not { } at) return now + LifetimeMax;
        // A second of grace: the caller's "thirty minutes from now" was computed before this now.
        if (at < now + LifetimeMin - 1)
        {
            throw StripeError.Invalid("The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", "expires_at");
        }
        if (at > now + LifetimeMax + 1)
        {
            throw StripeError.Invalid("The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", "expires_at");
        }
        return at;
    }

    public static JsonObject Details(JsonObject? customer, string? email)
    {
        var details = ApiSpec.Blank("checkout.session.CustomerDetails");
        details["email"] = email ?? customer?.Text("email");
        details["name"] = customer?.Text("name");
        details["phone"] = customer?.Text("phone");
        details["address"] = customer?["address"]?.DeepClone();
        details["tax_exempt"] = "none";
        return details;
    }

    static JsonObject List(Call call)
    {
        var email = call.P.Child("customer_details")?.Text("email");
        return call.List(Kind, "checkout.session", s => email is null ||
            s.Child("customer_details")?.Text("email") == email,
            "customer", "payment_intent", "subscription", "status");
    }

    static JsonObject Update(Call call)
    {
        var session = call.Tx.Edit(Named(call));
        Metadata.Merge(session, call.P);
        return session;
    }

    static JsonObject ExpireCall(Call call)
    {
        var session = Named(call);
        if (session.Text("status") != "open")
        {
            throw StripeError.Invalid($"Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of "
                + $"{session.Text("status")}.");
        }
        Expire(call.Tx, call.Tx.Edit(session));
        return session;
    }

    static void Expire(Tx tx, JsonObject session)
    {
        if (session.Text("status") != "open") return;
        session["status"] = "expired";
        session["url"] = null;
        session.ClearTimers();
        if (session.Text("_subscription") is { } id && tx.Find(id) is { } started &&
            started.Text("status") == "incomplete")
        {
            foreach (var invoice in tx.Referring("invoice", "_subscription", id).Where(i => i.Text("status") == "open"))
            {
                Invoices.Void(tx, invoice);
            }
        }
        if (session.Text("_payment_intent") is { } payment && tx.Find(payment) is { } intent &&
            intent.Text("status") is ("requires_payment_method" or "requires_action" or "requires_confirmation"))
        {
            PaymentIntents.Cancel(tx, intent, "automatic");
        }
        tx.Emit("checkout.session.expired", session);
    }
}
