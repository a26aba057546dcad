using System.Buffers.Binary;
using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>POST /embeddings: the same text always gets the same direction, of length one.</summary>
static class Embeddings
{
    const int InputsMax = 2048;
    const int DimensionsMax = 3072;

    public static async Task Create(AiCall call)
    {
        using var body = JsonDocument.Parse(call.Body);
        var root = body.RootElement;
        if (!await call.Begin(OpenAiDialect.ModelOf(root), streamed: false)) return;
        var inputs = Inputs(root);
        foreach (var input in inputs) call.Usage.Input += Count(input);
        var dimensions = root.Whole("dimensions") ?? Dimensions(call.BareModel);
        if (dimensions is < 1 or > DimensionsMax)
        {
            throw OpenAiDialect.Invalid("dimensions", "invalid_value",
                $"Invalid value for 'dimensions' = {dimensions}. Must be between 1 and {DimensionsMax}.");
        }
        if (!await call.Produce(1)) return;

        var json = call.BeginJson();
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        var format = root.Text("encoding_format");
        for (var i = 0; i < inputs.Length; i++) Write(json, i, Vector(inputs[i], dimensions), format);
        json.WriteEndArray();
        json.WriteString("model"u8, Models.Answering(call.Model));
        call.WriteUsage(json, (writer, usage) =>
        {
            writer.WriteNumber("prompt_tokens"u8, usage.Input);
            writer.WriteNumber("total_tokens"u8, usage.Input);
        });
        json.WriteEndObject();
        await call.EndJson(json);
    }

    /// <summary>One text, several, or either as numbers of tokens.</summary>
    static JsonElement[] Inputs(JsonElement body)
    {
        var input = body.Member("input") ?? throw OpenAiDialect.Missing("input");
        if (input.ValueKind == JsonValueKind.String) return [input];
        JsonElement[] all = input.ValueKind == JsonValueKind.Array ? [.. input.EnumerateArray()] : [];
        if (all.Length is 0 or > InputsMax)
        {
            throw OpenAiDialect.Invalid("input", "invalid_input",
                $"'input' must be a string or an array of 1 to {InputsMax} items");
        }
        return all[0].ValueKind == JsonValueKind.Number ? [input] : all;
    }

    static long Count(JsonElement input) =>
        input.ValueKind == JsonValueKind.Array ? input.GetArrayLength() : Tokens.Of(input);

    static int Dimensions(string model) =>
        model.Contains("large", StringComparison.Ordinal) || model.StartsWith("gemini", StringComparison.Ordinal) ? 3072
            : model.StartsWith("mistral", StringComparison.Ordinal) ? 1024 : 1536;

    static float[] Vector(JsonElement input, int dimensions)
    {
        var text = System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(input);
        var state = (ulong)Prose.SeedOf(text) + (ulong)text.Length;
        var vector = new float[dimensions];
        var square = 0.0;
        for (var i = 0; i < dimensions; i++)
        {
            // Knuth's linear congruential generator: nothing needs to be random here, only different.
            state = unchecked((state * 6364136223846793005) + 1442695040888963407);
            vector[i] = ((state >> 40) / (float)(1 << 23)) - 1;
            square += vector[i] * vector[i];
        }
        var length = (float)Math.Sqrt(square);
        for (var i = 0; i < dimensions; i++) vector[i] /= length;
        return vector;
    }

    static void Write(Utf8JsonWriter json, int index, float[] vector, string? format)
    {
        json.WriteStartObject();
        json.WriteString("object"u8, "embedding"u8);
        json.WriteNumber("index"u8, index);
        if (format == "base64")
        {
            var bytes = new byte[vector.Length * sizeof(float)];
            for (var i = 0; i < vector.Length; i++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), vector[i]);
            }
            json.WriteBase64String("embedding"u8, bytes);
        }
        else
        {
            json.WriteStartArray("embedding"u8);
            foreach (var value in vector) json.WriteNumberValue(value);
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }
}
