using Purser.Sandbox.Stripe.Customers;

namespace Purser.Sandbox.Stripe.Payments;

/// <summary>
/// What became of an attempt to take money for an intent; a decline's reasons stand in last_payment_error.
/// </summary>
enum Attempt { Succeeded, Authorized, Processing, NeedsAction, Declined }

/// <summary>
/// Whether the card's holder is there to confirm; a renewal may ask them to come, an off-session payment may not.
/// </summary>
enum Holder { Present, Absent, Reachable }

/// <summary>Takes money: from a payment intent with a payment method to a charge, or to the reason why not.</summary>
static class Charging
{
    // Bank debits settle in days; in test mode Stripe needs minutes.
    const long DebitSettlesAfterSeconds = 180;

    /// <summary>One attempt. Authenticated: the holder has just confirmed.</summary>
    public static Attempt Try(Tx tx, JsonObject intent, JsonObject method, Holder holder, bool authenticated = false)
    {
        tx.Edit(intent);
        intent["payment_method"] = method.Id();
        intent["next_action"] = null;
        intent["last_payment_error"] = null;
        if (BankDebits.IsDelayed(method)) return Submit(tx, intent, method);

        var card = PaymentMethods.CardOf(method) ?? throw new InvalidOperationException("A card without a number");
        if (!authenticated && (IsChallenged(card, method, holder != Holder.Present) || IsWanted(intent, holder)))
        {
            if (holder == Holder.Absent) return Refuse(tx, intent, method, TestCards.NeedsHolder);
            AskHolder(tx, intent);
            return Attempt.NeedsAction;
        }
        if (card.Decline is { } why) return Refuse(tx, intent, method, why);

        return Take(tx, intent, method, card, authenticated);
    }

    static bool IsChallenged(TestCard card, JsonObject method, bool offSession) => card.Challenge switch
    {
        Challenge.Always => true,
        Challenge.UnlessSetUp => !method.Flag("_set_up") || !offSession,
        Challenge.OnSession => !offSession,
        Challenge.None => false,
    };

    /// <summary>A caller may ask for 3-D Secure where the card itself does not.</summary>
    static bool IsWanted(JsonObject intent, Holder holder) => holder == Holder.Present &&
        intent.Child("payment_method_options")?.Child("card")?.Text("request_three_d_secure") is "any" or "challenge";

    static void AskHolder(Tx tx, JsonObject intent)
    {
        intent["status"] = "requires_action";
        intent["next_action"] = Authentication.NextAction(tx, intent);
        tx.Emit("payment_intent.requires_action", intent);
    }

    static Attempt Take(Tx tx, JsonObject intent, JsonObject method, TestCard card, bool authenticated)
    {
        var charge = NewCharge(tx, intent, method);
        var manual = intent.Text("capture_method") == "manual";
        charge["status"] = "succeeded";
        charge["paid"] = true;
        charge["captured"] = !manual;
        charge["amount_captured"] = manual ? 0L : intent.Number("amount");
        charge["outcome"] = Outcome("authorized", "approved_by_network", null, "Payment complete.");
        charge["outcome"]!["risk_level"] = card.Risk;
        charge.Child("payment_method_details")!.Child("card")!["three_d_secure"] = authenticated ? Secured() : null;
        if (!manual) charge["balance_transaction"] = BalanceTransactions.ForCharge(tx, charge);
        intent["latest_charge"] = charge.Id();
        Keep(tx, intent, method, authenticated);
        if (manual)
        {
            intent["status"] = "requires_capture";
            intent["amount_capturable"] = intent.Number("amount");
            tx.Emit("charge.succeeded", charge);
            tx.Emit("payment_intent.amount_capturable_updated", intent);
            return Attempt.Authorized;
        }
        intent["status"] = "succeeded";
        intent["amount_received"] = intent.Number("amount");
        tx.Emit("charge.succeeded", charge);
        tx.Emit("payment_intent.succeeded", intent);
        if (card.Dispute != DisputeKind.None) tx.Later(() => Disputes.Open(tx, charge, card.Dispute));
        return Attempt.Succeeded;
    }

    /// <summary>
    /// A method that is to be used again is attached, and counts as set up once its holder has agreed.
    /// </summary>
    static void Keep(Tx tx, JsonObject intent, JsonObject method, bool authenticated)
    {
        if (intent.Text("setup_future_usage") is null || intent.Text("customer") is not { } owner) return;
        if (method.Text("customer") is null) PaymentMethods.Attach(tx, method, tx.Get(owner));
        if (authenticated && intent.Text("setup_future_usage") == "off_session") tx.Edit(method)["_set_up"] = true;
    }

    static Attempt Refuse(Tx tx, JsonObject intent, JsonObject method, Decline why)
    {
        var charge = NewCharge(tx, intent, method);
        charge["status"] = "failed";
        charge["failure_code"] = why.Code;
        charge["failure_message"] = why.Message;
        var blocked = PaymentMethods.CardOf(method) is { Risk: "highest" };
        charge["outcome"] = blocked
            ? Outcome("blocked", "not_sent_to_network", "highest_risk_level", "Stripe blocked this payment as too risky.")
            : Outcome("issuer_declined", "declined_by_network", why.DeclineCode ?? why.Code,
                "The bank did not return any further details with this decline.");
        if (blocked) charge["outcome"]!["risk_level"] = "highest";
        charge["outcome"]!["advice_code"] = why.Advice;
        intent["latest_charge"] = charge.Id();
        intent["status"] = "requires_payment_method";
        intent["payment_method"] = null;
        intent["last_payment_error"] = Error(why, charge.Id(), method);
        tx.Emit("charge.failed", charge);
        tx.Emit("payment_intent.payment_failed", intent);
        return Attempt.Declined;
    }

    static JsonObject Error(Decline why, string? charge, JsonObject method)
    {
        var error = new JsonObject();
        if (why.Advice is not null) error["advice_code"] = why.Advice;
        if (charge is not null) error["charge"] = charge;
        error["code"] = why.Code;
        if (why.DeclineCode is not null) error["decline_code"] = why.DeclineCode;
        error["doc_url"] = $"https://stripe.com/docs/error-codes/{why.Code.Replace('_', '-')}";
        error["message"] = why.Message;
        if (why.Code == "incorrect_cvc") error["param"] = "cvc";
        error["payment_method"] = method.Visible();
        error["type"] = why.Code == "payment_intent_authentication_failure" ? "invalid_request_error" : "card_error";
        return error;
    }

    /// <summary>The holder refused, or could not prove who they are.</summary>
    public static void FailAuthentication(Tx tx, JsonObject intent, JsonObject method)
    {
        tx.Edit(intent);
        intent["status"] = "requires_payment_method";
        intent["next_action"] = null;
        intent["payment_method"] = null;
        intent["last_payment_error"] = Error(TestCards.NotAuthenticated, null, method);
        tx.Emit("payment_intent.payment_failed", intent);
    }

    static Attempt Submit(Tx tx, JsonObject intent, JsonObject method)
    {
        var charge = NewCharge(tx, intent, method);
        charge["status"] = "pending";
        charge["captured"] = true;
        charge["outcome"] = Outcome("authorized", "approved_by_network", null, "Payment complete.");
        intent["latest_charge"] = charge.Id();
        intent["status"] = "processing";
        intent.SetTimer("settle", tx.TimeOf(intent) + DebitSettlesAfterSeconds);
        Keep(tx, intent, method, authenticated: true);
        tx.Emit("payment_intent.processing", intent);
        tx.Emit("charge.pending", charge);
        return Attempt.Processing;
    }

    /// <summary>The bank's answer to a debit that was submitted before.</summary>
    public static void Settle(Tx tx, JsonObject intent, bool paid)
    {
        tx.Edit(intent);
        intent.ClearTimer("settle");
        var charge = tx.Edit(intent.Text("latest_charge")!);
        if (paid)
        {
            charge["status"] = "succeeded";
            charge["paid"] = true;
            charge["amount_captured"] = charge.Number("amount");
            charge["balance_transaction"] = BalanceTransactions.ForCharge(tx, charge);
            intent["status"] = "succeeded";
            intent["amount_received"] = intent.Number("amount");
            tx.Emit("charge.succeeded", charge);
            tx.Emit("payment_intent.succeeded", intent);
            return;
        }
        var why = new Decline("payment_intent_payment_attempt_failed", null, "The payment failed.", null);
        charge["status"] = "failed";
        charge["paid"] = false;
        charge["failure_code"] = why.Code;
        charge["failure_message"] = why.Message;
        intent["status"] = "requires_payment_method";
        intent["last_payment_error"] = Error(why, charge.Id(), tx.Get(charge.Text("payment_method")!));
        intent["payment_method"] = null;
        tx.Emit("charge.failed", charge);
        tx.Emit("payment_intent.payment_failed", intent);
    }

    static JsonObject NewCharge(Tx tx, JsonObject intent, JsonObject method)
    {
        var charge = ApiSpec.Blank("charge");
        charge["id"] = Ids.New("ch");
        charge.Take(intent, "amount", "currency", "customer", "description", "livemode", "receipt_email", "shipping",
            "statement_descriptor",
            "statement_descriptor_suffix", "transfer_group");
        charge["metadata"] = intent["metadata"]?.DeepClone();
        charge["billing_details"] = method["billing_details"]?.DeepClone();
        charge["calculated_statement_descriptor"] = "PURSER SANDBOX";
        charge["created"] = tx.TimeOf(intent);
        charge["fraud_details"] = new JsonObject();
        charge["payment_intent"] = intent.Id();
        charge["payment_method"] = method.Id();
        charge["payment_method_details"] = Details(method, intent.Number("amount"));
        charge["radar_options"] = new JsonObject();
        charge["receipt_url"] = $"{tx.Account.BaseUrl}/receipts/{charge.Id()}";
        charge["_clock"] = intent.Text("_clock");
        return tx.Add(charge);
    }

    static JsonObject Details(JsonObject method, long amount)
    {
        var type = method.Text("type")!;
        var details = new JsonObject { ["type"] = type };
        var own = ApiSpec.Blank(type switch
        {
            "card" => "charge.PaymentMethodDetails.Card",
            "sepa_debit" => "charge.PaymentMethodDetails.SepaDebit",
            _ => "charge.PaymentMethodDetails.UsBankAccount",
        });
        foreach (var name in own.Select(p => p.Key).ToList())
        {
            if (method.Child(type)!.TryGetPropertyValue(name, out var value)) own[name] = value?.DeepClone();
        }
        if (type == "card")
        {
            own["fingerprint"] = method.Child("card")!["fingerprint"]?.DeepClone();
            own["amount_authorized"] = amount;
            own["network"] = method.Child("card")!.Text("brand");
            var checks = PaymentMethods.CardOf(method)!.Checks;
            var address = method.Child("billing_details")?.Child("address");
            own["checks"] = new JsonObject
            {
                ["address_line1_check"] = address?.Text("line1") is null ? null : checks.Line1,
                ["address_postal_code_check"] = address?.Text("postal_code") is null ? null : checks.Zip,
                ["cvc_check"] = checks.Cvc,
            };
        }
        details[type] = own;
        return details;
    }

    static JsonObject Secured()
    {
        var secured = ApiSpec.Blank("charge.PaymentMethodDetails.Card.ThreeDSecure");
        secured["authentication_flow"] = "challenge";
        secured["result"] = "authenticated";
        secured["version"] = "2.2.0";
        return secured;
    }

    static JsonObject Outcome(string type, string network, string? reason, string seller) => new()
    {
        ["advice_code"] = null,
        ["network_advice_code"] = null,
        ["network_decline_code"] = reason is null ? null : "05",
        ["network_status"] = network,
        ["reason"] = reason,
        ["risk_level"] = "normal",
        ["risk_score"] = 20L,
        ["seller_message"] = seller,
        ["type"] = type,
    };
}
