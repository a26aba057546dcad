namespace Purser.Sandbox.Ai.Words;

/// <summary>
/// What a stand-in says. Every word has four bytes with the blank or the full stop and blank behind it, and so is
/// exactly one token.
/// </summary>
static class Prose
{
    static readonly byte[][] Sentences =
    [
        [.. "The fox saw the hen and let her be. "u8],
        [.. "The cat and our dog ran for the bus and got on. "u8],
        [.. "Who has the key and can let him in. "u8],
        [.. "Put the pen and the ink out and she can see it. "u8],
        [.. "Let the kid eat the pie now and ask for me. "u8],
    ];

    /// <summary>So many tokens, beginning with the sentence that the seed chooses.</summary>
    public static byte[] Of(long tokens, uint seed)
    {
        if (tokens == 0) return [];
        var text = new byte[tokens * Tokens.Bytes];
        var filled = 0;
        for (var next = seed; filled < text.Length; next++)
        {
            var sentence = Sentences[next % Sentences.Length];
            var part = Math.Min(sentence.Length, text.Length - filled);
            sentence.AsSpan(0, part).CopyTo(text.AsSpan(filled));
            filled += part;
        }
        // A last word that ends its sentence anyway only loses its blank, which leaves as many tokens.
        if (text[^2] == '.') return text[..^1];
        text[^1] = (byte)'.';
        return text;
    }

    /// <summary>The same prompt always gets the same answer, another one most often another.</summary>
    public static uint SeedOf(ReadOnlySpan<byte> prompt)
    {
        var seed = 2166136261u;
        foreach (var b in prompt[..Math.Min(prompt.Length, 256)]) seed = unchecked((seed ^ b) * 16777619u);
        return seed % 1_000_003;
    }
}
