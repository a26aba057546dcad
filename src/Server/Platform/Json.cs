using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Core;

namespace Purser.Server.Platform;

/// <summary>How JSON is read: nothing is guessed, nothing unknown is passed over.</summary>
static class Json
{
    const int DeepestNesting = 16;

    public static void Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.AllowDuplicateProperties = false;
        options.PropertyNameCaseInsensitive = false;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.MaxDepth = DeepestNesting;
        // The answers are JSON and nothing else, so an apostrophe may stay one.
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.Converters.Add(new CreditsConverter());
        options.Converters.Add(new TextConverter());
        options.Converters.Add(new InstantConverter());
        options.TypeInfoResolverChain.Insert(0, PlatformJson.Default);
    }
}

/// <summary>What is wrong with a value, in words for whoever sent it; .NET throws its plain kind with words of its own.</summary>
sealed class WordedException(string message) : FormatException(message);

/// <summary>Credits are numbers with at most six decimals; a string is read too, for clients whose numbers are floats.</summary>
sealed class CreditsConverter : JsonConverter<Credits>
{
    public override Credits Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        var text = reader.TokenType switch
        {
            // A long body arrives in pieces, and a number may stand astride two of them.
            JsonTokenType.Number => Encoding.ASCII.GetString(
                reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan),
            JsonTokenType.String => reader.GetString()!,
            _ => throw Wrong(),
        };
        return Credits.TryParse(text, out var credits) ? credits : throw Wrong();
    }

    public override void Write(Utf8JsonWriter writer, Credits value, JsonSerializerOptions options)
    {
        if (value.Micros % 1_000_000 == 0) writer.WriteNumberValue(value.Micros / 1_000_000);
        else writer.WriteRawValue(value.ToString(), skipInputValidation: true);
    }

    static JsonException Wrong() => new(null, new WordedException(
        "An amount of credits is a number with at most six decimals, between -1000000000000 and 1000000000000."));
}

/// <summary>PostgreSQL cannot store U+0000, and nobody means it.</summary>
sealed class TextConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String) throw new JsonException(null, new WordedException("This must be a string."));

        var text = reader.GetString()!;
        return text.Contains('\0', StringComparison.Ordinal)
            ? throw new JsonException(null, new WordedException("A text may not contain U+0000."))
            : text;
    }

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetString()!;

    public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WritePropertyName(value);

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value);
}

/// <summary>RFC 3339 in UTC. What comes in must name its zone, and is kept to the microsecond.</summary>
sealed class InstantConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String || !TryParse(reader.GetString()!, out var instant))
            throw new JsonException(null, new WordedException("A time is written as in RFC 3339: 2026-11-20T12:00:00Z."));

        return instant.ToMicroseconds();
    }

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture));

    static bool TryParse(string text, out DateTimeOffset instant) => DateTimeOffset.TryParseExact(
        text,
        ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"],
        CultureInfo.InvariantCulture,
        DateTimeStyles.None,
        out instant) && (text.EndsWith('Z') || text[^6] is '+' or '-');
}

static class Instants
{
    /// <summary>PostgreSQL keeps microseconds; what we compare and hash must not be finer.</summary>
    public static DateTimeOffset ToMicroseconds(this DateTimeOffset at) =>
        new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    /// <summary>The one time that a request or a job sees.</summary>
    public static DateTimeOffset Now(this TimeProvider time) => time.GetUtcNow().ToMicroseconds();
}

/// <summary>Members of enums as they stand on the wire.</summary>
static class Names
{
    public static string Of<T>(T value) where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public static T? Parse<T>(string? name) where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
            if (Of(value) == name) return value;

        return null;
    }
}

/// <summary>A page of a list.</summary>
sealed record Page<T>(IReadOnlyList<T> Data, bool HasMore);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(CreditsConverter)])]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(HealthAnswer))]
sealed partial class PlatformJson : JsonSerializerContext;
