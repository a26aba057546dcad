using System.Text.Json;
using Purser.Core.Pricing;
using Purser.Server.Gateway.Providers;

namespace Purser.Server.Gateway;

/// <summary>The models that a key may use, as the SDKs of either API list them.</summary>
sealed class ModelList(VirtualKeys keys, Targets targets, TimeProvider time)
{
    public async Task Handle(HttpContext http, Dialect dialect, string? name)
    {
        if (await keys.FindNow(Gateway.KeyOf(http), http.RequestAborted) is not { } key)
        {
            await Gateway.UnknownKey.Write(http, dialect);
            return;
        }

        var cards = targets.Usable(key, dialect);
        if (name is null)
        {
            await Write(http, json => WriteList(json, dialect, [.. cards]));
            return;
        }

        // SDKs escape the stroke in a name, and of all that is escaped only that is left so by routing.
        name = name.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        var card = cards.FirstOrDefault(card => card.Rate.FullName == name || card.Rate.Name == name || card.Rate.Aliases.Contains(name));
        if (card is not null) await Write(http, json => WriteOne(json, dialect, card));
        else await new GatewayError(StatusCodes.Status404NotFound, "model_not_found", $"This key has no model '{name}'.").Write(http, dialect);
    }

    void WriteList(Utf8JsonWriter json, Dialect dialect, ModelCard[] cards)
    {
        json.WriteStartObject();
        if (dialect == Dialect.OpenAi) json.WriteString("object", "list");
        json.WriteStartArray("data");
        foreach (var card in cards) WriteOne(json, dialect, card);
        json.WriteEndArray();
        if (dialect == Dialect.Anthropic)
        {
            json.WriteBoolean("has_more", false);
            json.WriteString("first_id", cards.FirstOrDefault()?.Rate.Name);
            json.WriteString("last_id", cards.LastOrDefault()?.Rate.Name);
        }

        json.WriteEndObject();
    }

    // Neither the catalog nor we know when a model was made. Under its own name where no other provider has one like it.
    void WriteOne(Utf8JsonWriter json, Dialect dialect, ModelCard card)
    {
        var id = targets.Rates.Model(card.Rate.Name) == card ? card.Rate.Name : card.Rate.FullName;
        json.WriteStartObject();
        json.WriteString("id", id);
        if (dialect == Dialect.OpenAi)
        {
            json.WriteString("object", "model");
            json.WriteNumber("created", time.GetUtcNow().ToUnixTimeSeconds());
            json.WriteString("owned_by", card.Rate.Provider);
        }
        else
        {
            json.WriteString("type", "model");
            json.WriteString("display_name", card.Rate.Name);
            json.WriteString("created_at", "1970-01-01T00:00:00Z");
        }

        json.WriteEndObject();
    }

    static async Task Write(HttpContext http, Action<Utf8JsonWriter> write)
    {
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        write(json);
        await json.FlushAsync(http.RequestAborted);
    }
}
