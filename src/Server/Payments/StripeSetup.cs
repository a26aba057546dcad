using System.Globalization;
using Purser.Core;
using Purser.Core.Catalog;
using Purser.Server.Catalog;
using Purser.Server.Payments.Stripe;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>The path on which Stripe's events are expected: an edition's own, where there is one.</summary>
sealed record WebhookRoute(string Path)
{
    public static readonly WebhookRoute Ordinary = new("/webhooks/stripe");
}

/// <summary>Brings the catalog to Stripe, and says where the two differ. It may be run again and again.</summary>
sealed class StripeSetup(StripeClient stripe, StripePrices prices, WebhookRoute route, CurrentCatalog catalog)
{
    static readonly string[] Events =
    [
        "charge.dispute.closed", "charge.dispute.created", "charge.dispute.funds_reinstated", "charge.dispute.funds_withdrawn",
        "charge.dispute.updated", "charge.refund.updated", "charge.refunded", "checkout.session.async_payment_failed",
        "checkout.session.async_payment_succeeded", "checkout.session.completed", "checkout.session.expired", "customer.deleted",
        "customer.subscription.created", "customer.subscription.deleted", "customer.subscription.paused",
        "customer.subscription.pending_update_applied", "customer.subscription.pending_update_expired",
        "customer.subscription.resumed", "customer.subscription.trial_will_end", "customer.subscription.updated", "invoice.paid",
        "invoice.payment_action_required", "invoice.payment_failed", "invoice.payment_succeeded", "payment_intent.canceled",
        "payment_intent.payment_failed", "payment_intent.succeeded", "refund.created", "refund.failed", "refund.updated",
    ];

    sealed record Offered(string Code, string Name, Interval? Interval, Money Price)
    {
        public string Variable => VariableOf(Code, Interval, Price.Currency);
    }

    public static string VariableOf(string code, Interval? interval, string currency)
    {
        var every = interval is { } given ? $"_{Names.Of(given)}" : "";
        return $"STRIPE_PRICE_{code}{every}_{currency}".Replace('-', '_').ToUpper(CultureInfo.InvariantCulture);
    }

    IEnumerable<Offered> All =>
    [
        .. from package in catalog.Offer.Packages
           from price in package.Prices
           select new Offered(package.Code, package.Name, null, price),
        .. from plan in catalog.Offer.Plans
           from price in plan.Prices
           select new Offered(plan.Code, plan.Name, price.Interval, price.Money),
    ];

    /// <summary>Makes what is missing; prints an environment line for each price, and for a new endpoint its secret.</summary>
    /// <param name="url">Where Stripe reaches this deployment; null leaves the endpoint alone.</param>
    public async Task Run(string? url, TextWriter output, CancellationToken ct)
    {
        foreach (var offered in All)
        {
            await prices.Product(offered.Code, offered.Name, offered.Interval is not null, ct);
            var made = await prices.AtStripe(offered.Code, offered.Name, offered.Interval, offered.Price, ct);
            await output.WriteLineAsync($"{offered.Variable}={made.Price}");
        }

        if (url is null)
        {
            await output.WriteLineAsync("# No webhook endpoint: name this server's address, ./purser stripe setup https://purser.example.com");
            return;
        }

        var (secret, existed) = await Endpoint(EndpointUrl(url), ct);
        await output.WriteLineAsync(existed
            ? "# STRIPE_WEBHOOK_SECRET: the endpoint was there already; Stripe shows its secret on the dashboard only."
            : $"STRIPE_WEBHOOK_SECRET={secret}");
    }

    /// <summary>The endpoint at an address, with the events and the version it has to have; its secret only where it is new.</summary>
    public async Task<(string? Secret, bool Existed)> Endpoint(string url, CancellationToken ct)
    {
        if (await FindEndpoint(url, ct) is { } there)
        {
            if (!HasEvents(there) || there.Text("status") == "disabled")
            {
                var form = new StripeForm { { "disabled", false } };
                AddEvents(form);
                await stripe.Post($"/v1/webhook_endpoints/{there.Id}", form, $"purser-endpoint-{Guid.CreateVersion7():N}", ct);
            }

            return (null, true);
        }

        var made = new StripeForm { { "url", url }, { "api_version", StripeClient.Version }, { "description", "Purser" } };
        AddEvents(made);
        var endpoint = await stripe.Post("/v1/webhook_endpoints", made, $"purser-endpoint-{Guid.CreateVersion7():N}", ct);
        return (endpoint.Text("secret"), false);
    }

    public async Task RemoveEndpoint(string url, CancellationToken ct)
    {
        if (await FindEndpoint(url, ct) is { } there) await stripe.Delete($"/v1/webhook_endpoints/{there.Id}", null, ct);
    }

    /// <summary>Every difference between the catalog and Stripe, a line each, with what to do.</summary>
    public async Task<IReadOnlyList<string>> Check(string? url, CancellationToken ct)
    {
        var differences = new List<string>();
        foreach (var group in All.GroupBy(one => (one.Code, one.Interval is null)))
            await CheckProduct(group.First(), differences, ct);
        foreach (var offered in All) await CheckPrice(offered, differences, ct);
        await CheckLeftOver(differences, ct);
        if (url is not null) await CheckEndpoint(EndpointUrl(url), differences, ct);
        return differences;
    }

    /// <summary>Prices that the environment names and Stripe does not know, or knows as something else.</summary>
    public async Task<IReadOnlyList<string>> CheckConfigured(IReadOnlyDictionary<string, string> configured, CancellationToken ct)
    {
        var faults = new List<string>();
        foreach (var (variable, id) in configured)
        {
            var offered = All.FirstOrDefault(one => one.Variable == variable);
            if (offered is null)
            {
                faults.Add($"{variable} is set, and the catalog sells no such thing: remove it, or correct its name.");
                continue;
            }

            try
            {
                var price = await stripe.Get($"/v1/prices/{id}", null, ct);
                if (price.Amount("unit_amount") != offered.Price)
                    faults.Add($"{variable} is {id}, which costs {price.Amount("unit_amount")}, and the catalog says {offered.Price}: run ./purser stripe setup.");
                else if (!StripePrices.Is(price, offered.Interval, offered.Price))
                    faults.Add($"{variable} is {id}, which is archived or billed otherwise than the catalog says: run ./purser stripe setup.");
            }
            catch (StripeException e) when (e.Fault == StripeFault.Missing)
            {
                faults.Add($"{variable} is {id}, and Stripe knows no such price: run ./purser stripe setup and set what it prints.");
            }
        }

        return faults;
    }

    /// <summary>Where Stripe sends events to a deployment at an address.</summary>
    public string EndpointUrl(string url) => url.TrimEnd('/') + route.Path;

    async Task CheckProduct(Offered offered, List<string> differences, CancellationToken ct)
    {
        var id = StripePrices.ProductId(offered.Code, offered.Interval is not null);
        try
        {
            var product = await stripe.Get($"/v1/products/{id}", null, ct);
            if (product.Flag("active") != true) differences.Add($"{id}: the product is archived at Stripe; make it active there.");
            if (product.Text("name") != offered.Name)
                differences.Add($"{id}: Stripe calls it '{product.Text("name")}', and the catalog '{offered.Name}'; rename it at Stripe.");
        }
        catch (StripeException e) when (e.Fault == StripeFault.Missing)
        {
            differences.Add($"{id}: the product is missing at Stripe; run ./purser stripe setup.");
        }
    }

    async Task CheckPrice(Offered offered, List<string> differences, CancellationToken ct)
    {
        var key = StripePrices.LookupKey(offered.Code, offered.Interval, offered.Price.Currency);
        var found = await stripe.Get("/v1/prices", new() { { "lookup_keys[0]", key } }, ct);
        var price = found.First("data");
        if (price.MaybeId is null)
            differences.Add($"{key}: the price is missing at Stripe; run ./purser stripe setup.");
        else if (price.Amount("unit_amount") != offered.Price)
            differences.Add($"{key}: {price.Id} costs {price.Amount("unit_amount")} at Stripe, and {offered.Price} in the catalog; run ./purser stripe setup.");
        else if (!StripePrices.Is(price, offered.Interval, offered.Price))
            differences.Add($"{key}: {price.Id} is archived at Stripe or billed otherwise than the catalog says; run ./purser stripe setup.");
    }

    /// <summary>What setup once made for an offer that there is no more.</summary>
    async Task CheckLeftOver(List<string> differences, CancellationToken ct)
    {
        var sold = All.Select(one => StripePrices.ProductId(one.Code, one.Interval is not null)).ToHashSet();
        await foreach (var product in stripe.List("/v1/products", new() { { "active", true } }, ct))
        {
            if (product.Metadata.ContainsKey(StripePrices.CodeKey) && !sold.Contains(product.Id))
                differences.Add($"{product.Id}: the product is offered at Stripe, and the catalog does not have it; archive it there.");
        }
    }

    async Task CheckEndpoint(string url, List<string> differences, CancellationToken ct)
    {
        if (await FindEndpoint(url, ct) is not { } there)
        {
            differences.Add($"{url}: no webhook endpoint at Stripe; run ./purser stripe setup.");
            return;
        }

        if (there.Text("status") == "disabled") differences.Add($"{url}: {there.Id} is disabled at Stripe; run ./purser stripe setup.");
        if (!HasEvents(there)) differences.Add($"{url}: {there.Id} does not send every event that Purser needs; run ./purser stripe setup.");
        if (there.Text("api_version") is { } version && version != StripeClient.Version)
            differences.Add($"{url}: {there.Id} sends version {version}; Purser reads it, and was written for {StripeClient.Version}.");
    }

    async Task<StripeObject?> FindEndpoint(string url, CancellationToken ct)
    {
        await foreach (var endpoint in stripe.List("/v1/webhook_endpoints", [], ct))
            if (endpoint.Text("url") == url) return endpoint;

        return null;
    }

    static bool HasEvents(StripeObject endpoint)
    {
        var enabled = endpoint.Strings("enabled_events");
        return enabled.Contains("*") || Events.All(enabled.Contains);
    }

    static void AddEvents(StripeForm form)
    {
        for (var i = 0; i < Events.Length; i++) form.Add($"enabled_events[{i}]", Events[i]);
    }
}
