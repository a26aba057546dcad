namespace Purser.Sandbox.Stripe.Payments;

static class Charges
{
    public static void Map(Routes routes)
    {
        routes.Add("GET", "/v1/charges", call =>
            call.List("charge", "charge", null, "customer", "payment_intent", "transfer_group"));
        routes.Add("GET", "/v1/charges/search", call => call.SearchFor("charge"));
        routes.Add("GET", "/v1/charges/{id}", call => call.Named("charge", "charge"));
        routes.Add("POST", "/v1/charges/{id}", Update);
    }

    static JsonObject Update(Call call)
    {
        var charge = call.Tx.Edit(call.Named("charge", "charge"));
        charge.Take(call.P, "description", "receipt_email", "shipping", "transfer_group");
        if (call.P.Child("fraud_details") is { } report) charge.Under("fraud_details").Take(report, "user_report");
        Metadata.Merge(charge, call.P);
        call.Tx.EmitUpdate("charge.updated", charge);
        return charge;
    }
}
