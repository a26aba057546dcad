using Purser.Sandbox.Stripe.Catalog;
using Purser.Sandbox.Stripe.Customers;

namespace Purser.Sandbox.Stripe.Payments;

static class Refunds
{
    const long SettlesAfterSeconds = 10;

    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/refunds", Create);
        routes.Add("GET", "/v1/refunds", call => call.List("refund", "refund", null, "charge", "payment_intent"));
        routes.Add("GET", "/v1/refunds/{id}", call => call.Named("refund", "refund"));
        routes.Add("POST", "/v1/refunds/{id}", Update);
        routes.Add("POST", "/v1/refunds/{id}/cancel", Cancel);
    }

    static JsonObject Create(Call call)
    {
        var charge = ChargeOf(call);
        var amount = Amount(call, charge);
        var method = call.Tx.Get(charge.Text("payment_method")!);
        var kind = PaymentMethods.CardOf(method)?.Refund ?? RefundKind.Normal;

        var refund = ApiSpec.Blank("refund");
        refund["id"] = Ids.New("re");
        refund["amount"] = amount;
        refund.Take(charge, "currency", "customer", "payment_intent", "payment_method", "_clock");
        refund["charge"] = charge.Id();
        refund["created"] = call.Tx.TimeOf(charge);
        refund["destination_details"] = Destination(method, "pending");
        refund["metadata"] = Metadata.Of(call.P);
        refund["reason"] = call.P.Text("reason");
        refund["status"] = kind == RefundKind.Pending ? "pending" : "succeeded";
        if (kind == RefundKind.Pending) refund["pending_reason"] = "processing";
        refund["balance_transaction"] = BalanceTransactions.ForRefund(call.Tx, refund);
        call.Tx.Add(refund);
        call.Tx.Edit(charge);
        Count(charge, amount);
        call.Tx.Emit("refund.created", refund);
        call.Tx.EmitUpdate("charge.refunded", charge);
        if (charge.Flag("refunded")) Disputes.ChargeRefunded(call.Tx, charge);
        if (kind != RefundKind.Normal) refund.SetTimer("settle", call.Tx.TimeOf(refund) + SettlesAfterSeconds);
        else call.Tx.Later(() => Reference(call.Tx, refund, method));
        return refund;
    }

    static JsonObject ChargeOf(Call call)
    {
        if (call.Referred("charge", "charge", "charge") is { } charge) return charge;
        if (call.Referred("payment_intent", "payment_intent", "payment_intent") is not { } intent)
        {
            throw StripeError.Invalid("One of the following params should be provided for this request: payment_intent or charge.",
                "payment_intent", "parameter_missing");
        }
        if (intent.Text("status") != "succeeded" || intent.Text("latest_charge") is not { } latest)
        {
            throw StripeError.Invalid($"This PaymentIntent ({intent.Id()}) does not have a successful charge to refund.", "payment_intent");
        }
        return call.Tx.Get(latest);
    }

    static long Amount(Call call, JsonObject charge)
    {
        if (!charge.Flag("paid") || !charge.Flag("captured"))
        {
            throw StripeError.Invalid($"Charge {charge.Id()} has not been paid and can not be refunded.", "charge");
        }
        if (charge.Flag("refunded"))
        {
            throw StripeError.Invalid($"Charge {charge.Id()} has already been refunded.",
                code: "charge_already_refunded");
        }
        if (call.Tx.Referring("dispute", "charge", charge.Id()).Any(d => !d.Flag("is_charge_refundable")))
        {
            throw StripeError.Invalid($"Charge {charge.Id()} has been charged back; cannot issue a refund.",
                code: "charge_disputed");
        }
        // What a partial capture let go counts as refunded, so the whole amount is what counts here.
        var left = charge.Number("amount") - charge.Number("amount_refunded");
        var amount = call.P.MaybeNumber("amount") ?? left;
        if (amount < 1)
        {
            throw StripeError.Invalid("This value must be greater than or equal to 1.", "amount",
                "parameter_invalid_integer");
        }
        if (amount <= left) return amount;
        var currency = charge.Text("currency")!;
        throw StripeError.Invalid($"Refund amount ({Currencies.Shown(amount, currency)}) is greater than "
            + (left == charge.Number("amount")
                ? $"charge amount ({Currencies.Shown(left, currency)})"
                : $"unrefunded amount on charge ({Currencies.Shown(left, currency)})"), "amount");
    }

    static void Count(JsonObject charge, long amount)
    {
        charge["amount_refunded"] = charge.Number("amount_refunded") + amount;
        charge["refunded"] = charge.Number("amount_refunded") >= charge.Number("amount");
    }

    static JsonObject Destination(JsonObject method, string reference)
    {
        var type = method.Text("type")!;
        return new()
        {
            [type] = type == "card"
                ? new JsonObject { ["reference_status"] = reference, ["reference_type"] = "acquirer_reference_number",
                    ["type"] = "refund" }
                : new JsonObject(),
            ["type"] = type,
        };
    }

    /// <summary>The acquirer's number arrives a moment later; it is why one refund makes several events.</summary>
    static void Reference(Tx tx, JsonObject refund, JsonObject method)
    {
        tx.Edit(refund)["destination_details"] = Destination(method, "available");
        Told(tx, refund);
    }

    static void Told(Tx tx, JsonObject refund)
    {
        tx.EmitUpdate("refund.updated", refund);
        tx.Emit("charge.refund.updated", refund);
    }

    /// <summary>The bank's late answer: a pending refund arrives, a doomed one comes back. Success, where given, overrules that.</summary>
    public static void Finish(Tx tx, JsonObject refund, bool? success)
    {
        if (refund.Text("status") == "pending" && success != false)
        {
            refund["status"] = "succeeded";
            refund.Remove("pending_reason");
            Told(tx, refund);
            return;
        }
        refund["status"] = "failed";
        refund.Remove("pending_reason");
        refund["failure_reason"] = "expired_or_canceled_card";
        refund["failure_balance_transaction"] = BalanceTransactions.ForFailedRefund(tx, refund);
        GiveBack(tx, refund);
        tx.Emit("refund.failed", refund);
        Told(tx, refund);
    }

    static void GiveBack(Tx tx, JsonObject refund)
    {
        var charge = tx.Edit(refund.Text("charge")!);
        Count(charge, -refund.Number("amount"));
        tx.EmitUpdate("charge.updated", charge);
    }

    static JsonObject Update(Call call)
    {
        var refund = call.Tx.Edit(call.Named("refund", "refund"));
        Metadata.Merge(refund, call.P);
        call.Tx.EmitUpdate("refund.updated", refund);
        return refund;
    }

    static JsonObject Cancel(Call call)
    {
        var refund = call.Named("refund", "refund");
        if (refund.Text("status") is not ("pending" or "requires_action"))
        {
            throw StripeError.Invalid($"You cannot cancel this refund because it has a status of {refund.Text("status")}.");
        }
        call.Tx.Edit(refund);
        refund["status"] = "canceled";
        refund.ClearTimers();
        GiveBack(call.Tx, refund);
        Told(call.Tx, refund);
        return refund;
    }
}
