using Purser.Sandbox.Stripe.Customers;

namespace Purser.Sandbox.Stripe.Payments;

static class SetupIntents
{
    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/setup_intents", Create);
        routes.Add("GET", "/v1/setup_intents", call =>
            call.List("setup_intent", "setupintent", null, "customer", "payment_method"));
        routes.Add("GET", "/v1/setup_intents/{id}", Named);
        routes.Add("POST", "/v1/setup_intents/{id}", Update);
        routes.Add("POST", "/v1/setup_intents/{id}/confirm", call => Confirm(call, call.Tx.Edit(Named(call))));
        routes.Add("POST", "/v1/setup_intents/{id}/cancel", Cancel);
    }

    static JsonObject Named(Call call) => call.Named("setup_intent", "setupintent", "intent");

    static JsonObject Create(Call call)
    {
        var customer = call.Referred("customer", "customer", "customer");
        var intent = New(call.Tx, customer);
        intent.Take(call.P, "description", "allowed_payment_method_types", "excluded_payment_method_types");
        intent["usage"] = call.P.Text("usage") ?? "off_session";
        intent["metadata"] = Metadata.Of(call.P);
        if (call.P["allowed_payment_method_types"] is JsonArray allowed)
        {
            intent["payment_method_types"] = allowed.DeepClone();
        }
        if (call.P["payment_method_types"] is JsonArray types) intent["payment_method_types"] = types.DeepClone();
        TakeMethod(call, intent);
        call.Tx.Emit("setup_intent.created", intent);
        return call.P.Flag("confirm") ? Confirm(call, intent) : intent;
    }

    public static JsonObject New(Tx tx, JsonObject? customer)
    {
        var intent = ApiSpec.Blank("setup_intent");
        intent["id"] = Ids.New("seti");
        intent["automatic_payment_methods"] = new JsonObject { ["allow_redirects"] = "always", ["enabled"] = true };
        intent["client_secret"] = Ids.Secret(intent.Id());
        intent["customer"] = customer?.Id();
        intent["metadata"] = new JsonObject();
        intent["payment_method_types"] = new JsonArray("card", "link");
        intent["status"] = "requires_payment_method";
        intent["usage"] = "off_session";
        intent["_clock"] = customer?.Text("test_clock");
        intent["created"] = tx.TimeOf(intent);
        return tx.Add(intent);
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
            throw StripeError.Invalid($"The payment method {method.Id()} does not belong to the Customer of this SetupIntent. "
                + "Please include the Customer in the `customer` parameter on the SetupIntent.", "payment_method");
        }
        intent["payment_method"] = method.Id();
        if (intent.Text("status") == "requires_payment_method") intent["status"] = "requires_confirmation";
    }

    static JsonObject Update(Call call)
    {
        var intent = call.Tx.Edit(Named(call));
        if (call.P.ContainsKey("customer"))
        {
            intent["customer"] = call.Referred("customer", "customer", "customer")?.Id();
        }
        intent.Take(call.P, "description", "allowed_payment_method_types", "excluded_payment_method_types");
        Metadata.Merge(intent, call.P);
        TakeMethod(call, intent);
        return intent;
    }

    static JsonObject Confirm(Call call, JsonObject intent)
    {
        TakeMethod(call, intent);
        if (intent.Text("status") is "succeeded" or "canceled")
        {
            throw Unexpected(intent,
                $"You cannot confirm this SetupIntent because it has a status of {intent.Text("status")}.");
        }
        if (intent.Text("payment_method") is not { } method)
        {
            throw Unexpected(intent,
                "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with "
                + "a payment method and then confirm it again.");
        }
        intent["_return_url"] = call.P.Text("return_url");
        return Try(call.Tx, intent, call.Tx.Get(method)) ? intent : throw Declined(intent);
    }

    /// <summary>One attempt to set a method up; false when it was declined.</summary>
    public static bool Try(Tx tx, JsonObject intent, JsonObject method)
    {
        tx.Edit(intent);
        intent["payment_method"] = method.Id();
        intent["last_setup_error"] = null;
        var card = PaymentMethods.CardOf(method);
        if (card?.Challenge is Challenge.Always or Challenge.UnlessSetUp or Challenge.OnSession)
        {
            intent["status"] = "requires_action";
            intent["next_action"] = Authentication.NextAction(tx, intent);
            tx.Emit("setup_intent.requires_action", intent);
            return true;
        }
        // A card that only fails when charged sets up well: that is how a renewal is made to fail.
        if (card is { Decline: { } why, Attaches: false })
        {
            Fail(tx, intent, method, why);
            return false;
        }
        Succeed(tx, intent, method);
        return true;
    }

    static void Succeed(Tx tx, JsonObject intent, JsonObject method)
    {
        intent["status"] = "succeeded";
        intent["next_action"] = null;
        tx.Edit(method)["_set_up"] = true;
        if (intent.Text("customer") is { } owner && method.Text("customer") is null)
        {
            PaymentMethods.Attach(tx, method, tx.Get(owner));
        }
        tx.Emit("setup_intent.succeeded", intent);
    }

    static void Fail(Tx tx, JsonObject intent, JsonObject method, Decline why)
    {
        intent["status"] = "requires_payment_method";
        intent["next_action"] = null;
        intent["payment_method"] = null;
        var error = new JsonObject
        {
            ["code"] = why.Code,
            ["doc_url"] = $"https://stripe.com/docs/error-codes/{why.Code.Replace('_', '-')}",
            ["message"] = why.Message,
            ["payment_method"] = method.Visible(),
            ["type"] = why.DeclineCode is null && why.Code == TestCards.NotAuthenticated.Code ? "invalid_request_error"
                : "card_error",
        };
        if (why.DeclineCode is not null) error["decline_code"] = why.DeclineCode;
        intent["last_setup_error"] = error;
        tx.Emit("setup_intent.setup_failed", intent);
    }

    public static StripeError Declined(JsonObject intent)
    {
        var last = intent.Child("last_setup_error")!;
        var error = new StripeError(402, "card_error", last.Text("message")!)
        {
            Code = last.Text("code"),
            DeclineCode = last.Text("decline_code"),
            Keep = true,
        };
        error.Embedded["setup_intent"] = intent;
        return error;
    }

    /// <summary>The holder's answer to the challenge.</summary>
    public static JsonObject Authenticated(Tx tx, JsonObject intent, bool success)
    {
        tx.Edit(intent);
        var method = tx.Get(intent.Text("payment_method")!);
        if (success) Succeed(tx, intent, method);
        else Fail(tx, intent, method, TestCards.NotAuthenticated with { Code = "setup_intent_authentication_failure" });
        if (intent.Text("_session") is { } session && tx.Find(session) is { } found)
        {
            Checkout.Completion.SetupMoved(tx, found, intent);
        }
        if (success && intent.Text("_subscription") is { } subscription && tx.Find(subscription) is { } waiting)
        {
            tx.Edit(waiting)["pending_setup_intent"] = null;
            waiting["default_payment_method"] ??= method.Id();
            tx.EmitUpdate("customer.subscription.updated", waiting);
        }
        return intent;
    }

    static JsonObject Cancel(Call call)
    {
        var intent = Named(call);
        if (intent.Text("status") is "succeeded" or "canceled")
        {
            throw Unexpected(intent,
                $"You cannot cancel this SetupIntent because it has a status of {intent.Text("status")}.");
        }
        call.Tx.Edit(intent);
        intent["status"] = "canceled";
        intent["cancellation_reason"] = call.P.Text("cancellation_reason");
        intent["next_action"] = null;
        call.Tx.Emit("setup_intent.canceled", intent);
        return intent;
    }

    static StripeError Unexpected(JsonObject intent, string message)
    {
        var error = StripeError.Invalid(message, code: "setup_intent_unexpected_state");
        error.Embedded["setup_intent"] = intent.Copy();
        return error;
    }
}
