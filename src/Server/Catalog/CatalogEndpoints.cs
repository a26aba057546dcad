using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Purser.Core;
using Purser.Core.Catalog;
using Purser.Server.Platform;
using static Microsoft.AspNetCore.Http.TypedResults;

namespace Purser.Server.Catalog;

sealed record PackageAnswer(
    string Code, string Name, string Description, Credits Credits, Credits Bonus, Credits TotalCredits)
{
    public required IReadOnlyList<MoneyAnswer> Prices { get; init; }
    public required int MaxQuantity { get; init; }
    public required IReadOnlyList<DiscountAnswer> Discounts { get; init; }
    public int? ValidDays { get; init; }
}

sealed record MoneyAnswer(long Minor, string Currency);

sealed record DiscountAnswer(int From, decimal Percent);

sealed record PlanAnswer(string Code, string Name, string Description, bool Default)
{
    public required IReadOnlyList<PlanPriceAnswer> Prices { get; init; }
    public required IncludedAnswer Included { get; init; }
    public TrialAnswer? Trial { get; init; }
    public required IReadOnlyDictionary<string, Entitlement> Entitlements { get; init; }
}

sealed record PlanPriceAnswer(string Interval, long Minor, string Currency);

sealed record IncludedAnswer(Credits Credits, string Rollover, Credits? RolloverCap);

sealed record TrialAnswer(int Days, Credits Credits);

/// <summary>What is for sale and what it costs: public, because a price page has no key.</summary>
static class CatalogEndpoints
{
    public static void MapCatalog(this IEndpointRouteBuilder routes)
    {
        var catalog = routes.MapGroup("/v1").WithTags("Catalog").Public();
        catalog.MapGet("/packages", Packages).WithSummary("List the credit packages");
        catalog.MapGet("/plans", Plans).WithSummary("List the subscription plans");
        catalog.MapGet("/rates", Rates).WithSummary("List what operations and models cost, in credits");
    }

    static Ok<Page<PackageAnswer>> Packages(CurrentCatalog catalog, HttpContext http) =>
        Ok(catalog.Offer.Packages.Page(package => package.Code, http).Select(Answer));

    static Ok<Page<PlanAnswer>> Plans(CurrentCatalog catalog, HttpContext http) =>
        Ok(catalog.Offer.Plans.Page(plan => plan.Code, http).Select(Answer));

    static Ok<Page<RateAnswer>> Rates(CurrentCatalog catalog, TimeProvider time, HttpContext http)
    {
        var now = time.Now();
        return Ok(RateAnswer.All(catalog.Rates, now).Page(rate => rate.Id, http));
    }

    static Page<TTo> Select<TFrom, TTo>(this Page<TFrom> page, Func<TFrom, TTo> answer) =>
        new([.. page.Data.Select(answer)], page.HasMore);

    static PackageAnswer Answer(Package package) => new(
        package.Code,
        package.Name,
        package.Description,
        package.Credits,
        package.Bonus,
        package.Credits + package.Bonus)
    {
        Prices = [.. package.Prices.Select(price => new MoneyAnswer(price.Minor, price.Currency))],
        MaxQuantity = package.MaxQuantity,
        Discounts = [.. package.Discounts.Select(discount => new DiscountAnswer(discount.From, discount.PercentOff))],
        ValidDays = package.ValidDays,
    };

    static PlanAnswer Answer(Plan plan) => new(plan.Code, plan.Name, plan.Description, plan.Default)
    {
        Prices =
        [
            .. from price in plan.Prices
               select new PlanPriceAnswer(price.Interval.Word(), price.Money.Minor, price.Money.Currency),
        ],
        Included = new(plan.Included, plan.Rollover.Word(), plan.RolloverCap),
        Trial = plan.TrialDays > 0 ? new(plan.TrialDays, plan.TrialCredits) : null,
        Entitlements = plan.Entitlements,
    };

    static string Word(this Interval interval) => interval switch
    {
        Interval.Month => "month",
        Interval.Year => "year",
    };

    static string Word(this Rollover rollover) => rollover switch
    {
        Rollover.None => "none",
        Rollover.Capped => "capped",
        Rollover.Full => "full",
    };
}

/// <summary>An entitlement is what it says: true, 25 or "docx".</summary>
sealed class EntitlementConverter : JsonConverter<Entitlement>
{
    public override Entitlement Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("Only the catalog says what a plan allows.");

    public override void Write(Utf8JsonWriter writer, Entitlement value, JsonSerializerOptions options)
    {
        switch (value)
        {
            case Entitlement.Flag(var flag): writer.WriteBooleanValue(flag); break;
            case Entitlement.Number(var number): writer.WriteNumberValue(number); break;
            case Entitlement.Text(var text): writer.WriteStringValue(text); break;
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(CreditsConverter), typeof(EntitlementConverter)])]
[JsonSerializable(typeof(Page<PackageAnswer>))]
[JsonSerializable(typeof(Page<PlanAnswer>))]
[JsonSerializable(typeof(Page<RateAnswer>))]
sealed partial class CatalogJson : JsonSerializerContext;
