using Microsoft.Extensions.DependencyInjection;
using Purser.Core;
using Purser.Server.Payments;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>A shop of one's own: a switch is everybody's.</summary>
public sealed class SellingTests : IAsyncLifetime
{
    readonly Shop shop = new();

    static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => shop.InitializeAsync();

    public ValueTask DisposeAsync() => shop.DisposeAsync();

    [Theory]
    [InlineData("BILLING_PURCHASE_ENABLED", "false", "true")]
    [InlineData("BILLING_ROLLOUT_PERCENTAGE", "0", "100")]
    public async Task While_nothing_is_sold_no_checkout_begins_and_what_was_begun_is_given(string name, string off, string on)
    {
        var customer = await shop.GivenCustomer();
        var (_, begun) = await shop.Checkout(customer, """{"package":"starter"}""");
        await Switch(name, off);

        var refused = await shop.TryCheckout(customer, """{"package":"writer"}""");
        var subscribing = await shop.TryCheckout(customer, """{"plan":"pro","interval":"month"}""");
        await shop.Stripe.Pay(begun);
        await shop.Delivered();

        Assert.Equal((403, "purchases_disabled"), (refused.Status, refused.Error.GetProperty("code").GetString()));
        Assert.Equal(403, subscribing.Status);
        Assert.Equal(9990, await shop.Balance(customer));
        await Switch(name, on);
        Assert.Equal(201, (await shop.TryCheckout(customer, """{"package":"writer"}""")).Status);
    }

    [Theory]
    [InlineData("BILLING_AUTO_RECHARGE")]
    [InlineData("BILLING_PURCHASE_ENABLED")]
    public async Task While_it_is_off_nothing_is_bought_without_being_asked(string name)
    {
        var customer = await shop.GivenCustomer();
        var (_, session) = await shop.Checkout(customer, """{"package":"starter"}""");
        await shop.Stripe.Pay(session);
        await shop.Delivered();
        await Switch(name, "false");

        await shop.Client.Put(
            $"/v1/customers/{customer}/auto-recharge",
            """{"package":"starter","threshold":20000,"daily_max_orders":1,"monthly_max_minor":5000,"enabled":true}""");
        await shop.Services.GetRequiredService<Recharges>().Round(TimeProvider.System.GetUtcNow(), Ct);
        Assert.Equal(9990, await shop.Balance(customer));

        await Switch(name, "true");
        await Eventually.Holds(async () => await shop.Balance(customer) == 19_980);
    }

    [Theory]
    [InlineData("http://localhost:3000/thanks", null)]
    [InlineData("http://localhost:3000.evil.example/thanks", "foreign_origin")]
    [InlineData("http://localhost:3001/thanks", "foreign_origin")]
    [InlineData("https://localhost:3000/thanks", "foreign_origin")]
    [InlineData("http://localhost:3000@evil.example/", "foreign_origin")]
    [InlineData("//localhost:3000/thanks", "foreign_origin")]
    [InlineData("javascript:alert(1)", "foreign_origin")]
    public async Task A_user_is_led_back_to_the_product_s_own_pages_and_nowhere_else(string url, string? refusal)
    {
        var customer = CustomerId.Parse(await shop.GivenCustomer(), null);
        var request = new CheckoutRequest { Package = "starter", SuccessUrl = url, CancelUrl = "http://localhost:3000/" };

        if (refusal is null) Assert.NotNull((await Open()).Order.Url);
        else Assert.Equal(refusal, (await Assert.ThrowsAsync<InvalidRequestException>(Open)).Error.Code);

        Task<(OrderRow Order, bool Replayed)> Open() =>
            shop.Services.GetRequiredService<Server.Payments.Checkout>().OpenForUser(customer, request, key: null, Ct);
    }

    async Task Switch(string name, string value)
    {
        var board = shop.Services.GetRequiredService<SwitchBoard>();
        await board.Change(board.Find(name)!, value, "test", Ct);
    }
}
