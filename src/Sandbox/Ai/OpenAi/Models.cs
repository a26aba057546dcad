namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>The list of models, and the dated names under which some of them answer.</summary>
static class Models
{
    const long Created = 1_721_172_741;

    static readonly Dictionary<string, string> Dated = new()
    {
        ["gpt-4o"] = "gpt-4o-2024-08-06",
        ["gpt-4o-mini"] = "gpt-4o-mini-2024-07-18",
        ["gpt-4.1"] = "gpt-4.1-2025-04-14",
        ["gpt-4.1-mini"] = "gpt-4.1-mini-2025-04-14",
        ["gpt-4.1-nano"] = "gpt-4.1-nano-2025-04-14",
        ["gpt-5"] = "gpt-5-2025-08-07",
        ["gpt-5-mini"] = "gpt-5-mini-2025-08-07",
        ["gpt-5-nano"] = "gpt-5-nano-2025-08-07",
        ["o3"] = "o3-2025-04-16",
        ["o4-mini"] = "o4-mini-2025-04-16",
    };

    static readonly string[] Listed =
    [
        .. Dated.Keys, .. Dated.Values, "text-embedding-3-small", "text-embedding-3-large", "whisper-1",
        "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-image-1", "dall-e-3", "sandbox",
    ];

    /// <summary>The name in the answer. Names with behaviours are given back as they came.</summary>
    public static string Answering(string model) => Dated.GetValueOrDefault(model, model);

    public static async Task List(AiCall call)
    {
        var json = call.BeginJson();
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        foreach (var model in Listed) Write(json, model);
        json.WriteEndArray();
        json.WriteEndObject();
        await call.EndJson(json);
    }

    public static async Task Retrieve(AiCall call)
    {
        // Some names have a slash in them, which the route leaves escaped.
        var model = Uri.UnescapeDataString((string)call.Http.Request.RouteValues["model"]!);
        if (!await call.Begin(model, streamed: false)) return;
        var json = call.BeginJson();
        Write(json, model);
        await call.EndJson(json);
    }

    static void Write(System.Text.Json.Utf8JsonWriter json, string model)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, model);
        json.WriteString("object"u8, "model"u8);
        json.WriteNumber("created"u8, Created);
        json.WriteString("owned_by"u8, "system"u8);
        json.WriteEndObject();
    }
}
