namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>Whose model it is: they all speak OpenAI's language, each with an accent of its own.</summary>
enum Family
{
    OpenAi,
    Google,
    Mistral,
    DeepSeek,
    Xai,
    Groq,
}

static class Families
{
    // The first that fits counts, so that Groq's open models of OpenAI come before OpenAI's own.
    static readonly (string Prefix, Family Family)[] Prefixes =
    [
        ("openai/", Family.Groq), ("llama", Family.Groq), ("meta-llama/", Family.Groq), ("moonshotai/", Family.Groq),
        ("qwen", Family.Groq), ("groq/", Family.Groq), ("whisper-large", Family.Groq),
        ("distil-whisper", Family.Groq),
        ("gpt-", Family.OpenAi), ("o1", Family.OpenAi), ("o3", Family.OpenAi), ("o4", Family.OpenAi),
        ("chatgpt-", Family.OpenAi), ("text-embedding-", Family.OpenAi), ("whisper-1", Family.OpenAi),
        ("dall-e-", Family.OpenAi), ("sandbox", Family.OpenAi),
        ("gemini-", Family.Google), ("gemma", Family.Google), ("imagen", Family.Google),
        ("mistral-", Family.Mistral), ("ministral-", Family.Mistral), ("codestral", Family.Mistral),
        ("devstral", Family.Mistral), ("magistral", Family.Mistral), ("voxtral", Family.Mistral),
        ("deepseek-", Family.DeepSeek),
        ("grok-", Family.Xai),
    ];

    static readonly string[] Thinkers =
    [
        "o1", "o3", "o4", "gpt-5", "gpt-6", "openai/gpt-oss", "gemini-2.5", "gemini-3", "magistral",
        "deepseek-reasoner", "deepseek-v4-pro", "grok-3-mini", "grok-4", "grok-code",
    ];

    public static Family? Of(string model)
    {
        foreach (var (prefix, family) in Prefixes)
        {
            if (model.StartsWith(prefix, StringComparison.Ordinal)) return family;
        }
        return null;
    }

    /// <summary>Whether a model thinks before it speaks, unless told not to.</summary>
    public static bool Thinks(string model) =>
        Array.Exists(Thinkers, prefix => model.StartsWith(prefix, StringComparison.Ordinal))
            && !model.Contains("lite", StringComparison.Ordinal)
            && !model.Contains("non-reasoning", StringComparison.Ordinal);

    /// <summary>The effort asked for, in tokens.</summary>
    public static int Reasoning(string model, string? effort) => effort switch
    {
        "none" or "minimal" => 0,
        "low" => 32,
        "high" => 128,
        "xhigh" or "max" => 256,
        "medium" => 64,
        _ => Thinks(model) ? 64 : 0,
    };
}
