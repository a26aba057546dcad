using System.Text.Json;

namespace Purser.Sandbox.Ai.Anthropic;

static class ClaudeModels
{
    static readonly string[] Listed =
    [
        "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-4-5", "claude-sonnet-4-5",
        "claude-haiku-4-5", "sandbox",
    ];

    public static async Task List(AiCall call)
    {
        var json = call.BeginJson();
        json.WriteStartObject();
        json.WriteStartArray("data"u8);
        foreach (var model in Listed) Write(json, model);
        json.WriteEndArray();
        json.WriteBoolean("has_more"u8, false);
        json.WriteString("first_id"u8, Listed[0]);
        json.WriteString("last_id"u8, Listed[^1]);
        json.WriteEndObject();
        await call.EndJson(json);
    }

    public static async Task Retrieve(AiCall call)
    {
        var model = (string)call.Http.Request.RouteValues["model"]!;
        if (!await call.Begin(model, streamed: false)) return;
        var json = call.BeginJson();
        Write(json, model);
        await call.EndJson(json);
    }

    static void Write(Utf8JsonWriter json, string model)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "model"u8);
        json.WriteString("id"u8, model);
        json.WriteString("display_name"u8, model);
        json.WriteString("created_at"u8, "2026-01-01T00:00:00Z"u8);
        json.WriteEndObject();
    }
}
