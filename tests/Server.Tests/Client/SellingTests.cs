using Purser.Client;
using Purser.Server.Tests.Payments;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Client;

/// <summary>Selling through the SDK, against the sandbox's Stripe.</summary>
public sealed class SellingTests(Shop shop) : IClassFixture<Shop>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    static NewCheckout Page => new() { SuccessUrl = "https://shop.example/thanks", CancelUrl = "https://shop.example/" };

    [Fact]
    public async Task A_package_is_bought_and_paid_back()
    {
        var customer = await shop.GivenCustomer();

        var checkout = await shop.Purser.Checkouts.CreateAsync(customer, Page with { Package = "starter", Quantity = 2 }, Ct);
        var open = await shop.Purser.Orders.GetAsync(checkout.Order, Ct);
        await Pay(checkout);
        var paid = await shop.Purser.Orders.ListAsync(customer, cancellationToken: Ct).SingleAsync(Ct);
        var refund = await shop.Purser.Refunds.CreateAsync(paid.Id, new() { Money = new(999, "usd"), Reason = "One was enough" }, Ct);
        await shop.Delivered();
        var refunded = await shop.Purser.Refunds.ListAsync(paid.Id, Ct).SingleAsync(Ct);
        var order = await shop.Purser.Orders.GetAsync(paid.Id, Ct);

        Assert.Equal((OrderState.Open, checkout.Url, checkout.ExpiresAt), (open.State, open.Url, open.ExpiresAt));
        Assert.Equal((OrderKind.Package, OrderState.Paid, "starter", 2), (paid.Kind, paid.State, paid.Package, paid.Quantity));
        Assert.Equal((19_980m, new Money(1_998, "usd")), (paid.Credits, paid.Money));
        Assert.Equal((paid.Id, 9_990m, new Money(999, "usd"), "One was enough"), (refund.Order, refund.Credits, refund.Money, refund.Reason));
        Assert.Equal((refund.Id, RefundState.Succeeded), (refunded.Id, refunded.State));
        Assert.Equal((OrderState.PartiallyRefunded, new Money(999, "usd"), 9_990m), (order.State, order.Refunded, order.CreditsReturned));
        Assert.Equal(9_990m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_plan_is_subscribed_to_changed_paused_and_ended()
    {
        var customer = await shop.GivenCustomer();
        await Assert.ThrowsAsync<NotFoundException>(() => shop.Purser.Subscriptions.GetAsync(customer, Ct));
        var free = await shop.Purser.Subscriptions.EntitlementsAsync(customer, Ct);
        await Pay(await shop.Purser.Checkouts.CreateAsync(customer, Page with { Plan = "pro", Interval = Interval.Month }, Ct));
        var bought = await shop.Purser.Subscriptions.GetAsync(customer, Ct);

        PlanChange larger = new() { Plan = "enterprise", When = ChangeWhen.Now };
        var preview = await shop.Purser.Subscriptions.PreviewAsync(customer, larger, Ct);
        var changed = await shop.Purser.Subscriptions.ChangeAsync(customer, larger with { At = preview.At }, Ct);
        var entitled = await shop.Purser.Subscriptions.EntitlementsAsync(customer, Ct);
        var later = await shop.Purser.Subscriptions.ChangeAsync(customer, new() { Plan = "pro", When = ChangeWhen.NextPeriod }, Ct);
        var paused = await shop.Purser.Subscriptions.PauseAsync(customer, cancellationToken: Ct);
        var resumed = await shop.Purser.Subscriptions.ResumeAsync(customer, cancellationToken: Ct);
        var ending = await shop.Purser.Subscriptions.CancelAsync(customer, cancellationToken: Ct);
        var ended = await shop.Purser.Subscriptions.CancelAsync(customer, new() { When = CancelWhen.Now }, Ct);

        Assert.Equal("free", free.Plan);
        Assert.Equal(("pro", Interval.Month, SubscriptionStatus.Trialing), (bought.Plan, bought.Interval, bought.Status));
        Assert.Equal(("enterprise", ChangeWhen.Now, "usd"), (preview.Plan, preview.When, preview.Due.Currency));
        Assert.Equal("enterprise", changed.Plan);
        Assert.Equal(("enterprise", true), (entitled.Plan, entitled.Features.Count > 0));
        Assert.Equal(("pro", later.CurrentPeriodEnd), (later.PendingChange!.Plan, later.PendingChange.At));
        Assert.Equal(SubscriptionStatus.Paused, paused.Status);
        Assert.NotEqual(SubscriptionStatus.Paused, resumed.Status);
        Assert.NotNull(ending.CancelAt);
        Assert.Equal(SubscriptionStatus.Canceled, ended.Status);
    }

    [Fact]
    public async Task Credits_that_run_low_are_bought_by_themselves()
    {
        var customer = await shop.GivenCustomer();
        await Assert.ThrowsAsync<NotFoundException>(() => shop.Purser.AutoRecharges.GetAsync(customer, Ct));
        await Pay(await shop.Purser.Checkouts.CreateAsync(customer, Page with { Package = "starter" }, Ct));

        var set = await shop.Purser.AutoRecharges.PutAsync(customer, new()
        {
            Package = "starter",
            Threshold = 1_000,
            DailyMaxOrders = 1,
            MonthlyMaxMinor = 5_000,
            Enabled = true,
        }, Ct);
        await shop.Purser.Charges.CreateAsync(customer, new() { Amount = 9_500 }, Ct);
        await Eventually.Holds(async () => await shop.Balance(customer) == 490 + 9_990);

        Assert.Equal((RechargeState.Enough, "usd"), (set.State, set.Currency));
        Assert.Equal(
            [OrderKind.Recharge, OrderKind.Package],
            await shop.Purser.Orders.ListAsync(customer, cancellationToken: Ct).Select(order => order.Kind).ToListAsync(Ct));
    }

    [Fact]
    public async Task A_portal_opens()
    {
        var customer = await shop.GivenCustomer();

        var portal = await shop.Purser.Portals.CreateAsync(customer, new() { ReturnUrl = "https://shop.example/account" }, Ct);

        Assert.Contains("/portal/", portal.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_bought_is_not_asked_for()
    {
        NewCheckout[] nonsense =
        [
            Page,
            Page with { Package = "starter", Plan = "pro", Interval = Interval.Month },
            Page with { Package = "starter", Interval = Interval.Month },
            Page with { Plan = "pro" },
            Page with { Plan = "pro", Interval = Interval.Unknown },
        ];

        foreach (var checkout in nonsense)
            await Assert.ThrowsAsync<ArgumentException>(() => shop.Purser.Checkouts.CreateAsync("user_42", checkout, Ct));
        await Assert.ThrowsAsync<ArgumentException>(
            () => shop.Purser.Refunds.CreateAsync("ord_1", new() { Credits = 1, Money = new(1, "usd"), Reason = "" }, Ct));
    }

    async Task Pay(Purser.Client.Checkout checkout)
    {
        await shop.Stripe.Pay(new Uri(checkout.Url).Segments[^1]);
        await shop.Delivered();
    }
}
