using Purser.Core;
using Purser.Core.Catalog;
using Purser.Core.Pricing;
using Purser.Server.Catalog;

namespace Purser.Server.Tests.Catalog;

public sealed class CatalogFileTests
{
    const string Credit = "credit: { usd: 0.001 }\n";

    [Theory]
    [InlineData("", "1:1", "empty")]
    [InlineData("just words", "1:1", "group of keys")]
    [InlineData("- a\n- b\n", "1:1", "group of keys")]
    [InlineData("name: [unclosed\n", "2:1", "not YAML")]
    [InlineData("name: 'a\n b\n", "1:7", "not YAML")]
    [InlineData("a: b: c\n", "1:5", "not YAML")]
    [InlineData("name: Shop\n", "1:1", "lacks 'credit'")]
    [InlineData("credit: {}\n", "1:9", "lacks 'usd'")]
    [InlineData("credit: 5\n", "1:9", "group of keys")]
    [InlineData("credit: { usd: 0 }\n", "1:16", "0.000001 to 1000")]
    [InlineData("credit: { usd: abc }\n", "1:16", "number")]
    [InlineData("credit: { usd: '0.001' }\n", "1:16", "number")]
    [InlineData("credit: { usd: 1e-3 }\n", "1:16", "number")]
    [InlineData("credit: { usd: 0.00000000000000000000000000000000001 }\n", "1:16", "number")]
    [InlineData("credit: { usd: 0.001, rounding: floor }\n", "1:33", "exact, ceil")]
    [InlineData(Credit + "markup: 0.2\n", "2:9", "multiplied")]
    [InlineData(Credit + "markups: 2\n", "2:1", "no key 'markups'")]
    [InlineData(Credit + "name: a\nname: b\n", "3:1", "second time; the first is in line 2")]
    [InlineData(Credit + "markup: &x 2\ncall_fee: *x\n", "3:11", "*x is not followed")]
    [InlineData(Credit + "name: !!str a\n", "2:7", "Tags")]
    [InlineData(Credit + "name: \"a\\0b\"\n", "2:7", "U+0000")]
    [InlineData(Credit + "? [a, b]\n: c\n", "2:3", "key is a single value")]
    [InlineData(Credit + "---\nname: second\n", "2:1", "one document")]
    [InlineData(Credit + "limits: { max_charge: 0 }\n", "2:23", "max_charge")]
    [InlineData(Credit + "packages: { a: { name: A, credits: 10 } }\n", "2:16", "lacks 'price_minor'")]
    [InlineData(Credit + "packages: { a: { name: A, price_minor: { usd: 9 } } }\n", "2:16", "lacks 'credits'")]
    [InlineData(Credit + "packages: { a: { name: A, credits: 1.0000001, price_minor: { usd: 9 } } }\n", "2:36", "six decimals")]
    [InlineData(Credit + "packages: { a: { name: A, credits: 1, price_minor: { usd: 9.99 } } }\n", "2:59", "whole number")]
    [InlineData(Credit + "packages: { a: { name: A, credits: 1, price_minor: { us: 9 } } }\n", "2:58", "not a currency")]
    [InlineData(Credit + "plans: { a: { name: A, default: yes } }\n", "2:33", "true or false")]
    [InlineData(Credit + "plans: { a: { name: A, price_minor: { month: { usd: 9 } }, trial: { credits: 5 } } }\n", "2:67", "lacks 'days'")]
    [InlineData(Credit + "plans: { a: { name: A, entitlements: { x: [1] } } }\n", "2:43", "single value")]
    [InlineData(Credit + "operations: { a: { name: A } }\n", "2:18", "lacks 'flat' or 'per'")]
    [InlineData(Credit + "operations: { a: { name: A, flat: 5, minimum: 3 } }\n", "2:38", "no key 'minimum'")]
    [InlineData(Credit + "operations: { a: { name: A, per: { words: { each: 5 } } } }\n", "2:43", "lacks 'credits'")]
    [InlineData(Credit + "operations: { a: { name: A, per: { words: -1 } } }\n", "2:43", "amount of credits")]
    [InlineData(Credit + "models: { a: { b: {} } }\n", "2:19", "no price")]
    [InlineData(Credit + "models: { a: { b: { inptu: 1, output: 2 } } }\n", "2:21", "no key 'inptu'")]
    [InlineData(Credit + "models: { a: { b: { input: 1, aliases: [[c]] } } }\n", "2:41", "list of single values")]
    [InlineData(Credit + "models: { a: { b: { input: 1, long_prompts: [{ input: 2 }] } } }\n", "2:46", "lacks 'above'")]
    [InlineData(Credit + "models: { a: { b: { input: 1, changes: [{ from: soon, input: 2 }] } } }\n", "2:49", "2027-01-01")]
    [InlineData(Credit + "models: { a: { b: { input: 1, windows: [{ days: [monday], hours: [\"01:00-02:00\"], input: 2 }] } } }\n", "2:49", "'monday'")]
    [InlineData(Credit + "models: { a: { b: { input: 1, windows: [{ days: mon, hours: \"1-2\", input: 2 }] } } }\n", "2:61", "01:00-04:00")]
    [InlineData(Credit + "models: { a: { b: { input: 1, service_tiers: { flex: { input: 0.5, otput: 1 } } } } }\n", "2:68", "no key 'otput'")]
    [InlineData(Credit + "models: { a: { b: { input: 1, service_tiers: { default: { input: 2 } } } } }\n", "2:57", "the ordinary service")]
    [InlineData(Credit + "models: { a: { b: { input: 1, service_tiers: [flex] } } }\n", "2:46", "group of keys")]
    [InlineData(Credit + "models: { a: { b: { input: 1, service_tiers: { flex: {} } } } }\n", "2:54", "no price here")]
    [InlineData(Credit + "models: { a: { b: { input: 1, fallbacks: [a/c] } } }\n", "2:42", "no model 'a/c'")]
    [InlineData(Credit + "models: { a: { b: { input: 1, max_image_tokens: 0 } } }\n", "2:49", "number of tokens")]
    public void A_fault_is_reported_where_it_stands(string yaml, string place, string said)
    {
        var fault = Assert.Single(Faults(yaml));

        Assert.StartsWith($"shop.yaml:{place}: ", fault, StringComparison.Ordinal);
        Assert.Contains(said, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_are_reported_in_one_run_and_in_the_order_of_the_file()
    {
        const string Yaml = """
            credit: { usd: nothing }
            colour: blue
            packages:
              small: { name: Small, credits: -5, price_minor: { usd: 1.5 } }
              small: { name: Again, credits: 1, price_minor: { usd: 100 } }
            plans:
              pro: { name: "", included: { rollover: some } }
            models:
              acme:
                large: { input: -1, output: 2, outptu: 3 }
            """;

        Assert.Equal(
            ["1:16", "2:1", "4:34", "4:58", "5:3", "7:16", "7:42", "10:21", "10:36"],
            Faults(Yaml).Select(fault => string.Join(':', fault.Split(':')[1..3])));
    }

    [Fact]
    public void Nesting_without_end_is_a_fault_and_not_the_end_of_the_process() =>
        Assert.Contains("too deep", Assert.Single(Faults(new string('[', 100_000))), StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_not_there_is_said_in_one_line() =>
        Assert.Contains("cannot be read", Assert.Single(Faults(CatalogFile.Read("/nowhere/shop.yaml"))), StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_not_text_is_said_in_one_line()
    {
        using var folder = new TestFolder();
        var file = Path.Combine(folder.Path, "shop.yaml");
        File.WriteAllBytes(file, [0xff, 0xfe, 0x00, 0x80]);

        Assert.Contains("UTF-8", Assert.Single(Faults(CatalogFile.Read(file))), StringComparison.Ordinal);
    }

    [Fact]
    public void An_entitlement_is_a_truth_value_a_number_or_a_text_as_it_is_written()
    {
        var plan = Offer(Credit + "plans: { a: { name: A, entitlements: { x: true, y: 2.5, z: \"3\", w: docx } } }").Plans[0];

        Assert.Equal(new Entitlement.Flag(true), plan.Entitlements["x"]);
        Assert.Equal(new Entitlement.Number(2.5m), plan.Entitlements["y"]);
        Assert.Equal(new Entitlement.Text("3"), plan.Entitlements["z"]);
        Assert.Equal(new Entitlement.Text("docx"), plan.Entitlements["w"]);
    }

    [Fact]
    public void Every_key_of_a_package_and_a_plan_is_read()
    {
        var offer = Offer(Credit + """
            packages:
              big:
                name: Big
                description: Much
                credits: 100.5
                bonus: 10
                price_minor: { usd: 999, jpy: 1500 }
                max_quantity: 20
                valid_days: 365
                discounts: [{ from: 5, percent: 12.5 }]
            plans:
              pro:
                name: Pro
                description: For professionals
                price_minor: { month: { usd: 1900 }, year: { usd: 19000 } }
                included: { credits: 20000, rollover: capped, rollover_cap: 40000 }
                trial: { days: 14, credits: 500 }
              free: { name: Free, default: true }
            """);

        var package = offer.Package("big")!;
        Assert.Equal(("Much", Credits.Of(100.5m), Credits.Of(10), 20, 365), (package.Description, package.Credits, package.Bonus, package.MaxQuantity, package.ValidDays));
        Assert.Equal([new(999, "usd"), new(1500, "jpy")], package.Prices);
        Assert.Equal([new(5, 12.5m)], package.Discounts);
        var plan = offer.Plan("pro")!;
        Assert.Equal(new Money(19000, "usd"), plan.Price(Interval.Year, "usd"));
        Assert.Equal((Rollover.Capped, Credits.Of(40000)), (plan.Rollover, plan.RolloverCap));
        Assert.Equal((14, Credits.Of(500)), (plan.TrialDays, plan.TrialCredits));
        Assert.True(offer.Plan("free")!.Default);
    }

    [Fact]
    public void Every_key_of_an_operation_and_a_model_is_read()
    {
        var rates = Offer("""
            credit: { usd: 0.01, rounding: ceil }
            markup: 1.5
            call_fee: 0.25
            limits: { max_charge: 5000 }
            operations:
              job:
                name: Job
                base_fee: 2
                minimum: 5
                per:
                  words: { credits: 1, each: 10, max: 500, optional: true, volume: [{ above: 100, percent: 10 }] }
                  pages: 3
            models:
              acme:
                large:
                  input: 1
                  aliases: [large-2026]
                  context: 1000
                  max_output: 100
                  max_image_tokens: 500
                  fallbacks: [acme/small]
                  markup: 2
                  web_search: 0.01
                  windows:
                    - { days: [sat, sun], hours: "00:00-24:00", input: 2 }
                  changes:
                    - from: 2027-01-01T08:00Z
                      input: 3
                      long_prompts: [{ above: 500, input: 4 }]
                      service_tiers: { flex: { input: 1.5, long_prompts: [{ above: 500, input: 2 }] } }
                small: { input: 0.5 }
            """).Rates;

        Assert.Equal((0.01m, Rounding.Ceil, 1.5m, 0.25m, Credits.Of(5000)), (rates.UsdPerCredit, rates.Rounding, rates.Markup, rates.BaseFee, rates.MaxCharge));
        var operation = Assert.Single(rates.Operations);
        Assert.Equal((2m, 5m), (operation.BaseFee, operation.Minimum));
        Assert.Equal((1m, 10m, 500m, true), (operation.Units[0].Credits, operation.Units[0].Each, operation.Units[0].Max, operation.Units[0].Optional));
        Assert.Equal([new(100, 10)], operation.Units[0].Volume);
        Assert.Equal((3m, 1m), (operation.Units[1].Credits, operation.Units[1].Each));
        var model = rates.Models[0];
        Assert.Equal((1000L, 100L, 2m, "large-2026"), (model.Context, model.MaxOutput, model.Markup, Assert.Single(model.Aliases)));
        Assert.Equal([DayOfWeek.Saturday, DayOfWeek.Sunday], model.Periods[0].Windows[0].Days);
        Assert.Equal(TimeSpan.FromHours(24), model.Periods[0].Windows[0].Hours[0].Until);
        Assert.Equal(new DateTimeOffset(2027, 1, 1, 8, 0, 0, TimeSpan.Zero), model.Periods[1].From);
        Assert.Equal(4m, model.Periods[1].Prices.LongPrompts[0].Usd[Meter.InputTokens]);
        Assert.Equal((500L, "acme/small"), (model.MaxImageTokens, Assert.Single(model.Fallbacks)));
        Assert.Equal(0.01m, model.Periods[0].Prices.Usd[Meter.WebSearches]);
        var tier = Assert.Single(model.Periods[1].ServiceTiers);
        Assert.Equal(("flex", 1.5m, 2m), (tier.Name, tier.Prices.Usd[Meter.InputTokens], tier.Prices.LongPrompts[0].Usd[Meter.InputTokens]));
    }

    [Fact]
    public void Two_files_that_say_the_same_have_one_digest_and_a_changed_price_another()
    {
        var block = Digest("credit:\n  usd: 0.001   # a tenth of a cent\nname: Shop\n");

        Assert.Equal(block, Digest("{credit: {usd: 0.001},\n name: Shop}"));
        Assert.NotEqual(block, Digest("credit: { usd: 0.002 }\nname: Shop\n"));
        Assert.NotEqual(block, Digest("credit: { usd: 0.001 }\nname: \"Shop \"\n"));
    }

    static Offer Offer(string yaml) => Assert.IsType<CatalogReading.Sound>(CatalogFile.Parse(yaml, "shop.yaml")).Offer;

    static string Digest(string yaml) =>
        Convert.ToHexString(Assert.IsType<CatalogReading.Sound>(CatalogFile.Parse(yaml, "shop.yaml")).Digest);

    static IReadOnlyList<string> Faults(string yaml) => Faults(CatalogFile.Parse(yaml, "shop.yaml"));

    static IReadOnlyList<string> Faults(CatalogReading reading) => Assert.IsType<CatalogReading.Faulty>(reading).Faults;
}
