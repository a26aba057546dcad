using System.Text.Json;

namespace Purser.Sandbox.Ai.Words;

/// <summary>
/// The smallest plain value that satisfies a JSON schema, for structured answers and arguments of tools.
/// </summary>
static class SchemaSample
{
    // A schema may refer to itself; deeper than this nothing required is expected any more.
    const int DepthMax = 16;

    public static byte[] Of(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object) return [.. "{}"u8];
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new() { SkipValidation = true })) Write(json, schema, schema, 0);
        return buffer.ToArray();
    }

    static void Write(Utf8JsonWriter json, JsonElement schema, JsonElement root, int depth)
    {
        if (schema.ValueKind != JsonValueKind.Object || depth > DepthMax)
        {
            json.WriteNullValue();
            return;
        }
        if (schema.Text("$ref") is { } reference) Write(json, Resolve(root, reference), root, depth + 1);
        else if (schema.Member("const") is { } constant) constant.WriteTo(json);
        else if (schema.Items("enum") is [var first, ..]) first.WriteTo(json);
        else if (schema.Items("anyOf") is [var any, ..]) Write(json, any, root, depth + 1);
        else if (schema.Items("oneOf") is [var one, ..]) Write(json, one, root, depth + 1);
        else WriteKind(json, schema, root, depth);
    }

    static void WriteKind(Utf8JsonWriter json, JsonElement schema, JsonElement root, int depth)
    {
        switch (KindOf(schema))
        {
            case "object":
                WriteObject(json, schema, root, depth);
                break;
            case "array":
                json.WriteStartArray();
                var count = Math.Max(1, schema.Whole("minItems") ?? 1);
                for (var i = 0; i < count; i++) Write(json, schema.Member("items") ?? default, root, depth + 1);
                json.WriteEndArray();
                break;
            case "string":
                json.WriteStringValue("sea");
                break;
            case "integer" or "number":
                json.WriteNumberValue(schema.Whole("minimum") ?? 1);
                break;
            case "boolean":
                json.WriteBooleanValue(true);
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }

    static void WriteObject(Utf8JsonWriter json, JsonElement schema, JsonElement root, int depth)
    {
        json.WriteStartObject();
        if (schema.Member("properties") is { ValueKind: JsonValueKind.Object } properties)
        {
            foreach (var property in properties.EnumerateObject())
            {
                json.WritePropertyName(property.Name);
                Write(json, property.Value, root, depth + 1);
            }
        }
        json.WriteEndObject();
    }

    static string? KindOf(JsonElement schema) =>
        schema.Items("type") is [var first, ..] ? first.GetString()
            : schema.Text("type") ?? (schema.Member("properties") is null ? null : "object");

    static JsonElement Resolve(JsonElement root, string reference)
    {
        var found = root;
        foreach (var step in reference.Split('/').Skip(1))
        {
            if (found.Member(step) is not { } next) return default;
            found = next;
        }
        return found;
    }
}
