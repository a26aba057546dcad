using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Server.Payments.Stripe;

namespace Purser.Server.Tests.Payments;

/// <summary>Our client against the sandbox, faults included.</summary>
public sealed class StripeClientTests : IAsyncLifetime
{
    StripeAccount account = null!;
    StripeClient stripe = null!;

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        account = await StripeAccount.Open();
        stripe = new(new(account.Url, account.Key, []), TimeProvider.System, NullLogger<StripeClient>.Instance);
    }

    public ValueTask DisposeAsync()
    {
        stripe.Dispose();
        account.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task What_was_made_is_read_back()
    {
        var made = await stripe.Post("/v1/customers", new()
        {
            { "name", "Jürgen & söhne = 100 % [gut]" },
            { "metadata[purser_customer]", "ann" },
            { "email", (string?)null },
        }, NewKey(), Ct);

        var read = await stripe.Get($"/v1/customers/{made.Id}", null, Ct);

        Assert.Equal("Jürgen & söhne = 100 % [gut]", read.Text("name"));
        Assert.Equal("ann", read.Metadata["purser_customer"]);
        Assert.Null(read.Text("email"));
    }

    [Theory]
    [InlineData("lock_timeout_should_retry")]
    [InlineData("drop_after_commit")]
    public async Task What_passes_is_tried_again_and_happens_once(string fault)
    {
        await account.Control("faults", new { kind = fault, count = 2 });

        var made = await stripe.Post("/v1/customers", new() { { "name", "Ann" } }, NewKey(), Ct);

        var all = await Everything("/v1/customers");
        Assert.Equal([made.Id], all.Select(one => one.Id));
    }

    [Theory]
    [InlineData("error_500_no_retry")]
    [InlineData("rate_limit")]
    public async Task What_Stripe_says_not_to_repeat_is_not(string fault)
    {
        await account.Control("faults", new { kind = fault, count = 1 });

        var failure = await Assert.ThrowsAsync<StripeException>(
            () => stripe.Post("/v1/customers", new() { { "name", "Ann" } }, NewKey(), Ct));

        Assert.Equal(StripeFault.Unavailable, failure.Fault);
        Assert.NotNull(failure.RequestId);
        Assert.Contains(failure.RequestId, failure.Message, StringComparison.Ordinal);
        Assert.Empty(await Everything("/v1/customers"));
    }

    [Fact]
    public async Task Where_nobody_answers_the_outcome_is_unknown()
    {
        using var nobody = new StripeClient(
            new(new($"http://127.0.0.1:{Ports.Free()}"), "sk_test_x", []), TimeProvider.System, NullLogger<StripeClient>.Instance);

        var failure = await Assert.ThrowsAsync<StripeException>(() => nobody.Get("/v1/balance", null, Ct));

        Assert.Equal((StripeFault.Unavailable, null), (failure.Fault, failure.Status));
    }

    [Fact]
    public async Task Errors_are_told_apart()
    {
        var missing = await Refused(() => stripe.Get("/v1/customers/cus_none", null, Ct));
        Assert.Equal((StripeFault.Missing, "resource_missing"), (missing.Fault, missing.Code));

        var missingParameter = await Refused(() => stripe.Post(
            "/v1/checkout/sessions", new() { { "mode", "setup" }, { "customer", "cus_none" }, { "success_url", "https://a.example" } }, NewKey(), Ct));
        Assert.Equal((StripeFault.Missing, "customer"), (missingParameter.Fault, missingParameter.Param));

        var unknown = await Refused(() => stripe.Post("/v1/customers", new() { { "nmae", "Ann" } }, NewKey(), Ct));
        Assert.Equal((StripeFault.Invalid, "parameter_unknown"), (unknown.Fault, unknown.Code));

        var declined = await Refused(() => stripe.Post("/v1/payment_intents", new()
        {
            { "amount", 1000 }, { "currency", "usd" }, { "confirm", true },
            { "payment_method", "pm_card_chargeDeclinedInsufficientFunds" },
            { "automatic_payment_methods[enabled]", true }, { "automatic_payment_methods[allow_redirects]", "never" },
        }, NewKey(), Ct));
        Assert.Equal((StripeFault.Declined, "insufficient_funds"), (declined.Fault, declined.DeclineCode));
        Assert.StartsWith("pi_", declined.PaymentIntent, StringComparison.Ordinal);

        using var live = new StripeClient(new(account.Url, "sk_live_x", []), TimeProvider.System, NullLogger<StripeClient>.Instance);
        Assert.True(live.Livemode);
        Assert.Equal(StripeFault.Unauthorized, (await Refused(() => live.Get("/v1/customers", null, Ct))).Fault);
    }

    [Fact]
    public async Task The_same_key_with_other_parameters_is_refused()
    {
        var key = NewKey();
        await stripe.Post("/v1/customers", new() { { "name", "Ann" } }, key, Ct);

        var failure = await Refused(() => stripe.Post("/v1/customers", new() { { "name", "Bob" } }, key, Ct));

        Assert.Equal(StripeFault.Invalid, failure.Fault);
    }

    [Fact]
    public async Task A_list_is_read_to_its_end()
    {
        for (var i = 0; i < 105; i++) await stripe.Post("/v1/products", new() { { "name", $"Product {i}" } }, NewKey(), Ct);

        var all = await Everything("/v1/products");

        Assert.Equal(105, all.Select(one => one.Id).Distinct().Count());
    }

    [Theory]
    [InlineData("""{"id":"in_1","currency":"usd","status":"paid","parent":{"type":"subscription_details","subscription_details":{"subscription":"sub_1"}},"total":5,"amount_paid":5,"lines":{"data":[]}}""")]
    [InlineData("""{"id":"in_1","currency":"usd","status":"paid","subscription":{"id":"sub_1"},"total":5,"amount_paid":5,"lines":{"data":[]}}""")]
    [InlineData("""{"id":"in_1","currency":"usd","paid":true,"total":5,"amount_paid":5,"lines":{"data":[{"id":"il_1","amount":5,"currency":"usd","period":{"start":1,"end":2},"parent":{"type":"subscription_item_details","subscription_item_details":{"subscription":"sub_1"}}}]}}""")]
    public void An_invoice_leads_to_its_subscription_in_every_shape(string json)
    {
        var invoice = StripeInvoice.Of(new(JsonElement.Parse(json)));

        Assert.Equal(("sub_1", "paid"), (invoice.Subscription, invoice.Status));
    }

    [Theory]
    [InlineData("""{"id":"il_1","amount":-5,"currency":"usd","period":{"start":1,"end":2},"proration":true,"price":{"id":"price_1","product":"prod_1"}}""")]
    [InlineData("""{"id":"il_1","amount":-5,"currency":"usd","period":{"start":1,"end":2},"pricing":{"price_details":{"price":"price_1","product":"prod_1"}},"parent":{"type":"subscription_item_details","subscription_item_details":{"subscription":"sub_1","proration":true}}}""")]
    public void A_line_names_its_price_in_every_shape(string json)
    {
        var line = StripeInvoiceLine.Of(new(JsonElement.Parse(json)));

        Assert.Equal(("price_1", true), (line.Price, line.Proration));
    }

    [Theory]
    [InlineData("""{"id":"sub_1","customer":"cus_1","status":"active","current_period_end":20,"cancel_at_period_end":true,"items":{"data":[{"id":"si_1","price":{"id":"price_1"}}]}}""")]
    [InlineData("""{"id":"sub_1","customer":{"id":"cus_1"},"status":"active","cancel_at":20,"cancel_at_period_end":false,"items":{"data":[{"id":"si_1","current_period_end":20,"price":{"id":"price_1"}}]}}""")]
    public void A_subscription_says_when_it_ends_in_every_shape(string json)
    {
        var subscription = StripeSubscription.Of(new(JsonElement.Parse(json)));

        Assert.Equal((20, 20), (subscription.PeriodEnd?.ToUnixTimeSeconds(), subscription.CancelAt?.ToUnixTimeSeconds()));
        Assert.Equal(("cus_1", "price_1", "si_1"), (subscription.Customer, subscription.Price, subscription.ItemId));
    }

    static async Task<StripeException> Refused(Func<Task> call) => await Assert.ThrowsAsync<StripeException>(call);

    static string NewKey() => Guid.CreateVersion7().ToString();

    async Task<List<StripeObject>> Everything(string path)
    {
        var all = new List<StripeObject>();
        await foreach (var one in stripe.List(path, [], Ct)) all.Add(one);
        return all;
    }
}
