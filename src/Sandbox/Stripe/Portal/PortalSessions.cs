namespace Purser.Sandbox.Stripe.Portal;

static class PortalSessions
{
    public const string Kind = "billing_portal.session";

    public static void Map(Routes routes) => routes.Add("POST", "/v1/billing_portal/sessions", Create);

    static JsonObject Create(Call call)
    {
        var customer = call.Required("customer", "customer", "customer");
        var configuration = call.Referred(Configurations.Kind, "configuration", "configuration")
            ?? Configurations.Standard(call.Tx);
        if (!configuration.Flag("active"))
        {
            throw StripeError.Invalid("The configuration specified is not active.", "configuration");
        }
        var session = ApiSpec.Blank(Kind);
        session["id"] = Ids.New("bps");
        session["configuration"] = configuration.Id();
        session["created"] = call.Tx.Now;
        session["customer"] = customer.Id();
        session["locale"] = call.P.Text("locale");
        session["return_url"] = call.P.Text("return_url") ?? configuration.Text("default_return_url");
        session["url"] = $"{call.Tx.Account.BaseUrl}/portal/{session.Id()}";
        session["flow"] = call.P.Child("flow_data") is { } flow ? Flow(call, flow, configuration) : null;
        call.Tx.Add(session);
        call.Tx.Emit("billing_portal.session.created", session);
        return session;
    }

    static JsonObject Flow(Call call, JsonObject given, JsonObject configuration)
    {
        var type = given.Text("type") ?? throw StripeError.MissingParam("flow_data[type]");
        var feature = type switch
        {
            "payment_method_update" => "payment_method_update",
            "subscription_cancel" => "subscription_cancel",
            "subscription_update" or "subscription_update_confirm" => "subscription_update",
            "customer_update" => "customer_update",
            _ => "subscription_pause",
        };
        if (!configuration.Child("features")!.Child(feature)!.Flag("enabled"))
        {
            throw StripeError.Invalid($"The flow {type} cannot be used: the feature {feature} is disabled in the portal configuration.", "flow_data[type]");
        }
        if (type.StartsWith("subscription", StringComparison.Ordinal))
        {
            var id = given.Child(type)?.Text("subscription")
                ?? throw StripeError.MissingParam($"flow_data[{type}][subscription]");
            if (call.Tx.Find("subscription", id) is null)
            {
                throw StripeError.Missing("subscription", id, $"flow_data[{type}][subscription]", inPath: false);
            }
        }
        var after = given.Child("after_completion");
        var flow = new JsonObject
        {
            ["after_completion"] = new JsonObject
            {
                ["hosted_confirmation"] = after?["hosted_confirmation"]?.DeepClone(),
                ["redirect"] = after?["redirect"]?.DeepClone(),
                ["type"] = after?.Text("type") ?? "portal_homepage",
            },
            ["customer_update"] = null,
            ["subscription_cancel"] = null,
            ["subscription_pause"] = null,
            ["subscription_update"] = null,
            ["subscription_update_confirm"] = null,
            ["type"] = type,
        };
        if (given.Child(type) is { } own) flow[type] = own.DeepClone();
        if (flow.Child("subscription_cancel") is { } cancel && !cancel.ContainsKey("retention"))
        {
            cancel["retention"] = null;
        }
        return flow;
    }
}
