using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Customers;

static class PaymentMethods
{
    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/payment_methods", Create);
        routes.Add("GET", "/v1/payment_methods", List);
        routes.Add("GET", "/v1/payment_methods/{id}", call =>
            call.Named("payment_method", "PaymentMethod", "payment_method"));
        routes.Add("POST", "/v1/payment_methods/{id}", Update);
        routes.Add("POST", "/v1/payment_methods/{id}/attach", AttachTo);
        routes.Add("POST", "/v1/payment_methods/{id}/detach", Detach);
        routes.Add("GET", "/v1/customers/{id}/payment_methods", OfCustomer);
        routes.Add("GET", "/v1/customers/{id}/payment_methods/{id}", OneOfCustomer);
    }

    static JsonObject Create(Call call) => New(call.Tx, call.P);

    /// <summary>
    /// A payment method from entered details; they are kept only as far as they decide its behaviour.
    /// </summary>
    public static JsonObject New(Tx tx, JsonObject p)
    {
        var type = p.Text("type") ?? (p.ContainsKey("card") ? "card" : throw StripeError.MissingParam("type"));
        var method = ApiSpec.Blank("payment_method");
        method["id"] = Ids.New("pm");
        method["allow_redisplay"] = p.Text("allow_redisplay") ?? "unspecified";
        method["billing_details"] = Billing(p.Child("billing_details"));
        method["created"] = tx.Now;
        method["metadata"] = Metadata.Of(p);
        method["type"] = type;
        var details = p.Child(type) ?? (type == "link" ? [] : throw StripeError.MissingParam(type));
        switch (type)
        {
            case "card":
                FillCard(tx, method, details);
                break;
            case "sepa_debit":
                BankDebits.FillSepa(method, details);
                break;
            case "us_bank_account":
                BankDebits.FillUsAccount(method, details);
                break;
            default:
                throw StripeError.Invalid($"The payment method type \"{type}\" is invalid. Please ensure the provided type is activated in "
                    + "your dashboard (https://dashboard.stripe.com/account/payments/settings) and your account is enabled for any "
                    + "preview features that you are trying to use.", "type");
        }
        return tx.Add(method);
    }

    static JsonObject Billing(JsonObject? given)
    {
        var details = ApiSpec.Blank("payment_method")["billing_details"]!.DeepClone().AsObject();
        details["address"] = new JsonObject
        {
            ["city"] = null, ["country"] = null, ["line1"] = null, ["line2"] = null, ["postal_code"] = null,
                ["state"] = null,
        };
        if (given is null) return details;
        details.Take(given, "email", "name", "phone", "tax_id");
        if (given.Child("address") is { } address)
        {
            details.Child("address")!.Take(address, "city", "country", "line1", "line2", "postal_code", "state");
        }
        return details;
    }

    static void FillCard(Tx tx, JsonObject method, JsonObject details)
    {
        var card = details.Text("token") is { } token
            ? TestCards.ByToken(token) ?? throw StripeError.Missing("token", token, "card[token]", inPath: false)
            : TestCards.Entered(details.Text("number") ?? throw StripeError.MissingParam("card[number]"));
        var today = DateTimeOffset.FromUnixTimeSeconds(tx.Now);
        var month = details.MaybeNumber("exp_month") ?? today.Month;
        var year = details.MaybeNumber("exp_year") ?? today.Year + 1;
        if (year < 100) year += 2000;
        if (month is < 1 or > 12)
        {
            throw CardError("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month");
        }
        if (year < today.Year || year > today.Year + 50)
        {
            throw CardError("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year");
        }
        if (year == today.Year && month < today.Month)
        {
            throw CardError("invalid_expiry_month", "Your card's expiration date is incorrect.", "exp_month");
        }
        if (details.Text("cvc") is { } cvc &&
            (cvc.Length != (card.Brand == "amex" ? 4 : 3) || !cvc.All(char.IsAsciiDigit)))
        {
            throw CardError("invalid_cvc", "Your card's security code is invalid.", "cvc");
        }
        Put(method, card, month, year);
    }

    static StripeError CardError(string code, string message, string param) =>
        new(402, "card_error", message) { Code = code, Param = param };

    static void Put(JsonObject method, TestCard card, long month, long year)
    {
        method["card"] = new JsonObject
        {
            ["brand"] = card.Brand,
            ["checks"] = new JsonObject { ["address_line1_check"] = null, ["address_postal_code_check"] = null,
                ["cvc_check"] = "unchecked" },
            ["country"] = card.Country,
            ["display_brand"] = card.Brand,
            ["exp_month"] = month,
            ["exp_year"] = year,
            ["fingerprint"] = $"fp{card.Number[^8..]}{card.Number[..6]}",
            ["funding"] = card.Funding,
            ["generated_from"] = null,
            ["last4"] = card.Last4,
            ["networks"] = new JsonObject { ["available"] = new JsonArray(card.Brand), ["preferred"] = null },
            ["regulated_status"] = "unregulated",
            ["three_d_secure_usage"] = new JsonObject { ["supported"] = card.Brand != "unionpay" },
            ["wallet"] = null,
        };
        method["_card"] = card.Number;
    }

    /// <summary>What a person calls a method: its brand and last digits.</summary>
    public static string Named(JsonObject method)
    {
        var type = method.Text("type")!;
        var brand = type switch
        {
            "card" => method.Child("card")!.Text("brand")!,
            "sepa_debit" => "SEPA debit",
            "us_bank_account" => "Bank account",
            _ => type,
        };
        return $"{char.ToUpperInvariant(brand[0])}{brand[1..]} •••• {method.Child(type)?.Text("last4")}";
    }

    public static TestCard? CardOf(JsonObject method) => method.Text("_card") is { } number
        ? TestCards.ByNumber(number) : null;

    /// <summary>The payment method of an id; a test token such as pm_card_visa makes a new one.</summary>
    public static JsonObject Resolve(Tx tx, string id, string param)
    {
        if (tx.Find("payment_method", id) is { } found) return found;
        if (TestCards.ByToken(id) is { } card)
        {
            var method = New(tx, new() { ["type"] = "card", ["card"] = new JsonObject { ["number"] = card.Number } });
            return method;
        }
        if (BankDebits.ByToken(id) is { } debit) return New(tx, debit);
        throw StripeError.Missing("PaymentMethod", id, param, inPath: false);
    }

    static JsonObject AttachTo(Call call)
    {
        var customer = call.Required("customer", "customer", "customer");
        var method = call.Tx.Find("payment_method", call.Id) ??
            (TestCards.ByToken(call.Id) is not null || BankDebits.ByToken(call.Id) is not null
                ? Resolve(call.Tx, call.Id, "payment_method")
                : throw StripeError.Missing("PaymentMethod", call.Id, "payment_method", inPath: true));
        return Attach(call.Tx, method, customer);
    }

    public static JsonObject Attach(Tx tx, JsonObject method, JsonObject customer)
    {
        if (method.Text("customer") == customer.Id()) return method;
        if (method.Text("customer") is not null)
        {
            throw StripeError.Invalid("The payment method you provided has already been attached to a customer.",
                "payment_method",
                "payment_method_unexpected_state");
        }
        if (CardOf(method) is { Attaches: false, Decline: { } why })
        {
            throw new StripeError(402, "card_error", why.Message)
            {
                Code = why.Code,
                DeclineCode = why.DeclineCode,
                AdviceCode = why.Advice,
                Param = why.Code == "incorrect_cvc" ? "cvc" : null,
            };
        }
        tx.Edit(method)["customer"] = customer.Id();
        tx.Emit("payment_method.attached", method);
        return method;
    }

    static JsonObject Detach(Call call)
    {
        var method = call.Named("payment_method", "PaymentMethod", "payment_method");
        if (method.Text("customer") is not { } owner)
        {
            throw StripeError.Invalid("The payment method you provided is not attached to a customer so detachment is impossible.",
                "payment_method", "payment_method_unexpected_state");
        }
        call.Tx.Edit(method)["customer"] = null;
        call.Tx.EmitUpdate("payment_method.detached", method);
        var customer = call.Tx.Edit(owner);
        if (customer.Child("invoice_settings") is { } settings &&
            settings.Text("default_payment_method") == method.Id())
        {
            settings["default_payment_method"] = null;
            call.Tx.EmitUpdate("customer.updated", customer);
        }
        foreach (var subscription in call.Tx.Referring("subscription", "customer", owner))
        {
            if (subscription.Text("default_payment_method") != method.Id()) continue;
            call.Tx.Edit(subscription)["default_payment_method"] = null;
            call.Tx.EmitUpdate("customer.subscription.updated", subscription);
        }
        return method;
    }

    static JsonObject Update(Call call)
    {
        var method = call.Tx.Edit(call.Named("payment_method", "PaymentMethod", "payment_method"));
        if (call.P.Child("card") is { } card) method.Child("card")?.Take(card, "exp_month", "exp_year");
        if (call.P.Child("billing_details") is { } billing) method["billing_details"] = Billing(billing);
        method.Take(call.P, "allow_redisplay");
        Metadata.Merge(method, call.P);
        call.Tx.EmitUpdate("payment_method.updated", method);
        return method;
    }

    static JsonObject List(Call call)
    {
        call.Referred("customer", "customer", "customer");
        return call.List("payment_method", "PaymentMethod", m => m.Text("customer") is not null, "customer", "type");
    }

    static JsonObject OfCustomer(Call call)
    {
        var customer = call.Named("customer", "customer", "customer");
        var type = call.P.Text("type");
        var shown = call.P.Text("allow_redisplay");
        return call.Page(call.Tx.Referring("payment_method", "customer", customer.Id()).Where(m =>
            (type is null || m.Text("type") == type) &&
            (shown is null || m.Text("allow_redisplay") == shown)), "PaymentMethod");
    }

    static JsonObject OneOfCustomer(Call call)
    {
        var customer = call.Named("customer", "customer", "customer");
        var method = call.Tx.Find("payment_method", call.SecondId);
        return method is not null && method.Text("customer") == customer.Id()
            ? method
            : throw StripeError.Missing("PaymentMethod", call.SecondId, "payment_method", inPath: true);
    }
}
