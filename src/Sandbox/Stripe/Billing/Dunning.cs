using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Billing;

/// <summary>
/// What happens to a subscription that is not paid: tried again on a schedule, then brought to its final state.
/// </summary>
static class Dunning
{
    const string SettingsId = "_dunning";
    const long Day = 86_400;
    const int RetriesMax = 20;
    const long RetryDaysMax = 60;
    static readonly string[] FinalStates = ["cancel", "unpaid", "pause", "past_due"];

    // Eight tries within two weeks, as Stripe recommends; its own choice of moments is not published.
    static readonly long[] DefaultRetries = [1, 2, 2, 2, 2, 2, 2, 1];

    public static void Map(Control.TimerActions timers)
    {
        timers.Add("invoice", "retry", Retry);
        timers.Add("invoice", "finalize", FinalizeByItself);
        timers.Add("invoice", "overdue", Overdue);
    }

    /// <summary>An account's setting: the days between attempts and what follows the last.</summary>
    public static JsonObject Configure(Tx tx, JsonObject given)
    {
        var final = given["final"]?.ToString() ?? "cancel";
        if (!FinalStates.Contains(final))
        {
            throw StripeError.Invalid($"Invalid final: must be one of {string.Join(", ", FinalStates)}", "final");
        }
        var retries = given["retries"] is JsonArray days
            ? days.Select(d => d is JsonValue value ? Json.AsNumber(value) ?? 0 : 0).ToArray() : DefaultRetries;
        if (retries.Length > RetriesMax || retries.Any(d => d is < 1 or > RetryDaysMax))
        {
            throw StripeError.Invalid($"Invalid retries: at most {RetriesMax}, each after 1 to {RetryDaysMax} days", "retries");
        }
        return tx.Add(new()
        {
            ["id"] = SettingsId,
            ["object"] = Kinds.Settings,
            ["retries"] = new JsonArray([.. retries.Select(d => (JsonNode)d)]),
            ["final"] = final,
        });
    }

    static (long[] Retries, string Final) Settings(Tx tx)
    {
        if (tx.Find(SettingsId) is not { } kept) return (DefaultRetries, "cancel");
        return ([.. ((JsonArray)kept["retries"]!).Select(d => Json.AsNumber((JsonValue)d!)!.Value)],
            kept.Text("final")!);
    }

    /// <summary>
    /// An attempt on an invoice has failed. The first invoice of a subscription is not retried, others are; only the first
    /// attempt and the retries themselves take the schedule further.
    /// </summary>
    public static void Failed(Tx tx, JsonObject invoice, bool hard)
    {
        var subscription = invoice.Text("_subscription") is { } id ? tx.Find(id) : null;
        var status = subscription?.Text("status");
        var retried = invoice.Flag("auto_advance") && status is not ("incomplete" or "canceled" or "incomplete_expired");
        if (invoice.Flag("_hard") != hard) invoice["_hard"] = hard;
        invoice["_hard_method"] = hard ? InvoicePayments.MethodFor(tx, invoice)?.Id() : null;
        if (!retried)
        {
            invoice["next_payment_attempt"] = null;
            tx.Emit("invoice.payment_failed", invoice);
            return;
        }

        // The next try is still to come: somebody has tried by hand meanwhile, which moves nothing.
        if (invoice.TimerAt("retry") is not null)
        {
            tx.Emit("invoice.payment_failed", invoice);
            return;
        }

        var (retries, final) = Settings(tx);
        var step = invoice.Number("_step");
        var last = step >= retries.Length;
        invoice["_step"] = step + 1;
        invoice["next_payment_attempt"] = last ? null : tx.TimeOf(invoice) + retries[step] * Day;
        if (last) invoice.ClearTimer("retry");
        else invoice.SetTimer("retry", invoice.Number("next_payment_attempt"));
        tx.Emit("invoice.payment_failed", invoice);
        tx.Emit("invoice.updated", invoice);
        if (subscription is not null) BecomePastDue(tx, subscription);
        if (last) End(tx, subscription, invoice, final);
    }

    static void BecomePastDue(Tx tx, JsonObject subscription)
    {
        if (subscription.Text("status") is not ("active" or "trialing")) return;
        tx.Edit(subscription)["status"] = "past_due";
        tx.EmitUpdate("customer.subscription.updated", subscription);
        var customer = tx.Edit(subscription.Text("customer")!);
        customer["delinquent"] = true;
        tx.EmitUpdate("customer.updated", customer);
    }

    static void End(Tx tx, JsonObject? subscription, JsonObject invoice, string final)
    {
        invoice["auto_advance"] = false;
        if (subscription is null) return;
        switch (final)
        {
            case "cancel":
                Cancellation.Now(tx, subscription, "payment_failed");
                break;
            case "unpaid":
                tx.Edit(subscription)["status"] = "unpaid";
                tx.EmitUpdate("customer.subscription.updated", subscription);
                break;
            case "pause":
                Pausing.Pause(tx, tx.Edit(subscription), "final_payment_failure");
                break;
            default:
                break;
        }
    }

    /// <summary>An invoice that was sent is not collected, so nobody tries again; it is only late.</summary>
    static void Overdue(Tx tx, JsonObject invoice)
    {
        if (invoice.Text("status") != "open") return;
        tx.Emit("invoice.overdue", invoice);
        if (invoice.Text("_subscription") is { } id && tx.Find(id) is { } subscription) BecomePastDue(tx, subscription);
    }

    static void Retry(Tx tx, JsonObject invoice)
    {
        if (invoice.Text("status") != "open") return;
        var method = InvoicePayments.MethodFor(tx, invoice);
        // A lost or stolen card is not asked again; only the schedule goes on.
        if (method is null || (invoice.Flag("_hard") && invoice.Text("_hard_method") == method.Id()))
        {
            Failed(tx, invoice, invoice.Flag("_hard"));
            return;
        }
        InvoicePayments.Collect(tx, invoice, method, Holder.Reachable);
    }

    /// <summary>The hour in which a draft could still be changed is over.</summary>
    static void FinalizeByItself(Tx tx, JsonObject invoice)
    {
        if (invoice.Text("status") != "draft" || !invoice.Flag("auto_advance")) return;
        InvoiceDrafts.Finalize(tx, invoice);
        if (invoice.Text("status") != "open" || invoice.Text("collection_method") != "charge_automatically") return;
        if (InvoicePayments.MethodFor(tx, invoice) is { } method)
        {
            InvoicePayments.Collect(tx, invoice, method, Holder.Reachable);
        }
        else WithoutMethod(tx, invoice);
    }

    static void WithoutMethod(Tx tx, JsonObject invoice)
    {
        invoice["attempted"] = true;
        invoice["attempt_count"] = invoice.Number("attempt_count") + 1;
        Failed(tx, invoice, hard: false);
    }
}
