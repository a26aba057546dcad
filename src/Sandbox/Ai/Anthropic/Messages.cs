using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.Anthropic;

/// <summary>POST /messages and what counts a message without answering it.</summary>
static class Messages
{
    public static async Task Create(AiCall call)
    {
        using var body = JsonDocument.Parse(call.Body);
        var root = body.RootElement;
        if (!await call.Begin(MessageRequest.ModelOf(root), root.Flag("stream"))) return;
        var request = MessageRequest.Read(root, call);
        CountInput(root, call);
        call.ServiceTier = call.Behaviour.ServiceTier ?? "standard";
        var answer = Completion.Of(request.Ask, choice: 0);
        var message = new MessageObject(call, request, answer);
        if (call.Streamed) await new MessageStream(call, request, message).Tell(answer);
        else await Whole(call, request, message, answer);
    }

    public static async Task CountTokens(AiCall call)
    {
        using var body = JsonDocument.Parse(call.Body);
        var root = body.RootElement;
        if (!await call.Begin(MessageRequest.ModelOf(root), streamed: false)) return;
        _ = MessageRequest.Messages(root);
        using var prompt = Prompt.Count(root, call);
        var json = call.BeginJson();
        json.WriteStartObject();
        json.WriteNumber("input_tokens"u8, call.Usage.Input);
        json.WriteEndObject();
        await call.EndJson(json);
    }

    static void CountInput(JsonElement body, AiCall call)
    {
        using var prompt = Prompt.Count(body, call);
        var (usage, behaviour) = (call.Usage, call.Behaviour);
        CacheMarks.Check(prompt.Boundaries);
        (usage.Cached, usage.CacheWrite, usage.CacheWriteHour) = call.Account.Cache.Use(prompt.Boundaries, call.At);
        if (behaviour.Cached is null && behaviour.CacheWrite is null && behaviour.CacheWriteHour is null) return;
        usage.Cached = behaviour.Cached ?? 0;
        usage.CacheWrite = behaviour.CacheWrite ?? 0;
        usage.CacheWriteHour = behaviour.CacheWriteHour ?? 0;
        // More of them than the prompt has makes a longer prompt: here cached tokens are no part of the plain ones.
        usage.Input = Math.Max(usage.Input, usage.Cached + usage.CacheWrite + usage.CacheWriteHour);
    }

    static async Task Whole(AiCall call, MessageRequest request, MessageObject message, Completion answer)
    {
        call.Usage.Reasoning = answer.Reasoning;
        call.Usage.Output = answer.Count;
        call.Usage.WebSearches = request.WebSearches;
        call.Usage.Input += request.WebSearches * Tokens.PerSearch;
        if (!await call.Produce(answer.Chunks(call.Behaviour.Chunks))) return;
        var json = call.BeginJson();
        message.Write(json, ended: true);
        await call.EndJson(json);
    }
}
