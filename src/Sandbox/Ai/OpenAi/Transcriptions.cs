using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>What a transcription is asked for.</summary>
sealed record TranscriptionRequest(byte[] File, Dictionary<string, string> Fields)
{
    public string Format => Fields.GetValueOrDefault("response_format", "json");

    public bool Words => Fields.GetValueOrDefault("timestamp_granularities[]") == "word";
}

/// <summary>
/// POST /audio/transcriptions: two words for each second begun. Whisper counts seconds, the GPT models count tokens,
/// and Groq's Whisper tells nothing.
/// </summary>
static class Transcriptions
{
    const int WordsPerSecond = 2;

    public static async Task Create(AiCall call)
    {
        var request = await Read(call);
        if (request.Fields.GetValueOrDefault("model") is not { Length: > 0 } model)
        {
            throw new AiError(400, "invalid_request_error", "you must provide a model parameter");
        }
        var whisper = model.Contains("whisper", StringComparison.Ordinal);
        // Whisper cannot stream, and is not offended when asked to.
        var streamed = request.Fields.GetValueOrDefault("stream") == "true" && !whisper;
        if (!await call.Begin(model, streamed)) return;
        if (request.File.Length == 0) throw OpenAiDialect.Missing("file");
        RefuseFormat(request.Format, whisper, call.BareModel);

        var seconds = Sound.SecondsOf(request.File);
        var words = call.Behaviour.Tokens ?? ((long)decimal.Ceiling(seconds) * WordsPerSecond);
        var text = Prose.Of(words, Prose.SeedOf(request.File));
        call.Usage.Seconds = seconds;
        if (!whisper)
        {
            call.Usage.AudioInput = Sound.Tokens(seconds);
            call.Usage.Input = call.Usage.AudioInput + PromptTokens(request);
        }
        if (streamed) await Stream(call, text);
        else await Whole(call, request, text, whisper);
    }

    static async Task<TranscriptionRequest> Read(AiCall call)
    {
        var (file, fields) = (Array.Empty<byte>(), new Dictionary<string, string>());
        if (!MediaTypeHeaderValue.TryParse(call.Http.Request.ContentType, out var type)
            || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { Length: > 0 } boundary)
        {
            throw new AiError(400, "invalid_request_error", "Could not parse multipart form");
        }
        var reader = new MultipartReader(boundary, new MemoryStream(call.Body));
        while (await reader.ReadNextSectionAsync(call.Left) is { } section)
        {
            if (section.GetContentDispositionHeader() is not { } disposition) continue;
            using var content = new MemoryStream();
            await section.Body.CopyToAsync(content, call.Left);
            var name = HeaderUtilities.RemoveQuotes(disposition.Name).ToString();
            if (name == "file") file = content.ToArray();
            else fields[name] = Encoding.UTF8.GetString(content.ToArray());
        }
        return new(file, fields);
    }

    static void RefuseFormat(string format, bool whisper, string model)
    {
        if (format is "json" or "text" || (whisper && format is "verbose_json" or "srt" or "vtt")) return;
        throw OpenAiDialect.Invalid("response_format", "unsupported_value",
            $"response_format '{format}' is not compatible with model '{model}'. Use 'json' or 'text' instead.");
    }

    static long PromptTokens(TranscriptionRequest request) =>
        Tokens.OfLength(Encoding.UTF8.GetByteCount(request.Fields.GetValueOrDefault("prompt", "")));

    static async Task Whole(AiCall call, TranscriptionRequest request, byte[] text, bool whisper)
    {
        if (!whisper) call.Usage.Output = Tokens.OfLength(text.Length);
        if (!await call.Produce(Tokens.OfLength(text.Length))) return;
        var transcript = new Transcript(Encoding.UTF8.GetString(text), call.Usage.Seconds);
        switch (request.Format)
        {
            case "text":
                await call.SendText(transcript.Text + "\n");
                return;
            case "srt":
                await call.SendText(transcript.Srt());
                return;
            case "vtt":
                await call.SendText(transcript.Vtt());
                return;
        }
        var json = call.BeginJson();
        json.WriteStartObject();
        if (request.Format == "verbose_json") transcript.Write(json, request.Words);
        json.WriteString("text"u8, text);
        if (Families.Of(call.BareModel) == Family.Groq)
        {
            json.WriteStartObject("x_groq"u8);
            json.WriteString("id"u8, call.RequestId);
            json.WriteEndObject();
        }
        else
        {
            call.WriteUsage(json, whisper ? WriteDuration : WriteTokens);
        }
        json.WriteEndObject();
        await call.EndJson(json);
    }

    static async Task Stream(AiCall call, byte[] text)
    {
        await using var stream = new EventStream(call, s => WriteError(s, call));
        for (var from = 0; from < text.Length;)
        {
            var end = Tokens.EndOfPiece(text, from, call.Behaviour.Chunks);
            if (!await stream.Next(Tokens.OfLength(end) - Tokens.OfLength(from))) return;
            var json = stream.BeginTyped("transcript.text.delta"u8);
            json.WriteString("delta"u8, text.AsSpan(from, end - from));
            stream.End();
            if (!await stream.Send()) return;
            from = end;
        }
        var done = stream.BeginTyped("transcript.text.done"u8);
        done.WriteString("text"u8, text);
        call.WriteUsage(done, WriteTokens);
        stream.End();
        stream.Done();
        await stream.Finish();
    }

    static void WriteError(EventStream stream, AiCall call)
    {
        var json = stream.Begin();
        OpenAiDialect.WriteMember(json, call.Steered("500"));
        stream.End();
    }

    static void WriteDuration(Utf8JsonWriter json, Usage usage)
    {
        json.WriteString("type"u8, "duration"u8);
        json.WriteNumber("seconds"u8, decimal.Ceiling(usage.Seconds));
    }

    static void WriteTokens(Utf8JsonWriter json, Usage usage)
    {
        json.WriteString("type"u8, "tokens"u8);
        json.WriteNumber("total_tokens"u8, usage.Input + usage.Output);
        json.WriteNumber("input_tokens"u8, usage.Input);
        json.WriteStartObject("input_token_details"u8);
        json.WriteNumber("text_tokens"u8, usage.Input - usage.AudioInput);
        json.WriteNumber("audio_tokens"u8, usage.AudioInput);
        json.WriteEndObject();
        json.WriteNumber("output_tokens"u8, usage.Output);
    }
}
