using System.Text.Json;

namespace Purser.Sandbox.Ai.Words;

/// <summary>
/// Counts what messages contain. The names of the parts differ between the APIs but never contradict each other, so one
/// reading serves all.
/// </summary>
static class Contents
{
    /// <summary>A string, or an array of parts.</summary>
    public static void Count(JsonElement content, Usage usage)
    {
        if (content.ValueKind != JsonValueKind.Array)
        {
            usage.Input += Tokens.Of(content);
            return;
        }
        foreach (var part in content.EnumerateArray()) CountPart(part, usage);
    }

    public static void CountPart(JsonElement part, Usage usage)
    {
        switch (part.Text("type"))
        {
            case "text" or "input_text" or "output_text":
                usage.Input += Tokens.Of(part.Member("text") ?? default);
                break;
            case "refusal":
                usage.Input += Tokens.Of(part.Member("refusal") ?? default);
                break;
            case "thinking":
                usage.Input += Tokens.Of(part.Member("thinking") ?? default);
                break;
            case "image_url" or "input_image" or "image":
                var detail = part.Text("detail") ?? part.Member("image_url")?.Text("detail");
                var image = detail == "low" ? Tokens.PerSmallImage : Tokens.PerImage;
                usage.ImageInput += image;
                usage.Input += image;
                break;
            case "input_audio":
                var sound = Sound.Tokens(Sound.SecondsOf(Base64(part.Member("input_audio")?.Text("data"))));
                usage.AudioInput += sound;
                usage.Input += sound;
                break;
            case "tool_use":
                usage.Input += Tokens.Of(part.Member("name") ?? default) + Tokens.Of(part.Member("input") ?? default);
                break;
            case "tool_result":
                Count(part.Member("content") ?? default, usage);
                break;
            default:
                usage.Input += Tokens.Of(part);
                break;
        }
    }

    /// <summary>The text of a message, its last part where it has several: what the echo repeats.</summary>
    public static byte[] LastText(JsonElement content)
    {
        if (content.ValueKind == JsonValueKind.String) return content.Utf8();
        if (content.ValueKind != JsonValueKind.Array) return [];
        byte[] last = [];
        foreach (var part in content.EnumerateArray())
        {
            if (part.Member("text") is { ValueKind: JsonValueKind.String } text) last = text.Utf8();
        }
        return last;
    }

    static byte[] Base64(string? data)
    {
        var bytes = new byte[data?.Length ?? 0];
        return Convert.TryFromBase64String(data ?? "", bytes, out var length) ? bytes[..length] : [];
    }
}
