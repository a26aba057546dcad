using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;

namespace Purser.Core.Identity;

/// <summary>JSON and base64url as tokens use them: read strictly, so that nothing has two readings.</summary>
static class Json
{
    static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    static readonly SearchValues<char> Base64UrlCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    public static JsonElement? TryParse(ReadOnlyMemory<byte> json)
    {
        try
        {
            RequireText(json.Span);
            using var document = JsonDocument.Parse(json, Strict);
            return document.RootElement.Clone();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    // The reader notices what is no text, such as half a character, only where it is asked for; whoever asks counts on getting it.
    static void RequireText(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Strict.MaxDepth });
        while (reader.Read())
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName) reader.GetString();
    }

    public static string? Text(this JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static byte[]? Bytes(this JsonElement json, string name) => json.Text(name) is { } text ? TryDecode(text) : null;

    /// <summary>Without padding and white space, which the decoder alone would pass over.</summary>
    public static byte[]? TryDecode(ReadOnlySpan<char> text)
    {
        if (text.ContainsAnyExcept(Base64UrlCharacters)) return null;

        var decoded = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        return Base64Url.DecodeFromChars(text, decoded, out _, out var written) == OperationStatus.Done ? decoded[..written] : null;
    }
}
