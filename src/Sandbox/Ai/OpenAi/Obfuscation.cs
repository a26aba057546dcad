namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>Padding, so that the size of a chunk does not tell the length of its word.</summary>
static class Obfuscation
{
    public static ReadOnlySpan<byte> For(int length) => "k3VnQ8xZt1LwRy7B"u8[Math.Min(length, 12)..];
}
