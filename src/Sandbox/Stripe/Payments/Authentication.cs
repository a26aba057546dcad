namespace Purser.Sandbox.Stripe.Payments;

/// <summary>3-D Secure: the holder is asked on a page of the sandbox, or a test answers for them.</summary>
static class Authentication
{
    public static JsonObject NextAction(Tx tx, JsonObject intent)
    {
        var url = $"{tx.Account.BaseUrl}/3ds/{intent.Id()}";
        return intent.Text("_return_url") is { } back
            ? new()
            {
                ["redirect_to_url"] = new JsonObject { ["return_url"] = back, ["url"] = url },
                ["type"] = "redirect_to_url",
            }
            : new()
            {
                ["type"] = "use_stripe_sdk",
                ["use_stripe_sdk"] = new JsonObject { ["type"] = "three_d_secure_redirect", ["stripe_js"] = url,
                    ["source"] = intent.Id() },
            };
    }

    /// <summary>
    /// The holder's answer to the challenge of a payment or setup intent, or of the session that has one.
    /// </summary>
    public static JsonObject Finish(Tx tx, string id, bool success)
    {
        var found = tx.Find(id);
        if (found?.Kind() == "checkout.session")
        {
            found = tx.Find(found.Text("payment_intent") ?? found.Text("setup_intent") ?? found.Text("_payment_intent")
                ?? found.Text("_setup_intent") ?? "");
        }
        if (found?.Kind() is not ("payment_intent" or "setup_intent"))
        {
            throw StripeError.Missing("payment_intent", id, "intent", inPath: true);
        }
        if (found.Text("status") != "requires_action")
        {
            throw PaymentIntents.Unexpected(found,
                $"This intent does not wait for authentication: it has a status of {found.Text("status")}.");
        }
        if (found.Kind() == "setup_intent") return SetupIntents.Authenticated(tx, found, success);

        var method = tx.Get(found.Text("payment_method")!);
        if (!success)
        {
            Charging.FailAuthentication(tx, found, method);
            Consequences.Of(tx, found, Attempt.Declined);
            return found;
        }
        Consequences.Of(tx, found, Charging.Try(tx, found, method, Holder.Present, authenticated: true));
        return found;
    }
}
