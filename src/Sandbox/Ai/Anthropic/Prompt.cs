using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.Anthropic;

/// <summary>
/// Counts a prompt in the order in which Anthropic caches it: tools, system, messages. Where something is to be cached,
/// it also notes what each block completes.
/// </summary>
sealed class Prompt : IDisposable
{
    readonly Usage usage;
    readonly IncrementalHash? hash;

    Prompt(Usage usage, bool cached)
    {
        this.usage = usage;
        if (cached) hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    }

    public List<Boundary> Boundaries { get; } = [];

    public static Prompt Count(JsonElement body, AiCall call)
    {
        var prompt = new Prompt(call.Usage, cached: call.Body.AsSpan().IndexOf("\"cache_control\""u8) >= 0);
        prompt.hash?.AppendData(Encoding.UTF8.GetBytes(call.BareModel));
        prompt.usage.Input = Tokens.PerRequest;
        foreach (var tool in body.Items("tools"))
        {
            prompt.usage.Input += Tokens.Of(tool);
            prompt.Note(tool);
        }
        if (body.Member("output_config")?.Member("format") is { } format) prompt.usage.Input += Tokens.Of(format);
        if (body.Member("system") is { } system) prompt.AddContent("system"u8, system);
        foreach (var message in body.Items("messages"))
        {
            var role = message.Text("role") == "assistant" ? "assistant"u8 : "user"u8;
            prompt.AddContent(role, message.Member("content") ?? default);
        }
        prompt.MarkLast(CacheMarks.Of(body));
        return prompt;
    }

    void AddContent(ReadOnlySpan<byte> role, JsonElement content)
    {
        hash?.AppendData(role);
        usage.Input += Tokens.PerMessage;
        if (content.ValueKind != JsonValueKind.Array)
        {
            usage.Input += Tokens.Of(content);
            Note(content);
            return;
        }
        foreach (var block in content.EnumerateArray())
        {
            Contents.CountPart(block, usage);
            Note(block);
        }
    }

    void Note(JsonElement block)
    {
        if (hash is null) return;
        if (block.ValueKind == JsonValueKind.Object)
        {
            // A mark moves along with a conversation, and must not make another text of what it stood on.
            foreach (var member in block.EnumerateObject().Where(member => member.Name != "cache_control"))
            {
                hash.AppendData(Encoding.UTF8.GetBytes(member.Name));
                hash.AppendData(JsonMarshal.GetRawUtf8Value(member.Value));
            }
        }
        else if (block.ValueKind == JsonValueKind.String)
        {
            // A string is short for one block of text, and counts as the same.
            hash.AppendData("type\"text\"text"u8);
            hash.AppendData(JsonMarshal.GetRawUtf8Value(block));
        }
        var prefix = BinaryPrimitives.ReadUInt128LittleEndian(hash.GetCurrentHash());
        Boundaries.Add(new(prefix, usage.Input, CacheMarks.Of(block)));
    }

    /// <summary>A mark of the whole request stands for one on its last block.</summary>
    void MarkLast(TimeSpan? lifetime)
    {
        if (lifetime is not null && Boundaries.Count > 0) Boundaries[^1] = Boundaries[^1] with { Lifetime = lifetime };
    }

    public void Dispose() => hash?.Dispose();
}
