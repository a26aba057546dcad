using Purser.Core.Catalog;

namespace Purser.Core.Tests.Catalog;

public sealed class OfferFaultsTests
{
    public static TheoryData<Package, string> BadPackages => new()
    {
        { Shop.Package with { Code = "Star ter" }, "packages.Star ter" },
        { Shop.Package with { Name = "" }, "packages.starter.name" },
        { Shop.Package with { Credits = Credits.Zero }, "packages.starter.credits" },
        { Shop.Package with { Bonus = new(-1) }, "packages.starter.bonus" },
        { Shop.Package with { Prices = [] }, "packages.starter.price_minor" },
        { Shop.Package with { Prices = [new(0, "usd")] }, "packages.starter.price_minor.usd" },
        { Shop.Package with { Prices = [new(100_000_000, "usd")] }, "packages.starter.price_minor.usd" },
        { Shop.Package with { Prices = [new(999, "USD")] }, "packages.starter.price_minor.USD" },
        { Shop.Package with { MaxQuantity = 0 }, "packages.starter.max_quantity" },
        { Shop.Package with { Credits = Credits.Max }, "packages.starter.max_quantity" },
        { Shop.Package with { ValidDays = 0 }, "packages.starter.valid_days" },
        { Shop.Package with { Discounts = [new(1, 5)] }, "packages.starter.discounts[0].from" },
        { Shop.Package with { Discounts = [new(5, 0)] }, "packages.starter.discounts[0].percent" },
        { Shop.Package with { Discounts = [new(5, 100)] }, "packages.starter.discounts[0].percent" },
        { Shop.Package with { Discounts = [new(5, 10), new(5, 20)] }, "packages.starter.discounts[1].from" },
        { Shop.Package with { Discounts = [new(5, 10), new(9, 5)] }, "packages.starter.discounts[1].percent" },
        { Shop.Package with { Discounts = [new(101, 10)] }, "packages.starter.discounts[0].from" },
    };

    public static TheoryData<Plan, string> BadPlans => new()
    {
        { Shop.Plan with { Code = "-pro" }, "plans.-pro" },
        { Shop.Plan with { Name = "" }, "plans.pro.name" },
        { Shop.Plan with { Prices = [new(Interval.Year, new(0, "usd"))] }, "plans.pro.price_minor.year.usd" },
        { Shop.Plan with { Included = new(-1) }, "plans.pro.included.credits" },
        { Shop.Plan with { Rollover = Rollover.Capped }, "plans.pro.included.rollover" },
        { Shop.Plan with { RolloverCap = 2000.Credits }, "plans.pro.included.rollover_cap" },
        { Shop.Plan with { Rollover = Rollover.Capped, RolloverCap = 10.Credits }, "plans.pro.included.rollover_cap" },
        { Shop.Plan with { TrialDays = 731 }, "plans.pro.trial.days" },
        { Shop.Plan with { TrialDays = 1, TrialCredits = new(-1) }, "plans.pro.trial.credits" },
        { Shop.Plan with { TrialDays = 14, Prices = [] }, "plans.pro.trial" },
        { Shop.Plan with { Default = true }, "plans.pro.default" },
        {
            Shop.Plan with { Entitlements = new Dictionary<string, Entitlement> { ["Seats!"] = new Entitlement.Number(1) } },
            "plans.pro.entitlements.Seats!"
        },
    };

    [Fact]
    public void A_sound_offer_has_no_faults()
    {
        var offer = new Offer("Shop", Shop.Rates with { Operations = [Shop.Operation], Models = [Shop.Model] })
        {
            Packages = [Shop.Package with { Discounts = [new(5, 5), new(20, 10)] }],
            Plans = [Shop.Plan, new Plan("free", "Free") { Default = true }],
        };

        Assert.Empty(OfferFaults.In(offer));
    }

    [Theory]
    [MemberData(nameof(BadPackages))]
    public void A_package_that_makes_no_sense_is_a_fault_at_its_place(Package package, string path) =>
        Assert.Equal(path, Assert.Single(Shop.Faults(package)));

    [Theory]
    [MemberData(nameof(BadPlans))]
    public void A_plan_that_makes_no_sense_is_a_fault_at_its_place(Plan plan, string path) =>
        Assert.Equal(path, Assert.Single(Shop.Faults(plan)));

    [Fact]
    public void Only_one_plan_is_the_default()
    {
        var free = new Plan("free", "Free") { Default = true };

        Assert.Equal(["plans.gratis.default"], Shop.Faults(free, free with { Code = "gratis" }));
    }

    [Fact]
    public void Every_fault_is_named_and_not_only_the_first() =>
        Assert.Equal(3, Shop.Faults(Shop.Package with { Name = "", Prices = [], ValidDays = -1 }).Count());

    [Theory]
    [InlineData(1, 999)]
    [InlineData(4, 999)]
    [InlineData(5, 949)]
    [InlineData(20, 899)]
    public void A_larger_order_has_a_lower_unit_price(int quantity, long minor)
    {
        var package = Shop.Package with { Discounts = [new(5, 5), new(20, 10)] };

        Assert.Equal(new Money(minor, "usd"), package.UnitPrice("usd", quantity));
        Assert.Null(package.UnitPrice("eur", quantity));
    }
}
