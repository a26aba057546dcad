namespace Purser.Core.Audio;

/// <summary>How much sound a packet of Vorbis holds at most is said once, in the first of its headers.</summary>
static class Vorbis
{
    public static bool TryRead(ReadOnlySpan<byte> header, out ulong rate, out ulong longest)
    {
        (rate, longest) = (0, 0);
        var exponent = (int)header.Big(28, 1) >> 4;
        if (!header.StartsWith("\u0001vorbis"u8) || exponent is < 6 or > 13) return false;

        rate = header.Little(12, 4);
        // A quarter of the block before and a quarter of its own.
        longest = 1UL << (exponent - 1);
        return true;
    }
}
