using System.Buffers.Binary;

namespace Purser.Sandbox.Ai.Words;

/// <summary>
/// How long a recording lasts. Only WAV says so at its head; others are taken for 128 kilobits a second.
/// </summary>
static class Sound
{
    const decimal BytesPerSecond = 16_000;

    public static decimal SecondsOf(ReadOnlySpan<byte> file) => OfWav(file) ?? Rounded(file.Length / BytesPerSecond);

    public static long Tokens(decimal seconds) => (long)decimal.Ceiling(seconds * Words.Tokens.PerSecondOfSound);

    static decimal? OfWav(ReadOnlySpan<byte> file)
    {
        if (file.Length < 12 || !file.StartsWith("RIFF"u8) || !file[8..].StartsWith("WAVE"u8)) return null;
        uint bytesPerSecond = 0;
        for (var at = 12L; at + 8 <= file.Length;)
        {
            var chunk = file[(int)at..];
            var size = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            if (chunk.StartsWith("fmt "u8) && chunk.Length >= 20)
            {
                bytesPerSecond = BinaryPrimitives.ReadUInt32LittleEndian(chunk[16..]);
            }
            if (chunk.StartsWith("data"u8))
            {
                // A recorder that streams does not know the size beforehand and writes the largest there is.
                var there = Math.Min(size, chunk.Length - 8);
                return bytesPerSecond == 0 ? null : Rounded(there / (decimal)bytesPerSecond);
            }
            // Chunks begin at even places.
            at += 8 + size + (size & 1);
        }
        return null;
    }

    static decimal Rounded(decimal seconds) => decimal.Round(seconds, 3, MidpointRounding.ToPositiveInfinity);
}
