using System.Runtime.InteropServices;
using System.Text.Json;

namespace Purser.Sandbox.Ai.Words;

/// <summary>
/// The sandbox's rule for counting, simple enough to be worked out by hand: a token is four bytes of UTF-8, begun ones
/// count, each text by itself. docs/sandbox.md states it for readers.
/// </summary>
static class Tokens
{
    public const int Bytes = 4;
    public const int PerMessage = 3;
    public const int PerRequest = 3;
    public const int PerImage = 765;
    public const int PerSmallImage = 85;
    public const int PerSecondOfSound = 10;

    /// <summary>What a search of the web has found becomes a part of the prompt.</summary>
    public const int PerSearch = 100;

    public static long OfLength(long bytes) => (bytes + Bytes - 1) / Bytes;

    /// <summary>Of a string its text, of anything else its JSON as it was sent.</summary>
    public static long Of(JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) return 0;
        var raw = JsonMarshal.GetRawUtf8Value(value);
        return OfLength(value.ValueKind == JsonValueKind.String ? LengthUnescaped(raw[1..^1]) : raw.Length);
    }

    /// <summary>The length of a JSON string once decoded, without decoding it: prompts are long.</summary>
    static long LengthUnescaped(ReadOnlySpan<byte> raw)
    {
        long length = 0;
        while (raw.IndexOf((byte)'\\') is >= 0 and var at)
        {
            length += at;
            if (raw[at + 1] != 'u')
            {
                length++;
                raw = raw[(at + 2)..];
                continue;
            }
            var unit = Convert.ToInt32(System.Text.Encoding.ASCII.GetString(raw.Slice(at + 2, 4)), 16);
            // Each half of a surrogate pair is two of the four bytes of its character.
            length += unit < 0x80 ? 1 : unit < 0x800 || char.IsSurrogate((char)unit) ? 2 : 3;
            raw = raw[(at + 6)..];
        }
        return length + raw.Length;
    }

    /// <summary>
    /// Where the piece ends that begins at <paramref name="from"/>: after one token, or so that the whole text makes
    /// that many pieces. Characters stay whole, so a piece may end late.
    /// </summary>
    public static int EndOfPiece(ReadOnlySpan<byte> text, int from, int? pieces)
    {
        var next = OfLength(from) + 1;
        if (pieces is { } wanted)
        {
            var all = OfLength(text.Length);
            var count = Math.Min(wanted, all);
            var index = ((OfLength(from) * count) + all - 1) / all;
            next = all * (index + 1) / count;
        }
        var end = (int)Math.Min(next * Bytes, text.Length);
        while (end < text.Length && (text[end] & 0xC0) == 0x80) end++;
        return end;
    }

    /// <summary>The longest beginning of a text that is no more than that many tokens.</summary>
    public static byte[] Limit(byte[] text, long tokens)
    {
        if (OfLength(text.Length) <= tokens) return text;
        var end = (int)(tokens * Bytes);
        while (end > 0 && (text[end] & 0xC0) == 0x80) end--;
        return text[..end];
    }
}
