using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Billing;

/// <summary>
/// How an invoice gets paid: the intent behind it, attempts, and what they do to invoice and subscription.
/// </summary>
static class InvoicePayments
{
    public static void Map(Routes routes)
    {
        routes.Add("GET", "/v1/invoice_payments", List);
        routes.Add("GET", "/v1/invoice_payments/{id}", call => call.Named("invoice_payment", "invoice payment"));
    }

    static JsonObject List(Call call)
    {
        var intent = call.P.Child("payment")?.Text("payment_intent");
        return call.List("invoice_payment", "invoice payment",
            p => intent is null || p.Text("_payment_intent") == intent, "invoice", "status");
    }

    /// <summary>Makes the intent that will pay an open invoice.</summary>
    public static void Prepare(Tx tx, JsonObject invoice)
    {
        var customer = tx.Get(invoice.Text("customer")!);
        var intent = PaymentIntents.New(tx, invoice.Number("amount_due"), invoice.Text("currency")!, customer);
        intent["_invoice"] = invoice.Id();
        intent["description"] = invoice.Text("billing_reason") switch
        {
            "subscription_create" => "Subscription creation",
            "subscription_cycle" => "Subscription update",
            "subscription_update" => "Subscription update",
            _ => null,
        };
        intent["setup_future_usage"] = invoice.Text("_subscription") is null ? null : "off_session";
        Link(tx, invoice, intent);
        tx.Emit("payment_intent.created", intent);
    }

    /// <summary>An invoice and an intent do not know each other; this third object does.</summary>
    public static void Link(Tx tx, JsonObject invoice, JsonObject intent)
    {
        invoice["_payment_intent"] = intent.Id();
        var payment = ApiSpec.Blank("invoice_payment");
        payment["id"] = Ids.New("inpay");
        payment["amount_paid"] = null;
        payment["amount_requested"] = invoice.Number("amount_due");
        payment["created"] = tx.TimeOf(invoice);
        payment["currency"] = invoice.Text("currency");
        payment["invoice"] = invoice.Id();
        payment["is_default"] = true;
        payment["payment"] = new JsonObject { ["payment_intent"] = intent.Id(), ["type"] = "payment_intent" };
        payment["status"] = "open";
        payment["_payment_intent"] = intent.Id();
        payment["_clock"] = invoice.Text("test_clock");
        tx.Add(payment);
    }

    /// <summary>The method an invoice is paid with: its own, else the subscription's, else the customer's.</summary>
    public static JsonObject? MethodFor(Tx tx, JsonObject invoice)
    {
        var subscription = invoice.Text("_subscription") is { } id ? tx.Find(id) : null;
        var method = invoice.Text("default_payment_method") ?? subscription?.Text("default_payment_method")
            ?? tx.Get(invoice.Text("customer")!).Child("invoice_settings")?.Text("default_payment_method");
        return method is null ? null : tx.Find(method);
    }

    /// <summary>One attempt to collect an open invoice.</summary>
    public static Attempt Collect(Tx tx, JsonObject invoice, JsonObject method, Holder holder)
    {
        tx.Edit(invoice);
        invoice["attempted"] = true;
        invoice["attempt_count"] = invoice.Number("attempt_count") + 1;
        var intent = tx.Edit(invoice.Text("_payment_intent")!);
        if (intent.Text("status") is "succeeded" or "processing") return Attempt.Processing;
        intent["amount"] = invoice.Number("amount_remaining");
        var attempt = Charging.Try(tx, intent, method, holder);
        PaymentMoved(tx, invoice, intent, attempt);
        return attempt;
    }

    /// <summary>What an intent's fate does to its invoice and that invoice's subscription.</summary>
    public static void PaymentMoved(Tx tx, JsonObject invoice, JsonObject intent, Attempt attempt)
    {
        if (invoice.Text("status") is not ("open" or "uncollectible")) return;
        tx.Edit(invoice);
        switch (attempt)
        {
            case Attempt.Succeeded:
                invoice["attempted"] = true;
                if (invoice.Number("attempt_count") == 0) invoice["attempt_count"] = 1L;
                MarkPaid(tx, invoice, intent);
                break;
            case Attempt.NeedsAction:
                tx.Emit("invoice.payment_action_required", invoice);
                Dunning.Failed(tx, invoice, hard: false);
                break;
            case Attempt.Declined:
                var last = intent.Child("last_payment_error");
                var hard = new Decline(last?.Text("code") ?? "", last?.Text("decline_code"), "").IsHard;
                Dunning.Failed(tx, invoice, hard);
                break;
            case Attempt.Processing or Attempt.Authorized:
                Subscriptions.PaymentUnderWay(tx, invoice);
                break;
        }
    }

    /// <summary>Paid: by an intent, by nothing because nothing was due, or outside of Stripe.</summary>
    public static void MarkPaid(Tx tx, JsonObject invoice, JsonObject? intent)
    {
        var now = tx.TimeOf(invoice);
        invoice["status"] = "paid";
        invoice["attempted"] = true;
        invoice["amount_paid"] = invoice.Number("amount_due");
        invoice["amount_remaining"] = 0L;
        invoice["next_payment_attempt"] = null;
        invoice["auto_advance"] = false;
        invoice.Under("status_transitions")["paid_at"] = now;
        invoice.ClearTimers();
        tx.Emit("invoice.paid", invoice);
        tx.Emit("invoice.payment_succeeded", invoice);
        var payment = tx.Referring("invoice_payment", "invoice", invoice.Id()).FirstOrDefault();
        if (payment is not null)
        {
            tx.Edit(payment);
            payment["status"] = intent is null ? "canceled" : "paid";
            payment["amount_paid"] = intent is null ? null : invoice.Number("amount_paid");
            payment.Under("status_transitions")[intent is null ? "canceled_at" : "paid_at"] = now;
            // Stripe tells this one seconds after the rest, so also after what the rest tells in its turn.
            if (intent is not null) tx.Later(() => tx.Later(() => tx.Emit("invoice_payment.paid", payment)));
        }
        var customer = tx.Get(invoice.Text("customer")!);
        if (customer.Flag("delinquent"))
        {
            tx.Edit(customer)["delinquent"] = false;
            tx.EmitUpdate("customer.updated", customer);
        }
        Subscriptions.InvoicePaid(tx, invoice, intent);
    }

    /// <summary>An intent that will not be needed any more.</summary>
    public static void Abandon(Tx tx, JsonObject invoice)
    {
        if (invoice.Text("_payment_intent") is { } id && tx.Find(id) is { } intent &&
            intent.Text("status") is not ("succeeded" or "canceled" or "processing"))
        {
            PaymentIntents.Cancel(tx, intent, "void_invoice");
        }
        foreach (var payment in tx.Referring("invoice_payment", "invoice", invoice.Id()).Where(p =>
            p.Text("status") == "open"))
        {
            tx.Edit(payment)["status"] = "canceled";
            payment.Under("status_transitions")["canceled_at"] = tx.TimeOf(invoice);
        }
    }
}
