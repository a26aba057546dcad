namespace Purser.Sandbox.Stripe.Payments;

static class Disputes
{
    const long DueAfterSeconds = 9 * 86_400;
    const long DecidedAfterSeconds = 1;

    public static void Map(Routes routes)
    {
        routes.Add("GET", "/v1/disputes", call => call.List("dispute", "dispute", null, "charge", "payment_intent"));
        routes.Add("GET", "/v1/disputes/{id}", call => call.Named("dispute", "dispute"));
        routes.Add("POST", "/v1/disputes/{id}", Update);
        routes.Add("POST", "/v1/disputes/{id}/close", Close);
    }

    /// <summary>The holder objects. An inquiry asks first; anything else takes the money at once.</summary>
    public static void Open(Tx tx, JsonObject charge, DisputeKind kind)
    {
        if (kind == DisputeKind.EarlyWarning)
        {
            tx.Edit(charge)["fraud_details"] = new JsonObject { ["stripe_report"] = "fraudulent" };
            tx.EmitUpdate("charge.updated", charge);
            return;
        }
        if (kind == DisputeKind.Several)
        {
            // The bank may dispute one charge in parts; each part is a dispute of its own.
            var first = charge.Number("amount") / 2;
            OpenOne(tx, charge, kind, first);
            OpenOne(tx, charge, kind, charge.Number("amount") - first);
            return;
        }
        OpenOne(tx, charge, kind, charge.Number("amount"));
    }

    static void OpenOne(Tx tx, JsonObject charge, DisputeKind kind, long amount)
    {
        var inquiry = kind == DisputeKind.Inquiry;
        var dispute = ApiSpec.Blank("dispute");
        dispute["id"] = Ids.New("dp");
        dispute["amount"] = amount;
        dispute.Take(charge, "currency", "payment_intent", "_clock");
        dispute["charge"] = charge.Id();
        dispute["created"] = tx.TimeOf(charge);
        dispute["evidence"] = ApiSpec.Blank("dispute.Evidence");
        dispute["evidence_details"] = new JsonObject
        {
            ["due_by"] = tx.TimeOf(charge) + DueAfterSeconds,
            ["enhanced_eligibility"] = new JsonObject(),
            ["has_evidence"] = false,
            ["past_due"] = false,
            ["submission_count"] = 0L,
            ["submission_method"] = "not_submitted",
        };
        dispute["intended_submission_method"] = "manual";
        dispute["is_charge_refundable"] = inquiry;
        dispute["network_reason_code"] = "10.4";
        dispute["payment_method_details"] = new JsonObject
        {
            ["card"] = new JsonObject
            {
                ["brand"] = "visa",
                ["case_type"] = inquiry ? "inquiry" : "chargeback",
                ["network"] = "visa",
                ["network_reason_code"] = "10.4",
            },
            ["type"] = "card",
        };
        dispute["reason"] = kind == DisputeKind.NotReceived ? "product_not_received" : "fraudulent";
        dispute["status"] = inquiry ? "warning_needs_response" : "needs_response";
        tx.Add(dispute);
        tx.Edit(charge)["disputed"] = true;
        tx.EmitUpdate("charge.updated", charge);
        tx.Emit("charge.dispute.created", dispute);
        if (!inquiry) Withdraw(tx, dispute);
    }

    static void Withdraw(Tx tx, JsonObject dispute)
    {
        Book(tx, dispute, BalanceTransactions.ForDispute(tx, dispute));
        tx.EmitUpdate("charge.dispute.funds_withdrawn", dispute);
    }

    static void Book(Tx tx, JsonObject dispute, string entry)
    {
        tx.Edit(dispute);
        ((JsonArray)dispute["balance_transactions"]!).Add(tx.Get(entry).Visible());
    }

    static JsonObject Update(Call call)
    {
        var dispute = call.Named("dispute", "dispute");
        if (!IsOpen(dispute) && (call.P.ContainsKey("evidence") || call.P.Flag("submit")))
        {
            throw StripeError.Invalid("This dispute is already closed or under review and can no longer be updated.");
        }
        call.Tx.Edit(dispute);
        Metadata.Merge(dispute, call.P);
        dispute.Take(call.P, "intended_submission_method");
        if (call.P.Child("evidence") is { } evidence)
        {
            var kept = dispute.Child("evidence")!;
            foreach (var (name, _) in evidence) kept.Take(evidence, name);
            dispute.Child("evidence_details")!["has_evidence"] = true;
        }
        // Sending evidence submits it unless the caller says it is only a draft.
        if (call.P.MaybeFlag("submit") ?? call.P.ContainsKey("evidence")) Submit(call.Tx, dispute);
        call.Tx.EmitUpdate("charge.dispute.updated", dispute);
        return dispute;
    }

    static void Submit(Tx tx, JsonObject dispute)
    {
        var details = dispute.Child("evidence_details")!;
        details["submission_count"] = details.Number("submission_count") + 1;
        details["submission_method"] = "manual";
        dispute["status"] = dispute.Text("status") == "warning_needs_response" ? "warning_under_review"
            : "under_review";
        if (Verdict(dispute) is not null) dispute.SetTimer("decide", tx.TimeOf(dispute) + DecidedAfterSeconds);
    }

    static string? Verdict(JsonObject dispute) => dispute.Child("evidence")!.Text("uncategorized_text") switch
    {
        "winning_evidence" => "won",
        "losing_evidence" => "lost",
        "escalate_inquiry_evidence" => "escalated",
        _ => null,
    };

    /// <summary>The bank has read the evidence: test mode decides by its text.</summary>
    public static void Decide(Tx tx, JsonObject dispute)
    {
        var inquiry = dispute.Text("status") == "warning_under_review";
        switch (Verdict(dispute))
        {
            case "won" when inquiry:
                End(tx, dispute, "warning_closed");
                break;
            case "won":
                End(tx, dispute, "won");
                Book(tx, dispute, BalanceTransactions.ForDisputeWon(tx, dispute));
                tx.EmitUpdate("charge.dispute.funds_reinstated", dispute);
                break;
            case "escalated" when inquiry:
                dispute["status"] = "needs_response";
                dispute["is_charge_refundable"] = false;
                tx.EmitUpdate("charge.dispute.updated", dispute);
                Withdraw(tx, dispute);
                break;
            default:
                if (inquiry) Withdraw(tx, dispute);
                End(tx, dispute, "lost");
                break;
        }
    }

    static void End(Tx tx, JsonObject dispute, string status)
    {
        tx.Edit(dispute)["status"] = status;
        dispute.ClearTimers();
        tx.Emit("charge.dispute.closed", dispute);
    }

    static JsonObject Close(Call call)
    {
        var dispute = call.Named("dispute", "dispute");
        if (!IsOpen(dispute)) throw StripeError.Invalid("This dispute is already closed.");
        End(call.Tx, dispute, dispute.Text("status") == "warning_needs_response" ? "warning_closed" : "lost");
        return dispute;
    }

    static bool IsOpen(JsonObject dispute) => dispute.Text("status") is "needs_response" or "warning_needs_response";

    /// <summary>A holder who has the money back has nothing left to inquire about.</summary>
    public static void ChargeRefunded(Tx tx, JsonObject charge)
    {
        foreach (var dispute in tx.Referring("dispute", "charge", charge.Id()))
        {
            if (dispute.Text("status") is "warning_needs_response" or "warning_under_review")
            {
                End(tx, dispute, "warning_closed");
            }
        }
    }
}
