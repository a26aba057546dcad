namespace Purser.Sandbox.Stripe.Payments;

/// <summary>What each movement of money does to the account's balance at Stripe, fees included.</summary>
static class BalanceTransactions
{
    const long FixedFee = 30;
    const long DisputeFee = 1_500;
    const long AvailableAfterSeconds = 2 * 86_400;

    public static void Map(Routes routes)
    {
        routes.Add("GET", "/v1/balance_transactions", call =>
            call.List("balance_transaction", "balance transaction", null, "source", "type", "currency"));
        routes.Add("GET", "/v1/balance_transactions/{id}", call =>
            call.Named("balance_transaction", "balance transaction"));
        routes.Add("GET", "/v1/balance", Balance);
        routes.Add("GET", "/v1/account", Account);
    }

    public static string ForCharge(Tx tx, JsonObject charge)
    {
        var amount = charge.Number("amount_captured");
        // 2.9 % and thirty cents, rounded half up as on a statement.
        var fee = (amount * 29 + 500) / 1000 + FixedFee;
        return Write(tx, charge, "charge", "charge", amount, fee);
    }

    public static string ForRefund(Tx tx, JsonObject refund) =>
        Write(tx, refund, "refund", "refund", -refund.Number("amount"), 0);

    public static string ForFailedRefund(Tx tx, JsonObject refund) =>
        Write(tx, refund, "refund_failure", "refund_failure", refund.Number("amount"), 0);

    public static string ForDispute(Tx tx, JsonObject dispute) =>
        Write(tx, dispute, "adjustment", "dispute", -dispute.Number("amount"), DisputeFee);

    public static string ForDisputeWon(Tx tx, JsonObject dispute) =>
        Write(tx, dispute, "adjustment", "dispute_reversal", dispute.Number("amount"), 0);

    static string Write(Tx tx, JsonObject source, string type, string category, long amount, long fee)
    {
        var entry = ApiSpec.Blank("balance_transaction");
        entry["id"] = Ids.New("txn");
        entry["amount"] = amount;
        entry["created"] = tx.TimeOf(source);
        entry["available_on"] = tx.TimeOf(source) + AvailableAfterSeconds;
        entry["balance_type"] = "payments";
        entry["currency"] = source.Text("currency");
        entry["description"] = source.Text("description");
        entry["fee"] = fee;
        if (fee > 0)
        {
            entry["fee_details"] = new JsonArray(new JsonObject
            {
                ["amount"] = fee,
                ["application"] = null,
                ["currency"] = source.Text("currency"),
                ["description"] = category == "dispute" ? "Dispute fee" : "Stripe processing fees",
                ["type"] = "stripe_fee",
            });
        }
        entry["net"] = amount - fee;
        entry["reporting_category"] = category;
        entry["source"] = source.Id();
        entry["status"] = "pending";
        entry["type"] = type;
        return tx.Add(entry).Id();
    }

    static JsonObject Balance(Call call)
    {
        var sums = call.Tx.All("balance_transaction").GroupBy(e => e.Text("currency")!)
            .Select(g => new JsonObject { ["amount"] = g.Sum(e => e.Number("net")), ["currency"] = g.Key });
        return new()
        {
            ["object"] = "balance",
            ["available"] = new JsonArray(),
            ["livemode"] = false,
            ["pending"] = new JsonArray([.. sums]),
        };
    }

    static JsonObject Account(Call call) => new()
    {
        ["id"] = call.Tx.Account.Id,
        ["object"] = "account",
        ["business_profile"] = new JsonObject { ["name"] = "Purser sandbox", ["url"] = null },
        ["charges_enabled"] = true,
        ["country"] = "US",
        ["default_currency"] = "usd",
        ["details_submitted"] = true,
        ["email"] = "sandbox@example.com",
        ["payouts_enabled"] = true,
        ["settings"] = new JsonObject { ["dashboard"] = new JsonObject { ["display_name"] = "Purser sandbox",
            ["timezone"] = "Etc/UTC" } },
        ["type"] = "standard",
    };
}
