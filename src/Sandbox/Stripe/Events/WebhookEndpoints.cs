namespace Purser.Sandbox.Stripe.Events;

static class WebhookEndpoints
{
    const int EndpointsMax = 16;
    static readonly TimeSpan RollOverlap = TimeSpan.FromHours(24);

    public static void Map(Routes routes)
    {
        routes.Add("POST", "/v1/webhook_endpoints", Create);
        routes.Add("GET", "/v1/webhook_endpoints", call => call.List("webhook_endpoint", "webhook endpoint"));
        routes.Add("GET", "/v1/webhook_endpoints/{id}", call =>
            call.Named("webhook_endpoint", "webhook endpoint", "webhook_endpoint"));
        routes.Add("POST", "/v1/webhook_endpoints/{id}", Update);
        routes.Add("DELETE", "/v1/webhook_endpoints/{id}", Delete);
    }

    static JsonObject Create(Call call)
    {
        CheckUrl(call.P.Text("url")!);
        CheckEvents(call.P);
        if (call.Tx.All("webhook_endpoint").Count() >= EndpointsMax)
        {
            throw StripeError.Invalid($"You have reached the maximum of {EndpointsMax} test webhook endpoints.");
        }
        var version = call.P.Text("api_version");
        if (version is not null && ApiVersion.Parse(version) is null)
        {
            throw StripeError.Invalid($"Invalid api_version: must be a known version", "api_version");
        }
        var endpoint = ApiSpec.Blank("webhook_endpoint");
        endpoint["id"] = Ids.New("we");
        endpoint["created"] = call.Tx.Now;
        endpoint["api_version"] = version;
        endpoint["status"] = "enabled";
        endpoint.Take(call.P, "url", "enabled_events", "description", "metadata");
        if (endpoint["metadata"] is null) endpoint["metadata"] = new JsonObject();
        var secret = NewSecret();
        endpoint["_secrets"] = new JsonArray(new JsonObject { ["secret"] = secret });
        call.Tx.Add(endpoint);

        // The secret is shown by this answer and by no later one.
        var shown = endpoint.Visible();
        shown["secret"] = secret;
        return shown;
    }

    static JsonObject Update(Call call)
    {
        var endpoint = call.Tx.Edit(call.Named("webhook_endpoint", "webhook endpoint", "webhook_endpoint"));
        if (call.P.Text("url") is { } url) CheckUrl(url);
        CheckEvents(call.P);
        endpoint.Take(call.P, "url", "enabled_events", "description");
        Metadata.Merge(endpoint, call.P);
        if (call.P.MaybeFlag("disabled") is { } disabled) endpoint["status"] = disabled ? "disabled" : "enabled";
        return endpoint;
    }

    static JsonObject Delete(Call call)
    {
        var endpoint = call.Named("webhook_endpoint", "webhook endpoint", "webhook_endpoint");
        foreach (var delivery in call.Tx.Referring(Kinds.Delivery, "endpoint", endpoint.Id()))
        {
            call.Tx.Remove(delivery.Id());
        }
        call.Tx.Remove(endpoint.Id());
        return new() { ["id"] = endpoint.Id(), ["object"] = "webhook_endpoint", ["deleted"] = true };
    }

    /// <summary>A new secret; the old one keeps signing beside it for a day.</summary>
    public static string Roll(Tx tx, string id)
    {
        var endpoint = tx.Find("webhook_endpoint", id)
            ?? throw StripeError.Missing("webhook endpoint", id, "id", inPath: true);
        tx.Edit(endpoint);
        foreach (var old in endpoint.Items("_secrets"))
        {
            if (!old.ContainsKey("until")) old["until"] = tx.Now + (long)RollOverlap.TotalSeconds;
        }
        var secret = NewSecret();
        ((JsonArray)endpoint["_secrets"]!).Add(new JsonObject { ["secret"] = secret });
        return secret;
    }

    /// <summary>The secrets that sign now, the newest first.</summary>
    public static List<string> Secrets(JsonObject endpoint, long now) =>
        [.. endpoint.Items("_secrets").Where(s => s.MaybeNumber("until") is not { } until || until > now)
            .Select(s => s.Text("secret")!).Reverse()];

    static string NewSecret() => $"whsec_{Ids.Random(32)}";

    static void CheckUrl(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw StripeError.Invalid("Invalid URL: An explicit scheme (such as https) must be provided.", "url",
                "url_invalid");
        }
    }

    static void CheckEvents(JsonObject p)
    {
        foreach (var type in p.Texts("enabled_events"))
        {
            if (type == "*" || ApiSpec.EventTypes.Contains(type)) continue;
            throw StripeError.Invalid($"Invalid enabled_events: {type} is not a known event type", "enabled_events");
        }
    }
}
