using Purser.Sandbox.Stripe.Catalog;
using Purser.Sandbox.Stripe.Customers;

namespace Purser.Sandbox.Stripe.Payments;

static class PaymentIntents
{
    static readonly string[] Cancelable = ["requires_payment_method", "requires_capture", "requires_confirmation",
        "requires_action", "processing"];

    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/payment_intents", Create);
        routes.Add("GET", "/v1/payment_intents", call =>
            call.List("payment_intent", "payment_intent", null, "customer"));
        routes.Add("GET", "/v1/payment_intents/search", call => call.SearchFor("payment_intent"));
        routes.Add("GET", "/v1/payment_intents/{id}", Named);
        routes.Add("POST", "/v1/payment_intents/{id}", Update);
        routes.Add("POST", "/v1/payment_intents/{id}/confirm", ConfirmCall);
        routes.Add("POST", "/v1/payment_intents/{id}/cancel", CancelCall);
        routes.Add("POST", "/v1/payment_intents/{id}/capture", Capture);
    }

    static JsonObject Named(Call call) => call.Named("payment_intent", "payment_intent", "intent");

    static JsonObject Create(Call call)
    {
        var currency = Currencies.Checked(call.P.Text("currency")!, "currency");
        Currencies.CheckChargeable(call.P.Number("amount"), currency, "amount");
        if (call.P.ContainsKey("off_session") && !call.P.Flag("confirm"))
        {
            throw StripeError.Invalid("The parameter off_session can only be passed when confirm=true.", "off_session");
        }
        var customer = call.Referred("customer", "customer", "customer");
        var intent = New(call.Tx, call.P.Number("amount"), currency, customer);
        Fill(call, intent);
        intent["metadata"] = Metadata.Of(call.P);
        intent["capture_method"] = call.P.Text("capture_method") ?? "automatic_async";
        intent["confirmation_method"] = call.P.Text("confirmation_method") ?? "automatic";
        if (call.P.Child("automatic_payment_methods") is { } automatic)
        {
            intent["automatic_payment_methods"] = new JsonObject
            {
                ["allow_redirects"] = automatic.Text("allow_redirects") ?? "always",
                ["enabled"] = automatic.Flag("enabled"),
            };
        }
        TakeMethod(call, intent);
        call.Tx.Emit("payment_intent.created", intent);
        return call.P.Flag("confirm") ? Confirm(call, intent) : intent;
    }

    /// <summary>An intent that has not been paid yet; Checkout and invoices make theirs here too.</summary>
    public static JsonObject New(Tx tx, long amount, string currency, JsonObject? customer)
    {
        var intent = ApiSpec.Blank("payment_intent");
        intent["id"] = Ids.New("pi");
        intent["amount"] = amount;
        intent["automatic_payment_methods"] = new JsonObject { ["allow_redirects"] = "always", ["enabled"] = true };
        intent["capture_method"] = "automatic_async";
        intent["client_secret"] = Ids.Secret(intent.Id());
        intent["confirmation_method"] = "automatic";
        intent["currency"] = currency;
        intent["customer"] = customer?.Id();
        intent["payment_method_options"] = new JsonObject
        {
            ["card"] = new JsonObject
            {
                ["installments"] = null,
                ["mandate_options"] = null,
                ["network"] = null,
                ["request_three_d_secure"] = "automatic",
            },
        };
        intent["payment_method_types"] = new JsonArray("card", "link");
        intent["amount_details"] = new JsonObject { ["tip"] = new JsonObject() };
        intent["status"] = "requires_payment_method";
        intent["_clock"] = customer?.Text("test_clock");
        intent["created"] = tx.TimeOf(intent);
        return tx.Add(intent);
    }

    static void Fill(Call call, JsonObject intent)
    {
        intent.Take(call.P, "description", "receipt_email", "setup_future_usage", "shipping", "statement_descriptor",
            "statement_descriptor_suffix", "transfer_group", "allowed_payment_method_types",
                "excluded_payment_method_types");
        TakeThreeDSecure(intent, call.P.Child("payment_method_options"));
        if (call.P["allowed_payment_method_types"] is JsonArray allowed)
        {
            intent["payment_method_types"] = allowed.DeepClone();
        }
        if (call.P["payment_method_types"] is JsonArray types)
        {
            intent["payment_method_types"] = types.DeepClone();
            intent["automatic_payment_methods"] = null;
        }
    }

    public static void TakeThreeDSecure(JsonObject intent, JsonObject? options)
    {
        if (options?.Child("card")?.Text("request_three_d_secure") is not { } wanted) return;
        intent.Child("payment_method_options")!.Child("card")!["request_three_d_secure"] = wanted;
    }

    static void TakeMethod(Call call, JsonObject intent)
    {
        JsonObject? method = null;
        if (call.P.Text("payment_method") is { Length: > 0 } id)
        {
            method = PaymentMethods.Resolve(call.Tx, id, "payment_method");
        }
        else if (call.P.Child("payment_method_data") is { } data) method = PaymentMethods.New(call.Tx, data);
        if (method is null) return;

        if (method.Text("customer") is { } owner && owner != intent.Text("customer"))
        {
            throw StripeError.Invalid(intent.Text("customer") is null
                ? $"The customer is required when using a PaymentMethod that is attached to one. PaymentMethod {method.Id()} belongs to the "
                + $"Customer {owner}. Please include the Customer in the `customer` parameter on the PaymentIntent."
                : $"The payment method {method.Id()} does not belong to the Customer {intent.Text("customer")}.",
                    "payment_method");
        }
        if (intent["allowed_payment_method_types"] is JsonArray &&
            !intent.Texts("payment_method_types").Contains(method.Text("type")))
        {
            throw StripeError.Invalid($"The PaymentMethod provided ({method.Text("type")}) is not allowed for this PaymentIntent. Please "
                + "attach a PaymentMethod of one of the allowed types.", "payment_method");
        }
        intent["payment_method"] = method.Id();
        if (intent.Text("status") == "requires_payment_method") intent["status"] = "requires_confirmation";
    }

    static JsonObject Update(Call call)
    {
        var intent = call.Tx.Edit(Named(call));
        if (intent.Text("status") is not ("requires_payment_method" or "requires_confirmation" or "requires_action"))
        {
            var onlyNotes = call.P.All(p => p.Key is "metadata" or "description" or "expand" or "receipt_email");
            if (!onlyNotes)
            {
                throw Unexpected(intent,
                    $"This PaymentIntent's amount could not be updated because it has a status of {intent.Text("status")}.");
            }
        }
        if (call.P.MaybeNumber("amount") is { } amount)
        {
            Currencies.CheckChargeable(amount, intent.Text("currency")!, "amount");
            intent["amount"] = amount;
        }
        if (call.P.ContainsKey("customer"))
        {
            intent["customer"] = call.Referred("customer", "customer", "customer")?.Id();
        }
        Fill(call, intent);
        Metadata.Merge(intent, call.P);
        TakeMethod(call, intent);
        return intent;
    }

    static JsonObject ConfirmCall(Call call)
    {
        var intent = call.Tx.Edit(Named(call));
        if (intent.Text("_session") is not null)
        {
            throw StripeError.Invalid("You cannot confirm this PaymentIntent because it was created by a Checkout Session.",
                code: "payment_intent_unexpected_state");
        }
        TakeMethod(call, intent);
        Fill(call, intent);
        return Confirm(call, intent);
    }

    static JsonObject Confirm(Call call, JsonObject intent)
    {
        var status = intent.Text("status");
        if (status is "succeeded" or "canceled" or "processing" or "requires_capture")
        {
            throw Unexpected(intent, status == "succeeded"
                ? "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
                : $"You cannot confirm this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one of the following "
                + "statuses may be confirmed: requires_confirmation, requires_action.");
        }
        if (intent.Text("payment_method") is not { } method)
        {
            throw Unexpected(intent,
                "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
                + "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or "
                + "ConfirmationToken.");
        }
        intent["_return_url"] = call.P.Text("return_url");
        var offSession = call.P["off_session"] is JsonValue given && (given.TryGetValue(out bool flag) ? flag : true);
        var attempt = Charging.Try(call.Tx, intent, call.Tx.Get(method), offSession ? Holder.Absent : Holder.Present);
        Consequences.Of(call.Tx, intent, attempt);
        if (attempt == Attempt.NeedsAction && call.P.Flag("error_on_requires_action"))
        {
            throw Declined(call.Tx, intent, "authentication_required",
                "This payment required an authentication action to complete, but "
                + "`error_on_requires_action` was set.");
        }
        return attempt == Attempt.Declined ? throw Declined(call.Tx, intent) : intent;
    }

    /// <summary>The 402 that tells of a decline; what the decline changed stays.</summary>
    public static StripeError Declined(Tx tx, JsonObject intent, string? code = null, string? message = null)
    {
        var last = intent.Child("last_payment_error");
        var error = new StripeError(402, "card_error", message ?? last?.Text("message") ?? "Your card was declined.")
        {
            Code = code ?? last?.Text("code"),
            DeclineCode = last?.Text("decline_code"),
            AdviceCode = last?.Text("advice_code"),
            Charge = last?.Text("charge"),
            Param = last?.Text("param"),
            Keep = true,
        };
        error.Embedded["payment_intent"] = intent;
        if (last?.Child("payment_method") is { } method)
        {
            error.Embedded["payment_method"] = tx.Find(method.Id()) ?? method;
        }
        return error;
    }

    public static StripeError Unexpected(JsonObject intent, string message)
    {
        var error = StripeError.Invalid(message, code: "payment_intent_unexpected_state");
        error.Embedded["payment_intent"] = intent.Copy();
        return error;
    }

    static JsonObject CancelCall(Call call)
    {
        var intent = Named(call);
        if (intent.Text("_session") is not null)
        {
            throw StripeError.Invalid("You cannot cancel this PaymentIntent because it was created by a Checkout Session. To cancel it, expire "
                + "the Checkout Session.", code: "payment_intent_unexpected_state");
        }
        return Cancel(call.Tx, intent, call.P.Text("cancellation_reason"));
    }

    public static JsonObject Cancel(Tx tx, JsonObject intent, string? reason)
    {
        if (!Cancelable.Contains(intent.Text("status")))
        {
            throw Unexpected(intent,
                $"You cannot cancel this PaymentIntent because it has a status of {intent.Text("status")}. Only a "
                + $"PaymentIntent with one of the following statuses may be canceled: {string.Join(", ", Cancelable)}.");
        }
        tx.Edit(intent);
        if (intent.Text("status") == "requires_capture" && intent.Text("latest_charge") is { } held)
        {
            var charge = tx.Edit(held);
            charge["amount_refunded"] = charge.Number("amount");
            charge["refunded"] = true;
            tx.Emit("charge.refunded", charge);
        }
        intent["status"] = "canceled";
        intent["canceled_at"] = tx.TimeOf(intent);
        intent["cancellation_reason"] = reason;
        intent["amount_capturable"] = 0L;
        intent["next_action"] = null;
        intent.ClearTimers();
        tx.Emit("payment_intent.canceled", intent);
        return intent;
    }

    static JsonObject Capture(Call call)
    {
        var intent = Named(call);
        if (intent.Text("status") != "requires_capture")
        {
            throw Unexpected(intent, "This PaymentIntent could not be captured because it has a status of "
                + $"{intent.Text("status")}. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.");
        }
        var amount = call.P.MaybeNumber("amount_to_capture") ?? intent.Number("amount_capturable");
        if (amount > intent.Number("amount_capturable"))
        {
            throw StripeError.Invalid($"The amount to capture ({amount}) is greater than the capturable amount "
                + $"({intent.Number("amount_capturable")}).", "amount_to_capture", "amount_too_large");
        }
        call.Tx.Edit(intent);
        Metadata.Merge(intent, call.P);
        var charge = call.Tx.Edit(intent.Text("latest_charge")!);
        charge["captured"] = true;
        charge["amount_captured"] = amount;
        charge["amount_refunded"] = charge.Number("amount") - amount;
        charge["balance_transaction"] = BalanceTransactions.ForCharge(call.Tx, charge);
        intent["amount_received"] = amount;
        intent["amount_capturable"] = 0L;
        intent["status"] = "succeeded";
        call.Tx.Emit("charge.captured", charge);
        call.Tx.Emit("payment_intent.succeeded", intent);
        Consequences.Of(call.Tx, intent, Attempt.Succeeded);
        return intent;
    }
}
