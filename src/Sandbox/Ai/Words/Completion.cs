using System.Text.Json;
using Purser.Sandbox.Ai.Steering;

namespace Purser.Sandbox.Ai.Words;

enum Finish
{
    Stop,
    StopSequence,
    Length,
    ToolUse,
}

/// <summary>A tool that the model may or must call, with the schema of its arguments.</summary>
sealed record Tool(string Name, JsonElement Schema);

/// <summary>What decides the answer to a prompt.</summary>
sealed record Ask
{
    public required Behaviour Behaviour { get; init; }

    /// <summary>The text of the last thing said by the user.</summary>
    public required byte[] Prompt { get; init; }

    /// <summary>The most tokens that may be produced, thoughts included.</summary>
    public int? Limit { get; init; }

    public int Reasoning { get; init; }
    public IReadOnlyList<byte[]> Stops { get; init; } = [];
    public Tool? Tool { get; init; }

    /// <summary>Of a structured answer. An undefined element asks for any JSON object.</summary>
    public JsonElement? Schema { get; init; }
}

/// <summary>What a model says to one ask: thoughts, then either a text or the call of a tool.</summary>
sealed record Completion(long Reasoning, byte[] Text, Finish Finish)
{
    const int UsualTokens = 20;

    public Tool? Tool { get; init; }

    /// <summary>The stop sequence that was met.</summary>
    public byte[]? Stop { get; init; }

    public long NameTokens => Tool is null ? 0 : Tokens.OfLength(System.Text.Encoding.UTF8.GetByteCount(Tool.Name));

    public long Count => Reasoning + NameTokens + Tokens.OfLength(Text.Length);

    /// <summary>How many chunks the text makes.</summary>
    public long Chunks(int? wanted) => Math.Min(wanted ?? long.MaxValue, Tokens.OfLength(Text.Length));

    /// <summary>For a tool, <see cref="Text"/> is the JSON of its arguments.</summary>
    public static Completion Of(Ask ask, int choice)
    {
        var limit = ask.Limit ?? long.MaxValue;
        var reasoning = Math.Min(ask.Reasoning, limit);
        limit -= reasoning;
        if (ask.Tool is { } tool)
        {
            var call = new Completion(reasoning, SchemaSample.Of(tool.Schema), Finish.ToolUse) { Tool = tool };
            return call.NameTokens > limit ? new(reasoning, [], Finish.Length) : call.Within(limit - call.NameTokens);
        }
        var said = new Completion(reasoning, Say(ask, choice, limit), Finish.Stop);
        return said.UpTo(ask.Stops).Within(limit);
    }

    static byte[] Say(Ask ask, int choice, long limit)
    {
        if (ask.Schema is { ValueKind: JsonValueKind.Undefined }) return [.. "{\"answer\":\"sea\"}"u8];
        if (ask.Schema is { } schema) return SchemaSample.Of(schema);
        if (ask.Behaviour.Echo) return ask.Prompt;
        // One token more than the limit is enough to see that it was reached.
        var tokens = Math.Min(ask.Behaviour.Tokens ?? UsualTokens, limit == long.MaxValue ? limit : limit + 1);
        return Prose.Of(tokens, unchecked(Prose.SeedOf(ask.Prompt) + (uint)choice));
    }

    Completion UpTo(IReadOnlyList<byte[]> stops)
    {
        var (at, met) = (Text.Length, (byte[]?)null);
        foreach (var stop in stops)
        {
            var found = Text.AsSpan(0, at).IndexOf(stop);
            if (stop.Length > 0 && found >= 0) (at, met) = (found, stop);
        }
        return met is null ? this : this with { Text = Text[..at], Finish = Finish.StopSequence, Stop = met };
    }

    Completion Within(long limit) => Tokens.OfLength(Text.Length) <= limit ? this
        : this with { Text = Tokens.Limit(Text, limit), Finish = Finish.Length, Stop = null };
}
