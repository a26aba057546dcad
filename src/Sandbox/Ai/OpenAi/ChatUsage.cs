using System.Text.Json;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>The usage of a chat completion, in the accent of its family.</summary>
static class ChatUsage
{
    public static void Write(Utf8JsonWriter json, AiCall call, Family family) =>
        call.WriteUsage(json, (writer, usage) => WriteMembers(writer, usage, family));

    public static void WriteMembers(Utf8JsonWriter json, Usage usage, Family family)
    {
        // Google and xAI count thoughts in the total only.
        var apart = family is Family.Google or Family.Xai;
        json.WriteNumber("prompt_tokens"u8, usage.Input);
        json.WriteNumber("completion_tokens"u8, apart ? usage.Output - usage.Reasoning : usage.Output);
        json.WriteNumber("total_tokens"u8, usage.Input + usage.Output);
        if (family == Family.Google) return;
        if (family == Family.DeepSeek)
        {
            json.WriteNumber("prompt_cache_hit_tokens"u8, usage.Cached);
            json.WriteNumber("prompt_cache_miss_tokens"u8, usage.Input - usage.Cached);
        }
        if (family == Family.Groq)
        {
            json.WriteNumber("queue_time"u8, 0.01m);
            json.WriteNumber("prompt_time"u8, 0.002m);
            json.WriteNumber("completion_time"u8, 0.03m);
            json.WriteNumber("total_time"u8, 0.032m);
        }
        WriteDetails(json, usage, family);
    }

    static void WriteDetails(Utf8JsonWriter json, Usage usage, Family family)
    {
        json.WriteStartObject("prompt_tokens_details"u8);
        json.WriteNumber("cached_tokens"u8, usage.Cached);
        if (family is Family.OpenAi or Family.Xai) json.WriteNumber("audio_tokens"u8, usage.AudioInput);
        if (family == Family.OpenAi) json.WriteNumber("cache_write_tokens"u8, usage.CacheWrite);
        if (usage.ImageInput > 0) json.WriteNumber("image_tokens"u8, usage.ImageInput);
        json.WriteEndObject();
        json.WriteStartObject("completion_tokens_details"u8);
        json.WriteNumber("reasoning_tokens"u8, usage.Reasoning);
        if (family is Family.OpenAi or Family.Xai)
        {
            json.WriteNumber("audio_tokens"u8, usage.AudioOutput);
            json.WriteNumber("accepted_prediction_tokens"u8, 0);
            json.WriteNumber("rejected_prediction_tokens"u8, 0);
        }
        json.WriteEndObject();
    }
}
