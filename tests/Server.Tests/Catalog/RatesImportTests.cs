using Purser.Core.Catalog;
using Purser.Core.Pricing;
using Purser.Server.Catalog;

namespace Purser.Server.Tests.Catalog;

/// <summary>LiteLLM's list, trap by trap.</summary>
public sealed class RatesImportTests : IDisposable
{
    const string Card = """
        # Prices of the house.
        credit: { usd: 0.001 }

        models:
          openai:
            # Kept by hand.
            gpt-4o: { input: 2.5, output: 10 }   # the old faithful
            gpt-5.5:
              input: 5      # list price
              output: 30
              long_prompts:
                - { above: 272000, input: 10, output: 45 }

          deepseek:
            deepseek-flash:
              input: 0.15
              output: 0.6
              windows:
                - { days: [mon, tue], hours: "01:00-04:00", input: 0.3, output: 1.2 }

          groq:
            # 0.111 an hour, rounded up.
            whisper-large-v3: { second: 0.000030833334 }
        # The end.

        """;

    readonly TestFolder folder = new();

    string CardFile => Path.Combine(folder.Path, "card.yaml");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_price_is_taken_from_its_digits_and_never_through_a_float()
    {
        var model = Added("""{ "new": { "litellm_provider": "openai", "input_cost_per_token": 1.25e-06, "output_cost_per_token": 3.0000000000000004e-07 } }""");

        Assert.Equal((1.25m, 0.3m), (Usd(model)[Meter.InputTokens], Usd(model)[Meter.OutputTokens]));
    }

    [Fact]
    public void The_provider_and_not_the_key_says_whose_model_it_is()
    {
        var models = Import("""
            {
              "gemini/gemini-x": { "litellm_provider": "gemini", "input_cost_per_token": 1e-06 },
              "groq/openai/gpt-oss-9b": { "litellm_provider": "groq", "input_cost_per_token": 2e-06 }
            }
            """).Rates.Models.Select(model => (model.Provider, model.Name));

        Assert.Contains(("google", "gemini-x"), models);
        Assert.Contains(("groq", "openai/gpt-oss-9b"), models);
    }

    [Fact]
    public void Above_an_hour_is_how_long_a_cache_is_kept_and_no_length_of_prompt()
    {
        var model = Added("""
            { "new": {
                "litellm_provider": "anthropic", "input_cost_per_token": 3e-06, "cache_creation_input_token_cost": 3.75e-06,
                "cache_creation_input_token_cost_above_1hr": 6e-06, "input_cost_per_token_above_200k_tokens": 6e-06,
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1.2e-05 } }
            """);

        Assert.Equal(6m, Usd(model)[Meter.CacheWrite1hTokens]);
        var tier = Assert.Single(model.Periods[0].Prices.LongPrompts);
        Assert.Equal((200_000L, 6m, 12m), (tier.Above, tier.Usd[Meter.InputTokens], tier.Usd[Meter.CacheWrite1hTokens]));
    }

    [Fact]
    public void A_second_that_is_listed_as_input_and_as_output_is_due_once()
    {
        var model = Added("""{ "new": { "litellm_provider": "openai", "input_cost_per_second": 0.0001, "output_cost_per_second": 0.0001 } }""");

        Assert.Equal(0.0001m, Usd(model)[Meter.Seconds]);
    }

    [Fact]
    public void A_zero_beside_a_real_price_does_not_win()
    {
        var model = Added("""{ "new": { "litellm_provider": "groq", "input_cost_per_second": 3e-05, "output_cost_per_second": 0.0 } }""");

        Assert.Equal(0.00003m, Usd(model)[Meter.Seconds]);
    }

    [Fact]
    public void An_image_that_is_made_is_priced_as_input()
    {
        var model = Added("""{ "dall-e-9": { "litellm_provider": "openai", "input_cost_per_image": 0.04 } }""");

        Assert.Equal(0.04m, Usd(model)[Meter.Images]);
    }

    [Fact]
    public void What_is_counted_by_tokens_is_not_charged_by_the_second_as_well()
    {
        var model = Added("""{ "new": { "litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_second": 0.00025 } }""");

        Assert.Equal([Meter.InputTokens], Usd(model).Keys);
    }

    [Fact]
    public void The_prices_of_batches_and_tools_are_not_mistaken_for_ordinary_ones()
    {
        var model = Added("""
            { "new": { "litellm_provider": "openai", "input_cost_per_token": 1e-06, "input_cost_per_token_batches": 5e-07,
                "search_context_cost_per_query": { "search_context_size_low": 0.01 } } }
            """);

        Assert.Equal([Meter.InputTokens], Usd(model).Keys);
        Assert.Empty(model.Periods[0].ServiceTiers);
    }

    [Fact]
    public void A_service_tier_is_taken_over_with_its_long_prompts()
    {
        var model = Added("""
            { "new": { "litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 4e-06,
                "input_cost_per_token_above_200k_tokens": 2e-06,
                "input_cost_per_token_priority": 2e-06, "output_cost_per_token_priority": 8e-06,
                "input_cost_per_token_above_200k_tokens_priority": 4e-06 } }
            """);

        var tier = Assert.Single(model.Periods[0].ServiceTiers);
        Assert.Equal(("priority", 2m, 8m), (tier.Name, tier.Prices.Usd[Meter.InputTokens], tier.Prices.Usd[Meter.OutputTokens]));
        Assert.Equal(4m, Assert.Single(tier.Prices.LongPrompts).Usd[Meter.InputTokens]);
        Assert.Equal([Meter.InputTokens, Meter.OutputTokens], Usd(model).Keys);
    }

    [Theory]
    [InlineData("\"input_cost_per_token_flex\": 5e-07")]
    [InlineData("\"input_cost_per_token_flex\": 5e-07, \"output_cost_per_token_flex\": 2e-06, \"input_cost_per_token_above_200k_tokens\": 2e-06")]
    [InlineData("\"input_cost_per_token_flex\": 5e-07, \"output_cost_per_token_flex\": 2e-06, \"input_cost_per_audio_token_flex\": 2e-06")]
    public void Half_a_service_tier_is_left_out_and_said(string prices)
    {
        var list = $"{{ \"new\": {{ \"litellm_provider\": \"openai\", \"input_cost_per_token\": 1e-06, \"output_cost_per_token\": 4e-06, {prices} }} }}";

        Assert.Empty(Added(list).Periods[0].ServiceTiers);
        Assert.Contains("skipped   input_cost_per_token_flex of 1 models", Run(list, apply: false).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_service_tier_is_added_to_a_model_that_is_there_and_changed_where_it_is_known()
    {
        const string List = """
            {
              "gpt-4o": { "litellm_provider": "openai", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
                "input_cost_per_token_priority": 4.25e-06, "output_cost_per_token_priority": 1.7e-05,
                "input_cost_per_token_flex": 1.25e-06, "output_cost_per_token_flex": 5e-06 },
              "gpt-5.5": { "litellm_provider": "openai", "input_cost_per_token": 5e-06, "output_cost_per_token": 3e-05,
                "input_cost_per_token_above_272k_tokens": 1e-05, "output_cost_per_token_above_272k_tokens": 4.5e-05,
                "input_cost_per_token_priority": 1.25e-05, "output_cost_per_token_priority": 7.5e-05,
                "input_cost_per_token_above_272k_tokens_priority": 2e-05 }
            }
            """;

        Run(List, apply: true);
        var once = File.ReadAllText(CardFile);
        Assert.Contains(
            "gpt-4o: { input: 2.5, output: 10, service_tiers: { flex: { input: 1.25, output: 5 }, priority: { input: 4.25, output: 17 } } }   # the old faithful",
            once,
            StringComparison.Ordinal);
        Assert.Contains(
            "      output: 30\n      service_tiers: { priority: { input: 12.5, output: 75, long_prompts: [{ above: 272000, input: 20 }] } }\n",
            once,
            StringComparison.Ordinal);

        var (_, output) = Run(List.Replace("4.25e-06", "4.5e-06", StringComparison.Ordinal), apply: true, keep: true);
        Assert.Contains("changed   openai/gpt-4o: priority input 4.25 -> 4.5", output, StringComparison.Ordinal);
        Assert.Equal(once.Replace("4.25", "4.5", StringComparison.Ordinal), File.ReadAllText(CardFile));
    }

    [Fact]
    public void The_context_of_GPT_5_is_what_the_list_has_left_of_it_and_the_answer()
    {
        var model = Added("""
            { "new": { "litellm_provider": "openai", "input_cost_per_token": 1e-06, "max_input_tokens": 272000.0, "max_output_tokens": 128000 } }
            """);

        Assert.Equal((400_000L, 128_000L), (model.Context, model.MaxOutput));
    }

    [Theory]
    [InlineData("sample_spec", """{ "litellm_provider": "one of openai, …", "input_cost_per_token": 1 }""", "needs no change")]
    [InlineData("fallback_generalizations", """{ "rules": [] }""", "needs no change")]
    [InlineData("new", """{ "litellm_provider": "openai", "mode": "chat" }""", "no price is not free")]
    [InlineData("new", """{ "litellm_provider": "openai", "input_cost_per_token": 0, "output_cost_per_token": 0.0 }""", "write that by hand")]
    [InlineData("new", """{ "litellm_provider": "openai", "ocr_cost_per_page": 0.004 }""", "unit that a card knows")]
    [InlineData("new", """{ "litellm_provider": "openai", "input_cost_per_token": 1e-06, "input_cost_per_fortnight": 1 }""", "input_cost_per_fortnight, a price that is not understood")]
    [InlineData("new", """{ "litellm_provider": "openai", "input_cost_per_token": "cheap" }""", "no number")]
    [InlineData("new", """{ "litellm_provider": "openai", "input_cost_per_token": 1e-40 }""", "no number")]
    [InlineData("new", """{ "litellm_provider": "openai", "input_cost_per_token": 1e-06, "tiered_pricing": [] }""", "tiered_pricing")]
    [InlineData("new", """{ "litellm_provider": "google", "output_cost_per_second": 0.05, "output_cost_per_second_1080p": 0.08 }""", "a condition")]
    [InlineData("new", """{ "litellm_provider": "anthropic", "cache_creation_input_token_cost": 5e-06, "cache_creation_input_token_cost_above_1hr": 4e-06 }""", "no less than minutes")]
    [InlineData("new", """{ "litellm_provider": "openai", "input_cost_per_token": -1e-06 }""", "A price is 0 to")]
    [InlineData("new", """{ "litellm_provider": "openai", "input_cost_per_token": 1e20 }""", "A price is 0 to")]
    [InlineData("1024-x-1024/dall-e-2", """{ "litellm_provider": "openai", "input_cost_per_image": 0.02 }""", "one size of image")]
    [InlineData("openai/*", """{ "litellm_provider": "openai", "input_cost_per_token": 1e-06 }""", "a pattern")]
    [InlineData("ft:gpt-4o", """{ "litellm_provider": "openai", "input_cost_per_token": 1e-06 }""", "fine-tuned")]
    [InlineData("new", """{ "litellm_provider": "some_cloud", "input_cost_per_token": 1e-06 }""", "1 entries of 1 other providers: some_cloud")]
    [InlineData("new", """{ "input_cost_per_token": 1e-06 }""", "names no provider")]
    [InlineData("new", "\"text\"", "names no provider")]
    public void What_is_not_understood_is_skipped_and_said(string key, string entry, string said)
    {
        var (exit, output) = Run($"{{ \"{key}\": {entry} }}", apply: true);

        Assert.Equal(0, exit);
        Assert.Contains(said, output, StringComparison.Ordinal);
        Assert.Equal(Card, File.ReadAllText(CardFile));
    }

    [Fact]
    public void Two_entries_of_one_model_that_disagree_change_nothing()
    {
        var (_, output) = Run("""
            {
              "deepseek-new": { "litellm_provider": "deepseek", "input_cost_per_token": 1e-06 },
              "deepseek/deepseek-new": { "litellm_provider": "deepseek", "input_cost_per_token": 2e-06 }
            }
            """, apply: true);

        Assert.Contains("with different prices", output, StringComparison.Ordinal);
        Assert.Equal(Card, File.ReadAllText(CardFile));
    }

    [Fact]
    public void Nothing_is_written_until_it_is_asked_for()
    {
        var (exit, output) = Run("""{ "gpt-4o": { "litellm_provider": "openai", "input_cost_per_token": 3e-06 } }""", apply: false);

        Assert.Equal(0, exit);
        Assert.Contains("changed   openai/gpt-4o: input 2.5 -> 3", output, StringComparison.Ordinal);
        Assert.Contains("Nothing is written", output, StringComparison.Ordinal);
        Assert.Equal(Card, File.ReadAllText(CardFile));
    }

    [Fact]
    public void A_change_touches_its_own_figures_and_leaves_every_other_character()
    {
        Run("""
            {
              "gpt-4o": { "litellm_provider": "openai", "input_cost_per_token": 3e-06, "cache_read_input_token_cost": 1.5e-06 },
              "gpt-5.5": { "litellm_provider": "openai", "input_cost_per_token": 5e-06, "output_cost_per_token": 3.1e-05, "cache_read_input_token_cost": 5e-07,
                "input_cost_per_token_above_272k_tokens": 1.1e-05 },
              "gpt-new": { "litellm_provider": "openai", "input_cost_per_token": 1e-06 },
              "mistral/small": { "litellm_provider": "mistral", "input_cost_per_token": 1e-07, "output_cost_per_token": 3e-07 }
            }
            """, apply: true);

        Assert.Equal("""
            # Prices of the house.
            credit: { usd: 0.001 }

            models:
              openai:
                # Kept by hand.
                gpt-4o: { input: 3, output: 10, cached_input: 1.5 }   # the old faithful
                gpt-5.5:
                  input: 5      # list price
                  output: 31
                  cached_input: 0.5
                  long_prompts:
                    - { above: 272000, input: 11, output: 45 }
                gpt-new: { input: 1 }

              deepseek:
                deepseek-flash:
                  input: 0.15
                  output: 0.6
                  windows:
                    - { days: [mon, tue], hours: "01:00-04:00", input: 0.3, output: 1.2 }

              groq:
                # 0.111 an hour, rounded up.
                whisper-large-v3: { second: 0.000030833334 }
              mistral: { small: { input: 0.1, output: 0.3 } }
            # The end.

            """, File.ReadAllText(CardFile));
    }

    [Fact]
    public void What_has_hours_or_dates_in_the_card_is_left_to_a_person()
    {
        var (_, output) = Run("""{ "deepseek/deepseek-flash": { "litellm_provider": "deepseek", "input_cost_per_token": 1e-06 } }""", apply: true);

        Assert.Contains("by hand   deepseek/deepseek-flash", output, StringComparison.Ordinal);
        Assert.Equal(Card, File.ReadAllText(CardFile));
    }

    [Fact]
    public void A_rounded_figure_does_not_replace_the_exact_one()
    {
        var (_, output) = Run("""{ "groq/whisper-large-v3": { "litellm_provider": "groq", "input_cost_per_second": 3.083e-05, "output_cost_per_second": 0.0 } }""", apply: true);

        Assert.Contains("needs no change", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Importing_the_same_list_twice_changes_nothing_the_second_time()
    {
        const string List = """
            { "new": { "litellm_provider": "openai", "input_cost_per_token": 1e-06, "input_cost_per_token_above_200k_tokens": 2e-06 } }
            """;

        Run(List, apply: true);
        var first = File.ReadAllText(CardFile);
        var (exit, output) = Run(List, apply: true, keep: true);

        Assert.Equal(0, exit);
        Assert.Contains("needs no change", output, StringComparison.Ordinal);
        Assert.Equal(first, File.ReadAllText(CardFile));
    }

    [Theory]
    [InlineData("credit: { usd: 0.001 }")]
    [InlineData("credit: { usd: 0.001 }\n")]
    [InlineData("credit: { usd: 0.001 }\nmodels: { openai: { old: { input: 1 } } }\n")]
    [InlineData("credit: { usd: 0.001 }\nmodels:\n    openai:\n        old:\n            input: 1")]
    [InlineData("models:\n  openai: {}\ncredit: { usd: 0.001 }\n")]
    [InlineData("models:\r\n  openai:\r\n    old: { input: 1 }\r\ncredit: { usd: 0.001 }\r\n")]
    public void A_model_finds_its_place_however_the_card_is_laid_out(string card)
    {
        File.WriteAllText(CardFile, card);

        var (exit, output) = Run("""{ "new": { "litellm_provider": "openai", "input_cost_per_token": 2e-06 } }""", apply: true, keep: true);

        Assert.True(exit == 0, output);
        var offer = Assert.IsType<CatalogReading.Sound>(CatalogFile.Read(CardFile)).Offer;
        Assert.Equal(2m, Usd(offer.Rates.Models.Single(model => model.Name == "new"))[Meter.InputTokens]);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("")]
    public void A_list_that_is_none_is_said_in_one_line(string list) => Assert.Equal(1, Run(list, apply: true).Exit);

    [Fact]
    public void A_card_that_cannot_be_written_is_said_in_one_line_and_stays()
    {
        // What the new card is drafted in.
        Directory.CreateDirectory($"{CardFile}.new");

        var (exit, output) = Run("""{ "new": { "litellm_provider": "openai", "input_cost_per_token": 1e-06 } }""", apply: true);

        Assert.Equal(1, exit);
        Assert.Contains("cannot be written", output, StringComparison.Ordinal);
        Assert.Equal(Card, File.ReadAllText(CardFile));
    }

    ModelRate Added(string list) => Import(list).Rates.Models.Single(model => model.Name is "new" or "dall-e-9");

    Offer Import(string list)
    {
        var (exit, output) = Run(list, apply: true);
        Assert.True(exit == 0, output);
        return Assert.IsType<CatalogReading.Sound>(CatalogFile.Read(CardFile)).Offer;
    }

    (int Exit, string Output) Run(string list, bool apply, bool keep = false)
    {
        var file = Path.Combine(folder.Path, "list.json");
        File.WriteAllText(file, list);
        if (!keep) File.WriteAllText(CardFile, Card);
        using var output = new StringWriter();
        return (RatesCommands.Import(file, CardFile, apply, output), output.ToString());
    }

    static IReadOnlyDictionary<Meter, decimal> Usd(ModelRate model) => model.Periods[0].Prices.Usd;
}
