using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Purser.Server.Tests.Catalog;

public sealed class CatalogEndpointsTests(App app) : IClassFixture<App>
{
    [Theory]
    [InlineData("packages")]
    [InlineData("plans")]
    [InlineData("rates")]
    public async Task A_price_page_needs_no_key(string list)
    {
        using var visitor = new HttpClient { BaseAddress = app.Client.BaseAddress };

        var answer = await Get(visitor, $"/v1/{list}?limit=500");

        Assert.NotEqual(0, answer.GetProperty("data").GetArrayLength());
        Assert.False(answer.GetProperty("has_more").GetBoolean());
    }

    [Fact]
    public async Task A_package_says_what_it_holds_and_costs()
    {
        var writer = (await All("packages")).Single(package => Text(package, "code") == "writer");

        Assert.Equal(52490, writer.GetProperty("total_credits").GetDecimal());
        Assert.Equal(2500, writer.GetProperty("bonus").GetDecimal());
        Assert.Contains(
            writer.GetProperty("prices").EnumerateArray(),
            price => Text(price, "currency") == "usd" && price.GetProperty("minor").GetInt64() == 4999);
        Assert.Equal(5, writer.GetProperty("discounts")[0].GetProperty("percent").GetDecimal());
    }

    [Fact]
    public async Task A_plan_says_what_it_includes_and_allows()
    {
        var pro = (await All("plans")).Single(plan => Text(plan, "code") == "pro");

        Assert.Equal("capped", Text(pro.GetProperty("included"), "rollover"));
        Assert.Equal(14, pro.GetProperty("trial").GetProperty("days").GetInt32());
        Assert.Equal(25, pro.GetProperty("entitlements").GetProperty("projects").GetInt32());
        Assert.False(pro.GetProperty("entitlements").GetProperty("priority_support").GetBoolean());
        Assert.Equal("txt, docx, epub", Text(pro.GetProperty("entitlements"), "export_formats"));
    }

    [Fact]
    public async Task A_rate_shows_credits_and_not_what_the_provider_charges()
    {
        var rates = await All("rates");
        var mini = rates.Single(rate => Text(rate, "id") == "model/openai/gpt-4o-mini");
        var input = mini.GetProperty("prices").EnumerateArray().Single(price => Text(price, "unit") == "input_tokens");

        Assert.Equal((1_000_000, 180m), (input.GetProperty("per").GetInt32(), input.GetProperty("credits").GetDecimal()));
        Assert.DoesNotContain(rates, rate => rate.GetRawText().Contains("usd", StringComparison.Ordinal));
        var chapter = rates.Single(rate => Text(rate, "id") == "operation/chapter");
        Assert.Equal((10m, 1m), (chapter.GetProperty("units")[0].GetProperty("per").GetDecimal(), chapter.GetProperty("units")[0].GetProperty("credits").GetDecimal()));
    }

    [Fact]
    public async Task A_rate_shows_its_tiers_hours_and_coming_prices()
    {
        var rates = await All("rates");
        var tiered = rates.Single(rate => Text(rate, "id") == "model/openai/gpt-5.5");
        var peak = rates.Single(rate => Text(rate, "id") == "model/deepseek/deepseek-flash");
        var promoted = rates.Single(rate => Text(rate, "id") == "model/google/gemini-3.8-flash");

        Assert.Equal(272_000, tiered.GetProperty("long_prompts")[0].GetProperty("above").GetInt64());
        Assert.Equal("01:00-04:00", peak.GetProperty("windows")[0].GetProperty("hours")[0].GetString());
        Assert.Equal("2027-01-01T00:00:00Z", Text(promoted.GetProperty("changes")[0], "from"));
        var flex = tiered.GetProperty("service_tiers").EnumerateArray().Single(tier => Text(tier, "name") == "flex");
        Assert.Equal(3000m, flex.GetProperty("prices")[0].GetProperty("credits").GetDecimal());
        Assert.Equal(272_000, flex.GetProperty("long_prompts")[0].GetProperty("above").GetInt64());
    }

    [Fact]
    public async Task A_list_is_read_page_by_page()
    {
        var seen = new List<string>();
        for (var more = true; more;)
        {
            var after = seen.Count == 0 ? "" : $"&after={Uri.EscapeDataString(seen[^1])}";
            var page = await Get(app.Client, $"/v1/rates?limit=7{after}");
            seen.AddRange(page.GetProperty("data").EnumerateArray().Select(rate => Text(rate, "id")));
            more = page.GetProperty("has_more").GetBoolean();
        }

        Assert.Equal((await All("rates")).Select(rate => Text(rate, "id")), seen);
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=501", "limit")]
    [InlineData("limit=x", "limit")]
    [InlineData("after=nothing", "after")]
    public async Task A_page_that_cannot_be_is_refused(string query, string param)
    {
        using var response = await app.Client.GetAsync(new Uri($"/v1/packages?{query}", UriKind.Relative), TestContext.Current.CancellationToken);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(param, Text(answer.GetProperty("error"), "param"));
    }

    async Task<List<JsonElement>> All(string list) =>
        [.. (await Get(app.Client, $"/v1/{list}?limit=500")).GetProperty("data").EnumerateArray()];

    static Task<JsonElement> Get(HttpClient client, string path) =>
        client.GetFromJsonAsync<JsonElement>(path, TestContext.Current.CancellationToken);

    static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
