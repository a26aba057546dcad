using Purser.Core;
using Purser.Core.Catalog;
using Purser.Core.Pricing;

namespace Purser.Server.Catalog;

/// <summary>Turns the keys of a catalog into an offer. What the values mean is checked in Core afterwards.</summary>
static class CatalogReader
{
    public static Offer Read(Section catalog)
    {
        var offer = new Offer(catalog.Text("name", "Purser"), ReadRates(catalog))
        {
            Packages = [.. from item in catalog.Named("packages") select ReadPackage(item.Name, item.Section)],
            Plans = [.. from item in catalog.Named("plans") select ReadPlan(item.Name, item.Section)],
        };
        catalog.NoMore();
        return offer;
    }

    static Rates ReadRates(Section catalog)
    {
        if (!catalog.Has("credit")) catalog.Missing("credit");
        var credit = catalog.Inner("credit");
        var usd = credit?.RequiredNumber("usd") ?? 1;
        var rounding = (Rounding)(credit?.OneOf("rounding", "exact", "ceil") ?? 0);
        credit?.NoMore();

        var limits = catalog.Inner("limits");
        var maxCharge = limits is not null && limits.Has("max_charge") ? limits.Credits("max_charge") : Credits.Max;
        limits?.NoMore();

        return new(usd, rounding, catalog.Number("markup") ?? 1, catalog.Number("call_fee") ?? 0, maxCharge)
        {
            Operations = [.. from item in catalog.Named("operations") select OperationReader.Read(item.Name, item.Section)],
            Models =
            [
                .. from provider in catalog.Named("models")
                   from model in ModelReader.Provider(provider.Name, provider.Section)
                   select model,
            ],
        };
    }

    static Package ReadPackage(string code, Section section)
    {
        if (!section.Has("credits")) section.Missing("credits");
        if (!section.Has("price_minor")) section.Missing("price_minor");

        var credits = section.Credits("credits");
        var package = new Package(
            code, section.RequiredText("name"), credits, section.Credits("bonus"), Prices(section.Inner("price_minor")))
        {
            Description = section.Text("description", ""),
            MaxQuantity = section.Whole("max_quantity") ?? 1,
            ValidDays = section.Whole("valid_days"),
            Discounts = [.. section.Listed("discounts").Select(ReadDiscount)],
        };
        section.NoMore();
        return package;
    }

    static QuantityDiscount ReadDiscount(Section section)
    {
        if (!section.Has("from")) section.Missing("from");
        var discount = new QuantityDiscount(section.Whole("from") ?? 2, section.RequiredNumber("percent"));
        section.NoMore();
        return discount;
    }

    static Plan ReadPlan(string code, Section section)
    {
        var included = section.Inner("included");
        var trial = section.Inner("trial");
        var plan = new Plan(code, section.RequiredText("name"))
        {
            Description = section.Text("description", ""),
            Default = section.Flag("default"),
            Prices = PlanPrices(section.Inner("price_minor")),
            Included = included?.Credits("credits") ?? Credits.Zero,
            Rollover = (Rollover)(included?.OneOf("rollover", "none", "capped", "full") ?? 0),
            RolloverCap = included is not null && included.Has("rollover_cap") ? included.Credits("rollover_cap") : null,
            TrialDays = trial is null ? 0 : TrialDays(trial),
            TrialCredits = trial?.Credits("credits") ?? Credits.Zero,
            Entitlements = Entitlements(section.Inner("entitlements")),
        };
        included?.NoMore();
        trial?.NoMore();
        section.NoMore();
        return plan;
    }

    static int TrialDays(Section trial)
    {
        if (!trial.Has("days")) trial.Missing("days");
        return trial.Whole("days") ?? 1;
    }

    static List<PlanPrice> PlanPrices(Section? section)
    {
        if (section is null) return [];
        List<PlanPrice> prices =
        [
            .. from money in Prices(section.Inner("month")) select new PlanPrice(Interval.Month, money),
            .. from money in Prices(section.Inner("year")) select new PlanPrice(Interval.Year, money),
        ];
        section.NoMore();
        return prices;
    }

    static List<Money> Prices(Section? section) =>
        section is null ? [] : [.. from currency in section.Keys() select ReadMoney(section, currency)];

    static Money ReadMoney(Section section, string currency) => new(section.LongWhole(currency) ?? 1, currency);

    static Dictionary<string, Entitlement> Entitlements(Section? section)
    {
        var entitlements = new Dictionary<string, Entitlement>();
        foreach (var name in section?.Keys() ?? [])
            if (section!.Scalar(name) is { } scalar) entitlements[name] = ReadEntitlement(scalar);

        return entitlements;
    }

    // As YAML has it: what is not quoted and looks like a number or a truth value is one.
    static Entitlement ReadEntitlement(Node.Scalar scalar) => scalar switch
    {
        { Plain: true, Text: "true" or "false" } => new Entitlement.Flag(scalar.Text == "true"),
        { Plain: true } when Section.TryNumber(scalar.Text, out var number) => new Entitlement.Number(number),
        _ => new Entitlement.Text(scalar.Text),
    };
}
