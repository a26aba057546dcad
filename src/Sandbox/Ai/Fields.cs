using System.Runtime.InteropServices;
using System.Text.Json;

namespace Purser.Sandbox.Ai;

/// <summary>
/// Reading of members that may be missing, null or of another kind, which are all the same to a stand-in.
/// </summary>
static class Fields
{
    public static JsonElement? Member(this JsonElement o, string name) =>
        o.ValueKind == JsonValueKind.Object && o.TryGetProperty(name, out var value)
            && value.ValueKind != JsonValueKind.Null ? value : null;

    public static string? Text(this JsonElement o, string name) =>
        o.Member(name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    public static int? Whole(this JsonElement o, string name) =>
        o.Member(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var whole) ? whole
            : null;

    public static bool Flag(this JsonElement o, string name) =>
        o.Member(name) is { ValueKind: JsonValueKind.True };

    /// <summary>Said to be false, which is not the same as not said.</summary>
    public static bool Denied(this JsonElement o, string name) =>
        o.Member(name) is { ValueKind: JsonValueKind.False };

    public static JsonElement[] Items(this JsonElement o, string name) =>
        o.Member(name) is { ValueKind: JsonValueKind.Array } array ? [.. array.EnumerateArray()] : [];

    /// <summary>The text of a string as UTF-8, without a detour over UTF-16 where nothing is escaped.</summary>
    public static byte[] Utf8(this JsonElement text)
    {
        var raw = JsonMarshal.GetRawUtf8Value(text)[1..^1];
        return raw.Contains((byte)'\\') ? System.Text.Encoding.UTF8.GetBytes(text.GetString()!) : raw.ToArray();
    }
}
