using Purser.Sandbox.Stripe.Billing;
using Purser.Sandbox.Stripe.Customers;
using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Checkout;

/// <summary>A customer pays on the page of a session: what is made then, and how the session ends.</summary>
static class Completion
{
    /// <summary>
    /// One try with a payment method, or with none where none is needed. A decline is thrown and leaves the session
    /// open.
    /// </summary>
    public static void Pay(Call call, JsonObject session, JsonObject? method, string? email)
    {
        var tx = call.Tx;
        if (session.Text("status") != "open")
        {
            throw StripeError.Invalid($"This Checkout Session is no longer active: it has a status of {session.Text("status")}.",
                code: "checkout_not_active_session");
        }
        // Unless the caller named some, the account's settings decide; the sandbox's have everything on.
        if (method is not null && !session.Flag("_any_method") &&
            !session.Texts("payment_method_types").Contains(method.Text("type")))
        {
            throw StripeError.Invalid($"The payment method type {method.Text("type")} is not enabled for this Checkout Session.", "payment_method");
        }
        tx.Edit(session);
        if (email is not null) session["_email"] = email;
        session["_method"] = method?.Id();
        switch (session.Text("mode"))
        {
            case "payment":
                PayOnce(tx, session, method);
                break;
            case "subscription":
                Subscribe(call, session, method);
                break;
            default:
                SetUp(tx, session, method!);
                break;
        }
    }

    static void PayOnce(Tx tx, JsonObject session, JsonObject? method)
    {
        var data = session.Child("_payment_intent_data") ?? [];
        var wanted = session.Text("customer_creation") == "always" || data.ContainsKey("setup_future_usage");
        var customer = session.Text("customer") is null && !wanted ? null : CustomerOf(tx, session, method);
        if (method is null)
        {
            if (Sessions.InvoiceWanted(session)) OneTimeInvoices.Make(tx, session, null);
            Complete(tx, session, "no_payment_required");
            return;
        }
        var intent = session.Text("_payment_intent") is { } known ? tx.Get(known)
            : NewIntent(tx, session, customer, data);
        var attempt = Charging.Try(tx, intent, method, Holder.Present);
        Consequences.Of(tx, intent, attempt);
        if (attempt == Attempt.Declined) throw PaymentIntents.Declined(tx, intent);
    }

    static JsonObject NewIntent(Tx tx, JsonObject session, JsonObject? customer, JsonObject data)
    {
        var intent = PaymentIntents.New(tx, session.Number("amount_total"), session.Text("currency")!, customer);
        intent.Take(data, "capture_method", "description", "receipt_email", "setup_future_usage", "shipping",
            "statement_descriptor",
            "statement_descriptor_suffix", "transfer_group");
        intent["metadata"] = Metadata.Of(data);
        PaymentIntents.TakeThreeDSecure(intent, session.Child("payment_method_options"));
        intent["payment_method_types"] = session["payment_method_types"]?.DeepClone();
        intent["_session"] = session.Id();
        session["_payment_intent"] = intent.Id();
        session["payment_intent"] = intent.Id();
        tx.Emit("payment_intent.created", intent);
        return intent;
    }

    static JsonObject CustomerOf(Tx tx, JsonObject session, JsonObject? method)
    {
        if ((session.Text("customer") ?? session.Text("_customer")) is { } known)
        {
            return Updated(tx, tx.Get(known), session.Child("_customer_update"), method?.Child("billing_details"));
        }
        var customer = CustomerRoutes.New(tx, null);
        customer["email"] = EmailOf(session, method);
        customer["name"] = method?.Child("billing_details")?.Text("name");
        customer["address"] = method?.Child("billing_details")?["address"]?.DeepClone();
        tx.Add(customer);
        session["_customer"] = customer.Id();
        tx.Emit("customer.created", customer);
        return customer;
    }

    /// <summary>A known customer keeps what is on file, unless the shop wants what was entered.</summary>
    static JsonObject Updated(Tx tx, JsonObject customer, JsonObject? wanted, JsonObject? entered)
    {
        if (wanted is null || entered is null) return customer;
        foreach (var name in (ReadOnlySpan<string>)["address", "name"])
        {
            if (wanted.Text(name) == "auto" && entered[name] is { } value) tx.Edit(customer)[name] = value.DeepClone();
        }
        tx.EmitUpdate("customer.updated", customer);
        return customer;
    }

    static string? EmailOf(JsonObject session, JsonObject? method) => session.Child("customer_details")?.Text("email")
        ?? session.Text("_email")
        ?? session.Text("customer_email") ?? method?.Child("billing_details")?.Text("email");

    static void Subscribe(Call call, JsonObject session, JsonObject? method)
    {
        var tx = call.Tx;
        var customer = CustomerOf(tx, session, method);
        if (method is not null) PaymentMethods.Attach(tx, method, customer);
        if (method is not null && session.Text("_subscription") is { } started)
        {
            Again(tx, session, tx.Edit(started), method);
            return;
        }
        var nothingDue = session.Number("amount_total") == 0;
        if (method is not null && nothingDue && !IsSetUp(tx, session, customer, method)) return;

        var p = Terms(session, method);
        var subscription = SubscriptionStart.Build(call, customer, p);
        subscription["_session"] = session.Id();
        session["_subscription"] = subscription.Id();
        var announced = tx.EmitAhead("customer.subscription.created", subscription);
        subscription["_starting"] = true;
        var invoice = SubscriptionStart.FirstInvoice(call, customer, subscription, p);
        session["_invoice"] = invoice.Id();
        InvoiceDrafts.Announce(tx, invoice, null);
        InvoiceDrafts.Finalize(tx, invoice);
        var attempt = invoice.Text("status") == "paid" ? Free(subscription)
            : InvoicePayments.Collect(tx, invoice, method!, Holder.Present);
        // A declined card has bought nothing: neither subscription nor invoice come into being.
        if (attempt == Attempt.Declined) throw Undone(tx, invoice);
        SubscriptionStart.Settle(tx, subscription, announced);
        if (attempt == Attempt.NeedsAction) session["_payment_intent"] = invoice.Text("_payment_intent");
        else Subscribed(tx, session, subscription, invoice);
    }

    static JsonObject Terms(JsonObject session, JsonObject? method)
    {
        var p = session.Child("_subscription_data")?.Copy() ?? [];
        JsonArray items = [];
        JsonArray extras = [];
        foreach (var line in session.Items("_line_items"))
        {
            var price = line.Child("price")!;
            var item = new JsonObject { ["price"] = price.Id(), ["quantity"] = line.Number("quantity") };
            if (price.Child("recurring") is null) extras.Add(item);
            else items.Add(item);
        }
        p["items"] = items;
        if (extras.Count > 0) p["add_invoice_items"] = extras;
        if (method is not null) p["default_payment_method"] = method.Id();
        if (session.Items("discounts").FirstOrDefault() is { } discount)
        {
            // Of coupon and promotion code one is null.
            p["discounts"] = new JsonArray(new JsonObject([.. discount.Where(d => d.Value is not null)
                .Select(d => KeyValuePair.Create(d.Key, d.Value?.DeepClone()))]));
        }
        p["automatic_tax"] = session["automatic_tax"]?.DeepClone();
        return p;
    }

    static Attempt Free(JsonObject subscription)
    {
        if (subscription.Text("status") == "incomplete") subscription["status"] = "active";
        return Attempt.Succeeded;
    }

    /// <summary>
    /// Where nothing is due yet, the card is made ready for what will be; its bank may first want to see its holder.
    /// </summary>
    static bool IsSetUp(Tx tx, JsonObject session, JsonObject customer, JsonObject method)
    {
        if (method.Flag("_set_up")) return true;
        var intent = SetupIntents.New(tx, customer);
        intent["_session"] = session.Id();
        session["_setup_intent"] = intent.Id();
        tx.Emit("setup_intent.created", intent);
        if (!SetupIntents.Try(tx, intent, method)) throw SetupIntents.Declined(intent);
        return intent.Text("status") == "succeeded";
    }

    static StripeError Undone(Tx tx, JsonObject invoice)
    {
        var last = tx.Get(invoice.Text("_payment_intent")!).Child("last_payment_error");
        return new(402, "card_error", last?.Text("message") ?? "Your card was declined.")
        {
            Code = last?.Text("code") ?? "card_declined",
            DeclineCode = last?.Text("decline_code"),
            AdviceCode = last?.Text("advice_code"),
        };
    }

    /// <summary>The first card did not get through its challenge; this is another try at the same invoice.</summary>
    static void Again(Tx tx, JsonObject session, JsonObject subscription, JsonObject method)
    {
        subscription["default_payment_method"] = method.Id();
        var invoice = tx.Get(session.Text("_invoice")!);
        var attempt = InvoicePayments.Collect(tx, invoice, method, Holder.Present);
        if (attempt == Attempt.Declined) throw PaymentIntents.Declined(tx, tx.Get(invoice.Text("_payment_intent")!));
        if (attempt is Attempt.Processing) Subscribed(tx, session, subscription, invoice);
    }

    static void Subscribed(Tx tx, JsonObject session, JsonObject subscription, JsonObject invoice)
    {
        if (session.Text("status") != "open") return;
        tx.Edit(session);
        session["subscription"] = subscription.Id();
        session["invoice"] = invoice.Id();
        Complete(tx, session, invoice.Text("status") != "paid" ? "unpaid" : invoice.Number("amount_paid") > 0 ? "paid"
            : "no_payment_required");
    }

    static void SetUp(Tx tx, JsonObject session, JsonObject method)
    {
        var intent = tx.Get(session.Text("setup_intent")!);
        if (!SetupIntents.Try(tx, intent, method)) throw SetupIntents.Declined(intent);
        SetupMoved(tx, session, intent);
    }

    public static void SetupMoved(Tx tx, JsonObject session, JsonObject intent)
    {
        if (intent.Text("status") != "succeeded" || session.Text("status") != "open") return;
        tx.Edit(session);
        if (session.Text("mode") != "subscription") Complete(tx, session, "no_payment_required");
        else Subscribe(new Call(tx, [], [], "", ApiVersion.Current), session, tx.Get(intent.Text("payment_method")!));
    }

    /// <summary>The payment of a session has got somewhere, now or days later.</summary>
    public static void PaymentMoved(Tx tx, JsonObject session, JsonObject intent, Attempt attempt)
    {
        tx.Edit(session);
        var open = session.Text("status") == "open";
        switch (attempt)
        {
            case Attempt.Succeeded when open:
                if (Sessions.InvoiceWanted(session)) OneTimeInvoices.Make(tx, session, intent);
                Complete(tx, session, "paid");
                break;
            case Attempt.Succeeded when session.Text("payment_status") == "unpaid":
                if (Sessions.InvoiceWanted(session)) OneTimeInvoices.Make(tx, session, intent);
                session["payment_status"] = "paid";
                if (!intent.ContainsKey("_held")) tx.Emit("checkout.session.async_payment_succeeded", session);
                break;
            case Attempt.Authorized when open:
                intent["_held"] = true;
                Complete(tx, session, "unpaid");
                break;
            case Attempt.Processing when open:
                Complete(tx, session, "unpaid");
                break;
            case Attempt.Declined when !open && session.Text("status") == "complete":
                tx.Emit("checkout.session.async_payment_failed", session);
                break;
            default:
                break;
        }
    }

    /// <summary>The invoice of a subscription that a session began has moved.</summary>
    public static void InvoicePaid(Tx tx, JsonObject subscription, JsonObject invoice)
    {
        if (subscription.Flag("_starting") || subscription.Text("_session") is not { } id ||
            tx.Find(id) is not { } session)
        {
            return;
        }
        if (session.Text("status") == "open")
        {
            Subscribed(tx, session, subscription, invoice);
            return;
        }
        if (session.Text("payment_status") != "unpaid" || session.Text("invoice") != invoice.Id()) return;
        tx.Edit(session)["payment_status"] = "paid";
        tx.Emit("checkout.session.async_payment_succeeded", session);
    }

    static void Complete(Tx tx, JsonObject session, string paymentStatus)
    {
        var method = session.Text("_method") is { } id ? tx.Find(id) : null;
        session["status"] = "complete";
        session["payment_status"] = paymentStatus;
        session["url"] = null;
        session["customer"] ??= session.Text("_customer");
        var customer = session.Text("customer") is { } owner ? tx.Find(owner) : null;
        var details = Sessions.Details(customer, EmailOf(session, method));
        details["phone"] ??= session.Text("_phone");
        details["name"] ??= method?.Child("billing_details")?.Text("name");
        details["address"] ??= method?.Child("billing_details")?["address"]?.DeepClone();
        session["customer_details"] = details;
        session.ClearTimers();
        // A subscription has redeemed its discounts itself.
        if (session.Text("mode") == "payment" && session.Text("_discount") is { } discount)
        {
            Discounts.Redeem(tx, tx.Get(discount));
        }
        // After everything the payment itself has to tell.
        tx.Later(() => tx.Emit("checkout.session.completed", session));
    }
}
