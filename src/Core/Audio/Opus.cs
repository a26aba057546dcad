namespace Purser.Core.Audio;

/// <summary>Each packet of Opus says in its first bytes how much sound it holds.</summary>
static class Opus
{
    public const ulong Rate = 48_000;

    /// <summary>No packet may hold more than 120 milliseconds.</summary>
    public const ulong MostSamples = 5_760;

    public static ulong Samples(ReadOnlySpan<byte> packet)
    {
        if (packet.IsEmpty) return MostSamples;

        var frames = (packet[0] & 3) switch
        {
            0 => 1UL,
            1 or 2 => 2UL,
            _ => packet.Big(1, 1) & 63,
        };
        return Math.Min(frames * FrameSamples(packet[0] >> 3), MostSamples);
    }

    // By the code: speech, speech with music, music.
    static ulong FrameSamples(int code) => code switch
    {
        < 12 => (code & 3) switch { 0 => 480, 1 => 960, 2 => 1_920, _ => 2_880 },
        < 16 => (code & 1) == 0 ? 480UL : 960,
        _ => 120UL << (code & 3),
    };
}
